"""Which caller IDs the policy lets a campaign show, and what is wrong with the others. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime

from dialer.compliance.facts import GateFacts
from dialer.compliance.policy import Bound, Policy
from dialer.compliance.standing import CallerId
from dialer.compliance.words import say
from dialer.model.attempt import CallPath
from dialer.model.campaign import CampaignSettings
from dialer.model.contact import PhoneRole
from dialer.model.decision import Effect
from schedules.zones import ZoneCandidates


def campaign_facts(
    settings: CampaignSettings,
    path: CallPath | None = None,
    role: PhoneRole = PhoneRole.OWN,
    *,
    has_agent: bool = False,
) -> GateFacts:
    """What is known of every call of a campaign, by `path` or in its own mode.

    A doubt about the person makes every rule apply.
    """
    return GateFacts(
        zones=ZoneCandidates(),
        max_ring_s=0.0,
        role=role,
        path=path or settings.mode.path,
        dedicated_agent=has_agent,
        agency=settings.agency,
        creditor=settings.creditor,
        product=settings.product,
    )


def presentable(policy: Policy, facts: GateFacts, pool: Sequence[str], now: datetime) -> tuple[str, ...]:
    """The numbers of a pool with which every rule about caller IDs is kept, in a call with these facts."""
    today = policy.house_day(now)
    return tuple(number for number in pool if not any(_faults(policy, _showing(policy, facts, number, today), now)))


def number_problems(policy: Policy, settings: CampaignSettings, now: datetime) -> tuple[str, ...]:
    """Why the gate would refuse calls that show the campaign's numbers; of a campaign without any, why it needs one."""
    return tuple(_problems(policy, settings, now))


def _problems(policy: Policy, settings: CampaignSettings, now: datetime) -> Iterator[str]:
    facts, today = campaign_facts(settings), policy.house_day(now)
    for number in settings.caller_ids or ("",):
        shown = _showing(policy, facts, number, today)
        fault = next((bound for bound in _faults(policy, shown, now) if bound.rule.effect is not Effect.WARN), None)
        if fault is not None:
            words = say(fault.rule.body.explain(shown, now), "en")
            what = f"caller ID {number}" if number else "no caller ID is set"
            yield f"{what}: {words} (rule {fault.rule.rule_id})"


def _showing(policy: Policy, facts: GateFacts, number: str, today: date) -> GateFacts:
    return replace(facts, caller_id=policy.registry.shown(number, today))


def _faults(policy: Policy, facts: GateFacts, now: datetime) -> Iterator[Bound]:
    """The rules about caller IDs that are not kept."""
    about_numbers = (bound for bound in policy.bounds if isinstance(bound.rule.body, CallerId))
    return (bound for bound in about_numbers if bound.opens(facts, now) != now)
