"""Evidence packs of a case, made by a real node, unpacked, tampered with, and checked by the script inside them."""

import asyncio
import hashlib
import io
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from dialer.compliance.policy import Policy
from dialer.evidence.pack import Pack, PackMaker
from dialer.evidence.playing import Player
from dialer.evidence.signing_key import own_keys
from dialer.evidence.stores import store_settings
from dialer.model.recording import RecordingInfo
from dialer.storage import Storage
from recording.errors import KeyLostError
from recording.keys import KeyRing, Wrapped
from recording.objects import open_store
from recording.sealing import SealedReader
from recording.vault import Vault, audio_id, peaks_id
from tests.support.evidence import KEK, Evidence, evidence_config
from tests.support.policy import bank_policy
from tests.support.set_clock import SetClock
from tests.support.storage import MINUTE, MONDAY, open_storage

CASE = "case-2"  # the campaign calls the longest overdue first
CHECK_TIMEOUT_S = 60
Tamper = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Checked:
    """What the script said, and its exit code."""

    code: int
    words: str


@dataclass(frozen=True, slots=True)
class Opens:
    """The real vault and the keys on record, without a finalizer beside them."""

    vault: Vault
    storage: Storage

    async def open(self, recording: RecordingInfo) -> SealedReader:
        return await self._opened(recording, recording.path, audio_id(recording.recording_id))

    async def open_peaks(self, recording: RecordingInfo) -> SealedReader:
        return await self._opened(recording, recording.peaks_path, peaks_id(recording.recording_id))

    async def _opened(self, recording: RecordingInfo, name: str, object_id: str) -> SealedReader:
        key = await self.storage.recordings.key(recording.recording_id)
        if key is None:
            raise KeyLostError(f"recording {recording.recording_id}: nothing on record opens it")
        return await asyncio.to_thread(self.vault.open, name, Wrapped(key.kek_id, key.wrapped), object_id)


@asynccontextmanager
async def open_maker(node: Evidence) -> AsyncIterator[PackMaker]:
    vault = Vault(node.store, node.ring, node.config.node.data_dir / "sealing")
    async with Player(Opens(vault, node.storage)) as player:
        yield PackMaker(node.storage, player, "node1", node.config.evidence.tsa_certificate)


async def make_pack(node: Evidence, maker: PackMaker) -> tuple[Pack, bytes]:
    policy: Policy = await asyncio.to_thread(bank_policy)
    pack = await maker.plan(CASE, policy, node.clock.now)
    assert pack is not None
    return pack, b"".join([piece async for piece in maker.pieces(pack)])


async def pack_again(folder: Path) -> bytes:
    """The pack of a node that is not running, from its files as they lie there."""
    url = f"sqlite:///{folder / 'dialer.db'}"
    config = evidence_config(folder, url)
    store = await asyncio.to_thread(open_store, store_settings(config))
    async with open_storage(url) as storage:
        node = Evidence(config, storage, store, KeyRing(KEK), SetClock(MONDAY + MINUTE), ())
        async with open_maker(node) as maker:
            return (await make_pack(node, maker))[1]


async def fill(node: Evidence) -> None:
    """A case with two recordings and a redaction, a third one that two persons deleted, and others' in between."""
    for recording_id, attempt, parent_id in (
        ("R1", 0, ""),
        ("others-1", 1, ""),
        ("R1.r1", 0, "R1"),
        ("others-2", 1, ""),
        ("R2", 0, ""),
        ("R3", 0, ""),
    ):
        await node.record(recording_id, attempt, parent_id=parent_id)
    await node.delete("R3")
    await node.record("others-3", 2)


def unpack(content: bytes, folder: Path) -> Path:
    with ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


def check(folder: Path, *options: object) -> Checked:
    command = ["sh", str(folder / "check.sh"), *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=CHECK_TIMEOUT_S, check=False)
    assert done.stderr == ""
    return Checked(done.returncode, done.stdout)


def house_key(node: Evidence) -> str:
    """What the house publishes."""
    (key_id,) = own_keys(node.config)
    return key_id


def sum_again(folder: Path) -> None:
    """What somebody who changed a file on purpose does with the list of sums."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    sums = ((hashlib.sha256(path.read_bytes()).hexdigest(), path.relative_to(folder).as_posix()) for path in files)
    (folder / "SHA256SUMS").write_text("".join(f"{sha256}  {name}\n" for sha256, name in sums))


def flip(path: Path, at: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
