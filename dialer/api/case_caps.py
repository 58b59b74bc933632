"""How often the numbers of a case may still be called: the gate's own counters, asked without a reservation."""

from dataclasses import replace
from datetime import datetime

from pydantic import BaseModel

from dialer.api.decision_words import LANGUAGES, LocalTime, RuleOut, Words, by_short_hash, decision_out
from dialer.api.explaining import campaign_reservation
from dialer.api.services import Services
from dialer.calls.order import CallOrder
from dialer.compliance.policy import Policy
from dialer.compliance.rule_words import tell_counted
from dialer.model.attempt import CallPath
from dialer.model.contact import Phone, PhoneRole, mask_number
from dialer.model.entry import Reservation
from dialer.storage.explaining import Answer


class CapOut(BaseModel):
    """A rule that counts: so much of it is used up; `counts` says of what."""

    rule: str
    counts: Words
    used: int
    limit: int


class NumberCaps(BaseModel):
    """One number of the case. `retry_at` is when it may be called next; null: now, or never by waiting alone."""

    phone_id: int
    number_masked: str
    role: PhoneRole
    allowed: bool
    reason: Words
    retry_at: datetime | None
    retry_local: list[LocalTime]
    caps: list[CapOut]


class CaseCaps(BaseModel):
    """All numbers of the case, as the gate would answer a call by hand at `at`."""

    at: datetime
    numbers: list[NumberCaps]


async def case_caps(services: Services, agent_id: int, order: CallOrder) -> CaseCaps:
    """Of every number; a call that is under way counts, and stands in the way of the next."""
    now = services.clock.utcnow()
    policy = services.policy.current(now)
    asked = [await _asked(services, agent_id, order, phone, policy, now) for phone in order.contact.phones]
    answers = await services.storage.explaining.ask(asked, policy, now, None)
    numbers = [_number(phone, answer, policy) for phone, answer in zip(order.contact.phones, answers, strict=True)]
    return CaseCaps(at=now, numbers=numbers)


async def _asked(
    services: Services, agent_id: int, order: CallOrder, phone: Phone, policy: Policy, at: datetime
) -> Reservation:
    campaign, contact = order.campaign, order.contact
    asked = await campaign_reservation(services, campaign, contact, phone, CallPath.MANUAL, policy, at)
    return replace(asked, agent_id=agent_id)


def _number(phone: Phone, answer: Answer, policy: Policy) -> NumberCaps:
    decision = decision_out(answer.decision, answer.zones, by_short_hash(policy.used_packs))
    return NumberCaps(
        phone_id=phone.phone_id,
        number_masked=mask_number(phone.number),
        role=phone.role,
        allowed=decision.allowed,
        reason=decision.reason,
        retry_at=decision.retry_at,
        retry_local=decision.retry_local,
        caps=[cap for rule in decision.rules if (cap := _cap(rule, policy)) is not None],
    )


def _cap(rule: RuleOut, policy: Policy) -> CapOut | None:
    if rule.used is None or rule.limit is None:
        return None
    bodies = (known.body for pack in policy.used_packs for known in pack.rules if known.rule_id == rule.rule)
    body = next(bodies, None)
    en, zh = ("" if body is None else tell_counted(body, language) for language in LANGUAGES)
    counts = Words(en=en or rule.title.en, zh=zh or rule.title.zh)
    return CapOut(rule=rule.rule, counts=counts, used=rule.used, limit=rule.limit)
