"""Who may find, hear and hand out whose recordings: every role, every operation, own calls and others', at the API."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from dialer.api.app import SUBJECTS
from dialer.api.security import hash_token
from dialer.config_recordings import RecordingsConfig
from dialer.model.account import NewAccount, Role
from tests.support.house import House, open_house
from tests.support.kept import ended_calls, keep, noise
from tests.support.storage import MONDAY

NUMBER = "+8613800000000"
"""Of the first call."""
COLLECTOR, SUPERVISOR, QA = Role.COLLECTOR, Role.SUPERVISOR, Role.QA
AUDITOR, ADMINISTRATOR, INTEGRATION = Role.AUDITOR, Role.ADMINISTRATOR, Role.INTEGRATION
LISTENERS = {SUPERVISOR, ADMINISTRATOR, QA, AUDITOR}
EXPORT = {"format": "wav", "reason": "asked for by a court", "to_ms": 100}
REDACTION = {"spans": [{"channel": "far", "from_ms": 0, "to_ms": 100, "why": "card_number"}]}

# Operation, method, path after the id, body, who may, and the answer to those; a collector: of the own call.
OF_ONE = (
    ("recordings.get", "GET", "", None, LISTENERS | {COLLECTOR}, 200),
    ("recordings.audio", "GET", "/audio", None, LISTENERS | {COLLECTOR}, 200),
    ("recordings.peaks", "GET", "/peaks", None, LISTENERS | {COLLECTOR}, 200),
    ("recordings.marks", "GET", "/marks", None, LISTENERS | {COLLECTOR}, 200),
    ("recordings.verify", "GET", "/verification", None, LISTENERS, 200),
    ("recordings.transcript", "GET", "/transcript", None, LISTENERS | {COLLECTOR}, 404),  # nothing is transcribed
    ("recordings.transcribe", "POST", "/transcript", None, {SUPERVISOR, ADMINISTRATOR, QA}, 409),
    ("recordings.export", "POST", "/exports", EXPORT, {SUPERVISOR, ADMINISTRATOR, QA}, 200),
    ("recordings.redact", "POST", "/redactions", REDACTION, {SUPERVISOR, ADMINISTRATOR, QA}, 201),
)


async def _house(folder: Path, *, collectors_hear_own: bool) -> AsyncIterator[House]:
    config = RecordingsConfig(collectors_hear_own=collectors_hear_own)
    async with open_house(folder, recordings=config) as house:
        now = house.services.clock.utcnow()
        own = await house.storage.accounts.create(NewAccount("li.na", "李娜", COLLECTOR, "hash"), now)
        token = house.tokens[COLLECTOR] = "token-of-li-na"
        await house.storage.accounts.add_token(hash_token(token), "li.na", COLLECTOR, now, account_id=own.account_id)
        calls = await ended_calls(house.storage, [own.account_id, own.account_id + 1])
        for name, call in zip(("own", "foreign"), calls, strict=True):
            await keep(house.storage, house.keeper.vault, name, call.attempt_id, MONDAY, noise(4000))
        yield house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async for house in _house(tmp_path, collectors_hear_own=True):
        yield house


@pytest.fixture
async def strict_house(tmp_path: Path) -> AsyncIterator[House]:
    async for house in _house(tmp_path, collectors_hear_own=False):
        yield house


async def _ask(house: House, role: Role, method: str, path: str, body: object = None) -> tuple[int, bytes]:
    async with house.api.request(method, f"/v1/recordings{path}", json=body, headers=house.auth(role)) as answer:
        return answer.status, await answer.read()


def test_the_table_has_every_operation() -> None:
    listed = {name for name, *_ in OF_ONE} | {"recordings.list", "recordings.search"}
    operations = (operation for routes in SUBJECTS for operation in routes.operations)
    assert listed == {each.name for each in operations if each.path.split("/")[:3] == ["", "v1", "recordings"]}


async def test_every_role_at_every_operation(house: House) -> None:
    for name, method, path, body, may, answer in OF_ONE:
        for role in Role:
            for recording in ("own", "foreign"):
                expected = answer if role in may else 403
                if role is COLLECTOR and role in may and recording == "foreign":
                    expected = 404
                if name == "recordings.redact" and role is QA:
                    expected = 403  # the supervisor's redaction has taken the original's place by now
                status, _ = await _ask(house, role, method, f"/{recording}{path}", body)
                assert status == expected, (name, role, recording)


async def test_collectors_hear_nothing_unless_the_house_allows_it(strict_house: House) -> None:
    for _, method, path, body, _, _ in OF_ONE:
        status, _ = await _ask(strict_house, COLLECTOR, method, f"/own{path}", body)
        assert status == 403, path
    assert (await _ask(strict_house, COLLECTOR, "GET", ""))[0] == 403


async def test_collectors_find_the_own_calls_only(house: House) -> None:
    status, page = await _ask(house, COLLECTOR, "GET", "")
    assert (status, [item["recording_id"] for item in json.loads(page)["items"]]) == (200, ["own"])
    assert (await _ask(house, COLLECTOR, "GET", "?agent_id=999"))[0] == 403
    assert (await _ask(house, COLLECTOR, "POST", "/search", {"case_ref": "case-1"}))[0] == 403


async def test_who_may_ask_by_a_number(house: House) -> None:
    answers = {SUPERVISOR: 200, ADMINISTRATOR: 200, AUDITOR: 200, QA: 422, COLLECTOR: 403, INTEGRATION: 403}
    for role, expected in answers.items():
        status, body = await _ask(house, role, "POST", "/search", {"number": "138 0000 0000"})
        assert status == expected, role
        assert status != 200 or len(json.loads(body)["items"]) == 1


async def test_nobody_is_shown_a_number(house: House) -> None:
    asked: Mapping[str, object] = {"": None, "/own": None, "/own/marks": None}
    for role in LISTENERS | {COLLECTOR}:
        for path in asked:
            _, body = await _ask(house, role, "GET", path)
            assert NUMBER[1:].encode() not in body
            assert NUMBER[3:].encode() not in body
    _, body = await _ask(house, SUPERVISOR, "POST", "/search", {"number": NUMBER})
    assert NUMBER[3:].encode() not in body
    entries = await house.storage.audit.list()
    assert all(NUMBER[3:] not in f"{entry.subject} {entry.detail}" for _, entry in entries)


async def test_a_redaction_takes_the_place_of_its_original(house: House) -> None:
    assert (await _ask(house, QA, "POST", "/own/redactions", REDACTION))[0] == 201
    assert (await _ask(house, QA, "POST", "/own/redactions", REDACTION))[0] == 403
    status, body = await _ask(house, SUPERVISOR, "POST", "/own/redactions", REDACTION)
    assert (status, json.loads(body)["recording_id"]) == (201, "own.r2")
    for role in LISTENERS | {COLLECTOR}:
        to_original = 200 if role in (SUPERVISOR, ADMINISTRATOR, AUDITOR) else 403
        assert (await _ask(house, role, "GET", "/own/audio"))[0] == to_original, role
        assert (await _ask(house, role, "GET", "/own.r1/audio"))[0] == to_original, (role, "not the newest one")
        assert (await _ask(house, role, "GET", "/own.r2/audio"))[0] == 200, role
    assert (await _ask(house, QA, "POST", "/own/exports", EXPORT))[0] == 403
    _, found = await _ask(house, QA, "GET", "?redacted=true")
    assert [(item["recording_id"], item["redactions"]) for item in json.loads(found)["items"]] == [
        ("own", ["own.r1", "own.r2"])
    ]
