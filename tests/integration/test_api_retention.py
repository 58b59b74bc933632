"""Legal holds and deletions over the API: who may do what, and that nobody deletes alone."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.evidence.retention_keeper import RetentionKeeper
from dialer.model.account import Role
from dialer.model.retention import NewDeletion, Person
from tests.support.house import House, open_house
from tests.support.retained import Archive, SetClock, Shelf
from tests.support.storage import MONDAY

OLD = MONDAY - timedelta(days=6 * 365)
YOUNG = MONDAY - timedelta(days=365)
MIDDLE = MONDAY - timedelta(days=3 * 365)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, clock=SetClock()) as opened:
        archive = await Archive.open(opened.storage)
        for nth, ended_at in enumerate((OLD, OLD, MIDDLE, YOUNG)):
            await archive.keep(f"r-{nth}", nth, ended_at)
        yield opened


async def ask(house: House, token: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    async with house.api.request(method, path, headers=headers, json=body) as answer:
        raw = await answer.read()
        return answer.status, json.loads(raw) if raw else None


async def person(house: House, login: str, role: Role) -> str:
    """A person's own token."""
    account = {"login": login, "name": login, "role": role.value, "password": "long enough"}
    administrator = house.tokens[Role.ADMINISTRATOR]
    _, made = await ask(house, administrator, "POST", "/v1/users", account)
    _, token = await ask(house, administrator, "POST", "/v1/tokens", {"name": login, "account_id": made["account_id"]})
    return str(token["token"])


async def carry_out(house: House) -> None:
    """What the node does by itself every few seconds."""
    services = house.services
    keeper = RetentionKeeper(house.storage, services.policy.current, Shelf(), "node1", services.clock, services.live)
    await keeper.work()


async def kept(house: House) -> set[str]:
    return set((await Archive(house.storage, 1).books()).keys)


async def test_two_persons_delete_what_may_go(house: House) -> None:
    li, wang = await person(house, "li", Role.SUPERVISOR), await person(house, "wang", Role.AUDITOR)
    status, run = await ask(house, li, "POST", "/v1/deletions/dry-run", {})
    assert (status, run["n_goes"], run["n_overdue"], run["complete"]) == (200, 2, 2, True)
    assert run["examples"][0]["reasons"][0]["en"] == "it should have been gone by 2026-02-23"
    status, asked = await ask(house, li, "POST", "/v1/deletions", {"reason": "their time is over"})
    assert (status, asked["state"], asked["counts"]) == (201, "asked", {"pending": 2})
    path = f"/v1/deletions/{asked['deletion_id']}"
    await carry_out(house)
    assert len(await kept(house)) == 4, "nothing goes before it is allowed"
    status, shown = await ask(house, wang, "GET", path)
    assert (status, shown["dry_run"]["n_goes"]) == (200, 2)
    status, allowed = await ask(house, wang, "POST", f"{path}/allow")
    assert (status, allowed["state"], allowed["decided_by"]) == (200, "allowed", "wang (auditor, account/2)")
    await carry_out(house)
    assert await kept(house) == {"r-2", "r-3"}
    status, shown = await ask(house, wang, "GET", path)
    assert (shown["state"], shown["counts"], shown["dry_run"]) == ("done", {"deleted": 2}, None)
    status, items = await ask(house, wang, "GET", f"{path}/items?limit=1")
    assert (status, [item["state"] for item in items["items"]], items["next"]) == (200, ["deleted"], "r-0")
    done = [
        entry.action for _, entry in await house.storage.audit.list() if entry.subject == path[4:].replace("s/", "/")
    ]
    assert done == ["deletions.allow", "deletions.ask"]
    _, shown = await ask(house, wang, "GET", "/v1/deletions?state=done")
    assert shown["items"][0]["asked_by"] == "li (supervisor, account/1)"


async def test_nobody_deletes_alone(house: House) -> None:
    root = await person(house, "root", Role.ADMINISTRATOR)
    li, wang = await person(house, "li", Role.SUPERVISOR), await person(house, "wang", Role.AUDITOR)
    _, asked = await ask(house, root, "POST", "/v1/deletions", {"reason": "mine alone"})
    path = f"/v1/deletions/{asked['deletion_id']}"
    for token, expected in (
        (root, 403),  # who asked
        (li, 403),  # supervisors do not allow
        (house.tokens[Role.AUDITOR], 403),  # a program is nobody
        (house.tokens[Role.ADMINISTRATOR], 403),
    ):
        status, problem = await ask(house, token, "POST", f"{path}/allow")
        assert status == expected, problem
    for role in (Role.COLLECTOR, Role.QA, Role.AUDITOR, Role.INTEGRATION, Role.SUPERVISOR):
        status, _ = await ask(house, house.tokens[role], "POST", "/v1/deletions", {"reason": "a program asks"})
        assert status == 403, role
    await carry_out(house)
    assert len(await kept(house)) == 4
    assert (await ask(house, root, "POST", f"{path}/refuse", {"reason": "taken back"}))[0] == 200
    status, problem = await ask(house, wang, "POST", f"{path}/allow")
    assert (status, problem["detail"]) == (409, "it is refused already")
    refused = [entry.detail for _, entry in await house.storage.audit.list() if entry.action == "deletions.allow"]
    assert refused[0] == "refused: it is refused already"


async def test_the_law_keeps_what_is_named_and_the_house_does_not(house: House) -> None:
    li = await person(house, "li", Role.SUPERVISOR)
    named = {"recording_ids": ["r-2", "r-3", "r-9"], "reason": "the person asked for it"}
    status, asked = await ask(house, li, "POST", "/v1/deletions", named)
    assert (status, asked["counts"], asked["dry_run"]["n_goes"]) == (201, {"pending": 1}, 1)
    assert {kept["code"]: kept["n"] for kept in asked["dry_run"]["kept"]} == {"law_minimum": 1, "unknown": 1}
    status, problem = await ask(house, li, "POST", "/v1/deletions", named | {"recording_ids": ["r-3"]})
    assert (status, problem["detail"]) == (409, "none of these recordings may go; a dry run says why")


async def test_who_allows_sees_what_will_be_done(house: House) -> None:
    wang, asks = await person(house, "wang", Role.AUDITOR), Person(99, "li", Role.SUPERVISOR)
    # As if the house had kept recordings for a shorter time when it was asked: r-2 is in the house's period now.
    new = NewDeletion(("r-0", "r-2"), "their time is over", MONDAY)
    unnamed = await house.storage.deletions.ask(new, asks, MONDAY)
    path = f"/v1/deletions/{unnamed.deletion_id}"
    _, shown = await ask(house, wang, "GET", path)
    assert shown["dry_run"]["n_goes"] == 1
    assert [reason["code"] for reason in shown["dry_run"]["kept"][0]["examples"][0]["reasons"]] == [
        "house_period",
        "not_named",
    ]
    await ask(house, wang, "POST", f"{path}/allow")
    await carry_out(house)
    assert await kept(house) == {"r-1", "r-2", "r-3"}


async def test_a_hold_is_placed_and_lifted(house: House) -> None:
    li, wang = await person(house, "li", Role.SUPERVISOR), await person(house, "wang", Role.AUDITOR)
    _, asked = await ask(house, li, "POST", "/v1/deletions", {"reason": "their time is over"})
    hold = {"scope": "person", "ref": "person-0", "reason": "a suit is announced"}
    status, placed = await ask(house, li, "POST", "/v1/holds", hold)
    assert (status, placed["placed_by"], placed["lifted_at"]) == (201, "li (supervisor, account/1, token/7)", None)
    await ask(house, wang, "POST", f"/v1/deletions/{asked['deletion_id']}/allow")
    await carry_out(house)
    assert await kept(house) == {"r-0", "r-2", "r-3"}, "the hold came after the request and before the deletion"
    _, items = await ask(house, li, "GET", f"/v1/deletions/{asked['deletion_id']}/items?state=kept")
    assert items["items"][0]["reasons"][0]["en"] == "legal hold 1 on the person since 2026-11-23: a suit is announced"
    lift = f"/v1/holds/{placed['hold_id']}/lift"
    assert (await ask(house, li, "POST", lift, {"reason": "I think so"}))[0] == 403, "who places does not lift"
    status, lifted = await ask(house, wang, "POST", lift, {"reason": "the suit was withdrawn"})
    assert (status, lifted["lift_reason"]) == (200, "the suit was withdrawn")
    assert (await ask(house, wang, "GET", "/v1/holds?in_force=true"))[1]["items"] == []
    assert (await ask(house, wang, "GET", "/v1/holds?scope=person&ref=person-0"))[1]["items"] == [lifted]
    assert (await ask(house, wang, "POST", "/v1/holds/99/lift", {"reason": "which"}))[0] == 404


async def test_no_number_stands_in_a_reason(house: House) -> None:
    wang, said = await person(house, "wang", Role.AUDITOR), {"reason": "13800001234 complained"}
    li = await person(house, "li", Role.SUPERVISOR)
    _, placed = await ask(house, li, "POST", "/v1/holds", {"scope": "case", "ref": "C-1", **said})
    await ask(house, wang, "POST", f"/v1/holds/{placed['hold_id']}/lift", said)
    _, asked = await ask(house, li, "POST", "/v1/deletions", said)
    assert asked["reason"] == "138****1234 complained"
    await ask(house, wang, "POST", f"/v1/deletions/{asked['deletion_id']}/refuse", said)
    entries = await house.storage.ledger_reading.entries("node1", 0, 100)
    assert len([entry for entry in entries if b"138****1234" in entry.body]) == 2
    assert not any(b"13800001234" in entry.body for entry in entries)
    assert not any("13800001234" in entry.detail for _, entry in await house.storage.audit.list())


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/holds", {"scope": "recording", "ref": "none", "reason": "a suit"}, "body.ref"),
        ("/v1/holds", {"scope": "campaign", "ref": "north", "reason": "a suit"}, "body.ref"),
        ("/v1/holds", {"scope": "campaign", "ref": "99", "reason": "a suit"}, "body.ref"),
        ("/v1/holds", {"scope": "case", "ref": "case-1", "reason": "  "}, "body.reason"),
        ("/v1/holds", {"scope": "world", "ref": "case-1", "reason": "a suit"}, "body.scope"),
        ("/v1/deletions/dry-run", {"by": "2027-01-01T00:00:00Z"}, "body.by"),
        ("/v1/deletions/dry-run", {"by": "2026-01-01T00:00:00"}, "body"),
        ("/v1/deletions/dry-run", {"recording_ids": []}, "body.recording_ids"),
        ("/v1/deletions/dry-run", {"recording_ids": ["../x"]}, "body.recording_ids.0"),
        ("/v1/deletions/dry-run", {"recording_ids": ["x"], "overdue": True}, "body"),
    ],
)
async def test_what_makes_no_sense_is_refused(house: House, path: str, body: dict[str, object], field: str) -> None:
    status, problem = await ask(house, house.tokens[Role.SUPERVISOR], "POST", path, body)
    assert (status, problem["errors"][0]["field"]) == (422, field)
