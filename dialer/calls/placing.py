"""Up to the reservation: a trunk's channel, a caller ID, and the gate's word. No INVITE leaves from here."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from dialer.calls.order import CallOrder
from dialer.calls.refused import is_number_used_up, latest_alone, verdict
from dialer.calls.services import CallServices
from dialer.compliance.answer import chinese_reason
from dialer.compliance.facts import Scope
from dialer.compliance.policy import Policy
from dialer.errors import StorageError
from dialer.model.attempt import Attempt
from dialer.model.decision import Decision
from dialer.model.entry import DIALING_MARGIN_S, Reservation
from dialer.sip.trunks import TrunkLease, TrunkRefusal
from dialer.words.bilingual import Bilingual, both
from dialer.words.catalogue import in_both

logger = logging.getLogger(__name__)

STORAGE_PAUSE = timedelta(seconds=10)
"""When an entry is tried again whose reservation the database could not answer."""

Dedicate = Callable[[], int | None]
"""Reserves a collector who is ready for this very call; None: nobody is."""


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """Nothing was dialed, and why.

    `retry_at` None: no passing of time helps. `rule` is the gate's, where it refused; `alike`: it would refuse every
    call of the campaign now. `needs_agent`: only a call with a collector reserved for it may be placed. `reason_zh` is
    `reason` in Chinese where the gate said it.
    """

    reason: str
    retry_at: datetime | None
    rule: str = ""
    alike: bool = False
    needs_agent: bool = False
    reason_zh: str = ""

    @property
    def words(self) -> Bilingual:
        """The reason in both languages; without Chinese where it has none."""
        return Bilingual(self.reason, self.reason_zh) if self.reason_zh else in_both(self.reason)


@dataclass(frozen=True, slots=True)
class Placed:
    """A durable reservation, and the trunk its INVITE goes to."""

    attempt: Attempt
    lease: TrunkLease

    def over(self, lease: TrunkLease) -> "Placed":
        """The same reservation over another trunk."""
        return replace(self, lease=lease)

    def may_dial(self, now: datetime) -> bool:
        """Whether an INVITE may still leave on the gate's word; not where the wall clock stepped back meanwhile."""
        return timedelta() <= now - self.attempt.reserved_at <= timedelta(seconds=DIALING_MARGIN_S)

    @property
    def recording_id(self) -> str:
        """Unique over databases and nodes as far as their clocks go; a plain file name."""
        return f"{self.attempt.reserved_at:%Y%m%dT%H%M%S}-{self.attempt.attempt_id}"


def lease_trunk(services: CallServices, order: CallOrder, tried: Collection[str]) -> TrunkLease | None:
    """Another trunk of the campaign's group, None when there is none now.

    None, too, where a rule counts by trunk: the gate's word is about the first one.
    """
    tallies = services.policy.current(services.clock.utcnow()).demand.tallies
    if any(tally.scope is Scope.CAMPAIGN_TRUNK for tally in tallies):
        return None
    lease = services.trunks.acquire(order.campaign.settings.trunk_group, exclude=tried)
    return None if isinstance(lease, TrunkRefusal) else lease


async def place(services: CallServices, order: CallOrder, dedicate: Dedicate) -> tuple[CallOrder, Placed | NotPlaced]:
    """Asks for a trunk, then the gate. What the gate refuses is on record when this returns.

    Where the gate wants a collector reserved for the call, `dedicate` is asked for one and the gate again; the order
    that is returned names that collector.
    """
    lease = services.trunks.acquire(order.campaign.settings.trunk_group)
    if isinstance(lease, TrunkRefusal):
        return order, NotPlaced(lease.reason, services.clock.utcnow() + timedelta(seconds=lease.retry_in_s))
    reserved = False
    try:
        outcome = await _reserve(services, order, lease)
        if isinstance(outcome, NotPlaced) and outcome.needs_agent:
            agent_id = dedicate()
            if agent_id is None:
                en, zh = "no collector is ready for a call of their own: {why}", "没有催收员可专接此呼叫：{why}"
                words = both(en, zh, why=outcome.words)
                return order, replace(outcome, reason=words.en, reason_zh=words.zh)
            order = order.with_collector(agent_id)
            outcome = await _reserve(services, order, lease)
        reserved = isinstance(outcome, Placed)
        return order, outcome
    finally:
        if not reserved:
            lease.release()


async def _reserve(services: CallServices, order: CallOrder, lease: TrunkLease) -> Placed | NotPlaced:
    now = services.clock.utcnow()
    policy = services.policy.current(now)
    try:
        caller_id = await services.caller_ids.choose(order, policy, now)
        reservation = order.reservation(services.node, lease.trunk.name, caller_id)
        outcome = await services.storage.attempts.reserve(reservation, policy, services.clock.utcnow())
        if isinstance(outcome, Decision):
            return await _refused(services, order, policy, outcome, reservation)
    except StorageError as error:
        logger.exception("reservation failed", extra={"campaign_id": order.campaign.campaign_id})
        return NotPlaced(str(error), services.clock.utcnow() + STORAGE_PAUSE)
    return Placed(outcome, lease)


async def _refused(
    services: CallServices, order: CallOrder, policy: Policy, decision: Decision, reservation: Reservation
) -> NotPlaced:
    """What the refusal means for the entry; a number at its cap may have others beside it."""
    now = services.clock.utcnow()
    if is_number_used_up(decision, policy):
        services.caller_ids.forget()
    others = await services.caller_ids.usable(order, policy, now)
    means = partial(
        verdict,
        policy=policy,
        has_collectors=not order.is_reminder,
        another_number=any(number != reservation.caller_id for number in others),
    )
    meaning, later = means(decision, now=now), latest_alone(decision, policy)
    if meaning.retry_at is None and later is not None:
        (then,) = await services.storage.explaining.ask([reservation], policy, later, None)
        if then.decision.allowed or means(then.decision, now=later).retry_at is not None:
            meaning = replace(meaning, retry_at=later)  # the house can mend what is in the way then
    needs_agent = decision.needs_agent and order.agent_id is None and not order.is_reminder
    return NotPlaced(
        decision.reason, meaning.retry_at, decision.rule, meaning.alike, needs_agent, chinese_reason(decision)
    )
