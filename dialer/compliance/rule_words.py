"""What a rule asks, in English and Chinese, for people who read a policy and not its file.

What the gate found in one call is said by `words`; here a rule is told as such, before any call.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby

from dialer.compliance.abandonment import ENOUGH_HEARD, Abandonment, FalsePositives
from dialer.compliance.counting import Cap, CoolOff, Counted, OneCall, WideCap, WideCounted
from dialer.compliance.facts import Event, Scope
from dialer.compliance.hours import CallingWindow, Convenience, ForbiddenHours
from dialer.compliance.rule import Body, Conditions, Exemption, Rule, Zones
from dialer.compliance.spans import InclusiveDays, Rolling, Span
from dialer.compliance.standing import AgencyListed, CallerId, CaseOpen, ConsentNeeded, DoNotCall, Permitted, ThirdParty
from dialer.compliance.words import Language, Sentences
from dialer.model.attempt import CallPath
from dialer.model.contact import PhoneRole
from dialer.model.decision import Effect
from schedules.hours import Days, Window, clock

_WEEK: Mapping[Language, Sequence[str]] = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
}
_DAYS: Mapping[Days, Sentences] = {
    Days.EVERY_DAY: ("every day", "每天"),
    Days.WEEKDAYS: ("Monday to Friday", "周一至周五"),
    Days.WORKDAYS: ("on working days", "工作日"),
}
_ZONES: Mapping[Zones, Sentences] = {
    Zones.PACK: ("by the clock of {zone}", "按 {zone} 时间"),
    Zones.PERSON: ("by every clock the person may live by", "按对方可能所在的每个时区"),
    Zones.BOTH: (
        "by the clock of {zone} and by every clock the person may live by",
        "按 {zone} 时间以及对方可能所在的每个时区",
    ),
}
_SCOPES: Mapping[Scope, Sentences] = {
    Scope.PERSON: ("For one person", "对同一人"),
    Scope.PERSON_DEBT: ("For one person and debt", "对同一人的同一笔债务"),
    Scope.PHONE: ("For one number", "对同一号码"),
    Scope.PERSON_PHONE: ("For one person on one number", "对同一人的同一号码"),
    Scope.CASE: ("For one case", "对同一案件"),
    Scope.THIRD_PARTY: ("For the third parties of one case", "对同一案件的第三方"),
    Scope.CAMPAIGN: ("For one campaign", "每个活动"),
    Scope.CAMPAIGN_TRUNK: ("For one campaign on one trunk", "每个活动在每条线路上"),
    Scope.CALLER_ID: ("For one number shown", "每个主叫号码"),
    Scope.COLLECTOR: ("For one collector", "每个坐席"),
    Scope.AGENCY: ("For one agency", "每个机构"),
}
_EVENTS: Mapping[Event, tuple[str, str, str]] = {
    Event.PLACED: ("an attempt", "attempts", "呼叫"),
    Event.ALERTED: ("an attempt that rang", "attempts that rang", "振铃的呼叫"),
    Event.ANSWERED: ("an answered call", "answered calls", "接通的呼叫"),
    Event.LIVE_ANSWERED: ("a call a person answered", "calls a person answered", "真人接听的呼叫"),
    Event.CONVERSATION: ("a conversation", "conversations", "与坐席的通话"),
    Event.RIGHT_PARTY: (
        "a call that reached the person",
        "calls that reached the person",
        "联系到本人的呼叫",
    ),
    Event.MESSAGE_LEFT: ("a message", "messages", "留言"),
    Event.ABANDONED: ("an abandoned call", "abandoned calls", "接通后无坐席的呼叫"),
    Event.UNKNOWN: ("an attempt whose end is unknown", "attempts whose end is unknown", "结局不明的呼叫"),
}
"""One of them, several of them, Chinese."""
_UNITS = ((86400, 7 * 86400, ("days", "天")), (3600, 2 * 3600, ("hours", "小时")))
"""Seconds of one, from how many seconds on it is used, its names."""
_EFFECTS: Mapping[Effect, Sentences] = {
    Effect.BLOCK: ("", ""),
    Effect.WARN: ("It only warns.", "仅提示，不拦截。"),
    Effect.DEDICATED_AGENT: (
        "Where it is not kept, a call leaves only with a collector reserved for it.",
        "不满足时，仅当已为该呼叫预留坐席才可拨出。",
    ),
}
_PATHS: Mapping[CallPath, Sentences] = {
    CallPath.PREDICTIVE: ("predictive", "预测外呼"),
    CallPath.PROGRESSIVE: ("progressive", "渐进外呼"),
    CallPath.PREVIEW: ("preview", "预览外呼"),
    CallPath.REMINDER: ("automated reminders", "自动提醒"),
    CallPath.MANUAL: ("dialed by hand", "手动拨号"),
    CallPath.CALLBACK: ("promised callbacks", "约定回电"),
}
_ROLES: Mapping[PhoneRole, Sentences] = {
    PhoneRole.OWN: ("the person", "本人"),
    PhoneRole.THIRD_PARTY: ("third parties", "第三方"),
}
_SIMPLE: Mapping[type[Body], Sentences] = {
    CaseOpen: (
        "Only while the case is open; a complaint or a bereavement in one case stops every case of the person.",
        "仅在案件可呼叫时拨打；任一案件有投诉或丧亲，则停止此人全部案件的呼叫。",
    ),
    DoNotCall: ("Never to a number or a person on the do-not-call list.", "不得呼叫勿呼名单中的号码或人员。"),
    Convenience: (
        "Not at times and not on numbers the person named as inconvenient.",
        "不得在对方声明不便的时间呼叫，也不得呼叫其声明不便的号码。",
    ),
    AgencyListed: ("Only for agencies on the house's list.", "仅限本机构合作名单中的机构。"),
}
_PERMITTED: Mapping[Permitted, Sentences] = {
    Permitted.NEVER: ("Never to third parties.", "不得呼叫第三方。"),
    Permitted.ALWAYS: ("Third parties may be called.", "可以呼叫第三方。"),
    Permitted.WHEN_LOST: (
        "To third parties only once each own number of the person failed {lost_after} times in a row or was found "
        "invalid {invalid_after} times.",
        "仅在本人失联（每个本人号码均已连续失败 {lost_after} 次，或被确认无效 {invalid_after} 次）后可呼叫第三方。",
    ),
}


def tell(rule: Rule, language: Language) -> str:
    """The rule in one to four sentences."""
    sentences = [
        _body(rule.body, language),
        _concerns(rule.applies_if, language),
        _exempts(rule.exempt_if, language),
        _of(_EFFECTS[rule.effect], language),
    ]
    return (" " if language == "en" else "").join(filter(None, sentences))


def tell_counted(body: Body, language: Language) -> str:
    """What a cap counts, without its limit; "" for a rule that is none."""
    if not isinstance(body, Cap | WideCap):
        return ""
    counted, scope = body.counted, _of(_SCOPES[body.counted.scope], language)
    _, several, chinese = _EVENTS[counted.event]
    within = _within(body.span, language, campaign=isinstance(counted, Counted) and counted.campaign_only)
    if language == "zh":
        return f"{scope}，{within}{'未联系到人的' if counted.unreached_only else ''}{chinese}"
    return f"{scope}: {several}{' that reached nobody' if counted.unreached_only else ''} {within}"


def _of(sentences: Sentences, language: Language) -> str:
    return sentences[0] if language == "en" else sentences[1]


def _body(body: Body, language: Language) -> str:
    match body:
        case CallingWindow():
            return _calling_window(body, language)
        case ForbiddenHours(hours=hours, zones=zones):
            told = clock(hours.from_minute), clock(hours.to_minute), _zones(zones, hours.zone, language)
            return _of(("No ringing from {} to {}, {}.", "{} 至 {} 禁止振铃，{}。"), language).format(*told)
        case Cap(counted=counted, span=span, pack_zone=zone, zones=zones, limit=limit):
            clocks = _zones(zones, zone, language) if isinstance(span, InclusiveDays) else ""
            return _cap(counted, span, limit, clocks, language)
        case WideCap(counted=counted, span=span, pack_zone=zone, limit=limit):
            clocks = _zones(Zones.PACK, zone, language) if isinstance(span, InclusiveDays) else ""
            return _cap(counted, span, limit, clocks, language)
        case CoolOff():
            return _cool_off(body, language)
        case Abandonment():
            return _abandonment(body, language)
    return _standing(body, language)


def _standing(body: Body, language: Language) -> str:
    match body:
        case OneCall(scope=scope):
            whom = ("to one number", "同一号码") if scope is Scope.PHONE else ("to one person", "同一人")
            return _of((f"Never two calls at a time {whom[0]}.", f"{whom[1]}同时只能有一个呼叫。"), language)
        case ThirdParty(permitted=permitted, lost_after=lost_after, invalid_after=invalid_after):
            return _of(_PERMITTED[permitted], language).format(lost_after=lost_after, invalid_after=invalid_after)
        case ConsentNeeded(consent=consent):
            return _of((f"Only with a recorded consent ({consent}).", f"须有已记录的同意（{consent}）。"), language)
        case CallerId():
            return _caller_id(body, language)
    return _of(_SIMPLE[type(body)], language)


def _calling_window(body: CallingWindow, language: Language) -> str:
    window = body.window
    parts = [_week(window, language), _zones(body.zones, window.zone, language)]
    if body.calendar is not None:
        called = ("are called", "含") if window.make_up_workdays else ("are not called", "不含")
        parts.append(_of((f"calendar {body.calendar.name}", f"日历 {body.calendar.name}"), language))
        parts.append(_of((f"make-up workdays {called[0]}", f"{called[1]}调休上班日"), language))
    if window.must_end_by_minute is not None:
        ends = clock(window.must_end_by_minute)
        parts.append(_of((f"ringing ends by {ends}", f"振铃不得晚于 {ends}"), language))
    joined = _of((", ", "，"), language).join(parts)
    return _of((f"Calls only {joined}.", f"仅可在以下时间呼叫：{joined}。"), language)


def _week(window: Window, language: Language) -> str:
    """The days and their hours; days in a row with the same hours are told together."""
    comma = _of((", ", "、"), language)
    if len(set(window.week)) == 1:
        return f"{_of(_DAYS[window.days], language)} {comma.join(map(str, window.week[0]))}"
    told = []
    for spans, group in groupby(range(7), key=lambda day: window.week[day]):
        names = [_WEEK[language][day] for day in group]
        if spans:
            days = names[0] if len(names) == 1 else f"{names[0]}{_of(('-', '至'), language)}{names[-1]}"
            told.append(f"{days} {comma.join(map(str, spans))}")
    return comma.join(told)


def _zones(zones: Zones, pack_zone: str, language: Language) -> str:
    return _of(_ZONES[zones], language).format(zone=pack_zone)


def _cap(counted: Counted | WideCounted, span: Span, limit: int, clocks: str, language: Language) -> str:
    one, several, chinese = _EVENTS[counted.event]
    scope = _of(_SCOPES[counted.scope], language)
    within = _within(span, language, campaign=isinstance(counted, Counted) and counted.campaign_only)
    if language == "zh":
        unreached = "未联系到人的" if counted.unreached_only else ""
        return f"{scope}，{within}最多 {limit} 次{unreached}{chinese}{f'，{clocks}' if clocks else ''}。"
    counts = one.partition(" ")[2] if limit == 1 else several
    unreached = " that reached nobody" if counted.unreached_only else ""
    return f"{scope}: at most {limit} {counts}{unreached} {within}{f', {clocks}' if clocks else ''}."


def _cool_off(body: CoolOff, language: Language) -> str:
    one, _, chinese = _EVENTS[body.counted.event]
    scope, rest = _of(_SCOPES[body.counted.scope], language), _rest(body.span, language)
    clocks = _zones(body.zones, body.pack_zone, language) if isinstance(body.span, InclusiveDays) else ""
    if language == "zh":
        begins = "结束" if body.from_end else "开始"
        return f"{scope}，{chinese}{begins}后{rest}不再呼叫{f'，{clocks}' if clocks else ''}。"
    begins = "end" if body.from_end else "start"
    return f"{scope}: no call {rest} the {begins} of {one}{f', {clocks}' if clocks else ''}."


def _within(span: Span, language: Language, *, campaign: bool) -> str:
    """A span in which attempts are counted."""
    match span:
        case InclusiveDays(1):
            return _of(("a calendar day", "每个自然日"), language)
        case InclusiveDays(days):
            return _of((f"in {days} consecutive days", f"连续 {days} 天内"), language)
        case Rolling(seconds):
            return _of((f"in any {_length(seconds, 'en')}", f"任意 {_length(seconds, 'zh')}内"), language)
    return _of(("in the campaign", "在同一活动中"), language) if campaign else _of(("ever", "累计"), language)


def _rest(span: Span, language: Language) -> str:
    """A span in which nothing may leave, counted from an event."""
    match span:
        case InclusiveDays(days):
            return _of((f"for {days} days, the first being that of", f"连续 {days} 天（含当天）内"), language)
        case Rolling(seconds):
            return _of((f"for {_length(seconds, 'en')} after", f" {_length(seconds, 'zh')}内"), language)
    return _of(("ever after", "永久"), language)


def _length(seconds: int, language: Language) -> str:
    """In minutes, hours, or (from a week on) days of 24 hours."""
    for size, least, words in _UNITS:
        if seconds % size == 0 and seconds >= least:
            return f"{seconds // size} {_of(words, language)}"
    return f"{seconds // 60} {_of(('minutes', '分钟'), language)}"


def _caller_id(body: CallerId, language: Language) -> str:
    prefixes = ", ".join(body.prefixes)
    english = f"Only showing a number registered for {body.purpose} and for the calling agency"
    chinese = f"主叫号码须已登记用于 {body.purpose} 并登记给呼叫机构"
    if prefixes:
        english, chinese = f"{english}, beginning with {prefixes}", f"{chinese}，且以 {prefixes} 开头"
    return _of((f"{english}.", f"{chinese}。"), language)


def _abandonment(body: Abandonment, language: Language) -> str:
    within = _within(body.span, language, campaign=True)
    english = f"At most {_percent(body.limit)} of a campaign's live calls abandoned {within}"
    chinese = f"同一活动{within}真人接听后无坐席的呼叫占比不超过 {_percent(body.limit)}"
    counted = _false_positives(body.false_positives)
    return _of((f"{english}{counted[0]}.", f"{chinese}{counted[1]}。"), language)


def _false_positives(counted: FalsePositives) -> Sentences:
    stated = "" if counted.stated is None else _percent(counted.stated)
    if counted.is_measured:
        until = stated and f", until {ENOUGH_HEARD} were listened to {stated}"
        return (
            "; of the machine verdicts as many count as abandoned as may be people by what listeners heard of a random "
            f"sample (upper bound, 95 % confidence){until}",
            "；机器应答判定按随机抽听所得真人占比的上限（95% 置信）计为被放弃"
            + (stated and f"，抽听满 {ENOUGH_HEARD} 个之前按 {stated}"),
        )
    if not counted.stated:
        return "", ""
    return f"; {stated} of the machine verdicts count as abandoned", f"；{stated} 的机器应答判定计为被放弃"


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def _concerns(only: Conditions | None, language: Language) -> str:
    """Which calls the rule is about, where it is not about all."""
    if only is None:
        return ""
    comma = _of((", ", "、"), language)
    stated: tuple[tuple[Sentences, list[str]], ...] = (
        (("calls that are", "呼叫方式为"), [_of(_PATHS[path], language) for path in CallPath if path in only.paths]),
        (("numbers of", "号码属于"), [_of(_ROLES[role], language) for role in PhoneRole if role in only.roles]),
        (("people in", "地区为"), list(only.regions)),
        (("the agencies", "机构为"), sorted(only.agencies)),
        (("the creditors", "债权人为"), sorted(only.creditors)),
        (("the products", "产品为"), sorted(only.products)),
    )
    told = _of(("; ", "；"), language).join(
        f"{_of(what, language)} {comma.join(values)}" for what, values in stated if values
    )
    return _of((f"It binds only {told}.", f"仅适用于{told}。"), language)


def _exempts(exemption: Exemption | None, language: Language) -> str:
    if exemption is None:
        return ""
    consent = exemption.consent
    if exemption.within_days is None:
        return _of((f"A recorded consent ({consent}) lifts it.", f"已记录的同意（{consent}）可豁免。"), language)
    hours = 24 * exemption.within_days
    english = f"A recorded consent ({consent}) lifts it for {hours} hours after it was given."
    return _of((english, f"已记录的同意（{consent}）在给出后 {hours} 小时内可豁免。"), language)
