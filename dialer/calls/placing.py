"""Up to the reservation: a trunk's channel, a caller ID, and the gate's word. No INVITE leaves from here."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dialer.calls.order import CallOrder
from dialer.calls.services import CallServices
from dialer.campaigns.caller_id import choose_caller_id
from dialer.errors import StorageError
from dialer.model.attempt import Attempt
from dialer.model.decision import Decision
from dialer.sip.trunks import TrunkLease, TrunkRefusal

logger = logging.getLogger(__name__)

STORAGE_PAUSE = timedelta(seconds=10)
"""When an entry is tried again whose reservation the database could not answer."""
DIALING_MARGIN_S = 10.0
"""The gate is asked for a call that rings this much longer than it will: the time a slow database and trunks that do
not answer may take before the last INVITE under one reservation leaves. No INVITE leaves later than that."""


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """Nothing was dialed, and why.

    `retry_at` None: no passing of time helps. `rule` is the gate's, where it refused.
    """

    reason: str
    retry_at: datetime | None
    rule: str = ""


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
    """Another trunk of the campaign's group, None when there is none now."""
    lease = services.trunks.acquire(order.campaign.settings.trunk_group, exclude=tried)
    return None if isinstance(lease, TrunkRefusal) else lease


async def place(services: CallServices, order: CallOrder) -> Placed | NotPlaced:
    """Asks for a trunk, then the gate. What the gate refuses is on record when this returns."""
    lease = services.trunks.acquire(order.campaign.settings.trunk_group)
    if isinstance(lease, TrunkRefusal):
        return NotPlaced(lease.reason, services.clock.utcnow() + timedelta(seconds=lease.retry_in_s))
    reserved = False
    try:
        outcome = await _reserve(services, order, lease)
        reserved = isinstance(outcome, Placed)
        return outcome
    finally:
        if not reserved:
            lease.release()


async def _reserve(services: CallServices, order: CallOrder, lease: TrunkLease) -> Placed | NotPlaced:
    caller_id = choose_caller_id(order.campaign.settings.caller_ids, order.contact.person_ref)
    reservation = order.reservation(services.node, lease.trunk.name, caller_id, DIALING_MARGIN_S)
    try:
        outcome = await services.storage.attempts.reserve(reservation, services.policy, services.clock.utcnow())
    except StorageError as error:
        logger.exception("reservation failed", extra={"campaign_id": order.campaign.campaign_id})
        return NotPlaced(str(error), services.clock.utcnow() + STORAGE_PAUSE)
    if isinstance(outcome, Decision):
        return NotPlaced(outcome.reason, outcome.retry_at, outcome.rule)
    return Placed(outcome, lease)
