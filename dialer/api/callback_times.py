"""May a person be called back then? Asked before it is promised: what the clock forbids will not be true later either.

Only rules about hours and days are looked at: what is counted, and the call under way, is another matter by then.
"""

from dataclasses import replace
from datetime import datetime

from pydantic import BaseModel

from dialer.api.decision_words import LocalTime, Words, by_short_hash, decision_out, local_times
from dialer.api.explaining import campaign_reservation
from dialer.api.problems import bad_field
from dialer.api.services import Services
from dialer.model.attempt import CallPath
from dialer.model.campaign import Campaign
from dialer.model.contact import Contact, Phone

OF_THE_CLOCK = frozenset({"calling_window", "forbidden_hours", "convenience"})
"""Kinds of rules that say when a person may be called."""


class CallbackTime(BaseModel):
    """Whether a callback may be promised for `at`; else why not, and the next time at which it may."""

    at: datetime
    local: list[LocalTime]
    allowed: bool
    reason: Words | None
    next_at: datetime | None
    next_local: list[LocalTime]


async def callback_time(
    services: Services, agent_id: int, campaign: Campaign, contact: Contact, phone: Phone, at: datetime
) -> CallbackTime:
    """What the clock says of a call to this number at that time."""
    policy = services.policy.current(services.clock.utcnow())
    asked = await campaign_reservation(services, campaign, contact, phone, CallPath.CALLBACK, policy, at)
    (answer,) = await services.storage.explaining.ask([replace(asked, agent_id=agent_id)], policy, at, None)
    decision = decision_out(answer.decision, answer.zones, by_short_hash(policy.used_packs))
    closed = [rule for rule in decision.rules if not rule.kept and rule.kind in OF_THE_CLOCK]
    known = [rule.retry_at for rule in closed if rule.retry_at is not None]
    next_at = max(known, default=None)
    return CallbackTime(
        at=at,
        local=local_times(at, answer.zones),
        allowed=not closed,
        reason=closed[0].words if closed else None,
        next_at=next_at,
        next_local=[] if next_at is None else local_times(next_at, answer.zones),
    )


async def check_callback_time(
    services: Services, agent_id: int, campaign: Campaign, contact: Contact, phone: Phone, at: datetime
) -> None:
    """ApiError 422 with the next time where the clock forbids that one."""
    found = await callback_time(services, agent_id, campaign, contact, phone, at)
    if found.allowed:
        return
    words = "nobody may be called then" if found.reason is None else found.reason.en
    said = {} if found.reason is None else {words: found.reason.zh}
    fix = "" if found.next_at is None else f"the next time is {found.next_at.isoformat()}"
    raise bad_field("body.callback_at", words, fix, said)
