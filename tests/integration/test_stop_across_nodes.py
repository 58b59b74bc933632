"""A stop that one node hears ends the calls of every node: two nodes on one PostgreSQL, a carrier, real SIP."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from sqlalchemy.engine import make_url

from dialer.api.security import hash_token
from dialer.app import Application
from dialer.calls.runner import AttemptRunner
from dialer.model.account import Role
from dialer.model.attempt import AttemptFilter, AttemptState, Disposition
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.campaign import AmdMode, CampaignMode, CampaignSettings
from dialer.model.contact import CaseStatus
from tests.support.call_lab import HOST, WAIT_S, FarSide, far_side, until
from tests.support.nodes import node_config
from tests.support.policy import HOUSE_NUMBER

NUMBER = "+8613800001234"
TOKEN = "token of the case system"
REMINDER = CampaignSettings(mode=CampaignMode.REMINDER, amd=AmdMode.OFF, caller_ids=(HOUSE_NUMBER,))
FIELDS = {"amount": "1234.50", "due_date": "2026-11-30", "name": "Zhang San"}


@dataclass
class Nodes:
    """Two nodes and the carrier they share."""

    a: Application
    b: Application
    far: FarSide

    async def start(self) -> None:
        """A running campaign over a person with two cases, one of them on hold; either node may dial the other."""
        storage, now = self.a.storage, self.a.clock.utcnow()
        list_id = await storage.lists.begin("list", "lab", "a", now)
        contacts = [
            NewContact("P-1", f"C-{n}", (NewPhone(number),), "Zhang San", fields=FIELDS)
            for n, number in enumerate((NUMBER, "+8613900001234"), 1)
        ]
        await storage.lists.add(list_id, contacts)
        await storage.lists.finish(list_id)
        await storage.cases.set_status("C-2", CaseStatus.HOLD, now)
        campaign = await storage.campaigns.create("lab", [list_id], REMINDER, now)
        await self.a.campaigns.check(campaign.campaign_id)
        await self.a.campaigns.start(campaign.campaign_id, "test")

    def runners(self) -> list[AttemptRunner]:
        """The attempts under way."""
        return [*self.a.floor, *self.b.floor]

    def idle_one(self) -> Application:
        """The node that does not dial."""
        return self.b if tuple(self.a.floor) else self.a

    async def tell(self, node: Application, method: str, path: str, body: Mapping[str, Any]) -> float:
        """The case system's word to one node; returns when it was accepted (monotonic s)."""
        url = f"http://{HOST}:{node.http_port}{path}"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, json=body, headers=headers) as answer,
        ):
            assert answer.status in (200, 201), await answer.text()
        return time.monotonic()


@asynccontextmanager
async def two_nodes(folder: Path, database_url: str, media_port: int) -> AsyncIterator[Nodes]:
    """Both up over one database, with a token for the case system."""
    async with far_side(folder, media_port) as far, AsyncExitStack() as stack:
        apps = []
        for index, name in enumerate("ab"):
            config = node_config(name, folder, database_url, media_port + 100 * (index + 1), far.port)
            apps.append(await stack.enter_async_context(Application(config)))
        a, b = apps
        await a.storage.accounts.add_token(hash_token(TOKEN), "crm", Role.INTEGRATION, a.clock.utcnow())
        yield Nodes(a, b, far)


@pytest.mark.parametrize(
    ("media_port", "method", "path", "body"),
    [
        (47100, "PUT", "/v1/cases/C-1/status", {"status": "paid"}),
        (47400, "PUT", "/v1/cases/C-2/status", {"status": "bereavement"}),  # another case of the same person
        (47700, "POST", "/v1/do-not-call", {"number": NUMBER, "reason": "asked in writing"}),
        (48000, "POST", "/v1/do-not-call", {"person_ref": "P-1", "reason": "asked in writing"}),
    ],
    ids=["payment", "bereavement", "number", "person"],
)
async def test_a_stop_at_one_node_cancels_a_call_that_rings_at_another(
    tmp_path: Path, postgres_url: str, media_port: int, method: str, path: str, body: Mapping[str, Any]
) -> None:
    async with two_nodes(tmp_path, postgres_url, media_port) as nodes:
        await nodes.start()
        await until(lambda: bool(nodes.far.lines), "the number rings")
        accepted_at = await nodes.tell(nodes.idle_one(), method, path, body)
        await until(lambda: nodes.far.lines[0].ended is not None, "the CANCEL is at the carrier")
        took_ms = (time.monotonic() - accepted_at) * 1000
        print(f"{method} {path}: CANCEL at the carrier {took_ms:.0f} ms after the other node accepted it")
        await until(lambda: not nodes.runners(), "the attempt is settled")
        (attempt,) = await nodes.a.storage.attempts.list(AttemptFilter(states=(AttemptState.SETTLED,)))
        assert attempt.disposition is Disposition.CANCELLED


async def test_a_stop_in_the_middle_of_a_reservation(tmp_path: Path, postgres_url: str) -> None:
    """The gate has allowed the call, its transaction is not over: no INVITE leaves, or it is taken back at once."""
    address = make_url(postgres_url)
    async with two_nodes(tmp_path, postgres_url, 48300) as nodes, AsyncExitStack() as stack:
        held = await asyncpg.connect(user=address.username, host=address.query["host"], database=address.database)
        stack.push_async_callback(held.close)
        reservation = held.transaction()
        await reservation.start()
        await held.execute("LOCK TABLE proofs IN SHARE MODE")  # what a reservation writes last
        await nodes.start()
        async with asyncio.timeout(WAIT_S):
            while not await held.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)
        (runner,) = nodes.runners()
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(nodes.tell(nodes.idle_one(), "PUT", "/v1/cases/C-1/status", {"status": "paid"}))
            await asyncio.sleep(0.5)  # it is accepted and heard of, or waits for the reservation
            assert nodes.far.lines == []
            await reservation.rollback()
        accepted_at = telling.result()
        await until(lambda: not nodes.runners(), "the attempt is over")
        lines = nodes.far.lines
        assert all(line.ended is not None for line in lines)
        print(f"{len(lines)} INVITE left, over {(time.monotonic() - accepted_at) * 1000:.0f} ms after the stop")
        attempt = await nodes.a.storage.attempts.get(runner.attempt_id)
        assert attempt is not None
        assert attempt.state is AttemptState.RELEASED or attempt.disposition is Disposition.CANCELLED
