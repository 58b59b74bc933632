"""How long a recording stays: calendar periods, several rules at once, holds, and what is said of each."""

from datetime import UTC, date, datetime, timedelta

import pytest

from recording.retention import (
    Hold,
    HoldScope,
    Period,
    Standing,
    Terms,
    Verdict,
    binding,
    conflict,
    judge,
)
from recording.retention_words import SENTENCES, say

SHANGHAI = "Asia/Shanghai"
ENDED = datetime(2024, 2, 29, 15, 59, 59, tzinfo=UTC)  # 23:59:59 in Shanghai
BANK = Terms("bank", SHANGHAI, Period(2), Period(5), Period(5, 90))


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def hold(hold_id: int, scope: HoldScope = HoldScope.CASE) -> Hold:
    return Hold(hold_id, scope, "ref", f"reason {hold_id}", ENDED)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1y", "2023-03-01", "2024-03-01"),
        ("1y", "2024-02-29", "2025-02-28"),  # no such date: the month's last day
        ("4y", "2024-02-29", "2028-02-29"),
        ("2y", "2022-02-28", "2024-02-28"),  # the same date, not the month's end
        ("30d", "2026-01-31", "2026-03-02"),
        ("5y+90d", "2026-11-22", "2032-02-20"),
    ],
)
def test_periods_run_by_the_calendar(text: str, first: str, last: str) -> None:
    period = Period.parse(text)
    assert period.last_day(date.fromisoformat(first)).isoformat() == last
    assert str(period) == text


@pytest.mark.parametrize("text", ["", "y", "2", "0y", "2y90d", "90d+2y", "2y+", "+90d", "-2y", "2 y", "2y ", "100y"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a period like"):
        Period.parse(text)


@pytest.mark.parametrize(
    ("instant", "standing"),
    [
        ("2024-02-29T23:59:59", Standing.MUST_STAY),
        ("2026-02-28T23:59:59.999999", Standing.MUST_STAY),
        ("2026-03-01T00:00:00", Standing.HOUSE_PERIOD),
        ("2029-02-28T23:59:59", Standing.HOUSE_PERIOD),
        ("2029-03-01T00:00:00", Standing.MAY_GO),
        ("2029-05-29T23:59:59", Standing.MAY_GO),
        ("2029-05-30T00:00:00", Standing.OVERDUE),
    ],
)
def test_a_recording_from_its_call_to_its_delete_by(instant: str, standing: Standing) -> None:
    assert judge(ENDED, [BANK], [], at(instant)).standing is standing


def test_the_days_are_those_of_the_rules_zone() -> None:
    """The call ended on 1 March by the clock of Tokyo."""
    tokyo = Terms("tokyo", "Asia/Tokyo", Period(2))
    assert judge(ENDED, [tokyo], [], ENDED).law_until == at("2026-03-01T23:00:00")
    assert judge(ENDED, [BANK], [], ENDED).law_until == at("2026-03-01T00:00:00")


def test_of_several_rules_the_strictest_binds() -> None:
    verdict = judge(
        ENDED, [BANK, Terms("long", SHANGHAI, Period(3)), Terms("shy", SHANGHAI, delete_by=Period(4))], [], ENDED
    )
    assert verdict.law_until == at("2027-03-01T00:00:00")
    assert verdict.gone_by == at("2028-03-01T00:00:00")
    assert verdict.house_until == verdict.gone_by  # what the house would like gives way to what must be deleted
    assert said(verdict) == ["long asks to keep it for at least 3y: before 2027-03-01 it cannot be deleted"]


def test_a_minimum_outranks_a_delete_by() -> None:
    """Packs that contradict each other are refused; the rules of the call's day may still be longer than today's."""
    terms = binding([Terms("new", SHANGHAI, Period(1), Period(1), Period(1, 30))], [BANK])
    verdict = judge(ENDED, terms, [], at("2025-06-01T00:00:00"))
    assert verdict.standing is Standing.MUST_STAY
    assert verdict.law_until == verdict.house_until == verdict.gone_by == at("2026-03-01T00:00:00")
    assert judge(ENDED, terms, [], at("2026-03-01T00:00:00")).standing is Standing.OVERDUE


def test_terms_of_the_calls_day_only_lengthen() -> None:
    then = Terms("bank", SHANGHAI, Period(1), Period(1), Period(1, 1))
    assert judge(ENDED, binding([BANK], [then]), [], ENDED) == judge(ENDED, [BANK], [], ENDED)
    assert binding([BANK], [BANK]) == (BANK,)


def test_every_hold_keeps_and_all_are_named() -> None:
    late = at("2040-01-01T00:00:00")
    verdict = judge(ENDED, [BANK], [hold(1), hold(2, HoldScope.PERSON)], late)
    assert verdict.standing is Standing.MUST_STAY
    assert said(verdict) == [
        "legal hold 1 on the case since 2024-02-29: reason 1",
        "legal hold 2 on the person since 2024-02-29: reason 2",
    ]
    assert judge(ENDED, [BANK], [], late).may_go


def test_without_rules_nothing_goes() -> None:
    verdict = judge(ENDED, [], [hold(1)], ENDED + timedelta(days=40_000))
    assert (verdict.standing, verdict.law_until) == (Standing.MUST_STAY, None)
    assert said(verdict)[0] == "no policy pack in force says how long recordings are kept"
    assert len(verdict.reasons) == 2


@pytest.mark.parametrize(
    ("delete_by", "law_min", "agree"),
    [("5y", "5y", True), ("5y", "5y+1d", False), ("1826d", "5y", False), ("1827d", "5y", True), ("5y", "1826d", False)],
)
def test_rules_that_cannot_bind_together_are_found(delete_by: str, law_min: str, agree: bool) -> None:
    """Five years have 1826 or 1827 days; begun on 29 February, or around 2100, one less."""
    shy = Terms("shy", SHANGHAI, delete_by=Period.parse(delete_by))
    found = conflict([shy, Terms("long", SHANGHAI, law_min=Period.parse(law_min))])
    assert (found is None) is agree
    if found is not None:
        assert found.startswith(f"shy asks to delete recordings by {delete_by}")
    assert shy.contradiction is None
    assert (
        Terms("own", SHANGHAI, Period(3), Period(2), Period(2)).contradiction
        == "delete_by 2y may end before law_min 3y"
    )


def test_every_reason_has_both_languages() -> None:
    late = at("2040-01-01T00:00:00")
    found = {
        reason.code: reason
        for instant in (ENDED, at("2027-01-01T00:00:00"), at("2029-03-02T00:00:00"), late)
        for holds in ([], [hold(1, HoldScope.RECORDING)])
        for reason in judge(ENDED, [BANK], holds, instant).reasons
    }
    assert set(found) | {"no_terms", "already_gone", "not_named", "unknown", "derived"} == set(SENTENCES)
    assert say(found["held"], "zh") == "自 2024-02-29 起处于第 1 号法律保全（录音）：reason 1"
    assert all(say(reason, "zh") and say(reason, "en") for reason in found.values())


def said(verdict: Verdict) -> list[str]:
    return [say(reason, "en") for reason in verdict.reasons]
