"""What is kept and what goes: recordings as retention sees them, legal holds, and deletions that two persons decide."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from dialer.model.account import Role
from recording.retention import Hold, HoldScope, Reason, Verdict


@dataclass(frozen=True, slots=True)
class Person:
    """A human who acts, by account: programs have none and decide nothing here."""

    account_id: int
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class LegalHold:
    """A hold as stored. `placed_by` in words; `lifted_at` None: it is in force."""

    hold: Hold
    placed_by: str
    lifted_at: datetime | None = None
    lifted_by: str = ""
    lift_reason: str = ""


@dataclass(frozen=True, slots=True)
class NewHold:
    """A hold to place."""

    scope: HoldScope
    ref: str
    reason: str


@dataclass(frozen=True, slots=True)
class By:
    """Who did something, in words; the ledger, which holds no names, knows the account alone (None: no person)."""

    words: str
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class Keepable:
    """A recording as far as its keeping depends on it, with the holds in force and the number of redactions."""

    recording_id: str
    node: str
    attempt_id: int
    campaign_id: int
    case_ref: str
    started_at: datetime
    duration_s: float
    size_bytes: int
    is_kept: bool
    parent_id: str = ""
    n_derived: int = 0
    holds: tuple[Hold, ...] = ()

    @property
    def ended_at(self) -> datetime:
        """When the call was over: periods run from that day."""
        return self.started_at + timedelta(seconds=self.duration_s)


@dataclass(frozen=True, slots=True)
class Judged:
    """What may be done with a recording, and why; `goes`: a deletion would take it."""

    recording_id: str
    recording: Keepable | None
    verdict: Verdict | None
    goes: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class KeptBack:
    """Recordings that stay, by why (a `Reason.code`), with the first of them."""

    code: str
    n: int
    examples: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a deletion would do at `at`, with the first recordings that would go.

    `complete`: False where there are more than one request may hold, and only so many were looked for. `n_overdue`
    should be gone already.
    """

    at: datetime
    n_goes: int
    n_overdue: int
    n_derived: int
    size_bytes: int
    duration_s: float
    examples: tuple[Judged, ...]
    kept: tuple[KeptBack, ...]
    complete: bool = True


class DeletionState(str, Enum):
    """How far a deletion is."""

    ASKED = "asked"
    ALLOWED = "allowed"
    REFUSED = "refused"
    DONE = "done"


class ItemState(str, Enum):
    """What became of one recording of a deletion."""

    PENDING = "pending"
    DELETED = "deleted"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class NewDeletion:
    """A deletion to ask for. `by`: it is of all that might go at that instant; None: its recordings were named."""

    recording_ids: tuple[str, ...]
    reason: str
    by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion as stored, `counts` of its recordings by state."""

    deletion_id: int
    by: datetime | None
    reason: str
    state: DeletionState
    asked: Person
    asked_at: datetime
    decided: Person | None = None
    decided_at: datetime | None = None
    decision_reason: str = ""
    finished_at: datetime | None = None
    counts: Mapping[ItemState, int] = field(default_factory=dict)

    @property
    def is_named(self) -> bool:
        """Whether somebody named each recording: only then may the house's own period be cut short."""
        return self.by is None


@dataclass(frozen=True, slots=True)
class NotDecided:
    """Why somebody cannot decide on a deletion. `forbidden`: this person cannot, somebody else may."""

    reason: str
    forbidden: bool = False


@dataclass(frozen=True, slots=True)
class DeletionItem:
    """One recording of a deletion, and why it was kept where it was."""

    recording_id: str
    state: ItemState
    reasons: tuple[Reason, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DoomedObject:
    """An object in the store whose key is destroyed."""

    name: str
    recording_id: str
