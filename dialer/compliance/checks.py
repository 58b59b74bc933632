"""What is wrong with the rules of a pack together: repeated ids, and rules that never let a call pass."""

from collections.abc import Iterator, Sequence

from dialer.compliance.counting import Cap, WideCap
from dialer.compliance.hours import CallingWindow, ForbiddenHours
from dialer.compliance.rule import Body, Rule
from dialer.model.decision import Effect
from schedules.hours import MINUTES_A_DAY, Days, Window

WEEK_MINUTES = 7 * MINUTES_A_DAY

Contradiction = tuple[Rule, str]
"""The rule at which it shows, and why."""


def contradiction(rules: Sequence[Rule]) -> Contradiction | None:
    """The first reason for which the pack would never allow a call, None when there is none.

    Rules that only some calls are bound by are checked together with those that bind all, for each such set of calls;
    rules that a consent lifts, that warn, or that a collector at hand satisfies contradict nothing. Clocks are taken
    for one: a person who lives by the clock of the pack must be callable.
    """
    strict = [rule for rule in rules if rule.effect is Effect.BLOCK and rule.exempt_if is None]
    for rule in strict:
        if isinstance(rule.body, Cap | WideCap) and rule.body.limit == 0 and rule.applies_if is None:
            return rule, "a limit of 0 refuses every call; to forbid some calls, say which with applies_if"
    for together in _together(strict):
        for calls in dict.fromkeys((None, *(rule.applies_if for rule in together))):
            found = _never_open([rule for rule in together if rule.applies_if in (None, calls)])
            if found is not None:
                return found
    return None


def _together(rules: Sequence[Rule]) -> Iterator[list[Rule]]:
    """The variants that bind at one time: before and after each override, for the calls of none, of each, of all."""
    named = tuple(dict.fromkeys(calls for rule in rules for calls in rule.only_for))
    for at in sorted({rule.since for rule in rules}):
        for fitting in dict.fromkeys(((), *((calls,) for calls in named), named)):
            yield [
                rule
                for rule in rules
                if rule.since <= at < rule.until
                and all(calls in fitting for calls in rule.only_for)
                and not any(calls in fitting for calls in rule.not_for)
            ]


def _never_open(rules: Sequence[Rule]) -> Contradiction | None:
    """The rule that takes the last minute of the week away."""
    left = (1 << WEEK_MINUTES) - 1
    taking: list[str] = []
    for rule in rules:
        minutes = _open_minutes(rule.body)
        if minutes is None:
            continue
        left &= minutes
        if not left:
            others = ", ".join(taking)
            with_others = f" together with {others}" if others else ""
            return rule, f"{rule.rule_id}{with_others} leaves no minute of the week in which a call may be made"
        taking.append(rule.rule_id)
    return None


def _open_minutes(body: Body) -> int | None:
    """The minutes of a week, Monday's midnight first, in which a rule about the hour allows: a bit for each."""
    if isinstance(body, ForbiddenHours):
        hours = body.hours
        forbidden = sum(
            _bits(day * MINUTES_A_DAY + hours.from_minute, day * MINUTES_A_DAY + hours.end_minute) for day in range(7)
        )
        return ((1 << WEEK_MINUTES) - 1) & ~forbidden
    return _window_minutes(body.window) if isinstance(body, CallingWindow) else None


def _window_minutes(window: Window) -> int:
    minutes = 0
    for day, spans in enumerate(window.week):
        is_called = window.days is Days.EVERY_DAY or day < 5 or window.make_up_workdays
        for span in spans if is_called else ():
            minutes |= _bits(day * MINUTES_A_DAY + span.from_minute, day * MINUTES_A_DAY + span.end_minute)
    return minutes


def _bits(start: int, end: int) -> int:
    """A bit for each minute from `start` to before `end`; what passes the end of the week begins it anew."""
    if end > WEEK_MINUTES:
        return _bits(start, WEEK_MINUTES) | _bits(0, end - WEEK_MINUTES)
    return (1 << end) - (1 << start)
