"""A process of its own that works on a database until it is done or killed: `reserve`, `import` or `race`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from dialer.campaigns.importing import ImportOptions, import_list
from dialer.compliance.policy import Policy
from dialer.model.attempt import Attempt, CallPath, Disposition, Settlement
from dialer.model.entry import Reservation
from dialer.storage import Storage
from tests.support.policy import HOUSE_NUMBER, bank_policy
from tests.support.storage import MONDAY, Dialing, open_storage

RACES = 20


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


WORK: dict[str, Callable[..., Awaitable[None]]] = {"reserve": reserve, "import": import_slowly, "race": race}


async def main(what: str, url: str, *arguments: str) -> None:
    policy = await asyncio.to_thread(bank_policy)
    async with open_storage(url) as storage:
        await WORK[what](storage, policy, *arguments)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
