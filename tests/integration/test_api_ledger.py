"""Over the API: signed heads to note elsewhere, and whether one recording is what was recorded."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection

from dialer.evidence.ledger_keeper import LedgerKeeper
from dialer.evidence.proving import AT_ONCE
from dialer.evidence.signing_key import own_keys
from dialer.model.account import Role
from dialer.storage.ledger_rows import LedgerRow
from recording.faults import Fault
from recording.heads import SignedHead
from tests.support.house import House, open_house
from tests.support.kept import ended_calls, keep, noise
from tests.support.storage import MONDAY


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Two recordings, the first of them signed."""
    async with open_house(tmp_path) as opened:
        first, second = await ended_calls(opened.storage, [1, 2])
        await keep(opened.storage, opened.keeper.vault, "r1", first.attempt_id, MONDAY, noise(4000))
        async with _ledger_keeper(opened) as keeper:
            assert keeper.problem == ""
        await keep(opened.storage, opened.keeper.vault, "r2", second.attempt_id, MONDAY, noise(4000))
        yield opened


def _ledger_keeper(house: House) -> LedgerKeeper:
    storage, services = house.storage, house.services
    return LedgerKeeper(storage.ledger_signing, storage.ledger_reading, services.config, services.clock, house.live)


async def _get(house: House, path: str, role: Role = Role.AUDITOR, language: str = "en") -> tuple[int, Any]:
    async with house.api.get(path, headers=house.auth(role) | {"Accept-Language": language}) as answer:
        return answer.status, await answer.json()


async def test_heads_can_be_noted_and_checked_elsewhere(house: House) -> None:
    status, said = await _get(house, "/v1/ledger/heads")
    assert status == 200
    (head,) = said["items"]
    keys: dict[str, Ed25519PublicKey] = await asyncio.to_thread(own_keys, house.services.config)
    signed = SignedHead(head["statement"].encode(), bytes.fromhex(head["signature"]))
    assert signed.is_by(keys[head["key_id"]])
    assert f"hash: {head['hash']}\n" in head["statement"]
    assert (head["chain"], head["stamped"]) == ("node1", False)
    assert (await _get(house, "/v1/ledger/heads", Role.SUPERVISOR))[0] == 403


async def test_a_recording_is_proven(house: House) -> None:
    status, said = await _get(house, "/v1/recordings/r1/verification", Role.QA)
    assert (status, said["well"], said["signed"], said["faults"]) == (200, True, True, [])
    (tie,) = said["ties"]
    assert (tie["chain"], tie["sequence"], tie["kind"], tie["trusted"]) == ("node1", 1, "recording", True)
    status, said = await _get(house, "/v1/recordings/r2/verification", Role.QA)
    assert (status, said["well"], said["signed"]) == (200, True, False)
    async with _ledger_keeper(house):
        pass
    status, said = await _get(house, "/v1/recordings/r2/verification")
    assert (said["well"], said["signed"], said["ties"][0]["trusted"]) == (True, True, True)
    assert (await _get(house, "/v1/recordings/r3/verification"))[0] == 404
    assert (await _get(house, "/v1/recordings/r1/verification", Role.COLLECTOR))[0] == 403
    _, log = await _get(house, "/v1/audit?subject=recording/r1")
    assert [item["entry"]["action"] for item in log["items"]] == ["recordings.verify"]


async def test_what_was_tampered_with_is_named(house: House) -> None:
    def tamper(connection: Connection) -> None:
        connection.exec_driver_sql("UPDATE recordings SET lost_ms = 7 WHERE recording_id = 'r1'")
        connection.exec_driver_sql("UPDATE ledger SET body = replace(body, 'r1', 'r7') WHERE sequence = 1")

    await house.storage._database.write(tamper)
    _, said = await _get(house, "/v1/recordings/r1/verification")
    assert (said["well"], said["signed"]) == (False, False)
    assert {fault["trouble"] for fault in said["faults"]} == {"row_differs", "altered"}
    assert all(fault["meaning"] and fault["action"] for fault in said["faults"])
    _, said = await _get(house, "/v1/recordings/r1/verification", language="zh")
    told = [fault[name] for fault in said["faults"] for name in ("words", "meaning", "action")]
    assert [text for text in told if not re.search("[\u4e00-\u9fff]", text)] == []


async def test_few_are_proven_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The threads that read whole recordings are those that calls use."""
    objects = house.services.prover._objects
    check, at_once, most = objects.check, 0, 0

    def counted(row: LedgerRow) -> list[Fault]:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        found = check(row)
        at_once -= 1
        return found

    monkeypatch.setattr(objects, "check", counted)
    answers = await asyncio.gather(*(_get(house, "/v1/recordings/r1/verification") for _ in range(12)))
    assert {status for status, _ in answers} == {200}
    assert 1 <= most <= AT_ONCE
