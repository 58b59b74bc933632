"""The service itself, its parts and its administration, in Chinese."""

from collections.abc import Mapping

CHINESE: Mapping[str, str] = {
    "the database does not answer; try again": "数据库无响应，请重试",
    "the database does not answer": "数据库无响应",
    "nothing within {limit} s": "{limit} 秒内无回应",
    "a fault on our side; it is in the log": "服务端出现故障，已记录日志",
    "the media engine is not running": "媒体引擎未运行",
    "there is no such trunk": "没有该线路",
    "there is no such destination": "没有该推送目标",
    "there is no such alarm any more": "该告警已消失",
    "the rules in force stay: {error}": "规则未更改，仍沿用现行规则：{error}",
    "unknown is what the attempt is already": "该呼叫目前就是“结局不明”",
    "say how the call ended": "请说明通话如何结束",
    "the attempt is {state}; only an unknown attempt can be reconciled": (
        "该呼叫状态为 {state}，只有结局不明的呼叫可以核对"
    ),
    # ---- the rules in force
    "the policy pack {name} of {day} is {status}": "规则包 {name}（{day}）状态为 {status}",
    "the policy pack {name} of {day} is 'draft, needs counsel'": "规则包 {name}（{day}）为草案，须经法律顾问确认",
    "the policy pack {name} ends on {day}; it refuses every call after that day": (
        "规则包 {name} 将于 {day} 到期，之后将拒绝所有呼叫"
    ),
    "the policy pack {name} has ended on {day}; it refuses every call after that day": (
        "规则包 {name} 已于 {day} 到期，此后拒绝所有呼叫"
    ),
    "the calendar {name} ends in {left} days ({source}, complete through {day}); no call is allowed after that day: "
    "add the next year's days to the file": (
        "工作日历 {name} 将在 {left} 天后到期（{source}，覆盖至 {day}），之后不允许呼叫：请在文件中补充下一年的日期"
    ),
    "the calendar {name} has ended ({source}, complete through {day}); no call is allowed after that day: "
    "add the next year's days to the file": (
        "工作日历 {name} 已到期（{source}，覆盖至 {day}），此后不允许呼叫：请在文件中补充下一年的日期"
    ),
    # ---- titles of problems
    "Bad Request": "请求有误",
    "Unauthorized": "未登录",
    "Forbidden": "无权执行",
    "Not Found": "未找到",
    "Method Not Allowed": "方法不支持",
    "Conflict": "无法执行",
    "Gone": "已不存在",
    "Request Entity Too Large": "内容过大",
    "Unsupported Media Type": "格式不支持",
    "Requested Range Not Satisfiable": "范围无效",
    "Unprocessable Entity": "内容有误",
    "Too Many Requests": "请求过于频繁",
    "Internal Server Error": "服务端故障",
    "Service Unavailable": "服务暂不可用",
}
