"""What a simulated day came to: plain values, the same from every way of living it, and the figures read from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Hour:
    """One clock hour of the day, named by its first moment (local hour, 0 to 23)."""

    hour: int
    placed: int = 0
    live: int = 0
    abandoned: int = 0
    talk_s: float = 0.0
    wrap_s: float = 0.0
    staffed_s: float = 0.0

    @property
    def abandoned_share(self) -> float:
        """Abandoned of live; 0 while nobody answered."""
        return self.abandoned / self.live if self.live else 0.0


@dataclass(frozen=True, slots=True)
class Moment:
    """The floor at one instant, for the picture of the day. `period_*` as the pacing saw them."""

    at_s: float
    ready: int
    talking: int
    wrapping: int
    paused: int
    ringing: int
    waiting: int
    period_live: int
    period_abandoned: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call with a person: when it was talked to or abandoned, and what the person waited for a collector."""

    at_s: float
    abandoned: bool
    waited_s: float | None


@dataclass(frozen=True, slots=True)
class Day:
    """One run. `live` are the people who came to the end of their greeting and were not taken for machines.

    `staffed_s` is the time collectors were logged in without breaks; `collector_waits_s` their waits between wrap-up
    and the next talk, `person_waits_s` what people waited after the greeting until a collector spoke. `lost` are people
    taken for machines and hung up on; `left` those who hung up before the permitted wait was over (among `abandoned`).
    `refused` counts the gate's refusals by rule. `finished_s` is when nothing was left to dial, None: never that day.
    """

    name: str
    mode: str
    seed: int
    length_s: float
    placed: int = 0
    answered: int = 0
    live: int = 0
    connected: int = 0
    abandoned: int = 0
    left: int = 0
    lost: int = 0
    machines_connected: int = 0
    talk_s: float = 0.0
    wrap_s: float = 0.0
    staffed_s: float = 0.0
    collector_waits_s: tuple[float, ...] = ()
    person_waits_s: tuple[float, ...] = ()
    contacts: int = 0
    contacts_tried: int = 0
    contacts_reached: int = 0
    finished_s: float | None = None
    refused: Mapping[str, int] = field(default_factory=dict)
    hours: tuple[Hour, ...] = ()
    moments: tuple[Moment, ...] = ()
    course: tuple[LiveCall, ...] = ()
    """Every call with a person, in no order."""
    worst_share: float = 0.0
    """The highest share abandoned of live at any moment from the `LEAST_LIVE`th live answer on."""
    cpu_s: float = 0.0

    @property
    def abandoned_share(self) -> float:
        """Abandoned of live; 0 while nobody answered."""
        return self.abandoned / self.live if self.live else 0.0

    @property
    def utilisation(self) -> float:
        """Talk time of staffed time."""
        return self.talk_s / self.staffed_s if self.staffed_s else 0.0

    @property
    def occupancy(self) -> float:
        """Talk and wrap-up time of staffed time."""
        return (self.talk_s + self.wrap_s) / self.staffed_s if self.staffed_s else 0.0

    @property
    def bound(self) -> float:
        """The utilisation of a clairvoyant pace: the same talks and wrap-ups, and nobody ever waits for a call."""
        busy_s = self.talk_s + self.wrap_s
        return self.talk_s / busy_s if busy_s else 0.0

    @property
    def worst_hour(self) -> float:
        """The highest share abandoned of any clock hour that says something: staffed like the others, and answered."""
        full_s = max((hour.staffed_s for hour in self.hours), default=0.0) * FULL_HOUR
        hours = (hour for hour in self.hours if hour.live >= LEAST_LIVE_IN_HOUR and hour.staffed_s >= full_s)
        return max((hour.abandoned_share for hour in hours), default=0.0)


LEAST_LIVE = 200
"""A day, or its beginning, with fewer live answers says nothing about a share of three per cent."""
LEAST_LIVE_IN_HOUR = 50
"""An hour with fewer live answers says nothing: one abandoned call of twenty is five per cent."""
FULL_HOUR = 0.5
"""Nor does the quarter of an hour before closing: it must have half the staffed time of the best staffed hour."""
