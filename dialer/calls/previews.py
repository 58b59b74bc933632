"""Cases that collectors look at before they are dialed: who has which, and how a case goes back."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from dialer.calls.order import CallOrder
from dialer.calls.pace_story import Observe
from dialer.calls.prompts import CallPrompts
from dialer.clock import Clock
from dialer.errors import InputError, StorageError
from dialer.model.campaign import Campaign
from dialer.model.entry import Candidate
from dialer.redaction import mask_numbers
from dialer.storage import Storage

logger = logging.getLogger(__name__)

SKIP_DELAY = timedelta(hours=1)
"""A skipped case, or one that was called on another of its numbers, comes back after this."""
RETURN_DELAY = timedelta(minutes=1)
"""A case nobody answered for goes to somebody else after this."""


@dataclass(frozen=True, slots=True)
class PreviewOffer:
    """A claimed entry for one collector to look at, with what its call needs if it is dialed."""

    campaign: Campaign
    candidate: Candidate
    prompts: CallPrompts
    observe: Observe

    def order(self, agent_id: int) -> CallOrder:
        """The call it would be."""
        return CallOrder.of_candidate(self.campaign, self.candidate, agent_id)

    def skip_reason(self, code: str, words: str) -> str:
        """A reason of the campaign's list (a code), words, or both, as stored. Raises InputError."""
        known = [reason.code for reason in self.campaign.settings.collecting.skip_reasons]
        if code and code not in known:
            raise InputError(f"code: {code!r} is no reason of this campaign; known: {', '.join(known)}")
        given = [part for part in (code, mask_numbers(words.strip())) if part]
        if not given:
            raise InputError("a skipped case needs a reason")
        return f"skipped: {': '.join(given)}"


class Previews:
    """The cases on the screens of this node that are not dialed yet."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._offers: dict[int, PreviewOffer] = {}

    def show(self, agent_id: int, offer: PreviewOffer) -> None:
        """This case is the collector's to look at."""
        self._offers[agent_id] = offer

    def find(self, agent_id: int) -> PreviewOffer | None:
        """What the collector looks at."""
        return self._offers.get(agent_id)

    def take(self, agent_id: int) -> PreviewOffer | None:
        """The same, and it is shown no more."""
        return self._offers.pop(agent_id, None)

    async def skipped(self, offer: PreviewOffer, reason: str) -> None:
        """It comes back later. Raises StorageError."""
        not_before = self._clock.utcnow() + SKIP_DELAY
        await self._storage.entries.put_back(offer.candidate.entry_id, not_before, reason)

    async def returned(self, offer: PreviewOffer, cause: str, delay: timedelta = RETURN_DELAY) -> None:
        """Nobody answered for it: somebody else may have it soon."""
        not_before = self._clock.utcnow() + delay
        try:
            await self._storage.entries.put_back(offer.candidate.entry_id, not_before, cause)
        except StorageError:  # the lease runs out by itself
            logger.exception("preview not put back")

    async def close(self, cause: str) -> None:
        """All go back."""
        for agent_id in tuple(self._offers):
            await self.returned(self._offers.pop(agent_id), cause)
