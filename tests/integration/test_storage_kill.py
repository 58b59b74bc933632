"""Other processes: killed in the middle of it, and racing for the same slot."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from dialer.model.attempt import AttemptState, Disposition
from dialer.model.outcome import EventType
from tests.support.policy import bank_policy
from tests.support.storage import MONDAY, Dialing, contacts, open_storage, run_campaign

CHILD = Path(__file__).parents[1] / "support" / "storage_child.py"
ROOT = Path(__file__).parents[2]
LONGEST_S = 60.0


async def start_child(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), *arguments, stdout=asyncio.subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
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
        assert await storage.lists.contacts_of_case("C1") == ()
        assert await storage.lists.clean("node1") == 1
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
