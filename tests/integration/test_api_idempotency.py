"""Idempotency keys outlive the process: the same answer, nothing made twice, no secret kept."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.model.account import Role
from dialer.model.idempotency import KeyState, KnownRequest, RequestKey
from dialer.storage import Storage
from tests.support.house import House, open_house
from tests.support.storage import MONDAY, open_storage

KEY = RequestKey("1", "do_not_call.add", "k-1")
NUMBER = "13800001234"
LISTING = {"number": NUMBER, "reason": "asked for it"}


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


async def _post(house: House, path: str, key: str, body: object, role: Role = Role.ADMINISTRATOR) -> tuple[int, Any]:
    headers = house.auth(role) | {"Idempotency-Key": key}
    async with house.api.post(path, json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_key_is_taken_once_and_told_apart_by_holder_operation_and_content(storage: Storage) -> None:
    keys = storage.idempotency
    assert await keys.begin(KEY, b"body", "node1", MONDAY) is None
    assert await keys.begin(KEY, b"body", "node1", MONDAY) == KnownRequest(True, KeyState.UNDER_WAY)
    await keys.finish(KEY, 201, b"made")
    assert await keys.begin(KEY, b"body", "node2", MONDAY) == KnownRequest(True, KeyState.ANSWERED, 201, b"made")
    assert await keys.begin(KEY, b"other", "node1", MONDAY) == KnownRequest(False, KeyState.ANSWERED, 201, b"made")
    assert await keys.begin(RequestKey("2", KEY.operation, KEY.key), b"body", "node1", MONDAY) is None
    assert await keys.begin(RequestKey("1", "lists.import", KEY.key), b"body", "node1", MONDAY) is None


async def test_of_many_at_once_one_takes_the_key(storage: Storage) -> None:
    known = await asyncio.gather(*(storage.idempotency.begin(KEY, b"body", "node1", MONDAY) for _ in range(8)))
    assert known.count(None) == 1


async def test_a_refusal_and_a_day_free_the_key(storage: Storage) -> None:
    keys = storage.idempotency
    await keys.begin(KEY, b"body", "node1", MONDAY)
    await keys.forget(KEY)
    assert await keys.begin(KEY, b"other", "node1", MONDAY) is None
    await keys.finish(KEY, 201, None)
    assert await keys.begin(KEY, b"other", "node1", MONDAY) == KnownRequest(True, KeyState.ANSWERED, 201, None)
    assert await keys.begin(KEY, b"third", "node1", MONDAY + timedelta(days=1)) is None


async def test_only_the_own_nodes_requests_are_interrupted_by_its_start(storage: Storage) -> None:
    other = RequestKey("1", KEY.operation, "k-2")
    await storage.idempotency.begin(KEY, b"", "node1", MONDAY)
    await storage.idempotency.begin(other, b"", "node2", MONDAY)
    assert await storage.idempotency.recover("node1") == 1
    assert await storage.idempotency.begin(KEY, b"", "node1", MONDAY) == KnownRequest(True, KeyState.INTERRUPTED)
    assert await storage.idempotency.begin(other, b"", "node1", MONDAY) == KnownRequest(True, KeyState.UNDER_WAY)


async def test_the_answer_is_the_same_after_a_restart(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        first = await _post(house, "/v1/do-not-call", "dnc-1", LISTING)
        assert first[0] == 201
    async with open_house(tmp_path, token_prefix="second") as house:
        again = await _post(house, "/v1/do-not-call", "dnc-1", LISTING)
        assert again[0] == 201, "another holder's key is another key"
    async with open_house(tmp_path, new_tokens=False) as house:
        assert await _post(house, "/v1/do-not-call", "dnc-1", LISTING) == first
        other = await _post(house, "/v1/do-not-call", "dnc-1", LISTING | {"reason": "another"})
        assert (other[0], "another body" in other[1]["detail"]) == (409, True)
    stored = await asyncio.to_thread((tmp_path / "dialer.db").read_bytes)
    assert NUMBER.encode() not in stored


async def test_a_secret_is_not_replayed(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        body = {"name": "case system", "role": "integration"}
        status, made = await _post(house, "/v1/tokens", "token-1", body)
        assert status == 201
        status, refused = await _post(house, "/v1/tokens", "token-1", body)
        assert (status, "never stored" in refused["detail"]) == (409, True)
        assert len([token for token in await house.storage.accounts.tokens() if token.name == "case system"]) == 1
    files = await asyncio.to_thread(lambda: [path.read_bytes() for path in tmp_path.glob("dialer.db*")])
    assert not any(made["token"].encode() in stored for stored in files)


async def test_what_a_kill_interrupted_is_not_done_again(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        token_id = next(t.token_id for t in await house.storage.accounts.tokens() if t.role is Role.ADMINISTRATOR)
        body = b'/v1/do-not-call\0\0{"number": "13800001234", "reason": "asked for it"}'
        key = RequestKey(str(token_id), "do_not_call.add", "dnc-1")
        await house.storage.idempotency.begin(key, body, "node1", datetime.now(UTC))
    async with open_house(tmp_path, new_tokens=False) as house:
        status, refused = await _post(house, "/v1/do-not-call", "dnc-1", LISTING)
        assert (status, "interrupted on our side" in refused["detail"]) == (409, True)


async def test_a_fault_interrupts_and_a_refusal_does_not(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        status, _ = await _post(house, "/v1/campaigns", "c-1", {"name": "x", "list_ids": [9]})
        assert status in (409, 422)
        assert (await _post(house, "/v1/campaigns", "c-1", {"name": "y", "list_ids": [9]}))[0] == status

        async def broken(*_: object) -> int:
            raise RuntimeError("a fault")

        house.storage.do_not_call.add_number = broken  # type: ignore[method-assign,assignment]
        assert (await _post(house, "/v1/do-not-call", "dnc-1", LISTING))[0] == 500
        status, refused = await _post(house, "/v1/do-not-call", "dnc-1", LISTING)
        assert (status, "interrupted on our side" in refused["detail"]) == (409, True)
