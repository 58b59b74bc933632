"""A node's evidence for tests: a real database and store with sealed recordings of attempts, entered in the ledger."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from dialer.config import Config, parse_config
from dialer.evidence.ledger_keeper import LedgerKeeper
from dialer.evidence.stores import store_settings
from dialer.live import LiveBoard
from dialer.model.account import Role
from dialer.model.attempt import Attempt, Disposition
from dialer.model.recording import NewRecording, WrappedKey
from dialer.model.retention import ItemState, Judged, Keepable, NewDeletion, Person
from dialer.storage import Storage
from recording.keys import KeyRing
from recording.objects import ObjectStore, open_store
from recording.sealing import SealWriter
from tests.support.policy import bank_policy
from tests.support.recordings import new_recording
from tests.support.set_clock import SetClock
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign

KEK = bytes(range(7, 39))
T = TypeVar("T")


@dataclass
class Evidence:
    """What a node has: its configuration, storage, store and keys; and short ways to add to it and to tamper."""

    config: Config
    storage: Storage
    store: ObjectStore
    ring: KeyRing
    clock: SetClock
    attempts: Sequence[Attempt]

    def keeper(self) -> LedgerKeeper:
        """A keeper of the node's ledger."""
        board = LiveBoard(self.clock)
        storage = self.storage
        return LedgerKeeper(storage.ledger_signing, storage.ledger_reading, self.config, self.clock, board)

    async def sign(self) -> None:
        """What a start and an orderly end leave."""
        async with self.keeper() as keeper:
            assert keeper.problem == "", keeper.problem

    async def record(self, recording_id: str, attempt: int = 0, n_bytes: int = 3000, **said: Any) -> NewRecording:
        """A recording of one of the attempts: sealed, stored, on record."""
        flac = random.Random(recording_id).randbytes(n_bytes)
        peaks = f"{recording_id} peaks".encode()
        key = self.ring.new_key()
        folder = f"{self.clock.now:%Y/%m/%d}/{recording_id}.0123456789ab"
        said |= {"path": f"{folder}.flac.sealed", "peaks_path": f"{folder}.peaks.sealed"}
        sealed = await asyncio.to_thread(self._put, said["path"], flac, key, recording_id)
        await asyncio.to_thread(self._put, said["peaks_path"], peaks, key, f"{recording_id}/peaks")
        recording = new_recording(
            recording_id,
            self.attempts[attempt].attempt_id,
            self.clock.now,
            sha256=hashlib.sha256(flac).hexdigest(),
            size_bytes=len(flac),
            sealed_sha256=hashlib.sha256(sealed).hexdigest(),
            sealed_bytes=len(sealed),
            **said,
        )
        wrapped = self.ring.wrap(key, recording_id)
        assert await self.storage.recordings.add(recording, WrappedKey(wrapped.kek_id, wrapped.wrapped), self.clock.now)
        return recording

    async def delete(self, recording_id: str) -> None:
        """Asked for by one person and allowed by another, with nothing that keeps it."""
        deletions, now = self.storage.deletions, self.clock.now
        asker, allower = Person(1, "ada", Role.ADMINISTRATOR), Person(2, "bo", Role.ADMINISTRATOR)
        asked = await deletions.ask(NewDeletion((recording_id,), "asked for"), asker, now)
        await deletions.allow(asked.deletion_id, allower, now)
        done = await deletions.execute(asked.deletion_id, recording_id, _may_go, now, node=self.config.node.name)
        assert done is ItemState.DELETED

    def object_path(self, name: str) -> Path:
        """The file behind an object of the store."""
        return Path(store_settings(self.config).location) / name

    async def sql(self, work: Callable[[Connection], T]) -> T:
        """What somebody with the database's password does."""
        return await self.storage._database.write(work)

    def _put(self, name: str, content: bytes, key: bytes, object_id: str) -> bytes:
        staging = self.config.node.data_dir / "staging"
        with staging.open("wb+") as stream:
            writer = SealWriter(stream, key, object_id)
            writer.write(content)
            writer.finish()
        sealed = staging.read_bytes()
        self.store.put(name, staging, hashlib.sha256(sealed).hexdigest())
        staging.unlink()
        return sealed


def _may_go(recording_id: str, keepable: Keepable | None) -> Judged:
    return Judged(recording_id, keepable, None, True, ())


def write_config(folder: Path) -> Path:
    """The configuration file of a node whose files, database included, are in `folder`."""
    lines = (
        f'[node]\nname = "node1"\ndata_dir = "{folder}"',
        f'[database]\nkey = "{bytes(range(32)).hex()}"',
        f'[recordings]\nkey = "{KEK.hex()}"',
    )
    path = folder / "dialer.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def evidence_config(folder: Path, database_url: str, **evidence: Any) -> Config:
    """A node whose files are in `folder`."""
    raw = {
        "node": {"name": "node1", "data_dir": str(folder)},
        "database": {"url": database_url, "key": bytes(range(32)).hex()},
        "recordings": {"key": KEK.hex()},
        "evidence": evidence,
    }
    return parse_config(raw, "test")


@asynccontextmanager
async def open_evidence(
    folder: Path, database_url: str, n_attempts: int = 3, **evidence: str
) -> AsyncIterator[Evidence]:
    """A node on Monday morning, after a few settled attempts, nothing recorded yet."""
    config = evidence_config(folder, database_url, **evidence)
    policy = await asyncio.to_thread(bank_policy)
    async with open_storage(database_url) as storage:
        campaign_id = await run_campaign(storage, contacts(n_attempts))
        dialing = Dialing(storage, policy)
        attempts = []
        for candidate in await dialing.claim(campaign_id, n_attempts):
            attempt = await dialing.reserve(dialing.reservation(candidate))
            await dialing.settle(attempt, Disposition.CONNECTED, MONDAY + MINUTE)
            attempts.append(attempt)
        await asyncio.to_thread((folder / "recordings").mkdir, exist_ok=True)
        store = await asyncio.to_thread(open_store, store_settings(config))
        yield Evidence(config, storage, store, KeyRing(KEK), SetClock(MONDAY + 2 * MINUTE), attempts)
