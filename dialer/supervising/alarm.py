"""What an alarm is, and what a node knows of itself when it looks for some. Values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from dialer.words.bilingual import Bilingual

Topic = Mapping[str, object]


class Severity(str, Enum):
    """CRITICAL: calls or evidence are lost now; WARNING: they will be; NOTICE: somebody should know."""

    CRITICAL = "critical"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One trouble. `subject` is what it is about: a trunk, a campaign's number, a node, a destination."""

    code: str
    subject: str
    severity: Severity
    words: Bilingual
    advice: Bilingual

    @property
    def key(self) -> str:
        """Names this trouble, for as long as it lasts."""
        return f"{self.code}/{self.subject}"


@dataclass(frozen=True, slots=True)
class RunsOut:
    """A calendar or a policy pack that ends."""

    kind: str
    name: str
    last_day: date
    left_days: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the node knows. `topics` is the live board; `clock_step_s` how far the wall clock jumped since the start.

    `waiting` and `dead` count the outbox's events by destination; `storage_problem` "": the database answers.
    """

    topics: Mapping[str, Topic] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)
    dead: Mapping[str, int] = field(default_factory=dict)
    runs_out: tuple[RunsOut, ...] = ()
    clock_step_s: float = 0.0
    node: str = ""
    storage_problem: str = ""
