"""Every finding has a sentence in both languages, with all of its values in it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from dialer.compliance.facts import BudgetUse, Consent, GateFacts, Inconvenient, OwnNumber, ShownNumber, Tally
from dialer.compliance.gate import evaluate
from dialer.compliance.policy import Policy
from dialer.compliance.reading import KINDS
from dialer.compliance.words import SENTENCES, TITLES, say, title_of
from dialer.model.attempt import Disposition
from dialer.model.contact import CaseStatus, PhoneRole
from dialer.model.decision import Finding
from dialer.model.verdict_sample import Heard
from schedules.zones import ZoneCandidates
from tests.support.rulebook import ANY_HOUR, FACTS, MONDAY_TEN, earlier, policy, shanghai

THIRD_PARTY = replace(FACTS, role=PhoneRole.THIRD_PARTY)
OFFICE = {"kind": "calling_window", "zones": "pack", "days": "workdays", "hours": ["09:00-18:00"]}
CAP = {"kind": "cap", "scope": "phone", "event": "placed", "span": {"inclusive_days": 1}, "zones": "pack", "limit": 1}
BUDGET = {"kind": "abandonment", "span": {"rolling_hours": 24}, "limit": 0.03}
MEASURED = {**BUDGET, "limit": 0.02, "amd_false_positives": "measured"}
REST = {"kind": "cool_off", "scope": "person_debt", "after": "conversation"}
CALLER_ID = {"kind": "caller_id", "purpose": "collection", "prefixes": ["+86400", "+8695"]}
TALK = replace(FACTS, attempts=(earlier(shanghai("2026-11-22 11:00"), Disposition.CONNECTED),))
TRIED = replace(FACTS, attempts=(earlier(MONDAY_TEN - timedelta(minutes=30)),))
NO_NIGHT = {"kind": "forbidden_hours", "zones": "both", "from": "22:00", "to": "08:00"}


def cap(scope: str, span: dict[str, Any], **more: Any) -> dict[str, Any]:
    days = {"zones": "pack"} if "inclusive_days" in span else {}
    rule = {key: value for key, value in CAP.items() if key != "zones"}
    return {**rule, **days, "scope": scope, "span": span, **more}


def rules(rule: dict[str, Any]) -> Policy:
    return policy(rule, calendar="cn-workdays", valid_through="2027-12-30")


def known(rule: dict[str, Any], **use: Any) -> GateFacts:
    """The facts with what storage would count for the rule."""
    demand = rules(rule).demand
    return replace(
        FACTS,
        tallies=tuple(Tally(asked.key, **use) for asked in demand.tallies),
        budgets=tuple(BudgetUse(asked.key, **use) for asked in demand.budgets),
    )


SITUATIONS: list[tuple[dict[str, Any], GateFacts, str, str, str]] = [
    (
        OFFICE,
        FACTS,
        "2027-01-04 10:00",
        "2027-01-04 is not in the calendar cn-workdays (schedules/data/cn-workdays.yaml, complete from 2024-01-01 "
        "through 2026-12-31)",
        "工作日历 cn-workdays 不含 2027-01-04（schedules/data/cn-workdays.yaml，覆盖 2024-01-01 至 2026-12-31）",
    ),
    (
        OFFICE,
        FACTS,
        "2026-11-22 10:00",
        "Sunday 2026-11-22 is a weekend in the calendar cn-workdays",
        "2026-11-22（星期日）在工作日历 cn-workdays 中为周末",
    ),
    (
        OFFICE,
        FACTS,
        "2026-10-10 10:00",
        "Saturday 2026-10-10, a make-up workday, is not a day of the window",
        "2026-10-10（星期六，调休上班日）不是允许呼叫的日子",
    ),
    (
        {**OFFICE, "days": "weekdays"},
        FACTS,
        "2026-11-22 10:00",
        "Sunday 2026-11-22 is not a day of the window",
        "2026-11-22（星期日）不是允许呼叫的日子",
    ),
    (
        OFFICE,
        FACTS,
        "2026-11-23 18:00:01",
        "18:00:01 is outside the calling hours 09:00-18:00 (Asia/Shanghai)",
        "18:00:01 不在允许呼叫的时段 09:00-18:00 内（Asia/Shanghai）",
    ),
    (
        OFFICE,
        FACTS,
        "2026-11-23 17:59:40",
        "17:59:40 plus up to 28 s of ringing passes the end of the calling hours 09:00-18:00 (Asia/Shanghai)",
        "17:59:40 起振铃最长 28 秒，将超出允许呼叫的时段 09:00-18:00（Asia/Shanghai）",
    ),
    (
        NO_NIGHT,
        FACTS,
        "2026-11-23 21:59:40",
        "no call may ring between 22:00 and 08:00: it is 2026-11-23 21:59:40 (Asia/Shanghai) and it may ring for 28 s",
        "22:00 至 08:00 禁止振铃：当地时间 2026-11-23 21:59:40（Asia/Shanghai），振铃最长 28 秒",
    ),
    (
        NO_NIGHT,
        replace(FACTS, zones=ZoneCandidates()),
        "2026-11-23 10:00",
        "the person's time zone is not known: neither the list nor the number tells it",
        "无法确定对方所在时区：名单与号码均未说明",
    ),
    (
        {"kind": "convenience"},
        replace(FACTS, inconvenient=(Inconvenient(),)),
        "2026-11-23 10:00",
        "the person asked not to be called on this number",
        "对方已声明此号码不便接听",
    ),
    (
        {"kind": "convenience"},
        replace(FACTS, inconvenient=(Inconvenient((0, 2), 540, None, shanghai("2026-12-01")),)),
        "2026-11-23 10:00",
        "the person named 09:00 to 24:00 on Monday, Wednesday as inconvenient, until 2026-11-30T16:00:00+00:00",
        "对方已声明星期一、星期三 09:00 至 24:00 不便接听，至 2026-11-30T16:00:00+00:00 止",
    ),
    (
        {"kind": "convenience"},
        replace(FACTS, inconvenient=(Inconvenient((), None, 660),)),
        "2026-11-23 10:00",
        "the person named 00:00 to 11:00 as inconvenient",
        "对方已声明每天 00:00 至 11:00 不便接听",
    ),
    (
        cap("phone", {"inclusive_days": 1}, counts_when="unreached"),
        TRIED,
        "2026-11-23 10:00",
        "1 attempts for this number (placed, person not reached) today, the limit is 1",
        "今天此号码已有 1 次（已拨出，未联系到人），上限为 1 次",
    ),
    (
        cap("person_debt", {"inclusive_days": 7}),
        TRIED,
        "2026-11-23 10:00",
        "1 attempts for the person for this debt (placed) in 7 days, today included, the limit is 1",
        "含今天在内的 7 天中此人的本笔债务已有 1 次（已拨出），上限为 1 次",
    ),
    (
        cap("case", {"rolling_hours": 24}),
        TRIED,
        "2026-11-23 10:00",
        "1 attempts for the case (placed) in the last 24 h, the limit is 1",
        "最近 24 小时内本案已有 1 次（已拨出），上限为 1 次",
    ),
    (
        cap("person", {"rolling_minutes": 90}),
        TRIED,
        "2026-11-23 10:00",
        "1 attempts for the person (placed) in the last 90 min, the limit is 1",
        "最近 90 分钟内此人已有 1 次（已拨出），上限为 1 次",
    ),
    (
        cap("person_phone", {"campaign": True}),
        TRIED,
        "2026-11-23 10:00",
        "1 attempts for the person on this number (placed) in this campaign, the limit is 1",
        "本活动中此人的此号码已有 1 次（已拨出），上限为 1 次",
    ),
    (
        cap("caller_id", {"ever": True}),
        known(cap("caller_id", {"ever": True}), used=1),
        "2026-11-23 10:00",
        "1 attempts for this caller ID (placed) so far, the limit is 1",
        "迄今此主叫号码已有 1 次（已拨出），上限为 1 次",
    ),
    (
        cap("campaign", {"campaign": True}),
        known(cap("campaign", {"campaign": True}), used=1),
        "2026-11-23 10:00",
        "1 attempts for the campaign (placed) so far, the limit is 1",
        "迄今本活动已有 1 次（已拨出），上限为 1 次",
    ),
    (
        cap("collector", {"ever": True}),
        FACTS,
        "2026-11-23 10:00",
        "how often the collector was used is not known",
        "无法得知此坐席的使用次数",
    ),
    (
        {**REST, "span": {"inclusive_days": 7}, "zones": "pack"},
        TALK,
        "2026-11-23 10:00",
        "the person for this debt rests for 7 days after an attempt (conversation); the last such attempt: "
        "2026-11-22T03:00:30+00:00",
        "此人的本笔债务在一次呼叫（与坐席通话）之后须间隔 7 天；最近一次：2026-11-22T03:00:30+00:00",
    ),
    (
        {**REST, "span": {"ever": True}, "from": "start"},
        TALK,
        "2026-11-23 10:00",
        "the person for this debt rests for ever after an attempt (conversation); the last such attempt: "
        "2026-11-22T03:00:00+00:00",
        "此人的本笔债务在一次呼叫（与坐席通话）之后须间隔 永久；最近一次：2026-11-22T03:00:00+00:00",
    ),
    (
        {**REST, "span": {"ever": True}},
        replace(FACTS, attempts=(earlier(MONDAY_TEN, None, answered=True),)),
        "2026-11-23 10:00",
        "the person for this debt rests after an attempt (conversation), and such a call is still up",
        "此人的本笔债务在一次呼叫（与坐席通话）之后须间隔一段时间，而该呼叫尚未结束",
    ),
    (
        {"kind": "one_call", "scope": "person"},
        replace(FACTS, attempts=(earlier(MONDAY_TEN, None),)),
        "2026-11-23 10:00",
        "another call for the person is in flight",
        "此人另有一个呼叫正在进行",
    ),
    (
        {"kind": "case_open"},
        replace(FACTS, case_status=CaseStatus.PAID),
        "2026-11-23 10:00",
        "the case system says of the case: paid",
        "案件系统中本案状态为：已还款",
    ),
    (
        {"kind": "case_open"},
        replace(FACTS, person_stop=CaseStatus.BEREAVEMENT),
        "2026-11-23 10:00",
        "another case of the person stops every call: bereavement",
        "此人的另一案件停止一切呼叫：丧亲",
    ),
    (
        {"kind": "do_not_call"},
        replace(FACTS, do_not_call=True),
        "2026-11-23 10:00",
        "the number or the person is on the do-not-call list",
        "号码或此人在勿呼名单中",
    ),
    (
        {"kind": "third_party", "permitted": "never"},
        THIRD_PARTY,
        "2026-11-23 10:00",
        "the number is a third party's",
        "该号码属于第三方",
    ),
    (
        {"kind": "third_party", "permitted": "when_lost"},
        replace(THIRD_PARTY, own_numbers=(OwnNumber(3, 0), OwnNumber(2, 1))),
        "2026-11-23 10:00",
        "the number is a third party's, and the person may still be reached: 1 of 2 own numbers have not failed 3 "
        "times in a row nor been found invalid 2 times",
        "该号码属于第三方，而本人未失联：2 个本人号码中有 1 个尚未连续失败 3 次，也未被确认无效 2 次",
    ),
    (
        {"kind": "consent", "consent": "night"},
        replace(FACTS, consents=(Consent("day", MONDAY_TEN),)),
        "2026-11-23 10:00",
        "there is no consent night in force",
        "没有有效的同意（night）",
    ),
    (
        CALLER_ID,
        FACTS,
        "2026-11-23 10:00",
        "the caller ID (none) is not registered for collection",
        "主叫号码 （无） 未登记用于 collection",
    ),
    (
        CALLER_ID,
        replace(FACTS, agency="north", caller_id=ShownNumber("+864001", ("collection",))),
        "2026-11-23 10:00",
        "the caller ID +864001 is registered for the house, not for north",
        "主叫号码 +864001 登记给 本机构，而非 north",
    ),
    (
        CALLER_ID,
        replace(FACTS, caller_id=ShownNumber("+86138", ("collection",))),
        "2026-11-23 10:00",
        "the caller ID +86138 does not begin with +86400, +8695",
        "主叫号码 +86138 不以 +86400, +8695 开头",
    ),
    (
        {"kind": "agency"},
        replace(FACTS, agency="south", agency_listed=False),
        "2026-11-23 10:00",
        "the agency south is not on the house's list",
        "机构 south 不在本机构的合作名单中",
    ),
    (
        BUDGET,
        known(BUDGET, live=100, abandoned=4, machines=50, last_abandoned_at=MONDAY_TEN),
        "2026-11-23 10:00",
        "4.00% of the live calls were abandoned (4 of 100, 50 machines), the limit is 3.00%",
        "有人接听的呼叫中 4.00% 被放弃（100 个中 4 个，另有 50 个判为机器应答），上限为 3.00%",
    ),
    (
        MEASURED,
        known(MEASURED, live=1000, abandoned=20, machines=500, heard=Heard(399, 0, 1)),
        "2026-11-23 10:00",
        "2.68% of the live calls were abandoned (20 of 1000, and 1.40% of 500 machine verdicts: of 399 that were "
        "listened to 0 were people), the limit is 2.00%",
        "有人接听的呼叫中 2.68% 被放弃（1000 个中 20 个，另计 500 个机器应答判定的 1.40%：抽听 399 个，"
        "其中 0 个为真人），上限为 2.00%",
    ),
    (
        ANY_HOUR,
        FACTS,
        "2025-12-31 10:00",
        "the pack test is valid from 2026-01-01",
        "规则包 test 自 2026-01-01 起生效",
    ),
    (
        ANY_HOUR,
        FACTS,
        "2027-12-31 10:00",
        "the pack test was valid through 2027-12-30",
        "规则包 test 有效期至 2027-12-30，已失效",
    ),
]


@cache
def findings() -> list[Finding]:
    return [finding for rule, facts, at, _, _ in SITUATIONS if (finding := found(rule, facts, at)) is not None]


def found(rule: dict[str, Any], facts: GateFacts, at: str) -> Finding | None:
    return evaluate(rules(rule), facts, shanghai(at)).evaluated[-1].finding


@pytest.mark.parametrize(("rule", "facts", "at", "english", "chinese"), SITUATIONS)
def test_what_a_refusal_says(rule: dict[str, Any], facts: GateFacts, at: str, english: str, chinese: str) -> None:
    decision = evaluate(rules(rule), facts, shanghai(at))
    finding = decision.evaluated[-1].finding
    assert finding is not None
    assert decision.reason == say(finding, "en") == english
    assert say(finding, "zh") == chinese


HOLIDAYS = [Finding("window_holiday", {"day": "2026-10-01", "calendar": "c", "holiday": name}) for name in ("", "N")]


def test_a_holiday_is_named_where_the_calendar_names_it() -> None:
    plain, named = HOLIDAYS
    assert say(plain, "en") == "Thursday 2026-10-01 is a holiday in the calendar c"
    assert say(named, "en") == "Thursday 2026-10-01 is a holiday (N) in the calendar c"
    assert say(plain, "zh") == "2026-10-01（星期四）在工作日历 c 中为节假日"
    assert say(named, "zh") == "2026-10-01（星期四）在工作日历 c 中为节假日（N）"
    holiday = found(OFFICE, FACTS, "2026-10-01 10:00")
    assert holiday is not None
    assert holiday.code == "window_holiday"
    assert "holiday" in say(holiday, "en")


def codes() -> Iterator[str]:
    yield from (finding.code for finding in (*findings(), *HOLIDAYS))


def test_every_code_is_found_above() -> None:
    assert set(codes()) == set(SENTENCES)


def test_both_languages_say_the_same_values() -> None:
    def values(sentence: str) -> set[str]:
        return set(re.findall(r"{(\w+)}", sentence)) - {"weekdays_note"}

    for english, chinese in SENTENCES.values():
        assert values(english) == values(chinese)
        assert re.search("[\u4e00-\u9fff]", chinese)


def test_every_kind_has_a_title() -> None:
    assert set(TITLES) == {*KINDS, "in_force"}
    assert (title_of("cap", "en"), title_of("cap", "zh")) == ("Limit on attempts", "呼叫次数上限")
