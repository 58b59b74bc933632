"""Quality assurance: scorecards, evaluations, rounds, plans and work, in Chinese."""

from collections.abc import Mapping

CHINESE: Mapping[str, str] = {
    # ---- evaluations
    "there is no such evaluation": "没有该评分",
    "only its scorer does this with an evaluation": "只有评分人本人可以执行此操作",
    "a dispute is reviewed by somebody who neither scored nor made the call": "申诉须由既未评分也未通话的人复核",
    "somebody else reviews this dispute": "该申诉已由他人复核",
    "the evaluation is {now_at:zh}, not at {revision}: read it again": "评分{now_at}，而非第 {revision} 稿，请重新读取",
    "at revision {revision}": "已是第 {revision} 稿",
    "gone": "已不存在",
    "nobody scores a call of their own": "不能给自己的通话评分",
    "nobody judges a call of their own": "不能评判自己的通话",
    "this recording was given out to be scored by another scorecard": "此录音已指定使用其他评分表",
    "the evaluation is not revealed yet: nobody has seen what there is to accept": "评分尚未公布，无法确认",
    "the days in which this evaluation could be disputed are over": "申诉期限已过",
    "there is no such recording; what is scored are originals": "没有该录音；只能对原始录音评分",
    "the recording was deleted: there is nothing to hear any more": "录音已删除，无法再收听",
    "you have scored it, or begun to: evaluation {begun}": "您已对其评分或已开始评分：评分 {begun}",
    "this recording is not free to be scored by this form": "此录音当前不能使用该评分表评分",
    "{keys}: no question of this form": "{keys}：不是此评分表的题目",
    "{key}: is no question of this form": "{key}：不是此评分表的题目",
    "{key}: must apply; answer it": "{key}：不能选“不适用”，请作答",
    "{key}: is none of its answers; choose one of: {answers}": "{key}：不是可选答案，请选择：{answers}",
    "{key}: is not answered": "{key}：尚未作答",
    "is no question of this form": "不是此评分表的题目",
    "must apply; answer it": "不能选“不适用”，请作答",
    "is none of its answers; choose one of: {answers}": "不是可选答案，请选择：{answers}",
    "is not answered": "尚未作答",
    "the evaluation is a draft: submit it first": "评分仍为草稿，请先提交",
    "the evaluation is submitted: the collector may acknowledge or dispute it": "评分已提交，催收员可确认或申诉",
    "the evaluation is disputed: somebody other than the scorer takes it for review": (
        "评分已被申诉，须由评分人以外的人复核"
    ),
    "the evaluation is in review: the reviewer upholds or changes it": "评分正在复核，由复核人维持或更改",
    "the evaluation is final: nothing changes it any more": "评分已定稿，不能再更改",
    "the evaluation was withdrawn: begin a new one": "评分已撤回，请重新开始",
    "save": "保存",
    "submit": "提交",
    "file": "归档",
    "withdraw": "撤回",
    "acknowledge": "确认",
    "dispute": "申诉",
    "time up": "到期",
    "take": "受理",
    "give back": "退回",
    "uphold": "维持",
    "change": "更改",
    "submitted": "已提交",
    "disputed": "申诉中",
    "in_review": "复核中",
    "final": "已定稿",
    "withdrawn": "已撤回",
    "somebody took this work meanwhile, or closed it: read it again": "该任务刚被领取或关闭，请重新读取",
    # ---- remarks and coaching
    "there is no such comment of yours": "没有您的该条批注",
    "there is no such comment on this evaluation": "此评分没有该批注",
    "there is no such coaching of yours": "没有您的该项辅导",
    "the evaluation is {state:zh}: nothing is added to it any more": "评分{state}，不能再添加内容",
    "the recording ends at {ends_ms} ms": "录音在 {ends_ms} 毫秒处结束",
    "`to_ms` lies before `from_ms`": "结束位置早于开始位置",
    "{question} is no question of this form": "{question} 不是此评分表的题目",
    "others have seen the comment: add another one that says what is right": "该批注已被他人看到，请另加一条更正",
    "there was no collector in this call; there is nobody to coach": "此通话没有催收员，无人可辅导",
    # ---- scorecards
    "there is no such scorecard": "没有该评分表",
    "there is no such version of a scorecard": "没有该评分表版本",
    "there is no draft to freeze: save one first": "没有可定版的草稿，请先保存",
    "there is a scorecard named {name} already": "已有名为 {name} 的评分表",
    "a draft is not in use; there is nothing to retire": "草稿未启用，无需停用",
    "the draft is at revision {known}, not {seen}: read it again before you change it": (
        "草稿已是第 {known} 稿，而非第 {seen} 稿，请重新读取后再修改"
    ),
    "name a version of a scorecard to score by": "请指定评分所用的评分表版本",
    "this version of the scorecard is {state:zh}; name one that is frozen and in use": (
        "该评分表版本为{state}，请指定已定版且启用的版本"
    ),
    "frozen": "已定版",
    "retired": "已停用",
    "give either `content` or `ready_made`": "content 与 ready_made 只能填写其一",
    "`ready_made` must be one of: {names}": "ready_made 须为以下之一：{names}",
    # ---- mistakes of a scorecard
    "question {key}: {why:zh}": "题目 {key}：{why}",
    "the questions {keys} wait for each other: none of them would ever be asked": (
        "题目 {keys} 互相依赖，永远不会被问到"
    ),
    "the form has no title": "评分表没有标题",
    "pass_mark must lie between 0 and 100 percent": "及格线须在 0 至 100 % 之间",
    "{name} must lie between 1 and {most}": "{name} 须在 1 至 {most} 之间",
    "the form asks nothing": "评分表没有题目",
    "the form has {n} questions; {most} at most": "评分表有 {n} 道题，至多 {most} 道",
    "no question has a weight: nothing would ever be scored": "没有题目设置权重，无法评分",
    "section {number} has no heading": "第 {number} 部分没有标题",
    "section {number} has no questions": "第 {number} 部分没有题目",
    "question {key}: {times} questions have this key": "题目 {key}：有 {times} 道题使用此标识",
    "the key must be a small letter, then at most 39 small letters, digits and underscores": (
        "标识须以小写字母开头，后接至多 39 个小写字母、数字或下划线"
    ),
    "has no text": "没有题干",
    "the weight must lie between 0 and {most}": "权重须在 0 至 {most} 之间",
    "`good` must be yes or no": "正确答案须为是或否",
    "the scale must have between 1 and {most} steps, from `lowest` up to `highest`": (
        "分值须从低到高，共 1 至 {most} 级"
    ),
    "is fatal for {answers}, which is none of its answers": "致命项 {answers} 不是其可选答案",
    "every answer is fatal": "所有答案都是致命项",
    "a choice needs two options at least": "选择题至少需要两个选项",
    "two options have the same key": "有两个选项标识相同",
    "the key of option {key} must be a small letter, then small letters, digits and underscores": (
        "选项 {key} 的标识须以小写字母开头，后接小写字母、数字或下划线"
    ),
    "option {key} has no text": "选项 {key} 没有文字",
    "the points of option {key} must lie between 0 and 100 percent": "选项 {key} 的分值须在 0 至 100 % 之间",
    "no option gives 100 points: full marks could not be reached": "没有 100 分的选项，无法得满分",
    "is asked depending on {question}, which is no question of this form": "其前提 {question} 不是此评分表的题目",
    "is asked depending on {question}, whose answer is a text": "其前提 {question} 是文本题",
    "has a condition without answers: it would never be asked": "前提条件没有答案，永远不会被问到",
    "is asked if {question} is {answers}, which is none of its answers": (
        "其前提为 {question} 答 {answers}，但没有该答案"
    ),
    # ---- rounds
    "there is no such round": "没有该轮评分",
    "a round is closed by its leader, by who opened it, or by a supervisor": "只有组长、发起人或主管可以结束该轮评分",
    "the round is not revealed yet: everybody scores blind": "该轮评分尚未公布：所有人盲评",
    "the round is closed already": "该轮评分已结束",
    "there was no collector in this call; nobody is scored twice for it": "此通话没有催收员，无需双评",
    "who gives a recording to two knows that there are two, and cannot be one of them": (
        "分派双评的人知道是双评，不能作为评分人"
    ),
    "the recording is scored, or given out to be scored once": "该录音已评分或已分派单人评分",
    "the recording was given to two before": "该录音已分派过双评",
    "one of these recordings is not there, was deleted, or is no original": "其中有录音不存在、已删除或不是原始录音",
    "it takes two scorers at least; the leader of a calibration is one of them": "至少需要两名评分人，校准组长须在其中",
    "scorers are of quality assurance or supervisors, with active accounts": "评分人须为质检员或主管，且账号有效",
    # ---- plans and work
    "there is no such plan": "没有该抽检计划",
    "there is no such draw": "没有该次抽样",
    "the plan was stopped before": "该计划此前已停止",
    "only draws of recordings can be repeated; a verdict that was labelled is drawn no more": (
        "只有录音抽样可以复现；已标注的判定不会再被抽取"
    ),
    "names no scorecard": "没有该评分表",
    "list them at /v1/scorecards": "可在 /v1/scorecards 查看全部评分表",
    "promise_codes and promise_field belong together": "承诺结果代码与承诺字段须同时填写",
    "name at least one risk": "请至少选择一项风险",
    "a plan of kind {kind} has the part {needed} and no other": "{kind} 类计划只含 {needed} 部分",
    "a risk plan names risks, a random one does not": "风险抽检须指定风险，随机抽检不指定",
    "what is drawn is scored, or scored blind by two": "抽出的录音须单人评分或双人盲评",
    "a blind pair scores by one form: name scorecard_id": "双人盲评须使用同一评分表，请指定评分表",
    "who scored how is for supervisors": "评分人统计仅供主管查看",
    "collectors see their own results only": "催收员只能查看自己的结果",
    "is not after since, or more than {days} days after it": "须晚于开始时间，且间隔不超过 {days} 天",
    "the report is of more than {most} lines: ask for a shorter span, or one campaign": (
        "报表超过 {most} 行，请缩短时间段或限定一个活动"
    ),
    "names no original recording that can still be heard": "不是仍可收听的原始录音",
    "this recording is given out already, or scored; assign that item to somebody else instead": (
        "此录音已分派或已评分，请改为将该任务转交他人"
    ),
    "who leaves out verdicts bends the error rate: label it unknown if it cannot be told": (
        "跳过判定会使错误率失真；无法判断时请标为“未知”"
    ),
    "the item is closed": "该任务已结束",
    "names no account": "没有该账号",
    "a queue is a person's: use a token of an account": "任务队列属于个人，请使用账号的令牌",
    "there is no such item of work": "没有该任务",
    "this work goes to quality assurance or a supervisor with an active account": (
        "该任务只能分派给账号有效的质检员或主管"
    ),
    "a pair is for two people, and this one has the other half": "双评须由两人完成，此人已有另一半",
    # ---- verdicts
    "there is no such verdict": "没有该判定",
    "names no campaign": "没有该活动",
    "its audio is not kept any more": "其音频已不再保存",
    "its audio is not on this node; ask {node}": "其音频不在本节点，请访问 {node}",
    "is nothing that is heard in the phase {phase}": "不是 {phase} 阶段可能听到的内容",
    "one of: {heard}": "可选：{heard}",
}
