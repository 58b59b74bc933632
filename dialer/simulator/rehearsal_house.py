"""What a rehearsal's campaign is made of: its settings, its rules, its collectors and its list, from a scenario."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dialer.campaigns.pacing.config import PacerConfig
from dialer.compliance.facts import Scope
from dialer.compliance.packs import load_policy
from dialer.compliance.policy import Policy
from dialer.compliance.registry import RegisteredNumber, Registry
from dialer.config import TrunkConfig
from dialer.media.loopback_silent import HOST
from dialer.model.account import NewAccount, Role
from dialer.model.agent import Agent
from dialer.model.attempt import Disposition
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.campaign import CampaignMode, CampaignSettings, CampaignState, RetryRule
from dialer.model.collecting import CollectingSettings
from dialer.prompts.signals import silence
from dialer.simulator.fates import Fates
from dialer.simulator.rehearsal_collectors import FORM
from dialer.simulator.scenario import Duration, Scenario, Segment
from dialer.storage import Storage

NODE = "rehearsal"
MOST_NUMBERS = 3
"""A contact has so many numbers at most."""
CHUNK = 2000
LEAST_CALLER_IDS = 4
CALLS_MARGIN = 3.0
"""So many times the calls that keep everybody talking are provided for: days are worse than their figures."""
SPOKEN_MS = 230
"""How long a syllable takes to say."""
_FIELDS = {"amount": "1200.50", "due_date": "2026-12-01"}
"""What the reminder's script speaks."""
_TRIED_AGAIN = (
    Disposition.BUSY,
    Disposition.NO_ANSWER,
    Disposition.POWERED_OFF,
    Disposition.UNREACHABLE,
    Disposition.MACHINE,
    Disposition.SILENCE,
    Disposition.CANCELLED,
)
"""Ends after which `CallList.tries` and `pause_min` hold; the others keep the house's own rules."""


class Silence:
    """A `TextToSpeech` that only takes its time: one syllable a character."""

    async def say(self, text: str, language: str) -> bytes:
        return silence(SPOKEN_MS * len(text))


class FixedPolicy:
    """A `PolicyPort` whose policy does not change during the day."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def current(self, now: datetime) -> Policy:
        return self._policy


@dataclass(frozen=True, slots=True)
class House:
    """A campaign ready to run. `people` says which contact of the list a number reaches, counted from 0."""

    campaign_id: int
    agents: tuple[Agent, ...]
    people: dict[str, int]


def trunk_of(scenario: Scenario) -> TrunkConfig:
    """The one trunk."""
    return TrunkConfig(name=NODE, host=HOST, channels=scenario.trunk.channels, cps=scenario.trunk.cps)


def rules_of(scenario: Scenario) -> tuple[Policy, tuple[str, ...]]:
    """The policy of the scenario's packs, and caller IDs enough for a day under it. Reads files; raises ConfigError."""
    caps = [tally.limit for tally in load_policy(scenario.packs).demand.tallies if tally.scope is Scope.CALLER_ID]
    wanted = math.ceil(_most_calls(scenario) / min(caps)) if caps else 0
    numbers = tuple(f"+86400{n:07d}" for n in range(max(wanted, LEAST_CALLER_IDS)))
    registry = Registry(tuple(RegisteredNumber(number, ("collection",)) for number in numbers))
    return load_policy(scenario.packs, (), registry), numbers


def _most_calls(scenario: Scenario) -> float:
    """No day has more: the list, the trunk's calls per second, or the collectors' time bounds it."""
    call_list, trunk, workforce = scenario.call_list, scenario.trunk, scenario.workforce
    by_list = call_list.contacts * call_list.numbers * call_list.tries
    by_trunk = trunk.cps * scenario.length_s
    if scenario.pace.mode is CampaignMode.REMINDER:
        return min(by_list, by_trunk)
    shifts = workforce.shifts
    staffed_s = sum(s.collectors * (scenario.seconds_at(s.ends) - scenario.seconds_at(s.begins)) for s in shifts)
    live = _mean(scenario, lambda segment: segment.answered * (1 - segment.machine))
    busy_s = _mean(scenario, lambda segment: _mean_s(segment.talk)) + _mean_s(workforce.wrap_up)
    return min(by_list, by_trunk, CALLS_MARGIN * staffed_s / max(busy_s * live, 1.0))


def _mean(scenario: Scenario, of: Callable[[Segment], float]) -> float:
    shares = sum(segment.share for segment in scenario.segments)
    return sum(segment.share * of(segment) for segment in scenario.segments) / shares


def _mean_s(duration: Duration) -> float:
    return sum(part.share * part.mean_s for part in duration.parts) / sum(part.share for part in duration.parts)


def settings_of(scenario: Scenario, caller_ids: tuple[str, ...]) -> CampaignSettings:
    """The campaign's settings. Wrap-ups last as long as the scenario has them."""
    pace, call_list = scenario.pace, scenario.call_list
    rule = RetryRule(call_list.pause_min * 60, call_list.tries)
    lines = PacerConfig().max_lines_per_agent if pace.lines_per_agent is None else pace.lines_per_agent
    return CampaignSettings(
        mode=pace.mode,
        power_ratio=pace.ratio,
        caller_ids=caller_ids,
        ring_timeout_s=pace.ring_timeout_s,
        abandon_target=pace.abandon_target,
        max_lines_per_agent=lines,
        amd=scenario.detection.mode,
        max_reminder_channels=scenario.trunk.channels,
        wrap_up_limit_s=scenario.workforce.wrap_up.most_s + 1,
        retries=dict.fromkeys(_TRIED_AGAIN, rule),
        form=FORM,
        collecting=CollectingSettings(identity_check=False),  # nothing is said in a rehearsal
    )


async def build(storage: Storage, scenario: Scenario, fates: Fates, settings: CampaignSettings) -> House:
    """Writes collectors, list and campaign into an empty database; the campaign runs."""
    now = scenario.begins
    agents = await _hire(storage, scenario, now)
    people: dict[str, int] = {}
    list_id = await storage.lists.begin(scenario.name, NODE, NODE, now)
    contacts = _contacts(scenario, fates.of_workforce("the list"), people)
    while chunk := [contact for contact, _ in zip(contacts, range(CHUNK), strict=False)]:
        await storage.lists.add(list_id, chunk)
    await storage.lists.finish(list_id)
    campaign = await storage.campaigns.create(scenario.name, [list_id], settings, now)
    await storage.entries.build(campaign.campaign_id, now)
    await storage.campaigns.set_state(campaign.campaign_id, campaign.state, CampaignState.RUNNING, "rehearsed", now)
    return House(campaign.campaign_id, agents, people)


async def _hire(storage: Storage, scenario: Scenario, now: datetime) -> tuple[Agent, ...]:
    agents = []
    for n in range(sum(shift.collectors for shift in scenario.workforce.shifts)):
        account = NewAccount(f"collector-{n}", f"collector {n}", Role.COLLECTOR, "no password")
        stored = await storage.accounts.create(account, now)
        agents.append(Agent(stored.account_id, stored.login, stored.name))
    return tuple(agents)


def _contacts(scenario: Scenario, chance: random.Random, people: dict[str, int]) -> Iterator[NewContact]:
    """The list's contacts, their numbers entered into `people`."""
    zone = scenario.begins.tzinfo.key if isinstance(scenario.begins.tzinfo, ZoneInfo) else None
    whole, part = divmod(scenario.call_list.numbers, 1.0)
    for person in range(scenario.call_list.contacts):
        n_numbers = min(int(whole) + (chance.random() < part), MOST_NUMBERS)
        numbers = [f"+86{13900000000 + person * MOST_NUMBERS + n}" for n in range(n_numbers)]
        people.update(dict.fromkeys(numbers, person))
        phones = tuple(NewPhone(number) for number in numbers)
        yield NewContact(f"P{person}", f"C{person}", phones, f"person {person}", zone, (), _FIELDS)
