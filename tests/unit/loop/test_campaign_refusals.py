"""How a campaign goes on after refusals."""

from types import SimpleNamespace
from typing import cast

from dialer.calls.placing import NotPlaced
from dialer.calls.runner import AttemptRunner
from dialer.campaigns.loop.refusals import BUDGET_SPENT, HOLD_S, RESERVED_ONLY_S, Refusals
from dialer.words.bilingual import Bilingual

ALIKE = NotPlaced("the number is not registered", None, "caller", alike=True, reason_zh="号码未登记")
FOR_WANT = NotPlaced("the budget is spent", None, "budget", needs_agent=True)


def runner(invited_at: float | None, needed_agent: bool = False) -> AttemptRunner:
    machine = SimpleNamespace(facts=SimpleNamespace(invited_at=invited_at))
    return cast("AttemptRunner", SimpleNamespace(machine=machine, needed_agent=needed_agent))


def test_nothing_was_refused() -> None:
    refusals = Refusals()
    assert not refusals.held(5.0)
    assert refusals.allowed(7, 2, [runner(1.0)], 5.0) == 7
    assert not refusals.limiting([runner(1.0)], 5.0)


def test_what_every_call_meets_is_tried_singly() -> None:
    refusals = Refusals()
    refusals.refused(ALIKE, 100.0)
    assert refusals.last == Bilingual("; last refused: the number is not registered", "；最近一次被拒：号码未登记")
    held = Bilingual("every call would be refused: the number is not registered", "所有呼叫都会被拒绝：号码未登记")
    assert refusals.held(100.0 + HOLD_S - 0.1) == held
    after = 100.0 + HOLD_S
    assert not refusals.held(after)
    old, trying, placed = runner(50.0), runner(None), runner(after + 1)
    assert refusals.allowed(9, 9, [old], after) == 1
    assert refusals.allowed(0, 9, [old], after) == 0
    assert refusals.allowed(9, 9, [old, trying], after) == 0
    assert refusals.allowed(9, 9, [old, placed], after + 2) == 9
    assert refusals.allowed(9, 9, [old], after + 3) == 9


def test_no_more_calls_than_collectors() -> None:
    refusals = Refusals()
    refusals.refused(FOR_WANT, 100.0)
    assert not refusals.held(100.0)
    assert refusals.allowed(9, 2, [], 101.0) == 2
    assert refusals.limiting([], 101.0) == BUDGET_SPENT
    assert refusals.allowed(9, 2, [], 100.0 + RESERVED_ONLY_S) == 9
    reserved = runner(100.0, needed_agent=True)
    assert refusals.allowed(9, 2, [reserved], 200.0) == 2
    assert refusals.limiting([reserved], 200.0) == BUDGET_SPENT


def test_a_call_that_was_placed_ends_the_complaint() -> None:
    refusals = Refusals()
    refusals.refused(FOR_WANT, 100.0)
    refusals.ended()
    assert not refusals.last
