"""Campaigns, their settings, pacing and launch checks, in Chinese."""

from collections.abc import Mapping

CHINESE: Mapping[str, str] = {
    "there is no such campaign": "没有该活动",
    "there is no campaign {campaign_id}": "没有活动 {campaign_id}",
    "there is no list {list_id}; import it first": "没有名单 {list_id}，请先导入",
    "there is no such launch check of this campaign since the start": "服务启动以来此活动没有启动检查记录",
    "the campaign's state was changed by somebody else just now; look again": "活动状态刚被他人更改，请重新查看",
    "is not on the house's list of agencies": "不在本机构的委外机构名单中",
    "use one of policy.agencies in the configuration, or leave it empty for the house itself": (
        "请使用配置中 policy.agencies 之一，或留空表示本机构"
    ),
    # ---- what can be done with a campaign
    "cannot {action:zh}: {why:zh}": "无法{action}：{why}",
    "edit": "修改",
    "check": "检查",
    "start": "启动",
    "stop": "停止",
    "complete": "完成",
    "drained": "收尾",
    "the campaign is a draft: check it, then start it": "活动仍为草稿，请先检查再启动",
    "the campaign is checked but was not started": "活动已检查但尚未启动",
    "the campaign is running: pause or stop it first": "活动正在运行，请先暂停或停止",
    "the campaign is paused: resume or stop it": "活动已暂停，请恢复或停止",
    "the campaign is draining: it finishes when its last call has ended": "活动正在收尾，最后一通呼叫结束后即完成",
    "the campaign is finished: make a new one from it": "活动已结束，可据此新建活动",
    # ---- why it is in its state
    "started by {who}": "由 {who} 启动",
    "paused by {who}": "由 {who} 暂停",
    "resumed by {who}": "由 {who} 恢复",
    "stopped by {who}": "由 {who} 停止",
    "checked": "已检查",
    "started": "已启动",
    "paused": "已暂停",
    "resumed": "已恢复",
    "stopped": "已停止",
    "running": "运行中",
    "draining": "收尾中",
    "finished": "已结束",
    "draft": "草稿",
    "{state:zh}: {reason:zh}": "{state}：{reason}",
    "no new calls": "不再发起新呼叫",
    "not running": "未运行",
    "every entry is done or exhausted": "名单已全部完成或用尽尝试次数",
    # ---- settings
    "must be a finite number": "必须是有限的数字",
    "must be from {least} to {most}: {why:zh}": "须在 {least} 至 {most} 之间：{why}",
    "{name} must be from {least} to {most}: {why:zh}": "{name} 须在 {least} 至 {most} 之间：{why}",
    "write a number from {least} to {most}": "请填写 {least} 至 {most} 之间的数字",
    "write a number from {least} to {most}, or choose the mode progressive: one call for each ready collector": (
        "请填写 {least} 至 {most} 之间的数字，或改用渐进式：每位就绪催收员一路"
    ),
    "the law allows 3 % of those who answer, and nothing can be paced ahead within a target of 0": (
        "法规允许的放弃率上限为接听者的 3 %，目标为 0 时无法提前拨打"
    ),
    "the law lets a phone ring for 15 s or four rings before anybody hangs up, and after 120 s nobody comes": (
        "法规要求振铃满 15 秒或四声后才可挂断，超过 120 秒也不会有人接听"
    ),
    "below 1 collectors would wait for nothing, and above 10 hardly a person would find one free": (
        "低于 1 时催收员会空等，高于 10 时接听者几乎遇不到空闲的催收员"
    ),
    "below 0.5 collectors would mostly wait, and above 10 hardly a person would find one free": (
        "低于 0.5 时催收员大多空等，高于 10 时接听者几乎遇不到空闲的催收员"
    ),
    "without a channel nothing is dialed": "没有通道就无法外呼",
    "it is a time of a collector, and a person lost for nothing would let every doubt hang up": (
        "这是催收员的时间；若误挂真人没有代价，任何存疑都会被挂断"
    ),
    "machine_action leave_message needs a machine_prompt": "选择给语音信箱留言时须设置留言语音",
    "`least` and `most_of_debt` belong to kind amount, and only there": "least 与 most_of_debt 仅用于金额字段",
    "`within_days` and `workdays_only` belong to kind date, and only there": (
        "within_days 与 workdays_only 仅用于日期字段"
    ),
    "only the right person can promise to pay: set `right_party`, too": "只有本人才能承诺还款，请同时勾选“本人”",
    "codes and field names must each be different": "结果代码与字段名不能重复",
    "each key may choose one code only": "每个快捷键只能对应一个结果代码",
    "field {name} is required for codes that do not exist: {unknown}": (
        "字段 {name} 对不存在的结果代码设为必填：{unknown}"
    ),
    "field {name}: `choices` belong to kind choice, and only there": "字段 {name}：选项仅用于选择类字段",
    "say it in Chinese or in English": "请至少用中文或英文填写一项",
    "identity questions and skip reasons must each be different": "核身问题与跳过原因均不能重复",
    "{field} is what is owed: asking for it would tell it": "{field} 是欠款信息，用它提问会泄露欠款",
    "{section}: a brace stands alone; variables are written {{person_name}}": (
        "{section}：存在单独的花括号；变量应写作 {{person_name}}"
    ),
    "{section}: {{{name}}} is no variable; known: {known}, and field_NAME for a field of the case": (
        "{section}：{{{name}}} 不是变量；可用：{known}，案件字段写作 field_字段名"
    ),
    "{section}: {{{name}}} tells of the debt; use it in after_identity or closing": (
        "{section}：{{{name}}} 涉及欠款，只能用于核身后或结束语"
    ),
    # ---- launch checks
    "no entry waits to be dialed": "没有待呼叫的名单条目",
    "no trunk belongs to the group {group}": "线路组 {group} 中没有线路",
    "trunk group {group} has no trunk": "线路组 {group} 中没有线路",
    "trunk group {group}: no trunk answers ({names}); calls go on when one does": (
        "线路组 {group}：线路均无应答（{names}），恢复后继续外呼"
    ),
    "no collector is logged in for the campaign on {node}": "{node} 上没有催收员签入此活动",
    "no collector logged in for the campaign on {node} has its skills ({skills})": (
        "{node} 上签入此活动的催收员均不具备所需技能（{skills}）"
    ),
    "no caller IDs are set: the trunk decides what the person sees": "未设置主叫号码：对方看到的号码由线路决定",
    "the disposition form has no codes: collectors cannot wrap up": "小结表单没有结果代码：催收员无法提交小结",
    "identity_check is off: collectors see the debt before anybody is known to be the right person": (
        "身份核验已关闭：催收员在核实本人之前即可看到欠款"
    ),
    "mode power: while the abandonment budget is spent, only one call is placed for each ready collector": (
        "倍数式：放弃率额度用尽期间，每位就绪催收员仅外呼一路"
    ),
    "the settings were changed during the check: check again": "检查期间设置已被修改，请重新检查",
    "people must be told that the call is recorded, and no notice_prompt is set: it is left to the collectors": (
        "须告知对方通话录音，而未设置告知语音：改由催收员口头告知"
    ),
    "the launch check failed: {error}": "启动检查失败：{error}",
    "trunk {name}: {obstacle:zh}": "线路 {name}：{obstacle}",
    "address not resolved": "地址未解析",
    "down": "无应答",
    "backing off": "退避中",
    "busy": "忙",
    "all {channels} channels in use": "{channels} 个通道均已占用",
    "{cps} calls per second spent": "每秒 {cps} 个呼叫的额度已用完",
    "no trunk left in group {group}": "线路组 {group} 中没有可用线路",
    "the list is empty": "名单已空",
    "{allowed} of {surveyed} waiting entries may be called now": "{surveyed} 条待呼条目中有 {allowed} 条现在可呼",
    "{allowed} of {surveyed} waiting entries may be called now, but {missing:zh}": (
        "{surveyed} 条待呼条目中有 {allowed} 条现在可呼，但{missing}"
    ),
    "{nobody:zh}, and {down:zh}": "{nobody}，且{down}",
    "{waiting} entries wait, and no number is left of them": "{waiting} 条待呼，但已没有可呼的号码",
    # ---- what holds the pace beside the pacing itself
    "starting": "正在启动",
    "a fault in the loop: {error}": "程序故障：{error}",
    "abandonment budget spent: only calls with a reserved collector": "放弃率额度已用尽：仅外呼已预留催收员的呼叫",
    "preview: no collector is ready": "预览式：没有就绪的催收员",
    "preview: {short} collectors wait for a case that is due": "预览式：{short} 位催收员等待到期的案件",
    "preview: collectors decide": "预览式：由催收员逐个决定",
    "the service stops": "服务正在停止",
    "no INVITE left": "呼叫未能发出",
    "the script could not be spoken: {error}": "话术无法播放：{error}",
    "only {free} MB are free for recordings, {wanted} are needed (media.spool_min_free_mb)": (
        "录音磁盘仅剩 {free} MB，至少需要 {wanted} MB（media.spool_min_free_mb）"
    ),
    "the second path: {why:zh}": "第二路径：{why}",
    "the spool directory cannot be read: {error}": "无法读取录音目录：{error}",
    "{directory} does not answer": "{directory} 无响应",
    "the disk is slow: a power cut would have cost {longest} s of audio": "磁盘过慢：断电将丢失 {longest} 秒录音",
    # ---- rehearsals
    "only predictive, progressive and power pace a day": "只能预演预测式、渐进式与倍数式",
    "choose among these": "请从中选择",
    "collectors times hours times modes is more than {most}": "催收员数 × 小时数 × 模式数超过 {most}",
    "ask for fewer hours: two show how a mode settles": "请减少小时数：两小时已足以看出模式的表现",
    "campaign {campaign_id} is being rehearsed (run {run_id}); wait for its end, or cancel it there": (
        "活动 {campaign_id} 正在预演（第 {run_id} 次），请等待其结束或在该处取消"
    ),
    "there is no such rehearsal of this campaign since the start": "服务启动以来此活动没有预演记录",
    "there is no such rehearsal of this campaign any more": "此活动的该次预演已不存在",
    "a campaign of reminders has no collectors to pace for; there is nothing to rehearse": (
        "自动提醒活动没有催收员，无需预演"
    ),
    "the day would end after midnight": "预演将超过午夜",
    "begin earlier, or ask for fewer hours": "请提前开始或减少小时数",
    "the process that rehearses was ended": "预演进程已被终止",
    "the process that rehearses did not start": "预演进程未能启动",
    "the process that rehearses said something unreadable": "预演进程返回了无法识别的内容",
}
