"""A day to simulate: the people on the list, the trunk, the workforce and the errors of detection. Plain values.

Read from TOML by `dialer.simulator.scenario_file`, fitted from a campaign's history, or made in code; lived by the
rehearsal and drawn from by `dialer.simulator.fates`. Durations in seconds, shares between 0 and 1, hours and times of
day on the clock of the scenario's own zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time

from dialer.model.campaign import AmdMode, CampaignMode


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of duration among several: log-normal about its mean, or with `alpha` a Pareto tail (Lomax).

    `sigma` is the standard deviation of the logarithm; `alpha` above 1, and the smaller, the heavier the tail.
    """

    mean_s: float
    sigma: float = 0.6
    share: float = 1.0
    alpha: float | None = None


@dataclass(frozen=True, slots=True)
class Duration:
    """A mixture of parts, whose shares are relative; never shorter than `least_s` nor longer than `most_s`."""

    parts: tuple[Part, ...]
    least_s: float = 0.0
    most_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Segment:
    """One kind of people on the list.

    `answered` is the share of calls that somebody or something takes, `machine` the share of machines among those;
    `busy`, `powered_off`, `bad_number` and `congestion` (of the carrier) are shares of all calls, and what is left is
    no answer. `by_hour` multiplies `answered`. `patience` is how long a person stays on a silent line after the
    greeting; `promises` the share of talks after which the person need not be called again.
    """

    name: str = "everybody"
    share: float = 1.0
    answered: float = 0.30
    machine: float = 0.20
    busy: float = 0.10
    powered_off: float = 0.05
    bad_number: float = 0.02
    congestion: float = 0.0
    promises: float = 0.35
    by_hour: Mapping[int, float] = field(default_factory=dict)
    ring: Duration = Duration((Part(11.0, 0.5),))
    greeting: Duration = Duration((Part(1.4, 0.4),))
    patience: Duration = Duration((Part(6.0, 0.5),))
    talk: Duration = Duration((Part(25.0, 0.6, 0.35), Part(200.0, 0.8, 0.65)))


@dataclass(frozen=True, slots=True)
class Change:
    """From `at` on, reached step by step within `over_min`, answers and talks are multiplied by these."""

    at: time
    answered: float = 1.0
    talk: float = 1.0
    over_min: float = 0.0


@dataclass(frozen=True, slots=True)
class Wander:
    """Ups and downs nobody knows of: `answered` is multiplied by exp(x), x a mean-reverting random walk.

    `sigma` is the standard deviation of x, `minutes` how long it remembers. The same for every call at an instant.
    """

    sigma: float = 0.0
    minutes: float = 20.0


@dataclass(frozen=True, slots=True)
class Shift:
    """So many collectors from `begins` to `ends`; who talks at the end finishes first."""

    collectors: int
    begins: time
    ends: time


@dataclass(frozen=True, slots=True)
class Break:
    """A break of `length`, once at about `at` (spread evenly over `spread_min`), or again about every `every_min`."""

    length: Duration
    at: time | None = None
    spread_min: float = 0.0
    every_min: float | None = None
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Workforce:
    """The collectors, their breaks, and the time they need after a talk."""

    shifts: tuple[Shift, ...]
    breaks: tuple[Break, ...] = ()
    wrap_up: Duration = Duration((Part(25.0, 0.6),))


@dataclass(frozen=True, slots=True)
class Detection:
    """Who is taken for what. `person_s` passes from a greeting's end to the verdict; `machine_s` from the answer."""

    mode: AmdMode = AmdMode.BEFORE_CONNECT
    people_called_machines: float = 0.01
    machines_called_people: float = 0.20
    person_s: Duration = Duration((Part(0.35, 0.3),), most_s=1.9)
    machine_s: Duration = Duration((Part(3.0, 0.3),))


@dataclass(frozen=True, slots=True)
class Trunk:
    """Channels and calls per second."""

    channels: int = 300
    cps: float = 20.0


@dataclass(frozen=True, slots=True)
class CallList:
    """`numbers` a contact, on average (1 to 3); `tries` per number and day; `pause_min` between them."""

    contacts: int = 20_000
    numbers: float = 1.0
    tries: int = 3
    pause_min: float = 90.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How the campaign is paced. `ratio` is for power, `lines_per_agent` bounds the predictive mode."""

    mode: CampaignMode = CampaignMode.PREDICTIVE
    ratio: float = 1.5
    abandon_target: float = 0.03
    ring_timeout_s: float = 28.0
    lines_per_agent: float | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A day from `begins` (aware) to `ends` on its clock; `packs` are the policy packs that bind."""

    name: str
    begins: datetime
    ends: time
    workforce: Workforce
    segments: tuple[Segment, ...] = (Segment(),)
    changes: tuple[Change, ...] = ()
    wander: Wander = Wander()
    detection: Detection = Detection()
    trunk: Trunk = Trunk()
    call_list: CallList = CallList()
    pace: Pace = Pace()
    packs: tuple[str, ...] = ("cn-bank-card",)

    @property
    def length_s(self) -> float:
        """From `begins` to `ends`."""
        return (datetime.combine(self.begins, self.ends, self.begins.tzinfo) - self.begins).total_seconds()

    def seconds_at(self, moment: time) -> float:
        """Seconds from `begins` to a time of day; negative before it."""
        return (datetime.combine(self.begins, moment, self.begins.tzinfo) - self.begins).total_seconds()
