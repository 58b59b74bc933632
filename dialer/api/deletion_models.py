"""What callers send and get about deletions: which recordings, why each stays or goes, who asked and who decided."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from dialer.api.paging import Limit, PageQuery
from dialer.api.principal import named
from dialer.api.routes.holds import Why
from dialer.api.routing import Id, Input, Instant
from dialer.evidence.retention import MAX_ITEMS
from dialer.model.retention import (
    Deletion,
    DeletionItem,
    DeletionState,
    DryRun,
    ItemState,
    Judged,
    KeptBack,
    Person,
)
from recording.retention import Reason
from recording.retention_words import say

RecordingId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=128)]


class DeletionPath(Input):
    deletion_id: Id


class Selection(Input):
    """Which recordings: named ones, or without names all whose time was over at `by` (now when missing).

    The period of the house itself can be cut short only for recordings that are named. `overdue`: only what should be
    gone already.
    """

    recording_ids: Annotated[list[RecordingId] | None, Field(min_length=1, max_length=MAX_ITEMS)] = None
    by: Instant | None = None
    overdue: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.recording_ids is not None and (self.by is not None or self.overdue):
            raise ValueError("give recording_ids, or by and overdue")
        if self.by is not None and self.by.tzinfo is None:
            raise ValueError("by needs a UTC offset")
        return self


class DeletionIn(Selection):
    """A request. The reason goes into the ledger for good: name no person in it."""

    reason: Why


class RefuseIn(Input):
    """Why it is not to be."""

    reason: Why


class DeletionQuery(PageQuery):
    """Only requests in this state."""

    state: DeletionState | None = None


class ItemQuery(Input):
    """`after`: the last `recording_id` of the page before."""

    state: ItemState | None = None
    after: Annotated[str, StringConstraints(max_length=128)] = ""
    limit: Limit = 100


class ReasonOut(BaseModel):
    """Why a recording stays or may go."""

    code: str
    en: str
    zh: str

    @classmethod
    def of(cls, reason: Reason) -> Self:
        """In both languages."""
        return cls(code=reason.code, en=say(reason, "en"), zh=say(reason, "zh"))


class JudgedOut(BaseModel):
    """A recording and what may be done with it. `law_until` and `gone_by` are null where nothing says them."""

    recording_id: str
    case_ref: str
    goes: bool
    law_until: datetime | None
    gone_by: datetime | None
    reasons: list[ReasonOut]

    @classmethod
    def of(cls, judged: Judged) -> Self:
        """As it was judged."""
        verdict, recording = judged.verdict, judged.recording
        return cls(
            recording_id=judged.recording_id,
            case_ref="" if recording is None else recording.case_ref,
            goes=judged.goes,
            law_until=None if verdict is None else verdict.law_until,
            gone_by=None if verdict is None else verdict.gone_by,
            reasons=[ReasonOut.of(reason) for reason in judged.reasons],
        )


class KeptOut(BaseModel):
    """Recordings that stay for one reason, and the first of them."""

    code: str
    n: int
    examples: list[JudgedOut]

    @classmethod
    def of(cls, kept: KeptBack) -> Self:
        """As it was counted."""
        return cls(code=kept.code, n=kept.n, examples=[JudgedOut.of(judged) for judged in kept.examples])


class DryRunOut(BaseModel):
    """What a deletion would do at `at`: nothing was changed.

    `n_derived` redactions go with their originals. `complete` false: there are more than one request may hold.
    """

    at: datetime
    n_goes: int
    n_overdue: int
    n_derived: int
    size_bytes: int
    duration_s: float
    examples: list[JudgedOut]
    kept: list[KeptOut]
    complete: bool

    @classmethod
    def of(cls, run: DryRun) -> Self:
        """As it was counted."""
        plain = {name: getattr(run, name) for name in cls.model_fields if name not in ("examples", "kept")}
        examples = [JudgedOut.of(judged) for judged in run.examples]
        return cls(**plain, examples=examples, kept=[KeptOut.of(kept) for kept in run.kept])


class DeletionOut(BaseModel):
    """A request: who asked, who decided, and how many of its recordings are pending, deleted or kept.

    `by` null: its recordings were named.
    """

    deletion_id: int
    by: datetime | None
    reason: str
    state: DeletionState
    asked_by: str
    asked_at: datetime
    decided_by: str
    decided_at: datetime | None
    decision_reason: str
    finished_at: datetime | None
    counts: dict[ItemState, int]

    @classmethod
    def of(cls, deletion: Deletion) -> Self:
        """As stored, people by name."""
        plain = {name: getattr(deletion, name) for name in cls.model_fields if name not in ("asked_by", "decided_by")}
        decided = "" if deletion.decided is None else words_of(deletion.decided)
        return cls(**plain, asked_by=words_of(deletion.asked), decided_by=decided)


class DeletionShown(DeletionOut):
    """A request, and what it would do now; `dry_run` is null once it was decided on."""

    dry_run: DryRunOut | None


class DeletionPage(BaseModel):
    """Requests, newest first."""

    items: list[DeletionOut]
    next: int | None


class ItemOut(BaseModel):
    """One recording of a request, and why it was kept where it was."""

    recording_id: str
    state: ItemState
    reasons: list[ReasonOut]
    at: datetime | None

    @classmethod
    def of(cls, item: DeletionItem) -> Self:
        """As stored."""
        reasons = [ReasonOut.of(reason) for reason in item.reasons]
        return cls(recording_id=item.recording_id, state=item.state, reasons=reasons, at=item.at)


class ItemPage(BaseModel):
    """Recordings of a request by their ids; `next` is the `after` of the next page."""

    items: list[ItemOut]
    next: str | None


def words_of(person: Person) -> str:
    """How a person is named to people."""
    return named(person.name, person.role, person.account_id)
