"""Which caller IDs a campaign may show, by the policy's registers and rules."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from dialer.calls.presentable import campaign_facts, number_problems, presentable
from dialer.compliance.policy import Policy
from dialer.compliance.registry import RegisteredNumber, Registry
from dialer.model.attempt import CallPath
from dialer.model.campaign import CampaignSettings
from tests.support.rulebook import pack

NOW = datetime.fromisoformat("2026-11-23T23:30:00+08:00")
REMINDERS = {"paths": ["reminder"]}
PACK = pack(
    {"id": "p.caller", "kind": "caller_id", "purpose": "collection", "prefixes": ["95", "+86400"]},
    {"id": "p.reminders", "kind": "caller_id", "purpose": "reminding", "applies_if": REMINDERS},
)
NUMBERS = (
    RegisteredNumber("95588", ("collection", "reminding")),
    RegisteredNumber("+8640012345678", ("collection",)),
    RegisteredNumber("+8613800001234", ("collection",)),
    RegisteredNumber("95511", ("marketing",)),
    RegisteredNumber("95522", ("collection",), agency="north"),
    RegisteredNumber("95533", ("collection",), valid_from=date(2026, 11, 24)),
    RegisteredNumber("95544", ("collection",), valid_through=date(2026, 11, 23)),
)
POLICY = Policy((PACK,), Registry(NUMBERS, frozenset({"north"})))
POOL = (*(entry.number for entry in NUMBERS), "95599")


@pytest.mark.parametrize(
    ("path", "agency", "shown"),
    [
        (CallPath.PREDICTIVE, "", ("95588", "+8640012345678", "95544")),
        (CallPath.REMINDER, "", ("95588",)),
        (CallPath.PREDICTIVE, "north", ("95522",)),
        (CallPath.PREDICTIVE, "south", ()),
    ],
)
def test_numbers_of_a_pool(path: CallPath, agency: str, shown: tuple[str, ...]) -> None:
    facts = campaign_facts(CampaignSettings(agency=agency), path)
    assert presentable(POLICY, facts, POOL, NOW) == shown


def test_the_day_is_the_houses() -> None:
    """In Shanghai it is the 24th already when it is still the 23rd in London."""
    facts = campaign_facts(CampaignSettings(), CallPath.MANUAL)
    morning = datetime.fromisoformat("2026-11-24T00:30:00+08:00")
    assert "95533" in presentable(POLICY, facts, POOL, morning)
    assert "95544" not in presentable(POLICY, facts, POOL, morning)


def test_without_a_rule_every_number_may_be_shown() -> None:
    free = replace(POLICY, packs=(pack({"kind": "consent", "consent": "any"}),))
    assert presentable(free, campaign_facts(CampaignSettings(), CallPath.MANUAL), POOL, NOW) == POOL


def test_what_is_wrong_with_a_campaigns_numbers() -> None:
    settings = CampaignSettings(caller_ids=("95588", "95599", "95522", "+8613800001234"))
    problems = number_problems(POLICY, settings, NOW)
    assert [problem.partition(":")[0] for problem in problems] == [
        "caller ID 95599",
        "caller ID 95522",
        "caller ID +8613800001234",
    ]
    assert all(problem.endswith("(rule p.caller)") for problem in problems)
    assert number_problems(POLICY, CampaignSettings(caller_ids=("95588",)), NOW) == ()


def test_a_campaign_without_a_number() -> None:
    (problem,) = number_problems(POLICY, CampaignSettings(), NOW)
    assert problem.startswith("no caller ID is set: ")
