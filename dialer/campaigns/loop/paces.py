"""Who paces a campaign: the house's own pacer, or in a rehearsal another one to compare it with."""

from collections.abc import Callable
from typing import Any, Protocol

from dialer.campaigns.pacing import PacingDecision, PacingEvent, PacingSnapshot
from dialer.model.campaign import CampaignSettings


class Paces(Protocol):
    """What the loop needs of a pacer (`dialer.campaigns.pacing.Pacer`)."""

    def observe(self, event: PacingEvent) -> None:
        """Learns from an event; events come in time order."""
        ...

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """How many calls to place now, which to take back, and why; asked twice, it answers the same."""
        ...

    def dump(self) -> dict[str, Any]:
        """The learned state, as JSON-able data."""
        ...

    def load(self, state: dict[str, Any]) -> None:
        """Takes over a dumped state; ValueError when it is of another version."""
        ...


PacerOf = Callable[[CampaignSettings], Paces]
"""The pacer for a campaign with these settings."""
