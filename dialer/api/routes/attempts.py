"""Attempts: what was dialed and how it ended; reconciling what a crash left unknown."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, StringConstraints

from dialer.api.decision_words import DecisionOut
from dialer.api.paging import PageQuery, next_cursor
from dialer.api.problems import bad_field, conflict, not_found
from dialer.api.proof_words import link_out
from dialer.api.routing import Call, Id, Input, Instant, Nothing, Routes
from dialer.api.services import Services
from dialer.campaigns.retry import next_step
from dialer.model.attempt import Attempt, AttemptFilter, AttemptState, CallPath, Disposition, HangupSide
from dialer.model.collecting import IdentityCheck
from dialer.model.contact import mask_number
from dialer.model.entry import NextStep, PastAttempt
from dialer.redaction import mask_numbers

routes = Routes("attempts")

Ref = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class AttemptPath(Input):
    attempt_id: Id


class AttemptQuery(PageQuery):
    """All given filters must fit; `since` and `until` bound the reservation, half open."""

    campaign_id: Id | None = None
    case_ref: Ref | None = None
    person_ref: Ref | None = None
    agent_id: Id | None = None
    state: AttemptState | None = None
    disposition: Disposition | None = None
    since: Instant | None = None
    until: Instant | None = None


class AttemptOut(BaseModel):
    """One dial of one number. Numbers are masked; the raw signalling is kept as evidence."""

    attempt_id: int
    campaign_id: int
    contact_id: int
    case_ref: str
    person_ref: str
    number_masked: str
    caller_id_masked: str
    path: CallPath
    state: AttemptState
    disposition: Disposition | None
    trunk: str
    agent_id: int | None
    node: str
    reserved_at: datetime
    ringing_at: datetime | None
    answered_at: datetime | None
    greeting_end_at: datetime | None
    connected_at: datetime | None
    notice_at: datetime | None
    ended_at: datetime | None
    verdict: str
    verdict_confidence: float
    hangup_side: HangupSide | None
    sip_status: int | None
    sip_phrase: str
    reasons: list[str]
    q850: int | None
    recording_id: str

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptOut":
        """As stored, with the caller ID masked and numbers taken out of the peer's words."""
        same = {name: getattr(attempt, name) for name in cls.model_fields if hasattr(attempt, name)}
        return cls(
            **same,
            caller_id_masked=mask_number(attempt.caller_id) if attempt.caller_id else "",
            sip_status=attempt.cause.sip_status,
            sip_phrase=mask_numbers(attempt.cause.sip_phrase),
            reasons=[mask_numbers(reason) for reason in attempt.cause.reasons],
            q850=attempt.cause.q850,
        )


class AttemptDetail(AttemptOut):
    """An attempt with the gate's record: every rule that was evaluated, in words. None: it was altered, or is gone.

    `identity_checks` are what its collector recorded of who was on the line, oldest first; the last one counts.
    """

    decision: DecisionOut | None = None
    identity_checks: tuple[IdentityCheck, ...] = ()


class AttemptPage(BaseModel):
    """Attempts, newest first."""

    items: list[AttemptOut]
    next: int | None


class ReconcileIn(Input):
    """How the attempt ended, by the trunk's call records or somebody's knowledge."""

    disposition: Disposition


@routes.add("GET", "/v1/attempts", "attempts.list")
async def list_attempts(call: Call[Nothing, AttemptQuery, Nothing]) -> AttemptPage:
    """Lists attempts, newest first."""
    asked = call.query
    _aware(asked.since, "query.since")
    _aware(asked.until, "query.until")
    wanted = AttemptFilter(
        campaign_id=asked.campaign_id,
        case_ref=asked.case_ref,
        person_ref=asked.person_ref,
        agent_id=asked.agent_id,
        states=(asked.state,) if asked.state else (),
        dispositions=(asked.disposition,) if asked.disposition else (),
        since=asked.since,
        until=asked.until,
    )
    found = await call.services.storage.attempts.list(wanted, asked.cursor, asked.limit)
    ids = [attempt.attempt_id for attempt in found]
    return AttemptPage(items=[AttemptOut.of(attempt) for attempt in found], next=next_cursor(ids, asked.limit))


@routes.add("GET", "/v1/attempts/{attempt_id}", "attempts.get")
async def get_attempt(call: Call[AttemptPath, Nothing, Nothing]) -> AttemptDetail:
    """Shows one attempt with the gate's record of why it was allowed, and who was on the line."""
    attempts = call.services.storage.attempts
    attempt = await attempts.get(call.path.attempt_id)
    if attempt is None:
        raise not_found("attempt")
    proofs = call.services.storage.proof_reading
    links = await proofs.of_attempt(attempt.attempt_id)
    shown = await link_out(proofs, links[0]) if links else None
    checks = await call.services.storage.identity_checks.of_attempts([attempt.attempt_id])
    return AttemptDetail(
        **AttemptOut.of(attempt).model_dump(),
        decision=None if shown is None else shown.decision,
        identity_checks=checks.get(attempt.attempt_id, ()),
    )


@routes.add("POST", "/v1/attempts/{attempt_id}/reconcile", "attempts.reconcile")
async def reconcile(call: Call[AttemptPath, Nothing, ReconcileIn]) -> AttemptOut:
    """Says how an attempt ended that a crash left unknown; only then may its contact be dialed again."""
    attempts = call.services.storage.attempts
    if call.body.disposition is Disposition.UNKNOWN:
        raise bad_field("body.disposition", "unknown is what the attempt is already", "say how the call ended")
    attempt = await attempts.get(call.path.attempt_id)
    if attempt is None:
        raise not_found("attempt")
    now = call.services.clock.utcnow()
    step = await _step_after(call.services, attempt, call.body.disposition, now)
    done = await attempts.reconcile(attempt.attempt_id, call.body.disposition, call.actor.actor, now, step)
    if not done:
        raise conflict(f"the attempt is {attempt.state.value}; only an unknown attempt can be reconciled")
    call.services.outcomes_wake()
    settled = await attempts.get(attempt.attempt_id)
    return AttemptOut.of(settled or attempt)


async def _step_after(services: Services, attempt: Attempt, end: Disposition, now: datetime) -> NextStep:
    """What becomes of the contact, by the campaign's own rule for this end."""
    storage = services.storage
    campaign = await storage.campaigns.get(attempt.campaign_id)
    contact = await storage.lists.contact(attempt.contact_id)
    if campaign is None or contact is None:
        return NextStep(None, None, exhausted=True, reason="its list is gone")
    history = await storage.attempts.history(attempt.campaign_id, attempt.contact_id)
    lost = PastAttempt(attempt.phone_id, Disposition.UNKNOWN, attempt.ended_at or now, attempt.verdict)
    known = PastAttempt(attempt.phone_id, end, attempt.ended_at or now, attempt.verdict)
    others = [past for past in history if past != lost]
    return next_step(campaign.settings, contact, sorted([*others, known], key=lambda past: past.ended_at), now)


def _aware(at: datetime | None, field: str) -> None:
    if at is not None and at.tzinfo is None:
        raise bad_field(field, "needs a UTC offset", "write it like 2026-11-23T09:00:00+08:00")
