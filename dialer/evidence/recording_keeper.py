"""Keeps a node's recordings: from the spool of an ended call into its vault, and onto the record with their keys."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from dialer.clock import Clock
from dialer.compliance.policy import Policy
from dialer.config import Config
from dialer.errors import ConfigError, InputError, system_reason
from dialer.evidence.recording_keys import recording_keys
from dialer.evidence.stores import store_settings
from dialer.live import LiveBoard
from dialer.model.attempt import Attempt
from dialer.model.recording import NewRecording, RecordingInfo, RecordingState, WrappedKey
from dialer.storage import Storage
from recording.errors import ForeignSpoolError, KeyLostError, RecordingError
from recording.finalizer import Finalizer
from recording.keys import KeyRing, Wrapped
from recording.marks import MarkKind, decode_marks
from recording.objects import ObjectStore, open_store
from recording.sealing import SealedReader
from recording.vault import FinalizedRecording, Vault, audio_id, peaks_id
from recording.worker import VaultSettings

SPOOL_SETTLE_S = 1.5
"""A stopped recording's end record reaches its file within a second; only then is it finalised."""
FINALIZE_DRAIN_S = 10.0
"""At the end, recordings still waiting get this long; the rest is found again at the next start."""
OPEN_TIMEOUT_S = 30.0
MAX_ID_DIGITS = 18
"""More than any database gives an attempt."""
STAGING_FOLDER = "sealing"
_OURS = ("attempt_id", "node", "parent_id")
"""What a finalised recording does not know of itself."""


def vault_settings(config: Config) -> VaultSettings:
    """Everything that opens the vault of this configuration. Blocks; raises ConfigError."""
    return VaultSettings(recording_keys(config), store_settings(config), config.node.data_dir / STAGING_FOLDER)


class RecordingKeeper:
    """`async with` object of one node, entered before the media engine: at the end every spool is complete.

    `vault` is what it keeps them in, `objects` the store below that; both block.
    """

    keys: KeyRing
    vault: Vault
    objects: ObjectStore

    def __init__(
        self,
        storage: Storage,
        config: Config,
        policy: Callable[[datetime], Policy],
        spool_dirs: Sequence[Path],
        clock: Clock,
        on_kept: Callable[[], None],
        board: LiveBoard,
    ) -> None:
        """`policy` says which packs are in force; `board` shows what waits.

        `on_kept` is called when the database has one recording more.
        """
        self._storage = storage
        self._config = config
        self._policy = policy
        self._spool_dirs = spool_dirs
        self._clock = clock
        self._on_kept = on_kept
        self._board = board
        self._settling: dict[str, asyncio.TimerHandle] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Takes up what a crash left behind. Raises ConfigError."""
        settings = await asyncio.to_thread(self._prepared)
        async with AsyncExitStack() as stack:
            finalizer = Finalizer(settings, self._spool_dirs, self)
            self.finalizer = await stack.enter_async_context(finalizer)
            stack.push_async_callback(self._drain)
            await finalizer.recover()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def keep(self, recording_id: str, _: Attempt) -> None:
        """A call's recording was stopped: its audio is in the spool, or on its way there. Returns at once."""
        loop = asyncio.get_running_loop()
        self._settling[recording_id] = loop.call_later(SPOOL_SETTLE_S, self._submit, recording_id)

    async def open(self, recording: RecordingInfo) -> SealedReader:
        """The FLAC file. Raises KeyLostError (also when its key was destroyed), SealBrokenError, RecordingError."""
        return await self._open(recording, recording.path, audio_id(recording.recording_id))

    async def open_peaks(self, recording: RecordingInfo) -> SealedReader:
        """The waveform, as `recording.peaks` describes it. Raises as `open` does."""
        return await self._open(recording, recording.peaks_path, peaks_id(recording.recording_id))

    # ---- what the finalizer asks

    async def has(self, recording_id: str) -> bool:
        """Whether the database has it, and the store what the database says.

        ForeignSpoolError: no call made it, or it may hold what is missing from the beginning of what is on record: the
        disk of its first part was away then. It is kept for a look by hand, for nothing may go unread.
        """
        info = await self._storage.recordings.get(recording_id)
        if info is not None and info.state is RecordingState.KEPT and _lacks_beginning(info):
            raise ForeignSpoolError(f"recording {recording_id} is on record without its beginning, which may be here")
        if info is not None:
            return info.state is RecordingState.DELETED or await self._is_stored(info)
        attempt_id = attempt_id_of(recording_id)
        if await self._storage.attempts.get(attempt_id) is None:
            raise ForeignSpoolError(f"recording {recording_id}: there is no attempt {attempt_id}")
        return False

    async def take(self, recording: FinalizedRecording) -> None:
        """Puts it on record, with its key and its entry in the ledger."""
        row, key = on_record(recording, attempt_id_of(recording.recording_id), self._config.node.name)
        try:
            await self._storage.recordings.add(row, key, self._clock.utcnow())
        except InputError as error:
            raise ForeignSpoolError(str(error)) from error
        self._on_kept()

    def locked_until(self) -> datetime | None:
        """The end of the longest legal minimum in force, for a store that locks."""
        if self._config.recordings.object_lock == "off":
            return None
        now = self._clock.utcnow()
        return max((terms.until(terms.law_min, now) for terms in self._policy(now).retention(now)), default=None)

    def note(self, waiting: int, failed: int, problem: str) -> None:
        """Shows on the live board, and in the metrics, whether recordings wait, and why."""
        said = {"waiting": waiting, "failed": failed, "problem": problem}
        self._board.publish(f"recordings/{self._config.node.name}", said)

    # ---- inside

    def _prepared(self) -> VaultSettings:
        settings = vault_settings(self._config)
        if not self._config.recordings.store:
            _make_folder(Path(settings.store.location))
        try:
            self.keys, self.vault, self.objects = settings.keys, settings.open(), open_store(settings.store)
        except RecordingError as error:
            raise ConfigError(f"recordings.store: {error}") from error
        return settings

    def _submit(self, recording_id: str) -> None:
        self._settling.pop(recording_id, None)
        self.finalizer.submit(recording_id)

    async def _drain(self) -> None:
        for recording_id, handle in tuple(self._settling.items()):
            handle.cancel()
            self._submit(recording_id)
        await self.finalizer.drain(FINALIZE_DRAIN_S)

    async def _is_stored(self, recording: RecordingInfo) -> bool:
        found = await asyncio.to_thread(self.objects.stat, recording.path)
        return found is not None and found.size == recording.sealed_bytes

    async def _open(self, recording: RecordingInfo, name: str, object_id: str) -> SealedReader:
        key = await self._storage.recordings.key(recording.recording_id)
        if key is None:
            raise KeyLostError(f"recording {recording.recording_id}: its key was destroyed; nothing opens it any more")
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            return await asyncio.to_thread(self.vault.open, name, Wrapped(key.kek_id, key.wrapped), object_id)


def on_record(
    recording: FinalizedRecording, attempt_id: int, node: str, *, parent_id: str = ""
) -> tuple[NewRecording, WrappedKey]:
    """A recording in the vault as the storage takes it, with its key."""
    said = {name: getattr(recording, name) for name in NewRecording.__slots__ if name not in _OURS}
    key = WrappedKey(recording.key.kek_id, recording.key.wrapped)
    return NewRecording(**said, attempt_id=attempt_id, node=node, parent_id=parent_id), key


def attempt_id_of(recording_id: str) -> int:
    """The attempt a recording belongs to, told by its id: known even where a crash took everything else.

    ForeignSpoolError: the id is not one that this program gives.
    """
    number = recording_id.rpartition("-")[2]
    if not (number.isascii() and number.isdecimal() and len(number) <= MAX_ID_DIGITS):
        raise ForeignSpoolError(f"{recording_id}: the name ends in no attempt's number, so no call belongs to it")
    return int(number)


def _lacks_beginning(info: RecordingInfo) -> bool:
    return any(mark.kind is MarkKind.DAMAGED and mark.from_ms == 0 for mark in decode_marks(info.marks))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"node.data_dir: cannot make {folder}: {system_reason(error)}"
        raise ConfigError(f"{reason}; choose a directory that this user may write to") from error
