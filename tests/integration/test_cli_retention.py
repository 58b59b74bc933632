"""`dialer retention …` against a running API: what a person reads, and that it takes two of them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dialer.api.security import hash_token
from dialer.cli.main import app
from dialer.errors import DialerError
from dialer.evidence.retention_keeper import RetentionKeeper
from dialer.model.account import NewAccount, Role
from tests.support.house import House, open_house
from tests.support.retained import Archive, SetClock, Shelf
from tests.support.storage import MONDAY

YEAR = timedelta(days=365)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, clock=SetClock()) as opened:
        archive = await Archive.open(opened.storage)
        for nth, age in enumerate((6 * YEAR, 6 * YEAR, 3 * YEAR)):
            await archive.keep(f"r-{nth}", nth, MONDAY - age)
        for login, role in (("li", Role.SUPERVISOR), ("wang", Role.AUDITOR)):
            account = await opened.storage.accounts.create(NewAccount(login, login, role, "no password"), MONDAY)
            await opened.storage.accounts.add_token(
                hash_token(login), login, role, MONDAY, account_id=account.account_id
            )
        yield opened


async def run(house: House, who: str, *arguments: object) -> Result:
    """One command with somebody's token; errors come through."""
    more = ("--url", str(house.api.make_url("/")), "--token", who)
    words = ["retention", *map(str, arguments), *more]
    return await asyncio.to_thread(lambda: CliRunner(env={"COLUMNS": "200"}).invoke(app, words))


async def test_two_persons_at_their_shells(house: House, tmp_path: Path) -> None:
    due = await run(house, "li", "due")
    assert "2 recordings may go, 2 of them overdue" in due.output
    held = await run(house, "li", "hold", "case", "case-0", "--reason", "a suit")
    assert "hold 1 keeps the case case-0: 1 recordings now" in held.output
    names = tmp_path / "names.txt"
    names.write_text("r-0\nr-1\nr-2\n", encoding="utf-8")
    asked = await run(house, "li", "request", "--from", names, "--reason", "asked for")
    assert asked.exit_code == 0, asked.output
    assert "request 1 waits for another person's word" in asked.output
    assert "legal hold 1 on the case" in asked.output
    alone = await run(house, "li", "allow", 1)
    assert isinstance(alone.exception, DialerError)
    assert "pending" in (await run(house, "wang", "show", 1)).output
    assert "request 1 is allowed: 2 pending" in (await run(house, "wang", "allow", 1)).output
    services = house.services
    await RetentionKeeper(
        house.storage, services.policy.current, Shelf(), "node1", services.clock, services.live
    ).work()
    assert "2 deleted" in (await run(house, "wang", "show", 1)).output
    assert "asked for" in (await run(house, "li", "list", "--state", "done")).output
    assert "case-0" in (await run(house, "wang", "holds")).output
    assert "is lifted" in (await run(house, "wang", "lift", 1, "--reason", "withdrawn")).output
    missed = await run(house, "li", "hold", "case", "case-O", "--reason", "a suit")
    assert "0 recordings now" in missed.output
    assert "is lifted" in (await run(house, "wang", "lift", 2, "--reason", "misspelled")).output
    assert "none" in (await run(house, "wang", "holds")).output
    await run(house, "li", "request", "--reason", "the last")
    assert "request 2 is refused" in (await run(house, "li", "refuse", 2, "--reason", "taken back")).output


@pytest.mark.parametrize("choice", [("--overdue",), ("--by", "2026-01-01T00:00:00Z")])
async def test_names_are_not_taken_where_a_time_is_meant(house: House, choice: tuple[str, ...]) -> None:
    asked = await run(house, "li", "request", "r-2", *choice, "--reason", "their time is over")
    assert isinstance(asked.exception, DialerError)
    assert await house.storage.deletions.list() == ()


async def test_a_file_without_names_asks_for_nothing(house: House, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n", encoding="utf-8")
    for file in ("empty.txt", "missing.txt"):
        asked = await run(house, "li", "request", "--from", tmp_path / file, "--reason", "all of them")
        assert isinstance(asked.exception, DialerError)
    assert await house.storage.deletions.list() == ()
