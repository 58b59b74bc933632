"""Who waits for a reservation goes away: before its turn nothing is taken; in the middle the slot counts."""

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection

from dialer.compliance.policy import Policy
from dialer.model.attempt import AttemptFilter, AttemptState
from dialer.model.decision import Decision
from dialer.storage import Storage
from tests.support.policy import bank_policy
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign

WAIT_S = 30.0
ASKED_AFTER_S = 0.1
"""A reservation that was begun has put its writes in the queue by then."""


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


class Hold:
    """A write that holds the writer, and the group it is committed with, until it is let go."""

    def __init__(self) -> None:
        self._begun, self._let_go = threading.Event(), threading.Event()

    async def write(self, storage: Storage) -> None:
        await storage._database.write(self._hold)

    def _hold(self, _: Connection) -> None:
        self._begun.set()
        assert self._let_go.wait(WAIT_S)

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self._begun.wait, WAIT_S)

    def let_go(self) -> None:
        self._let_go.set()


@pytest.mark.parametrize("in_its_turn", [False, True])
async def test_a_caller_that_goes_away(tmp_path: Path, policy: Policy, in_its_turn: bool) -> None:
    async with open_storage(f"sqlite:///{tmp_path / 'dialer.db'}") as storage:
        dialing = Dialing(storage, policy)
        campaign_id = await run_campaign(storage, contacts(1))
        (candidate,) = await dialing.claim(campaign_id)
        async with asyncio.TaskGroup() as group:
            hold = Hold()
            group.create_task(hold.write(storage))
            if not in_its_turn:
                await hold.has_begun()  # the writer has its group already: it waits for the next
            asking = group.create_task(dialing.ask(dialing.reservation(candidate)))
            await hold.has_begun()
            await asyncio.sleep(ASKED_AFTER_S)
            asking.cancel()
            await asyncio.sleep(ASKED_AFTER_S)
            hold.let_go()
        await storage.entries.put_back(candidate.entry_id, MONDAY + MINUTE, "no answer")
        attempts = await storage.attempts.list(AttemptFilter())
        counts = await storage.entries.counts(campaign_id, MONDAY)
        if not in_its_turn:
            assert (attempts, counts.waiting) == ((), 1)
            return
        assert (attempts[0].state, counts.dialing) == (AttemptState.RESERVED, 1)
        assert isinstance(await dialing.ask(dialing.by_hand(candidate)), Decision)
        later = MONDAY + 10 * MINUTE
        assert await storage.attempts.reclaim("node1", (), later - 5 * MINUTE, later) == 1
        assert (await storage.entries.counts(campaign_id, MONDAY)).reconcile == 1
