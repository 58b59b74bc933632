"""What the pacing may count as abandoned: never less than what will be on record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import cast

import pytest

from dialer.calls.attempt import AttemptMachine, Phase
from dialer.calls.facts import AttemptPlan
from dialer.calls.runner import AttemptRunner
from dialer.calls.signals import Signal
from dialer.calls.signals import SignalKind as K
from dialer.campaigns.loop.period import AbandonmentPeriod, Standing, budgets_of
from dialer.campaigns.loop.status import CampaignStatus
from dialer.compliance.demand import BudgetDemand
from dialer.compliance.facts import BudgetUse
from dialer.model.attempt import Disposition
from dialer.model.campaign import AmdMode, CampaignSettings, CampaignState
from dialer.model.verdict_sample import Heard
from dialer.storage.policies import Policies
from tests.support.rulebook import policy

WAITING = (K.INVITE_SENT, K.RINGING, K.ANSWERED)


def call_after(*kinds: K, amd: AmdMode = AmdMode.OFF) -> AttemptRunner:
    machine = AttemptMachine(1, AttemptPlan(amd=amd))
    for kind in kinds:
        machine.handle_input(Signal(kind, agent_id=7), 1.0)
    return cast("AttemptRunner", SimpleNamespace(machine=machine))


@pytest.mark.parametrize(
    ("kinds", "counts"),
    [
        (WAITING[:2], (0, 0)),
        (WAITING, (0, 0)),  # may still go either way
        ((*WAITING, K.COLLECTOR), (1, 0)),
        ((*WAITING, K.COLLECTOR, K.PERSON_HUNG_UP), (1, 0)),
        ((*WAITING, K.TIMEOUT), (1, 1)),
        ((*WAITING, K.TIMEOUT, K.PROMPT_ENDED), (1, 1)),  # over, its end not on record yet
        ((*WAITING, K.PERSON_HUNG_UP), (1, 1)),
        ((*WAITING[:2], K.STOP, K.FAILED), (0, 0)),
    ],
)
def test_calls_that_are_not_on_record_yet(kinds: tuple[K, ...], counts: tuple[int, int]) -> None:
    standing = AbandonmentPeriod(1).standing([call_after(*kinds)])
    assert (standing.live, standing.abandoned) == counts


def test_a_talk_counts_once_it_is_surely_with_a_person() -> None:
    """In parallel mode a collector may be talking to a machine that is taken back next."""
    kinds = (K.INVITE_SENT, K.ANSWERED, K.GREETING_OVER, K.COLLECTOR)
    period = AbandonmentPeriod(1)
    assert period.standing([call_after(*kinds, amd=AmdMode.PARALLEL)]).live == 0
    assert period.standing([call_after(*kinds, K.HUMAN, amd=AmdMode.PARALLEL)]).live == 1


def test_the_machine_is_walked_as_far_as_meant() -> None:
    assert call_after(*WAITING, K.TIMEOUT).machine.phase is Phase.APOLOGY
    assert call_after(*WAITING, K.TIMEOUT, K.PROMPT_ENDED).machine.phase is Phase.ENDED


MONTH, DAY = {"rolling_hours": 720}, {"inclusive_days": 1}
POLICY = policy(
    {"kind": "abandonment", "span": MONTH, "limit": 0.05, "effect": "dedicated_agent"},
    {"kind": "abandonment", "span": DAY, "limit": 0.02, "amd_false_positives": 0.1},
    {"kind": "abandonment", "span": {"campaign": True}, "limit": 0.01, "applies_if": {"agencies": ["north"]}},
)
NOW = datetime.fromisoformat("2026-11-23T10:00:00+08:00")
BUDGETS = budgets_of(POLICY, CampaignSettings(abandon_target=0.03), NOW)


@dataclass
class StoredUse:
    """Answers as the database would: live, abandoned and machines of each budget, in the order of the rules."""

    counts: tuple[tuple[int, int, int], ...]
    heard: Heard | None = None

    async def budget_use(
        self, campaign_id: int, wanted: Sequence[BudgetDemand], now: datetime
    ) -> tuple[BudgetUse, ...]:
        asked = zip(wanted, self.counts, strict=True)
        return tuple(BudgetUse(demand.key, *counts, heard=self.heard) for demand, counts in asked)


async def period_with(*counts: tuple[int, int, int]) -> AbandonmentPeriod:
    period = AbandonmentPeriod(1)
    await period.read(cast("Policies", StoredUse(counts)), BUDGETS, 100.0, NOW)
    return period


def test_a_pack_never_widens_the_target() -> None:
    assert [budget.limit for budget in BUDGETS] == [0.03, 0.03, 0.02]
    assert [budget.demand.span.longest_s for budget in BUDGETS[:2]] == [86400.0, 2592000.0]
    north = budgets_of(POLICY, CampaignSettings(agency="north"), NOW)
    assert [budget.limit for budget in north] == [0.03, 0.03, 0.02, 0.01]
    assert budgets_of(POLICY, CampaignSettings(), NOW.replace(year=2025)) == BUDGETS[:1]


@pytest.mark.parametrize(
    ("counts", "standing"),
    [
        # The day is spent although the month is not.
        (((100, 4, 0), (5000, 40, 0), (100, 1, 0)), Standing(100, 4, 0.03, 86400.0, 100, 4)),
        # The month is spent although the day is not.
        (((100, 0, 0), (5000, 200, 0), (100, 0, 0)), Standing(5000, 200, 0.03, 2592000.0, 5000, 200)),
        # Machines that are taken for people weigh in the budget that says so.
        (((100, 0, 50), (100, 0, 50), (100, 0, 50)), Standing(105, 5, 0.02, 93600.0, 100, 0)),
    ],
)
async def test_the_budget_of_which_least_is_left(counts: tuple[tuple[int, int, int], ...], standing: Standing) -> None:
    assert (await period_with(*counts)).standing([]) == standing


@pytest.mark.parametrize(
    ("heard", "standing"),
    [
        (Heard(49, 9), Standing(100, 2, 0.03, 86400.0, 100, 2)),  # too few to tell
        (Heard(200, 4), Standing(101, 4, 0.03, 86400.0, 100, 2)),  # 2 % of 60 machines: 1.2 people
    ],
)
async def test_the_campaigns_own_target_counts_the_people_whom_listeners_heard(
    heard: Heard, standing: Standing
) -> None:
    period, own = AbandonmentPeriod(1), BUDGETS[:1]
    assert own[0].demand.heard
    await period.read(cast("Policies", StoredUse(((100, 2, 60),), heard)), own, 100.0, NOW)
    assert period.standing([]) == standing
    status = CampaignStatus(
        1,
        "campaign",
        CampaignState.RUNNING,
        "",
        "",
        live=standing.live,
        abandoned=standing.abandoned,
        live_on_record=standing.live_on_record,
        abandoned_on_record=standing.abandoned_on_record,
    )
    shown = status.live_data()
    assert (shown["abandoned_share"], shown["abandoned_share_on_record"]) == (standing.abandoned / standing.live, 0.02)


async def test_ends_are_added_until_they_were_read() -> None:
    period = await period_with((10, 0, 0), (10, 0, 0), (10, 0, 0))
    assert not period.is_due(BUDGETS, 101.0)
    assert period.is_due(BUDGETS[:1], 101.0)
    assert period.is_due(BUDGETS, 102.0)
    period.took(1.0)
    assert not period.is_due(BUDGETS, 149.0)
    period.ended(101.0, Disposition.ABANDONED)
    period.ended(101.0, Disposition.BUSY)
    assert (period.standing([]).live, period.standing([]).abandoned) == (11, 1)
    await period.read(cast("Policies", StoredUse(((11, 1, 0),) * 3)), BUDGETS, 103.0, NOW)
    assert (period.standing([]).live, period.standing([]).abandoned) == (11, 1)
