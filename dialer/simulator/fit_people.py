"""The people of a scenario and the errors of detection, from recorded attempts. Pure.

Theory. An hour's answered share is drawn towards the day's: as if the hour had `HOUR_PRIOR` attempts more, answered as
on all days and hours together. An hour seen 20 times says next to nothing, one seen 2,000 times speaks for itself.

Who was a machine is known only through errors. Of machine verdicts the share that listeners heard people in (drawn
ones alone: whoever picks what to listen to picks the result) is given back to the people. Of those who reached a
collector, the ones whose code says that nobody was there are given back to the machines. Where neither is on record the
scenario's default errors stand in their place.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from dialer.model.attempt import REACHED_A_PERSON, CallPath, Disposition
from dialer.model.campaign import AmdMode
from dialer.model.history import History, RecordedAttempt
from dialer.simulator.fit_durations import fit_duration
from dialer.simulator.fit_wander import fit_wander
from dialer.simulator.scenario import Detection, Duration, Segment, Wander

LEAST_LENGTHS = 30
"""Fewer lengths of a kind are not fitted."""
LEAST_HEARD = 20
"""Fewer verdicts that a listener checked say nothing of the errors."""
LEAST_CODES = 50
"""Fewer talks with a collector's code say nothing of how they end."""
HOUR_PRIOR = 100.0
BY_HAND = frozenset({CallPath.MANUAL, CallPath.CALLBACK})
"""Attempts that say nothing of the list: somebody chose, or had promised, to be there."""
_NO_END = frozenset({None, Disposition.UNKNOWN, Disposition.CANCELLED, Disposition.TRUNK_CONFIG})
_ENDS: Mapping[str, frozenset[Disposition]] = {
    "busy": frozenset({Disposition.BUSY, Disposition.REJECTED}),
    "powered_off": frozenset(
        {Disposition.POWERED_OFF, Disposition.SUSPENDED, Disposition.UNREACHABLE, Disposition.INCOMING_BARRED}
    ),
    "bad_number": frozenset({Disposition.BAD_NUMBER, Disposition.NETWORK_BLOCKED, Disposition.UNWANTED}),
    "congestion": frozenset({Disposition.TRUNK_CONGESTION}),
}
_VERDICTS = frozenset({Disposition.MACHINE, Disposition.MESSAGE_LEFT})
_SEGMENT = Segment()
_DETECTION = Detection()


@dataclass(frozen=True, slots=True)
class People:
    """The one segment, its ups and downs, the detection, and where each figure comes from, by its scenario's key."""

    segment: Segment
    wander: Wander
    detection: Detection
    comments: Mapping[str, str]


def ended_attempts(history: History) -> tuple[RecordedAttempt, ...]:
    """The attempts that say something of the people on the list."""
    return tuple(
        attempt for attempt in history.attempts if attempt.path not in BY_HAND and attempt.disposition not in _NO_END
    )


def is_answered(attempt: RecordedAttempt) -> bool:
    """Whether somebody or something picked up."""
    return attempt.answered_s is not None


def is_talk(attempt: RecordedAttempt) -> bool:
    """Whether a person and a collector talked."""
    connected = attempt.disposition is Disposition.CONNECTED and attempt.connected_s is not None
    return connected and attempt.conversation is not False


def fit_people(history: History) -> People:
    """The people and the errors; there must be answered attempts."""
    ended = ended_attempts(history)
    ring_s = [_between(a.placed_s, a.answered_s) for a in ended]
    greeting_s = [_between(a.answered_s, a.greeting_end_s) for a in ended if a.disposition in REACHED_A_PERSON]
    talk_s = [_between(a.connected_s, a.ended_s) for a in ended if is_talk(a)]
    ring, ring_said = _fitted(ring_s, _SEGMENT.ring, "answered attempts", parts=1)
    greeting, greeting_said = _fitted(greeting_s, _SEGMENT.greeting, "people's greetings", parts=1)
    talk, talk_said = _fitted(talk_s, _SEGMENT.talk, "talks")
    errors = _Errors.of(ended, history.outline.settings.amd)
    shares, shares_said = _shares(history, ended)
    promises, promises_said = _promises(ended)
    segment = Segment(
        machine=_share(errors.machines, errors.machines + errors.people),
        promises=promises,
        ring=ring,
        greeting=greeting,
        talk=talk,
        **shares,  # type: ignore[arg-type]
    )
    detection, detection_said = _detection(ended, errors, history.outline.settings.amd)
    said = {"ring": ring_said, "greeting": greeting_said, "talk": talk_said, "promises": promises_said} | shares_said
    said["machine"] = f"{errors.machines:,.0f} of {errors.machines + errors.people:,.0f} answers, {errors.words}"
    said["patience"] = "default: the record does not say how long people would have waited"
    comments = {f"segments.0.{key}": words for key, words in said.items()}
    comments |= {f"detection.{key}": words for key, words in detection_said.items()}
    expected = {hour: segment.answered * factor for hour, factor in segment.by_hour.items()}
    wander, comments["wander.sigma"] = fit_wander(ended, expected, _clock(history))
    return People(segment, wander, detection, comments)


@dataclass(frozen=True, slots=True)
class _Errors:
    """How many people and machines answered, and how often each was taken for the other."""

    people: float
    machines: float
    people_called_machines: float
    machines_called_people: float
    words: str
    heard: int
    coded: int

    @classmethod
    def of(cls, ended: Sequence[RecordedAttempt], amd: AmdMode) -> "_Errors":
        answered = [attempt for attempt in ended if is_answered(attempt)]
        reached = [attempt for attempt in answered if attempt.disposition in REACHED_A_PERSON]
        verdicts = sum(attempt.disposition in _VERDICTS for attempt in answered)
        truths = [a.truth for a in answered if a.disposition in _VERDICTS and a.truth not in ("", "unknown")]
        coded = [attempt.conversation for attempt in reached if attempt.conversation is not None]
        machines = float(len(answered) - len(reached))
        if len(truths) >= LEAST_HEARD:
            lost = verdicts * truths.count("human") / len(truths)
        else:
            lost = min(_lost_by_default(len(reached)), machines)
        machines -= lost
        if len(coded) >= LEAST_CODES:
            through = len(reached) * coded.count(False) / len(coded)
        else:
            wrong = _DETECTION.machines_called_people if amd is not AmdMode.OFF else 0.0
            through = min(machines * wrong / (1.0 - wrong), float(len(reached)))
        people = len(reached) - through + lost
        words = f"{lost:,.0f} people and {through:,.0f} machines among them taken for the other"
        return cls(
            people,
            machines + through,
            _share(lost, people),
            _share(through, machines + through),
            words,
            len(truths),
            len(coded),
        )


def _lost_by_default(reached: int) -> float:
    wrong = _DETECTION.people_called_machines
    return reached * wrong / (1.0 - wrong)


def _shares(history: History, ended: Sequence[RecordedAttempt]) -> tuple[dict[str, object], dict[str, str]]:
    """Of all attempts: answered, by hour, and the ways in which the others ended."""
    n, answered = len(ended), [attempt for attempt in ended if is_answered(attempt)]
    share = len(answered) / n
    hour_of = _clock(history)
    tries, taken = Counter(map(hour_of, ended)), Counter(map(hour_of, answered))
    by_hour = {
        hour: _down((taken[hour] + HOUR_PRIOR * share) / (tries[hour] + HOUR_PRIOR) / share) for hour in sorted(tries)
    }
    unanswered = Counter(attempt.disposition for attempt in ended if not is_answered(attempt))
    counts = {key: sum(unanswered[end] for end in ends) for key, ends in _ENDS.items()}
    shares: dict[str, object] = {"answered": _down(share), "by_hour": by_hour}
    shares |= {key: _share(count, n) for key, count in counts.items()}
    said = {key: f"{count:,} of {n:,} attempts" for key, count in {"answered": len(answered), **counts}.items()}
    seen = ", ".join(f"{hour}: {tries[hour]:,}" for hour in sorted(tries))
    said["by_hour"] = f"attempts by hour: {seen}; each drawn to the day's share as by {HOUR_PRIOR:.0f} more"
    return shares, said


def _clock(history: History) -> Callable[[RecordedAttempt], int]:
    begins, zone = history.outline.begins, ZoneInfo(history.outline.zone)
    return lambda attempt: (begins + timedelta(seconds=attempt.placed_s)).astimezone(zone).hour


def _promises(ended: Iterable[RecordedAttempt]) -> tuple[float, str]:
    settled = [attempt.final for attempt in ended if is_talk(attempt) and attempt.final is not None]
    if len(settled) < LEAST_CODES:
        return _SEGMENT.promises, f"default: only {len(settled)} talks with a code"
    return _share(settled.count(True), len(settled)), f"{settled.count(True):,} of {len(settled):,} talks with a code"


def _detection(ended: Sequence[RecordedAttempt], errors: _Errors, amd: AmdMode) -> tuple[Detection, dict[str, str]]:
    people_s = [_between(a.greeting_end_s, a.decided_s) for a in ended if a.disposition in REACHED_A_PERSON]
    machines_s = [_between(a.answered_s, a.decided_s) for a in ended if a.disposition in _VERDICTS]
    person, person_said = _fitted(people_s, _DETECTION.person_s, "verdicts", parts=1)
    machine, machine_said = _fitted(machines_s, _DETECTION.machine_s, "verdicts", parts=1)
    by_ear = f"{errors.heard} verdicts checked by listening"
    by_code = f"{errors.coded:,} talks with a code"
    said = {
        "person_s": person_said,
        "machine_s": machine_said,
        "people_called_machines": by_ear if errors.heard >= LEAST_HEARD else f"default: only {by_ear}",
        "machines_called_people": by_code if errors.coded >= LEAST_CODES else f"default: only {by_code}",
    }
    return Detection(amd, errors.people_called_machines, errors.machines_called_people, person, machine), said


def _fitted(lengths: Iterable[float | None], default: Duration, of: str, *, parts: int = 2) -> tuple[Duration, str]:
    known = [length for length in lengths if length is not None and length >= 0.0]
    if len(known) < LEAST_LENGTHS:
        return default, f"default: only {len(known)} {of}"
    return fit_duration(known, parts=parts), f"{len(known):,} {of}"


def _between(since_s: float | None, until_s: float | None) -> float | None:
    return None if since_s is None or until_s is None else until_s - since_s


def _share(part: float, whole: float) -> float:
    """A share in digits that people read; rounded down: shares of the same attempts never sum to more than all."""
    return _down(min(max(part / whole, 0.0), 1.0)) if whole > 0 else 0.0


def _down(figure: float) -> float:
    return math.floor(figure * 10_000) / 10_000
