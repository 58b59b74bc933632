"""A recorded day beside two paces: the day's own settings and changed ones, by quarters of an hour. Pure."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dialer.campaigns.loop.paces import PacerOf
from dialer.errors import InputError
from dialer.model.campaign import CampaignSettings
from dialer.model.history import History, RecordedAttempt
from dialer.model.pacing_bounds import PACING_BOUNDS
from dialer.simulator.replay import Replay, Tick
from dialer.simulator.replay_record import BY_COLLECTORS, Record, abandoned_s

QUARTER_S = 900.0
BANDS = (0.01, 0.02, 0.04, 0.08, 1.0)
"""Upper bounds of the predicted chances that are put beside what happened."""
_CHANCE = re.compile(r"finds nobody free with ([\d.]+)%")
_FIGURES = re.compile(r"[-−]?\d[\d.,]*%?")


@dataclass(frozen=True, slots=True)
class Paced:
    """A quarter of an hour of one pacer: calls ordered, and the reason it gave most often, as it last was."""

    ordered: int = 0
    reason: str = ""
    reason_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of an hour from `begins_s` on. `placed`, `live` and `abandoned` are what happened.

    `present` collectors without a break, `ready` ones among them, on average. `differ` is the share of ticks at which
    the two paces had not the same number of calls ringing.
    """

    begins_s: float
    placed: int
    live: int
    abandoned: int
    present: float
    ready: float
    as_set: Paced
    changed: Paced
    differ: float


@dataclass(frozen=True, slots=True)
class Band:
    """People who came up while the day's own pace predicted a chance of up to `most` that they find nobody free.

    `predicted` is the mean of those chances, `abandoned` how many of the `people` found nobody in time.
    """

    most: float
    people: int
    predicted: float
    abandoned: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole day: `placed` by the pacing of that day, and the calls each pace would have ordered."""

    quarters: tuple[Quarter, ...]
    bands: tuple[Band, ...]
    placed: int
    as_set: int
    changed: int


@dataclass(slots=True)
class _Counted:
    """One pacer's quarter, while it is being counted."""

    ordered: int = 0
    ticks: int = 0
    present: int = 0
    ready: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, str] = field(default_factory=dict)
    lines: dict[float, int] = field(default_factory=dict)

    def add(self, tick: Tick) -> None:
        self.ordered += tick.decision.dial
        self.ticks += 1
        self.present += tick.present
        self.ready += tick.ready
        self.lines[tick.now] = tick.lines
        if tick.present:
            kind = _FIGURES.sub("", tick.decision.reason)
            self.kinds[kind] += 1
            self.reasons[kind] = tick.decision.reason

    def pace(self) -> Paced:
        if not self.kinds:
            return Paced(self.ordered)
        kind, n = self.kinds.most_common(1)[0]
        return Paced(self.ordered, self.reasons[kind], n / self.kinds.total())


def changed_settings(settings: CampaignSettings, changes: Mapping[str, Any]) -> CampaignSettings:
    """The settings with some changed, by field name. InputError: a value makes no sense."""
    for name, value in changes.items():
        if isinstance(value, float) and (why := PACING_BOUNDS[name].refuses(value)):
            raise InputError(f"{name} {value:g}: {why}; {PACING_BOUNDS[name].fix}")
    return replace(settings, **changes)


def compare(history: History, changed: CampaignSettings, pacer_of: PacerOf) -> Comparison:
    """Both paces over the day. InputError: the pacing placed no call on that day."""
    record = Record.of(history)
    settings = history.outline.settings
    as_set = list(Replay(history, record, settings, pacer_of(settings)).ticks())
    other = list(Replay(history, record, changed, pacer_of(changed)).ticks()) if changed != settings else as_set
    quarters = tuple(_quarters(history, _by_quarter(as_set), _by_quarter(other)))
    return Comparison(
        quarters,
        tuple(_bands(history, as_set)),
        placed=len(record.lines),
        as_set=sum(quarter.as_set.ordered for quarter in quarters),
        changed=sum(quarter.changed.ordered for quarter in quarters),
    )


def _by_quarter(ticks: Sequence[Tick]) -> dict[int, _Counted]:
    counted: dict[int, _Counted] = {}
    for tick in ticks:
        counted.setdefault(int(tick.now // QUARTER_S), _Counted()).add(tick)
    return counted


def _quarters(history: History, as_set: Mapping[int, _Counted], changed: Mapping[int, _Counted]) -> Iterator[Quarter]:
    paced = [attempt for attempt in history.attempts if attempt.path not in BY_COLLECTORS]
    placed = Counter(int(attempt.placed_s // QUARTER_S) for attempt in paced)
    came_up = list(_came_up(history))
    live = Counter(int(at // QUARTER_S) for at, _ in came_up)
    abandoned = Counter(int(at // QUARTER_S) for at, lost in came_up if lost)
    nothing = _Counted()
    for number in sorted({*as_set, *changed}):
        one, other = as_set.get(number, nothing), changed.get(number, nothing)
        ticks = max(one.ticks, 1)
        yield Quarter(
            number * QUARTER_S,
            placed[number],
            live[number],
            abandoned[number],
            one.present / ticks,
            one.ready / ticks,
            one.pace(),
            other.pace(),
            sum(one.lines.get(now) != other.lines.get(now) for now in {*one.lines, *other.lines}) / ticks,
        )


def _came_up(history: History) -> Iterator[tuple[float, bool]]:
    """When people came up whom the pacing had called, and whether they were abandoned."""
    for attempt in history.attempts:
        since = _came_up_s(attempt)
        if since is not None and attempt.path not in BY_COLLECTORS:
            yield since, abandoned_s(attempt) is not None


def _came_up_s(attempt: RecordedAttempt) -> float | None:
    if attempt.connected_s is None and abandoned_s(attempt) is None:
        return None
    return attempt.answered_s if attempt.greeting_end_s is None else attempt.greeting_end_s


def _bands(history: History, ticks: Sequence[Tick]) -> Iterator[Band]:
    """What the pace in force said just before each person came up, beside what became of them."""
    said = [(tick.now, chance) for tick in ticks if (chance := predicted_chance(tick.decision.reason)) is not None]
    instants = [now for now, _ in said]
    met: dict[float, list[tuple[float, bool]]] = {most: [] for most in BANDS}
    for at, lost in _came_up(history):
        before = bisect_left(instants, at) - 1
        if before >= 0 and at - instants[before] <= 2 * history.outline.tick_s:
            chance = said[before][1]
            met[next(most for most in BANDS if chance <= most)].append((chance, lost))
    for most, people in met.items():
        if people:
            predicted = sum(chance for chance, _ in people) / len(people)
            yield Band(most, len(people), predicted, sum(lost for _, lost in people))


def predicted_chance(reason: str) -> float | None:
    """The chance that a reason names for the next person to find nobody free; None: it names none."""
    found = _CHANCE.search(reason)
    return None if found is None else float(found.group(1)) / 100
