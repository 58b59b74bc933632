"""Kills itself in the middle of a transaction: after the n-th statement, for every n, each time in a forked process.

`python storage_steps.py URL STEP` forks once per statement of STEP; run number n (from 0) works on its own entries, as
node `node-n`, and `killed` is printed or, once there are no more statements, `done`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Engine, event

from dialer.compliance.policy import Policy
from dialer.model.attempt import Attempt, Disposition
from dialer.model.entry import Candidate
from tests.support.policy import bank_policy
from tests.support.storage import MONDAY, Dialing, open_storage

MOST_STEPS = 60


class Bomb:
    """Goes off when so many statements have been executed, commits included."""

    def __init__(self, after: int) -> None:
        self._left = after

    def arm(self) -> None:
        event.listen(Engine, "after_cursor_execute", self._tick)
        event.listen(Engine, "commit", self._tick)
        self._tick()

    def _tick(self, *_arguments: Any) -> None:
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


async def _candidate(dialing: Dialing) -> Candidate:
    """The next entry of the only campaign, leased by this node."""
    (campaign,) = await dialing.storage.campaigns.all()
    (candidate,) = await dialing.claim(campaign.campaign_id)
    return candidate


async def reserve(dialing: Dialing, bomb: Bomb, n: int) -> None:
    candidate = await _candidate(dialing)
    bomb.arm()
    await dialing.reserve(dialing.reservation(candidate))


async def refuse(dialing: Dialing, bomb: Bomb, n: int) -> None:
    candidate = await _candidate(dialing)
    bomb.arm()
    await dialing.storage.attempts.reserve(dialing.reservation(candidate), dialing.policy, MONDAY.replace(hour=16))


async def _attempt(dialing: Dialing) -> Attempt:
    return await dialing.reserve(dialing.reservation(await _candidate(dialing)))


async def settle(dialing: Dialing, bomb: Bomb, n: int) -> None:
    attempt = await _attempt(dialing)
    bomb.arm()
    await dialing.settle(attempt, Disposition.TRUNK_CONGESTION if n % 2 else Disposition.BUSY)


async def release(dialing: Dialing, bomb: Bomb, n: int) -> None:
    attempt = await _attempt(dialing)
    bomb.arm()
    await dialing.storage.attempts.release(attempt.attempt_id, "no trunk", MONDAY)


async def recover(dialing: Dialing, bomb: Bomb, n: int) -> None:
    await _attempt(dialing)
    await _attempt(dialing)
    bomb.arm()
    await dialing.storage.attempts.recover(dialing.node, MONDAY)


async def reconcile(dialing: Dialing, bomb: Bomb, n: int) -> None:
    attempt = await _attempt(dialing)
    await dialing.storage.attempts.recover(dialing.node, MONDAY)
    bomb.arm()
    await dialing.storage.attempts.reconcile(attempt.attempt_id, Disposition.NO_ANSWER, "admin", MONDAY)


STEPS: dict[str, Callable[[Dialing, Bomb, int], Awaitable[None]]] = {
    step.__name__: step for step in (reserve, refuse, settle, release, recover, reconcile)
}


async def run(url: str, step: str, n: int, policy: Policy) -> None:
    async with open_storage(url) as storage:
        await STEPS[step](Dialing(storage, policy, f"node-{n}"), Bomb(n), n)


def main(url: str, step: str) -> None:
    policy = bank_policy()
    for n in range(MOST_STEPS):
        child = os.fork()
        if child == 0:
            asyncio.run(run(url, step, n, policy))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print("killed" if killed else f"done {os.waitstatus_to_exitcode(status)}", flush=True)
        if not killed:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
