"""Other processes: killed in the middle of it, and racing for the same slot."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from dialer.compliance.policy import Policy
from dialer.model.attempt import TRUNK_FAULTS, Attempt, AttemptFilter, AttemptState, CallPath, Disposition
from dialer.model.entry import Reservation
from dialer.model.outcome import EventType
from dialer.storage import Storage
from tests.support.policy import HOUSE_NUMBER, bank_policy
from tests.support.rules import cap, policy_of
from tests.support.storage import MONDAY, Dialing, contacts, open_storage, run_campaign
from tests.support.storage_books import check_books
from tests.support.storage_steps import MOST_STEPS

CHILD = Path(__file__).parents[1] / "support" / "storage_child.py"
STEPS = CHILD.with_name("storage_steps.py")
ROOT = Path(__file__).parents[2]
LONGEST_S = 60.0
FEWEST_STATEMENTS = 6
"""So many every step has at the least: the test must not have missed them."""


async def start_child(*arguments: str, program: Path = CHILD) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(program),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )


async def read_lines(child: asyncio.subprocess.Process, n: int) -> list[str]:
    assert child.stdout is not None
    async with asyncio.timeout(LONGEST_S):
        return [(await child.stdout.readline()).decode().strip() for _ in range(n)]


async def rest_of(child: asyncio.subprocess.Process) -> list[str]:
    assert child.stdout is not None
    async with asyncio.timeout(LONGEST_S):
        rest = await child.stdout.read()
        await child.wait()
    return rest.decode().split()


def complete(lines: Sequence[str]) -> set[int]:
    """Ids the child printed whole; a kill can cut the last one short, so that one is left out."""
    return {int(line) for line in lines[:-1]}


async def test_a_kill_forgets_no_reservation(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        campaign_id = await run_campaign(storage, contacts(400))
    child = await start_child("reserve", database_url, str(campaign_id), "node1")
    reserved = await read_lines(child, 40)
    child.send_signal(signal.SIGKILL)
    reserved += await rest_of(child)
    async with open_storage(database_url) as storage:
        n_unknown = await storage.attempts.recover("node1", MONDAY)
        assert n_unknown >= len(complete(reserved))
        for attempt_id in complete(reserved):
            attempt = await storage.attempts.get(attempt_id)
            assert attempt is not None
            assert (attempt.state, attempt.disposition) == (AttemptState.UNKNOWN, Disposition.UNKNOWN)
        counts = await storage.entries.counts(campaign_id, MONDAY)
        assert (counts.reconcile, counts.dialing, counts.leased) == (n_unknown, 0, 0)
        told = [event.type for event in await storage.outbox.events(limit=1000)]
        assert told.count(EventType.ATTEMPT_UNKNOWN) == n_unknown


@pytest.mark.allow_blocking  # the policy is read from its file inside the test
@pytest.mark.parametrize("step", ["reserve", "refuse", "settle", "release", "recover", "reconcile"])
async def test_killed_after_every_single_statement(database_url: str, step: str) -> None:
    """Whichever statement is the last, all of the step is there afterwards or nothing of it, and the proofs agree."""
    once_a_day = policy_of(cap("phone", 1))
    async with open_storage(database_url) as storage:
        campaign_id = await run_campaign(storage, contacts(2 * MOST_STEPS))
        child = await start_child(database_url, step, program=STEPS)
        *killed, done, code = await rest_of(child)
        assert (set(killed), done, code) == ({"killed"}, "done", "0")
        assert len(killed) >= FEWEST_STATEMENTS
        before = await check_books(storage)
        for n in range(len(killed) + 1):
            await storage.attempts.recover(f"node-{n}", MONDAY)
        after = await check_books(storage)
        assert after.keys() <= {"unknown", "settled", "released"}
        assert (after["settled"], after["released"]) == (before["settled"], before["released"])
        counts = await storage.entries.counts(campaign_id, MONDAY)
        assert (counts.dialing, counts.leased, counts.reconcile) == (0, 0, after["unknown"])
        await _all_that_counts_binds(storage, once_a_day)


async def _all_that_counts_binds(storage: Storage, once_a_day: Policy) -> None:
    """Every number that was dialed today is refused, but for those of calls that gave their slot back."""
    dialing = Dialing(storage, once_a_day, "afterwards")
    for attempt in await storage.attempts.list(AttemptFilter(), limit=1000):
        asked = Reservation(
            attempt.campaign_id,
            attempt.contact_id,
            attempt.phone_id,
            CallPath.MANUAL,
            dialing.node,
            caller_id=HOUSE_NUMBER,
        )
        gave_back = attempt.state is AttemptState.RELEASED or attempt.disposition in TRUNK_FAULTS
        assert isinstance(await dialing.ask(asked), Attempt) == gave_back


async def test_a_killed_import_leaves_nothing(database_url: str, tmp_path: Path) -> None:
    async with open_storage(database_url):
        pass
    path = tmp_path / "list.csv"
    _write_list(path)
    child = await start_child("import", database_url, str(path), "node1")
    await read_lines(child, 2)
    child.send_signal(signal.SIGKILL)
    await rest_of(child)
    async with open_storage(database_url) as storage:
        assert await storage.lists.all() == ()
        assert not any(known.is_list_ready for known in await storage.explaining.of_case("C1", 2))
        assert await storage.lists.clean("node1") == 1
        assert await storage.explaining.of_case("C1", 2) == ()
        assert await storage.lists.clean("node1") == 0


def _write_list(path: Path) -> None:
    rows = [f"C{n},138{n:08d}" for n in range(50_000)]
    path.write_text("\n".join(["case_ref,phone", *rows]), encoding="utf-8")


@pytest.mark.allow_blocking  # the policy is read from its file inside the test
async def test_processes_race_for_the_last_slot_of_the_cap(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        campaign_id = await run_campaign(storage, contacts(1))
        dialing = Dialing(storage, bank_policy())
        (candidate,) = await dialing.claim(campaign_id)
        for _ in range(5):
            await dialing.settle(await dialing.reserve(dialing.by_hand(candidate)), Disposition.BUSY, MONDAY, None)
        named = (str(campaign_id), str(candidate.contact.contact_id), str(candidate.phone.phone_id))
        children = [await start_child("race", database_url, *named) for _ in range(3)]
        answers = [answer for child in children for answer in await rest_of(child)]
        assert len(answers) == 3 * 20
        assert answers.count("reserved") == 1
