"""The end of an attempt on record.

How it ended, what becomes of its entry, its recording, what the person asked for.
"""

import asyncio
import logging
from collections.abc import Set
from dataclasses import replace
from datetime import datetime, timedelta

from dialer.calls.dispositions import with_early_media
from dialer.calls.facts import AttemptFacts
from dialer.calls.listening import RECOGNISED, Listening
from dialer.calls.order import CallOrder
from dialer.calls.placing import Placed
from dialer.calls.reminder import Ask
from dialer.calls.services import CallServices
from dialer.calls.signals import SignalKind
from dialer.campaigns.retry import next_step
from dialer.clock import Clock
from dialer.errors import StorageError
from dialer.model.attempt import Attempt, Disposition, Settlement
from dialer.model.contact import PhoneRole
from dialer.model.entry import NextStep, PastAttempt
from dialer.model.verdict_sample import VerdictPhase
from dialer.storage import Listing

logger = logging.getLogger(__name__)

SETTLE_LIMIT_S = 10.0
"""For one try at settling; a try that timed out may have succeeded, and settling twice changes nothing."""
LAST_TRIES = 3
"""So often is it tried while the service stops; until then, as often as it takes."""
TRY_PAUSE_S = 1.0
LONGEST_PAUSE_S = 10.0
OBJECTION_LIMIT_S = 1.0
"""For keeping an objection while the call waits for it."""
ASKED_CALLBACK_DELAY = timedelta(minutes=30)
"""A person who asked an automated call for a callback is called again after this, if the gate allows it then."""


def corrected(facts: AttemptFacts, heard: Listening) -> AttemptFacts:
    """The facts of an end, with what was heard: before the answer it counts for more than the signalling."""
    known, early = heard.announcement, heard.early
    if facts.answered_at is not None:
        if known is None or facts.verdict != SignalKind.DEAD_END.value:
            return facts
        return replace(facts, verdict=known.meaning.value)
    meaning = None if known is None else known.meaning
    disposition = with_early_media(facts.disposition or Disposition.UNKNOWN, early, meaning)
    if meaning is not None:
        return replace(facts, disposition=disposition, verdict=meaning.value, verdict_confidence=RECOGNISED)
    if early is not None:
        verdict, confidence = early.label.value, early.confidence
        return replace(facts, disposition=disposition, verdict=verdict, verdict_confidence=confidence)
    return replace(facts, disposition=disposition)


def settlement_of(placed: Placed, facts: AttemptFacts, recording_id: str, clock: Clock) -> Settlement:
    """The record of an attempt whose INVITE left, from its corrected facts."""
    utc, monotonic = clock.utcnow(), clock.monotonic()

    def at(instant: float | None) -> datetime | None:
        return None if instant is None else utc - timedelta(seconds=monotonic - instant)

    return Settlement(
        attempt_id=placed.attempt.attempt_id,
        disposition=facts.disposition or Disposition.UNKNOWN,
        ended_at=at(facts.ended_at) or utc,
        trunk=placed.lease.trunk.name,
        caller_id=placed.attempt.caller_id,
        agent_id=facts.agent_id,
        ringing_at=at(facts.ringing_at),
        answered_at=at(facts.answered_at),
        greeting_end_at=at(facts.greeting_end_at),
        connected_at=at(facts.connected_at),
        notice_at=at(facts.notice_at),
        verdict=facts.verdict,
        verdict_confidence=facts.verdict_confidence,
        hangup_side=facts.hangup_side,
        cause=facts.cause,
        recording_id=recording_id,
    )


async def settle(
    services: CallServices, order: CallOrder, settlement: Settlement, wishes: Set[Ask], *, stopping: bool
) -> bool:
    """Settles durably, however long the database is away: nobody but this call knows how it ended.

    False: the service stops and the database did not take it; the attempt becomes UNKNOWN at the next start.
    """
    n_failed = 0
    while not (stopping and n_failed >= LAST_TRIES):
        await asyncio.sleep(min(n_failed * TRY_PAUSE_S, LONGEST_PAUSE_S))
        try:
            async with asyncio.timeout(SETTLE_LIMIT_S):
                await _settle_once(services, order, settlement, wishes)
                return True
        except (StorageError, TimeoutError):
            n_failed += 1
            logger.exception("attempt not settled", extra={"attempt_id": settlement.attempt_id})
    return False


async def release(services: CallServices, attempt_id: int, reason: str) -> None:
    """Gives a reservation back whose INVITE never left."""
    try:
        async with asyncio.timeout(SETTLE_LIMIT_S):
            await services.storage.attempts.release(attempt_id, reason, services.clock.utcnow())
    except (StorageError, TimeoutError):
        logger.exception("reservation not released", extra={"attempt_id": attempt_id})


def hand_over(services: CallServices, attempt: Attempt, end: Settlement, heard: Listening) -> None:
    """What people may want to listen to, once the end is on record. Nothing in here can hurt the attempt any more."""
    try:
        for phase, verdict in ((VerdictPhase.EARLY, heard.early_end), (VerdictPhase.ANSWERED, heard.greeting)):
            if verdict is not None:
                from_ms = verdict.audio_from_ms
                services.keep_verdict(attempt, phase, verdict.verdict, verdict.pcm, audio_from_ms=from_ms)
        if services.announcements is not None and heard.unknown_announcement:
            services.announcements.keep_unknown(attempt, end, heard.unknown_announcement)
    except Exception:  # the edge of one attempt: its end is on record, and the next ones go on
        logger.exception("what was heard is not kept", extra={"attempt_id": attempt.attempt_id})


async def _settle_once(services: CallServices, order: CallOrder, settlement: Settlement, wishes: Set[Ask]) -> None:
    now = services.clock.utcnow()
    if Ask.DO_NOT_CALL in wishes:  # first: it binds even if the rest has to be repeated
        await _list_objector(services, order, settlement.attempt_id)
    step = None if order.entry_id is None else await _next_step(services, order, settlement, wishes, now)
    await services.storage.attempts.settle(settlement, step, now)


async def keep_objection(services: CallServices, order: CallOrder, attempt_id: int) -> None:
    """Lists who asked not to be called, while the call is still up; where that fails the settlement does it."""
    try:
        async with asyncio.timeout(OBJECTION_LIMIT_S):
            await _list_objector(services, order, attempt_id)
    except (StorageError, TimeoutError):
        logger.exception("objection not stored yet", extra={"attempt_id": attempt_id})


async def _list_objector(services: CallServices, order: CallOrder, attempt_id: int) -> None:
    """An objection covers the number, and on the person's own number the whole person, all numbers and cases.

    A third party speaks for nobody but themselves.
    """
    now, contact = services.clock.utcnow(), order.contact
    reason = "asked not to be called"
    listing = Listing("call", reason, contact.case_ref, contact.person_ref, attempt_id, services.node)
    await services.storage.do_not_call.add_number(order.phone.number, listing, now)
    if contact.person_ref and order.phone.role is PhoneRole.OWN:
        await services.storage.do_not_call.add_person(contact.person_ref, listing, now)


async def _next_step(
    services: CallServices, order: CallOrder, settlement: Settlement, wishes: Set[Ask], now: datetime
) -> NextStep:
    if Ask.REQUEST_CALLBACK in wishes:
        return NextStep(
            order.phone.phone_id, now + ASKED_CALLBACK_DELAY, exhausted=False, reason="asked for a callback"
        )
    history = await services.storage.attempts.history(order.campaign.campaign_id, order.contact.contact_id)
    this = PastAttempt(order.phone.phone_id, settlement.disposition, settlement.ended_at, settlement.verdict)
    return next_step(order.campaign.settings, order.contact, (*history, this), now)
