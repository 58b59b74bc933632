"""VICIdial's adaptive rule, as its public code of 2013 has it, restated.

A *level* of lines per collector is adapted every 15 s by the mean of the last 15 one-second samples:
`m = (ready − waiting + diff target) / collectors logged in`, `level × (1 + m)` within 1 and its maximum: as long as
anybody is idle on the mean, it grows. Every 2.5 s it places what the level lacks (`lines_due`). Once a minute it counts
the day; while more than the drop target of those who answered were dropped, each adaptation is followed by a cut: the
hard limit goes to 1, the tapered rule multiplies by what is left of the day. Never below 1: it slows, it does not stop.

Only the clock of the snapshots drives it. Samples, adaptations and rounds fall on fixed multiples of their periods, at
the first snapshot of each; that snapshot is taken in by `decide`, once for each instant, so that asking again at the
same instant changes nothing. Dropped is whom the floor abandoned, by its own clock (VICIdial waits 5 s by default).
"""

import math
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from dialer.campaigns.pacing import AgentState, CallStage, EventKind, PacingDecision, PacingEvent, PacingSnapshot
from dialer.campaigns.pacing.line_rate import LineRate
from dialer.simulator.baselines_lines import Tally, clipped, lines_due

PLACE_S = 2.5
SAMPLE_S = 1.0
ADAPT_S = 15.0
STATISTICS_S = 60.0
SAMPLES = 15
DAY_S = 86_400.0
LEAST_CALLS = 50
"""Up to so many calls in the day the drop target is not looked at."""
LEAST_CALLS_A_MINUTE = 20
DROPS_OF_A_BAD_MINUTE = 0.5


@dataclass(frozen=True, slots=True)
class AdaptiveSettings:
    """VICIdial's settings with its defaults; `intensity` in per cent, `latest_hhmm` a local hour and minute."""

    maximum: float = 3.0
    intensity: float = 0.0
    latest_hhmm: int = 2100
    diff_target: float = 0.0
    tally: Tally = Tally.ACTIVE


DEFAULTS = AdaptiveSettings()


@dataclass(slots=True)
class Count:
    """Calls placed, people who answered, and those of them who were dropped."""

    calls: int = 0
    answered: int = 0
    dropped: int = 0

    def add(self, event: PacingEvent) -> None:
        """Counts an event; a person is counted when a collector takes the call, or when nobody did."""
        self.calls += event.kind is EventKind.PLACED
        self.answered += event.kind in (EventKind.CONNECTED, EventKind.ABANDONED)
        self.dropped += event.kind is EventKind.ABANDONED


class Adaptive(ABC):
    """The rule, up to what follows when the drop target is missed."""

    name: str

    def __init__(self, starts_at_s: float, drop_target: float, settings: AdaptiveSettings = DEFAULTS) -> None:
        """`starts_at_s`: the second of the day, in local time, at which the snapshots' `now` is 0."""
        self.level = 1.0
        self._settings = settings
        self._starts_at_s = starts_at_s
        self._drop_target = drop_target
        self._rate = LineRate()
        self._samples: deque[tuple[int, int, int]] = deque(maxlen=SAMPLES)
        self._today, self._minute = Count(), Count()
        self._seen_today, self._seen_minute = Count(), Count()
        self._seen_at: float | None = None
        self._due = 0

    def observe(self, event: PacingEvent) -> None:
        """Counts, and takes what was placed off the present round."""
        self._rate.observe(event)
        self._today.add(event)
        self._minute.add(event)
        if event.kind is EventKind.PLACED:
            self._due = max(self._due - 1, 0)

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """What is left of the present round."""
        if snapshot.now != self._seen_at:
            self._take_in(snapshot)
        due = self._due if _anybody(snapshot) else 0
        return clipped(due, f"{self.name}, level {self.level:.2f}", snapshot, self._rate)

    def dump(self) -> dict[str, Any]:
        """Level, counts, samples and the present round."""
        counts = {name: asdict(getattr(self, name)) for name in _COUNTS}
        samples = [list(sample) for sample in self._samples]
        return {"level": self.level, "due": self._due, "seen_at": self._seen_at, "samples": samples, **counts}

    def load(self, state: dict[str, Any]) -> None:
        """Takes over what `dump` gave; ValueError when it is of another version."""
        try:
            counts = {name: Count(**state[name]) for name in _COUNTS}
            level, due, seen_at, samples = (state[name] for name in ("level", "due", "seen_at", "samples"))
            taken = [(ready, waiting, agents) for ready, waiting, agents in samples]
        except (KeyError, TypeError) as error:
            raise ValueError("the state is of another version") from error
        self.level, self._due, self._seen_at = level, due, seen_at
        self._samples = deque(taken, maxlen=SAMPLES)
        for name, count in counts.items():
            setattr(self, name, count)

    @abstractmethod
    def _cut(self, day_s: float) -> float:
        """The level when the drop target is missed, at a second of the day."""

    def _take_in(self, snapshot: PacingSnapshot) -> None:
        now, before = snapshot.now, self._seen_at
        self._seen_at = now
        if before is None or _is_new(now, before, SAMPLE_S):
            self._samples.append(_sample(snapshot))
        if before is not None and _is_new(self._starts_at_s + now, self._starts_at_s + before, DAY_S):
            self._today, self._seen_today = Count(), Count()
        if before is not None and _is_new(now, before, STATISTICS_S):
            self._seen_today, self._seen_minute, self._minute = Count(**asdict(self._today)), self._minute, Count()
        if before is not None and _is_new(now, before, ADAPT_S):
            self._adapt(now)
        if before is None or _is_new(now, before, PLACE_S):
            settings = self._settings
            self._due = lines_due(self.level, snapshot, settings.tally, settings.diff_target)

    def _adapt(self, now: float) -> None:
        ready, waiting, agents = (sum(column) / len(self._samples) for column in zip(*self._samples, strict=True))
        diff = ready - waiting + self._settings.diff_target
        m = diff / agents if agents else 0.0
        intensity = self._settings.intensity / 100
        self.level *= 1 + m * (1 + intensity) if m >= 0 else 1 + m * abs(intensity - 1)
        self.level = min(max(self.level, 1.0), self._settings.maximum)
        minute, today = self._seen_minute, self._seen_today
        if minute.calls > LEAST_CALLS_A_MINUTE and minute.dropped > DROPS_OF_A_BAD_MINUTE * minute.calls:
            self.level /= 2
        if today.calls > LEAST_CALLS and today.dropped > self._drop_target * today.answered:
            self.level = self._cut((self._starts_at_s + now) % DAY_S)
        self.level = max(self.level, 1.0)


class HardLimit(Adaptive):
    """Over its drop target it dials one to one."""

    name = "hard limit"

    def _cut(self, day_s: float) -> float:
        return 1.0


class AdaptTapered(Adaptive):
    """Over its drop target it slows the more, the later it is.

    The factor is the difference of two clock readings written as numbers (2100 − 1730 = 370), over a thousand.
    """

    name = "adapt tapered"

    def _cut(self, day_s: float) -> float:
        hours, minutes = divmod(int(day_s // 60), 60)
        left = self._settings.latest_hhmm - (100 * hours + minutes)
        return self.level * min(left / 1000, 1.0) if left > 0 else 1.0


def _is_new(now: float, before: float, period_s: float) -> bool:
    return math.floor(now / period_s) != math.floor(before / period_s)


def _anybody(snapshot: PacingSnapshot) -> bool:
    return any(agent.state in (AgentState.READY, AgentState.TALKING) for agent in snapshot.agents)


def _sample(snapshot: PacingSnapshot) -> tuple[int, int, int]:
    """Collectors who are ready, people who wait, collectors logged in."""
    ready = sum(agent.state is AgentState.READY for agent in snapshot.agents)
    waiting = sum(call.stage is CallStage.WAITING for call in snapshot.calls)
    return ready, waiting, len(snapshot.agents)


_COUNTS = ("_today", "_minute", "_seen_today", "_seen_minute")
