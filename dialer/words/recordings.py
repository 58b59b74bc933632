"""Recordings, prompts, evidence, holds and deletions, in Chinese."""

from collections.abc import Mapping

CHINESE: Mapping[str, str] = {
    # ---- hearing
    "there is no such recording": "没有该录音",
    "there is no such transcript": "没有该文字稿",
    "collectors hear no recordings in this house": "本机构不允许催收员收听录音",
    "a collector finds the own calls only": "催收员只能查找自己的通话",
    "a redaction takes its place: {recording_id}": "已由脱敏版本 {recording_id} 代替",
    "its key was destroyed: nobody can hear it any more; the ledger says why": "其密钥已销毁，无法再收听，原因见账本",
    "recording {recording_id}: its key was destroyed; nothing opens it any more": (
        "录音 {recording_id} 的密钥已销毁，无法打开"
    ),
    "the store of the recordings does not answer; try again": "录音存储无响应，请重试",
    "As many listen at once as this node allows, or allows one of them; try again in a moment.": (
        "同时收听的人数已达上限，请稍后再试"
    ),
    "Too many exports wait for their turn; try again in a minute.": "等待导出的任务过多，请一分钟后再试",
    "the recording cannot be opened as it was sealed: it, or its key, is not what it was; verify it": (
        "录音无法按封存时的状态打开：录音或密钥已改变，请核验"
    ),
    "it was not transcribed: {error}": "转写失败：{error}",
    "your role may not search by a number": "您的角色不能按号码搜索",
    "search by the case": "请按案件搜索",
    "is not a cursor of this list": "不是此列表的翻页标记",
    "give back the `next` of the page before": "请使用上一页返回的 next",
    "FLAC is the file as it is": "FLAC 只能原样导出",
    "FLAC is the whole file as it is": "FLAC 只能整个原样导出",
    "ask for wav": "请选择 WAV",
    "ask for wav or opus": "请选择 WAV 或 Opus",
    "is for another speed": "与所选速度不符",
    "ask for a Range of bytes": "请按字节范围请求",
    "is not before the end of what is asked for": "须早于结束位置",
    "there are {size} bytes": "共 {size} 字节",
    "no Opus came for {seconds} s; the export was ended": "Opus 编码 {seconds} 秒无输出，导出已终止",
    "the case has more than {most} recordings": "该案件的录音超过 {most} 个",
    "there is no such case with calls": "没有通话过的该案件",
    "there is no such attempt with a proof": "没有该呼叫的存证",
    # ---- redactions
    "{recording_id} is a redaction itself; make another one of {parent}": (
        "{recording_id} 本身是脱敏版本，请对 {parent} 再做脱敏"
    ),
    "recording {recording_id}: it was deleted meanwhile": "录音 {recording_id} 在此期间已被删除",
    "a span lies within the {length} ms of the recording and has a length": (
        "脱敏区间须在录音的 {length} 毫秒之内，且长度大于零"
    ),
    # ---- prompts
    "there is no such version of a prompt": "没有该语音版本",
    "there is no such uploaded prompt in use": "没有正在使用的上传语音",
    "is {length} ms long": "时长仅 {length} 毫秒",
    "record at least {least} ms": "请录制至少 {least} 毫秒",
    "send a sound recording as WAV, FLAC or Ogg": "请上传 WAV、FLAC 或 Ogg 格式的音频",
    "cannot be played: {error:zh}": "无法播放：{error}",
    "no prompt {name} for language {language} in {places}": "没有语言 {language} 的语音 {name}（{places}）",
    "{name} is not a prompt's name": "{name} 不是有效的语音名称",
    "prompt {name}: scripts refer to each other without end": "语音 {name}：脚本循环引用",
    "prompt {name}: its audio is not in the database": "语音 {name}：数据库中没有其音频",
    "prompt {name}: the contact has no field {fields}": "语音 {name}：联系人没有字段 {fields}",
    "prompt {name}: field {field} is no {kind} that can be spoken": "语音 {name}：字段 {field} 不是可播报的 {kind}",
    "is longer than {seconds} s; cut it into pieces": "超过 {seconds} 秒，请分段",
    "longer than {seconds} s; cut it into pieces": "超过 {seconds} 秒，请分段",
    "is no file": "不是文件",
    "is empty": "为空",
    "cannot be read as audio: {error}": "无法作为音频读取：{error}",
    # ---- announcements
    "there is no such announcement": "没有该提示音",
    "there is no such announcement without a name": "没有该未命名提示音",
    "holds less than {least} ms of speech": "语音不足 {least} 毫秒",
    "send the whole announcement": "请上传完整的提示音",
    "not all of them are in the library": "其中有的不在提示音库中",
    "announcement {same} sounds the same and means something else; remove it first": (
        "提示音 {same} 听起来相同但含义不同，请先移除"
    ),
    # ---- holds and deletions
    "there is no such hold": "没有该法律保留",
    "write its number": "请填写活动编号",
    "the recording was deleted before": "该录音此前已删除",
    "it is a redaction of {parent}, and goes with that one: hold that one": "它是 {parent} 的脱敏版本，请保留原始录音",
    "none of these recordings may go; a dry run says why": "这些录音均不可删除，试算会说明原因",
    "there is no such deletion": "没有该删除申请",
    "lies in the future": "是将来的时间",
    "what is not over yet cannot be asked for": "尚未结束的时段不能申请",
    "deletions are asked for and decided by persons: use an account's own token": (
        "删除须由个人申请和审批，请使用账号自己的令牌"
    ),
    "give recording_ids, or by and overdue": "请填写录音编号，或截止时间与逾期选项",
    "by needs a UTC offset": "截止时间须带时区偏移",
}
