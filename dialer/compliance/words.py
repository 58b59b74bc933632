"""What the gate says, in English and Chinese. Every finding is a code and values; here each code has its two sentences.

A sentence is a template of the finding's values and of parts that are made of several of them.
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from string import Formatter
from typing import Literal

from dialer.model.decision import Finding, FindingValue

Language = Literal["en", "zh"]
Sentences = tuple[str, str]
"""English, Chinese."""

SENTENCES: Mapping[str, Sentences] = {
    "not_yet_in_force": ("the pack {pack} is valid from {day}", "规则包 {pack} 自 {day} 起生效"),
    "no_longer_in_force": ("the pack {pack} was valid through {day}", "规则包 {pack} 有效期至 {day}，已失效"),
    "zone_unknown": (
        "the person's time zone is not known: {doubts}",
        "无法确定对方所在时区：{doubts}",
    ),
    "window_calendar_unknown": (
        "{day} is not in the calendar {calendar} ({calendar_source}, complete from {complete_from} through "
        "{complete_through})",
        "工作日历 {calendar} 不含 {day}（{calendar_source}，覆盖 {complete_from} 至 {complete_through}）",
    ),
    "window_holiday": (
        "{weekday} {day} is a holiday{holiday_note} in the calendar {calendar}",
        "{day}（{weekday}）在工作日历 {calendar} 中为节假日{holiday_note}",
    ),
    "window_weekend": (
        "{weekday} {day} is a weekend in the calendar {calendar}",
        "{day}（{weekday}）在工作日历 {calendar} 中为周末",
    ),
    "window_not_a_day": (
        "{weekday} {day}{kind_note} is not a day of the window",
        "{day}（{weekday}{kind_note}）不是允许呼叫的日子",
    ),
    "window_outside_hours": (
        "{time} is outside the calling hours {hours} ({zone})",
        "{time} 不在允许呼叫的时段 {hours} 内（{zone}）",
    ),
    "window_ringing_passes_end": (
        "{time} plus up to {ring_s} s of ringing passes the end of the calling hours {hours} ({zone})",
        "{time} 起振铃最长 {ring_s} 秒，将超出允许呼叫的时段 {hours}（{zone}）",
    ),
    "forbidden_hours": (
        "no call may ring between {from} and {to}: it is {time} ({zone}) and it may ring for {ring_s} s",
        "{from} 至 {to} 禁止振铃：当地时间 {time}（{zone}），振铃最长 {ring_s} 秒",
    ),
    "inconvenient_number": (
        "the person asked not to be called on this number{until_note}",
        "对方已声明此号码不便接听{until_note}",
    ),
    "inconvenient_time": (
        "the person named {from} to {to}{weekdays_note} as inconvenient{until_note}",
        "对方已声明{weekdays_note} {from} 至 {to} 不便接听{until_note}",
    ),
    "cap_reached": (
        "{used} attempts for {scope} ({event}{counts_note}) {span}, the limit is {limit}",
        "{span}{scope}已有 {used} 次（{event}{counts_note}），上限为 {limit} 次",
    ),
    "count_missing": (
        "how often {scope} was used is not known",
        "无法得知{scope}的使用次数",
    ),
    "cool_off": (
        "{scope} rests for {rest} after an attempt ({event}); the last such attempt: {last}",
        "{scope}在一次呼叫（{event}）之后须间隔 {rest}；最近一次：{last}",
    ),
    "cool_off_not_begun": (
        "{scope} rests after an attempt ({event}), and such a call is still up",
        "{scope}在一次呼叫（{event}）之后须间隔一段时间，而该呼叫尚未结束",
    ),
    "call_in_flight": ("another call for {scope} is in flight", "{scope}另有一个呼叫正在进行"),
    "case_not_open": ("the case system says of the case: {status}", "案件系统中本案状态为：{status}"),
    "person_stopped": (
        "another case of the person stops every call: {status}",
        "此人的另一案件停止一切呼叫：{status}",
    ),
    "do_not_call": ("the number or the person is on the do-not-call list", "号码或此人在勿呼名单中"),
    "third_party": ("the number is a third party's", "该号码属于第三方"),
    "not_lost": (
        "the number is a third party's, and the person may still be reached: {left} of {numbers} own numbers have not "
        "failed {lost_after} times in a row nor been found invalid {invalid_after} times",
        "该号码属于第三方，而本人未失联：{numbers} 个本人号码中有 {left} 个"
        "尚未连续失败 {lost_after} 次，也未被确认无效 {invalid_after} 次",
    ),
    "consent_missing": ("there is no consent {consent} in force", "没有有效的同意（{consent}）"),
    "caller_id_not_registered": (
        "the caller ID {number} is not registered for {purpose}",
        "主叫号码 {number} 未登记用于 {purpose}",
    ),
    "caller_id_of_another": (
        "the caller ID {number} is registered for {registered_for}, not for {agency}",
        "主叫号码 {number} 登记给 {registered_for}，而非 {agency}",
    ),
    "caller_id_prefix": (
        "the caller ID {number} does not begin with {prefixes}",
        "主叫号码 {number} 不以 {prefixes} 开头",
    ),
    "agency_not_listed": (
        "the agency {agency} is not on the house's list",
        "机构 {agency} 不在本机构的合作名单中",
    ),
    "budget_spent_as_heard": (
        "{share} of the live calls were abandoned ({abandoned} of {live}, and {false_positives} of {machines} machine "
        "verdicts: of {listened} that were listened to {people} were people), the limit is {limit}",
        "有人接听的呼叫中 {share} 被放弃（{live} 个中 {abandoned} 个，另计 {machines} 个机器应答判定的 "
        "{false_positives}：抽听 {listened} 个，其中 {people} 个为真人），上限为 {limit}",
    ),
    "budget_spent": (
        "{share} of the live calls were abandoned ({abandoned} of {live}, {machines} machines), the limit is {limit}",
        "有人接听的呼叫中 {share} 被放弃（{live} 个中 {abandoned} 个，另有 {machines} 个判为机器应答），上限为 {limit}",
    ),
}

TITLES: Mapping[str, Sentences] = {
    "in_force": ("Dates of the pack", "规则包有效期"),
    "calling_window": ("Calling hours", "允许呼叫时段"),
    "forbidden_hours": ("Forbidden hours", "禁止呼叫时段"),
    "cap": ("Limit on attempts", "呼叫次数上限"),
    "cool_off": ("Rest between attempts", "呼叫间隔"),
    "one_call": ("One call at a time", "同时只有一个呼叫"),
    "case_open": ("Open case", "案件状态"),
    "do_not_call": ("Do-not-call list", "勿呼名单"),
    "third_party": ("Third parties", "第三方联系人"),
    "consent": ("Consent", "同意"),
    "convenience": ("Inconvenient times and numbers", "不便的时间与号码"),
    "caller_id": ("Caller ID", "主叫号码"),
    "agency": ("Listed agency", "合作机构名单"),
    "abandonment": ("Abandonment budget", "放弃呼叫比例"),
}
"""Names of the rule kinds."""

_WORDS: Mapping[str, Mapping[str, Sentences]] = {
    "event": {
        "placed": ("placed", "已拨出"),
        "alerted": ("alerted", "已振铃"),
        "answered": ("answered", "已接通"),
        "live_answered": ("answered by a person", "真人接听"),
        "conversation": ("conversation", "与坐席通话"),
        "right_party": ("right party reached", "联系到本人"),
        "message_left": ("message left", "已留言"),
        "abandoned": ("abandoned", "接通后无坐席"),
        "unknown": ("end unknown", "结局不明"),
    },
    "status": {
        "open": ("open", "可呼叫"),
        "paid": ("paid", "已还款"),
        "hold": ("hold", "暂停"),
        "dispute": ("dispute", "有争议"),
        "complaint": ("complaint", "投诉"),
        "bereavement": ("bereavement", "丧亲"),
        "withdrawn": ("withdrawn", "已撤回"),
    },
    "scope": {
        "person": ("the person", "此人"),
        "person_debt": ("the person for this debt", "此人的本笔债务"),
        "phone": ("this number", "此号码"),
        "person_phone": ("the person on this number", "此人的此号码"),
        "case": ("the case", "本案"),
        "third_party": ("third parties of the case", "本案第三方"),
        "campaign": ("the campaign", "本活动"),
        "campaign_trunk": ("the campaign on this trunk", "本活动的此线路"),
        "caller_id": ("this caller ID", "此主叫号码"),
        "collector": ("the collector", "此坐席"),
        "agency": ("the agency", "此机构"),
    },
    "agency": {"": ("the house", "本机构")},
    "registered_for": {"": ("the house", "本机构")},
    "number": {"": ("(none)", "（无）")},
    "doubts": {"": ("neither the list nor the number tells it", "名单与号码均未说明")},
}
"""Values that are words of ours, by the name of the value."""

_WEEKDAYS: Mapping[Language, tuple[str, ...]] = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "zh": ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
}
_UNITS: Mapping[str, Sentences] = {
    "inclusive_days": ("{length} days", "{length} 天"),
    "hours": ("{length} h", "{length} 小时"),
    "minutes": ("{length} min", "{length} 分钟"),
}


_SHARES = frozenset({"share", "limit", "false_positives"})


def say(finding: Finding, language: Language) -> str:
    """The finding as a sentence."""
    sentence = SENTENCES[finding.code][_place(language)]
    return sentence.format_map({name: _said(name, finding.values, language) for name in _names(sentence)})


def title_of(kind: str, language: Language) -> str:
    """The name of a rule kind."""
    return TITLES[kind][_place(language)]


def _place(language: Language) -> int:
    return 0 if language == "en" else 1


@cache
def _names(sentence: str) -> tuple[str, ...]:
    """What stands in the braces."""
    return tuple(name for _, name, _, _ in Formatter().parse(sentence) if name)


def _said(name: str, values: Mapping[str, FindingValue], language: Language) -> str:
    words_of = _PARTS.get(name)
    return _shown(name, values[name], language) if words_of is None else words_of(values, language)


def _shown(name: str, value: FindingValue, language: Language) -> str:
    if isinstance(value, float):
        return f"{value:.2%}" if name in _SHARES else f"{value:g}"
    words = _WORDS.get(name, {}).get(str(value))
    return str(value) if words is None else words[_place(language)]


_Part = Callable[[Mapping[str, FindingValue], Language], str]


def _weekday(values: Mapping[str, FindingValue], language: Language) -> str:
    return _WEEKDAYS[language][date.fromisoformat(str(values["day"])).weekday()]


def _weekdays_note(values: Mapping[str, FindingValue], language: Language) -> str:
    named = str(values["weekdays"])
    if not named:
        return "" if language == "en" else "每天"
    days = (_WEEKDAYS[language][int(day)] for day in named.split(","))
    return f" on {', '.join(days)}" if language == "en" else "、".join(days)


def _until_note(values: Mapping[str, FindingValue], language: Language) -> str:
    until = values["until"]
    if until is None:
        return ""
    return f", until {until}" if language == "en" else f"，至 {until} 止"


def _kind_note(values: Mapping[str, FindingValue], language: Language) -> str:
    if values["kind"] != "make_up_workday":
        return ""
    return ", a make-up workday," if language == "en" else "，调休上班日"


def _holiday_note(values: Mapping[str, FindingValue], language: Language) -> str:
    name = values["holiday"]
    if not name:
        return ""
    return f" ({name})" if language == "en" else f"（{name}）"


def _counts_note(values: Mapping[str, FindingValue], language: Language) -> str:
    if values["counts_when"] != "unreached":
        return ""
    return ", person not reached" if language == "en" else "，未联系到人"


def _span(values: Mapping[str, FindingValue], language: Language) -> str:
    """A span in which attempts are counted."""
    unit, length = values["unit"], values["length"]
    if unit == "inclusive_days":
        if length == 1:
            return "today" if language == "en" else "今天"
        return f"in {length} days, today included" if language == "en" else f"含今天在内的 {length} 天中"
    if unit == "campaign":
        return "in this campaign" if language == "en" else "本活动中"
    if unit == "ever":
        return "so far" if language == "en" else "迄今"
    rest = _rest(values, language)
    return f"in the last {rest}" if language == "en" else f"最近 {rest}内"


def _rest(values: Mapping[str, FindingValue], language: Language) -> str:
    """A span as a length of time."""
    if values["unit"] == "ever":
        return "ever" if language == "en" else "永久"
    return _UNITS[str(values["unit"])][_place(language)].format(length=values["length"])


_PARTS: Mapping[str, _Part] = {
    "weekday": _weekday,
    "weekdays_note": _weekdays_note,
    "until_note": _until_note,
    "kind_note": _kind_note,
    "holiday_note": _holiday_note,
    "counts_note": _counts_note,
    "span": _span,
    "rest": _rest,
}
"""Parts of sentences that are made of several values."""
