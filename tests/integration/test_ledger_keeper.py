"""A node signs its chain of the ledger, ties the proofs in, has heads stamped, and refuses what was rewritten."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, update

from dialer.errors import ConfigError
from dialer.evidence import signing_key, time_stamping
from dialer.evidence.time_stamping import trusted_authorities
from dialer.storage import tables
from recording.heads import Head, SignedHead, key_id_of, read_public_keys, read_statement
from recording.ledger import Entry, EntryKind
from recording.stamps import check_stamp
from tests.support.evidence import Evidence, open_evidence
from tests.support.ledgers import rehash
from tests.support.time_stamps import open_authority

ledger = tables.ledger


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[Evidence]:
    async with open_evidence(tmp_path, database_url) as opened:
        yield opened


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    from tests.support.schema import make_sqlite

    make_sqlite(tmp_path / "dialer.db")
    return f"sqlite:///{tmp_path / 'dialer.db'}"


async def _entries(node: Evidence) -> tuple[Entry, ...]:
    return await node.storage.ledger_reading.entries("node1", 0, 1000)


async def _signed(node: Evidence) -> tuple[SignedHead, ...]:
    return tuple(signed for _, signed in await node.storage.ledger_reading.signed("node1", 0, 1000))


async def test_what_is_added_is_signed_and_tied_to_the_proofs(node: Evidence) -> None:
    await node.record("node1-a-1")
    async with node.keeper() as keeper:
        assert keeper.problem == ""
        await node.record("node1-a-2", attempt=1)
        await keeper._turn()
        n = len(await _signed(node))
        await keeper._turn()
        assert len(await _signed(node)) == n == 2
        await node.record("node1-a-3", attempt=2)
    entries, signed = await _entries(node), await _signed(node)
    kinds = [entry.kind for entry in entries]
    first = [EntryKind.RECORDING, EntryKind.SIGNING_KEY, EntryKind.PROOFS]
    assert kinds == [*first, EntryKind.RECORDING, EntryKind.RECORDING]
    (key,) = (await asyncio.to_thread(signing_key.own_keys, node.config)).values()
    assert all(one.is_by(key) for one in signed)
    assert [read_statement(one.statement).head.sequence for one in signed] == [3, 4, 5]
    last = Head("node1", 5, entries[-1].hash.hex())
    assert read_statement(signed[-1].statement).head == last
    assert await asyncio.to_thread(signing_key.signed_head, node.config) == last
    tied = json.loads(entries[2].body)["heads"]
    assert tied == [asdict(head) for head in await node.storage.proof_reading.heads()]
    proof = json.loads(entries[3].body)["proof"]
    links = await node.storage.proof_reading.of_attempt(node.attempts[1].attempt_id)
    assert proof == {"chain": "node1", "sequence": links[-1].sequence, "hash": links[-1].hash.hex()}


async def test_a_rewritten_or_cut_chain_is_not_signed(node: Evidence) -> None:
    await node.record("node1-a-1")
    await node.record("node1-a-2", attempt=1)
    async with node.keeper() as keeper:
        entries = await _entries(node)
        # All of it anew without the first recording, so that the chain holds in itself; and no signature to deny it.
        await _put_instead(node, rehash(entries[1:]))
        await keeper._turn()
        assert "but this node signed entry" in keeper.problem
        await _put_instead(node, rehash((*entries[1:], entries[0])))
        await keeper._turn()
        assert keeper.problem.startswith("chain node1:")
        await node.record("node1-a-3", attempt=2)
        await keeper._turn()
        assert keeper.problem
        assert not await _signed(node)
        await _put_instead(node, entries)
        await node.record("node1-a-3b", attempt=2)
        await keeper._turn()
        assert keeper.problem == ""
        assert len(await _signed(node)) == 1


async def _put_instead(node: Evidence, entries: tuple[Entry, ...]) -> None:
    def work(connection: Connection) -> None:
        connection.execute(delete(ledger))
        connection.execute(delete(tables.ledger_signatures))
        for entry in entries:
            row = {name: getattr(entry, name) for name in Entry.__slots__}
            connection.execute(ledger.insert(), row)
        last = {"sequence": entries[-1].sequence, "hash": entries[-1].hash}
        connection.execute(update(tables.ledger_heads).values(last))

    await node.sql(work)


async def test_a_signature_that_was_noted_and_not_stored_is_made_again(tmp_path: Path, sqlite_url: str) -> None:
    async with open_evidence(tmp_path, sqlite_url) as node:
        await node.sign()
        await node.sql(lambda connection: connection.execute(delete(tables.ledger_signatures)))
        await node.sign()
        assert len(await _signed(node)) >= 1


async def test_a_changed_key_is_entered_with_the_one_before(tmp_path: Path, sqlite_url: str) -> None:
    async with open_evidence(tmp_path, sqlite_url) as node:
        await node.sign()
        (tmp_path / "ledger.key").unlink()
        await node.sign()
        keys = [json.loads(entry.body) for entry in await _entries(node) if entry.kind == EntryKind.SIGNING_KEY]
        old, new = read_public_keys((tmp_path / "ledger.pub").read_bytes())
        assert [(said["key_id"], said["replaces"]) for said in keys] == [
            (key_id_of(old), ""),
            (key_id_of(new), key_id_of(old)),
        ]
        last = (await _signed(node))[-1]
        assert last.is_by(new)


@pytest.mark.peer("openssl")
async def test_heads_are_stamped_and_signing_goes_on_without(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_stamping, "RETRY_PAUSE_S", 0.01)
    async with open_authority(tmp_path / "tsa") as tsa:
        said = {"tsa_url": tsa.url, "tsa_certificate": str(tsa.certificate)}
        async with open_evidence(tmp_path, sqlite_url, 1, **said) as node:
            tsa.status = 500
            async with node.keeper() as keeper:
                assert keeper.problem == ""
                assert "500" in keeper._stamping.problem
                tsa.status, tsa.body = 200, b"no stamp"
                await keeper._turn()
                assert "not a time stamp" in keeper._stamping.problem
                tsa.body = None
                await keeper._turn()
                assert keeper._stamping.problem == ""
                asked = tsa.asked
                await node.record("node1-a-1")
                await keeper._turn()
                assert tsa.asked == asked  # not before the interval is over
            first, second = await _signed(node)
            assert second.stamp is None
            assert first.stamp is not None
            trusted = await asyncio.to_thread(trusted_authorities, node.config.evidence)
            stamp = check_stamp(first.stamp, first.stamped, trusted)
            assert stamp.at.tzinfo is not None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"signing_key": "nonsense"}, "evidence.signing_key: not a private key"),
        ({"tsa_url": "http://127.0.0.1:1/"}, "evidence.tsa_certificate is missing"),
        ({"tsa_certificate": "/dev/null"}, "not a PEM file with certificates"),
    ],
)
async def test_what_is_wrong_with_the_configuration_is_said(
    tmp_path: Path, sqlite_url: str, said: dict[str, str], words: str
) -> None:
    async with open_evidence(tmp_path, sqlite_url, 1, **said) as node:
        with pytest.raises(ConfigError, match=words):
            await node.sign()
