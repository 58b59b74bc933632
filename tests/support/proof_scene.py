"""A running service with proofs of a Monday morning: calls made and refused, asked about over API and command line."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from dialer.cli.main import app
from dialer.model.account import Role
from dialer.model.attempt import Attempt, Disposition
from dialer.model.contact import CaseStatus
from dialer.model.decision import Decision
from dialer.model.entry import NextStep
from tests.support.house import House, open_house
from tests.support.set_clock import SetClock
from tests.support.storage import MINUTE, MONDAY, NO_MORE, Dialing, contacts, run_campaign

Line = dict[str, Any]


@dataclass
class Scene:
    """A house in which some calls were made and refused on Monday morning."""

    house: House
    clock: SetClock
    campaign_id: int
    called: Attempt
    again: Decision

    async def run(self, *arguments: object, role: Role = Role.AUDITOR, stdin: bytes | None = None) -> Result:
        more = ("--url", str(self.house.api.make_url("/")), "--token", self.house.tokens[role])
        words = [str(argument) for argument in (*arguments, *more)]
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, words, input=stdin))

    async def ask(self, role: Role = Role.SUPERVISOR, status: int = 200, **body: object) -> Any:
        async with self.house.api.post("/v1/why", json=body, headers=self.house.auth(role)) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def export(self, role: Role = Role.AUDITOR, **query: str) -> list[Line]:
        async with self.house.api.get("/v1/proofs/export", params=query, headers=self.house.auth(role)) as answer:
            assert answer.status == 200, await answer.text()
            assert answer.content_type == "application/jsonl"
            return [json.loads(line) for line in (await answer.read()).splitlines()]


@asynccontextmanager
async def open_scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """One case was called twice, one is paid, one was talked to."""
    clock = SetClock()
    async with open_house(tmp_path, clock=clock) as house:
        dialing = Dialing(house.storage, house.services.policy.current(clock.now))
        campaign_id = await run_campaign(house.storage, contacts(3))
        first, second, third = await dialing.claim(campaign_id, 3)
        called = await dialing.reserve(dialing.reservation(first))
        later = NextStep(called.phone_id, MONDAY + timedelta(hours=3), exhausted=False, reason="busy, again later")
        await dialing.settle(called, Disposition.BUSY, MONDAY + MINUTE, later)
        again = await dialing.ask(dialing.by_hand(first), MONDAY + 2 * MINUTE)
        assert isinstance(again, Attempt)
        await dialing.settle(again, Disposition.NO_ANSWER, MONDAY + 3 * MINUTE, None)
        await house.storage.cases.set_status(
            second.contact.case_ref, CaseStatus.PAID, MONDAY, source="test", node="node1"
        )
        refused = await dialing.ask(dialing.by_hand(second), MONDAY + 4 * MINUTE)
        assert isinstance(refused, Decision)
        done = await dialing.reserve(dialing.reservation(third), MONDAY + 5 * MINUTE)
        await dialing.settle(done, Disposition.CONNECTED, MONDAY + 6 * MINUTE, NO_MORE)
        clock.now = MONDAY + 10 * MINUTE
        yield Scene(house, clock, campaign_id, called, refused)


def links_of(lines: list[Line]) -> list[Line]:
    """The lines of an export that are links."""
    return [line for line in lines if line["type"] == "link"]
