"""A process of its own that works on a database until it is done or killed: see `WORK`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import Connection, select

from dialer.campaigns.importing import ImportOptions, import_list
from dialer.compliance.policy import Policy
from dialer.model.attempt import Attempt, CallPath, Disposition, Settlement
from dialer.model.entry import Reservation
from dialer.storage import Storage, tables
from tests.support.policy import HOUSE_NUMBER, bank_policy
from tests.support.rules import cap, policy_of
from tests.support.storage import MONDAY, Dialing, open_storage

RACES = 20
AT_ONCE = 10
"""People raced for in one round."""


async def reserve(storage: Storage, policy: Policy, campaign_id: str, node: str) -> None:
    """Reserves one attempt after the other and prints the id of each once it is durable."""
    dialing = Dialing(storage, policy, node)
    while claimed := await dialing.claim(int(campaign_id), 5):
        async with asyncio.TaskGroup() as group:
            for candidate in claimed:
                group.create_task(_reserve_one(dialing, dialing.reservation(candidate)))


async def _reserve_one(dialing: Dialing, reservation: Reservation) -> None:
    attempt = await dialing.reserve(reservation)
    print(attempt.attempt_id, flush=True)


async def import_slowly(storage: Storage, _policy: Policy, path: str, node: str) -> None:
    """Imports a list and prints a line per chunk."""
    options = ImportOptions(node=node)
    await import_list(storage, Path(path), options=options, progress=lambda progress: print(progress.rows, flush=True))


async def race(storage: Storage, policy: Policy, campaign_id: str, contact_id: str, phone_id: str) -> None:
    """Asks for the same number again and again, ends at once what it gets, and prints each answer."""
    wanted = Reservation(
        int(campaign_id), int(contact_id), int(phone_id), CallPath.MANUAL, "racer", caller_id=HOUSE_NUMBER
    )
    for _ in range(RACES):
        answer = await storage.attempts.reserve(wanted, policy, MONDAY)
        if isinstance(answer, Attempt):
            await storage.attempts.settle(Settlement(answer.attempt_id, Disposition.BUSY, MONDAY), None, MONDAY)
        print("reserved" if isinstance(answer, Attempt) else "refused", flush=True)


async def last_slot(storage: Storage, _policy: Policy, campaign_id: str, node: str, nth: str, n_rounds: str) -> None:
    """One round per line of the input: calls one number, its own, of each of the round's people at once; prints how
    many it got. Two a day are allowed to a person, and one was made.
    """
    policy = await asyncio.to_thread(policy_of, cap("person", 2))
    numbers = await storage._database.read(lambda connection: _numbers(connection, int(nth)))
    print("ready", flush=True)
    for first in range(0, int(n_rounds) * AT_ONCE, AT_ONCE):
        await asyncio.to_thread(sys.stdin.readline)
        wanted = [
            Reservation(int(campaign_id), contact_id, phone_id, CallPath.MANUAL, node, caller_id=HOUSE_NUMBER)
            for contact_id, phone_id in numbers[first : first + AT_ONCE]
        ]
        answers = await asyncio.gather(*(storage.attempts.reserve(one, policy, MONDAY) for one in wanted))
        print(*(int(isinstance(answer, Attempt)) for answer in answers), flush=True)


def _numbers(connection: Connection, nth: int) -> list[tuple[int, int]]:
    """Contact and n-th number of everyone, in the order of contacts."""
    phones = tables.phones
    query = select(phones.c.contact_id, phones.c.phone_id).where(phones.c.rank == nth).order_by(phones.c.contact_id)
    return [(row.contact_id, row.phone_id) for row in connection.execute(query)]


WORK: dict[str, Callable[..., Awaitable[None]]] = {
    "reserve": reserve,
    "import": import_slowly,
    "race": race,
    "last-slot": last_slot,
}


async def main(what: str, url: str, *arguments: str) -> None:
    policy = await asyncio.to_thread(bank_policy)
    async with open_storage(url) as storage:
        await WORK[what](storage, policy, *arguments)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
