"""A campaign's states: draft → checked → running ⇄ paused → draining → finished, as a table.

What the table cannot say: CHECK may be repeated, and its result only holds for the settings it saw, so EDIT leads back
to draft. STOP lets calls that are up end by themselves (DRAINING); DRAINED is the loop's own word that the last one has
ended. COMPLETE is its word that no entry is left: it passes through DRAINING, too. A finished campaign stays so.
"""

from dataclasses import dataclass
from enum import Enum

from dialer.model.campaign import CampaignState


class CampaignAction(str, Enum):
    """What a supervisor, or the campaign's loop, wants of a campaign."""

    EDIT = "edit"
    CHECK = "check"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    COMPLETE = "complete"
    DRAINED = "drained"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An action that the present state does not allow, and what to do instead."""

    state: CampaignState
    action: CampaignAction
    reason: str


_S, _A = CampaignState, CampaignAction

TRANSITIONS: dict[tuple[CampaignState, CampaignAction], CampaignState] = {
    (_S.DRAFT, _A.EDIT): _S.DRAFT,
    (_S.DRAFT, _A.CHECK): _S.CHECKED,
    (_S.DRAFT, _A.STOP): _S.FINISHED,
    (_S.CHECKED, _A.EDIT): _S.DRAFT,
    (_S.CHECKED, _A.CHECK): _S.CHECKED,
    (_S.CHECKED, _A.START): _S.RUNNING,
    (_S.CHECKED, _A.STOP): _S.FINISHED,
    (_S.RUNNING, _A.PAUSE): _S.PAUSED,
    (_S.RUNNING, _A.STOP): _S.DRAINING,
    (_S.RUNNING, _A.COMPLETE): _S.DRAINING,
    (_S.PAUSED, _A.RESUME): _S.RUNNING,
    (_S.PAUSED, _A.STOP): _S.DRAINING,
    (_S.DRAINING, _A.DRAINED): _S.FINISHED,
}

_WHY_NOT: dict[CampaignState, str] = {
    _S.DRAFT: "the campaign is a draft: check it, then start it",
    _S.CHECKED: "the campaign is checked but was not started",
    _S.RUNNING: "the campaign is running: pause or stop it first",
    _S.PAUSED: "the campaign is paused: resume or stop it",
    _S.DRAINING: "the campaign is draining: it finishes when its last call has ended",
    _S.FINISHED: "the campaign is finished: make a new one from it",
}


def transition(state: CampaignState, action: CampaignAction) -> CampaignState | Refusal:
    """The state after an action, or why it cannot be done."""
    after = TRANSITIONS.get((state, action))
    return Refusal(state, action, f"cannot {action.value}: {_WHY_NOT[state]}") if after is None else after
