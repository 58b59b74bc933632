"""The campaign's states over the whole product of state and action."""

import itertools

import pytest

from dialer.campaigns.lifecycle import TRANSITIONS, CampaignAction, Refusal, transition
from dialer.model.campaign import CampaignState


@pytest.mark.parametrize(("state", "action"), list(itertools.product(CampaignState, CampaignAction)))
def test_every_pair_has_a_state_or_a_reason(state: CampaignState, action: CampaignAction) -> None:
    after = transition(state, action)
    if (state, action) in TRANSITIONS:
        assert after is TRANSITIONS[state, action]
    else:
        assert isinstance(after, Refusal)
        assert (after.state, after.action) == (state, action)
        assert after.reason.startswith(f"cannot {action.value}: the campaign is ")


def test_a_whole_life() -> None:
    state = CampaignState.DRAFT
    for name in ("check", "edit", "check", "start", "pause", "resume", "stop", "drained"):
        after = transition(state, CampaignAction(name))
        assert isinstance(after, CampaignState)
        state = after
    assert state is CampaignState.FINISHED


def test_only_a_checked_campaign_starts() -> None:
    starts = [state for state, action in TRANSITIONS if action is CampaignAction.START]
    assert starts == [CampaignState.CHECKED]


def test_every_state_can_be_reached_and_all_lead_to_the_end() -> None:
    assert {CampaignState.DRAFT, *TRANSITIONS.values()} == set(CampaignState)
    ending = {CampaignState.FINISHED}
    for _ in CampaignState:
        ending |= {state for (state, _), after in TRANSITIONS.items() if after in ending}
    assert ending == set(CampaignState)
    assert not [state for state, _ in TRANSITIONS if state is CampaignState.FINISHED]
