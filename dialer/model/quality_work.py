"""The work of quality assurance: plans that draw it, the items they open, and the teams reports speak of."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from recording.review.periods import Cadence
from recording.review.sampling import Reason, Rules


class PlanKind(str, Enum):
    """What a plan draws. Only a RANDOM one says something about all calls; a RISK one looks where trouble is likely."""

    RANDOM = "random"
    RISK = "risk"
    VERDICTS = "verdicts"
    """Verdicts of the detector, to be labelled by listening."""
    ANNOUNCEMENTS = "announcements"
    """Announcements of the network that nobody named yet."""


class WorkKind(str, Enum):
    """What an item is about; its `subject` is the recording's id, the verdict's or the unknown announcement's."""

    RECORDING = "recording"
    VERDICT = "verdict"
    ANNOUNCEMENT = "announcement"


class Purpose(str, Enum):
    """What is to be done. BLIND: two people score the same recording and know nothing of each other."""

    SCORE = "score"
    BLIND = "blind"
    CALIBRATION = "calibration"
    LABEL = "label"


class WorkState(str, Enum):
    """How far an item is: open → taken → done or skipped; what is given to somebody else is open again."""

    OPEN = "open"
    TAKEN = "taken"
    DONE = "done"
    SKIPPED = "skipped"


PENDING = frozenset({WorkState.OPEN, WorkState.TAKEN})


@dataclass(frozen=True, slots=True)
class VerdictRules:
    """`n` verdicts called `label` of each campaign in a period."""

    n: int
    label: str = "machine"
    campaign_ids: frozenset[int] = frozenset()
    """Empty: of every campaign."""


@dataclass(frozen=True, slots=True)
class AnnouncementRules:
    """The `n` that were heard most often, if heard `least_times` at least."""

    n: int
    least_times: int = 2


PlanRules = Rules | VerdictRules | AnnouncementRules


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlan:
    """A plan to store. It never changes: whoever wants another one stops it and makes that, so a draw can be repeated.

    `scorecard_id`: the form to score by, None: whichever the scorer takes. `due_days`: after the draw. `seed` decides
    every lot (`recording.review.sampling`).
    """

    name: str
    kind: PlanKind
    cadence: Cadence
    rules: PlanRules
    seed: str
    purpose: Purpose = Purpose.SCORE
    scorecard_id: int | None = None
    due_days: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class QaPlan(NewPlan):
    """A plan on record; it draws of what happens from `created_at` on."""

    plan_id: int
    created_at: datetime
    created_by: str
    stopped_at: datetime | None = None
    stopped_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDraw:
    """What a plan drew of a period: `drawn` of `pool` items; `pool_digest` is the SHA-256 of the pool's ids."""

    plan_id: int
    period: str
    begins: datetime
    ends: datetime
    drawn_at: datetime
    node: str
    pool: int
    drawn: int
    pool_digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class QaDraw(NewDraw):
    """A draw on record."""

    draw_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWork:
    """An item to open. `collector_id`: whose call it is. `slot` tells the two of a blind pair apart.

    `calibration_id` is the session it belongs to, 0: none. `assignee_id` None: whoever comes first takes it.
    """

    kind: WorkKind
    subject: str
    purpose: Purpose
    due_at: datetime
    reasons: tuple[Reason, ...]
    campaign_id: int = 0
    collector_id: int | None = None
    slot: int = 1
    calibration_id: int = 0
    scorecard_id: int | None = None
    plan_id: int | None = None
    draw_id: int | None = None
    assignee_id: int | None = None
    assigned_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem(NewWork):
    """An item on record. `note` says why it was skipped, `evaluation_id` what came of it."""

    work_id: int
    state: WorkState
    created_at: datetime
    taken_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str = ""
    note: str = ""
    evaluation_id: int | None = None


@dataclass(frozen=True, slots=True)
class WorkFilter:
    """Which items are asked for; None means any. `late_at`: those not done that were due by then."""

    assignee_id: int | None = None
    unassigned: bool = False
    collector_id: int | None = None
    plan_id: int | None = None
    kind: WorkKind | None = None
    states: frozenset[WorkState] | None = None
    late_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WorkLoad:
    """What one person has to do and did; `assignee_id` None: what nobody has yet. `late` are among the pending."""

    assignee_id: int | None
    pending: int
    late: int
    done: int
    skipped: int


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What whoever scores a recording may know of its call; `collector` is the collector's name."""

    started_at: datetime
    duration_s: float
    number_masked: str
    outcome: str
    disposition: str
    collector: str


@dataclass(frozen=True, slots=True)
class TeamMember:
    """Somebody in a team from `since` on."""

    account_id: int
    team: str
    since: datetime
