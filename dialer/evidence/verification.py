"""Checks recordings against the ledger, the ledger against signatures and notes, and the store against both.

Three walks, each in flat memory, nothing written: over the chains (`chain_walk`); over the recordings on record, each
with its entries, its key and its objects; over the store, for objects that nobody knows. It works beside a running
service: what changes while it is looked at is looked at once more before anything is said of it.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from dialer.evidence.chain_walk import ChainWalk, Walked, Witnesses
from dialer.evidence.object_check import ObjectCheck
from dialer.evidence.row_check import check_row
from dialer.evidence.stores import transcript_path
from dialer.model.recording import RecordingState
from dialer.storage.ledger_reading import LedgerReading
from dialer.storage.ledger_rows import Chosen, LedgerRow, LedgerRows
from recording.faults import Fault, Faults, Trouble
from recording.ledger import Entry
from recording.ledger_check import ChainReport
from recording.objects import ObjectStore

AT_ONCE = 4
"""Recordings whose objects are read at the same time."""
NAMES_AT_ONCE = 500
MAX_STRAYS = 100
"""Objects and keys nobody knows that are named; more are only counted by another run."""
BEING_STORED = timedelta(minutes=5)
"""A recording is stored first and then put on record: so long its objects may be known to nobody."""
LONGEST_CHECK = timedelta(days=1)
"""What is dated later was not stored while a check ran."""
DAY = "%Y/%m/%d"


class Parts(Protocol):
    """What a check reads of the storage."""

    @property
    def ledger_reading(self) -> LedgerReading: ...

    @property
    def ledger_rows(self) -> LedgerRows: ...


class Progress(Protocol):
    """Hears how far a check has come: what is counted, and how many."""

    def __call__(self, what: str, n: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check found. `vouched`: every key that signed is one the check was told to trust."""

    chains: tuple[ChainReport, ...]
    walked: Walked
    recordings: int
    deleted: int
    sealed_bytes: int
    faults: tuple[Fault, ...]
    n_faults: int
    vouched: bool

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return self.n_faults == 0


@dataclass(slots=True)
class _Counts:
    recordings: int = 0
    deleted: int = 0
    sealed_bytes: int = 0


class Verification:
    """One check."""

    def __init__(
        self, storage: Parts, store: ObjectStore, objects: ObjectCheck, witnesses: Witnesses, on_progress: Progress
    ) -> None:
        self._reading, self._rows = storage.ledger_reading, storage.ledger_rows
        self._store = store
        self._objects = objects
        self._witnesses = witnesses
        self._on_progress = on_progress
        self._faults = Faults()
        self._counts = _Counts()
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def run(self, chosen: Chosen, now: datetime, unsigned_for: timedelta) -> Verified:
        """Checks what is chosen; the chains always, since then if a time is chosen.

        `unsigned_for`: how long an entry may wait for a signature. Raises StorageError, StoreAwayError.
        """
        walk = ChainWalk(self._reading, self._rows, self._witnesses, lambda n: self._on_progress("entries", n))
        report = await walk.run(chosen.since, now - unsigned_for)
        await self._check_recordings(chosen)
        if not chosen.is_narrow:
            await self._check_strays(chosen, now)
        counts, faults = self._counts, self._faults
        return Verified(
            report.chains,
            walk.seen,
            counts.recordings,
            counts.deleted,
            counts.sealed_bytes,
            (*report.faults, *faults.found),
            report.n_faults + faults.n,
            report.vouched,
        )

    # ---- recordings

    async def _check_recordings(self, chosen: Chosen) -> None:
        after = ""
        while rows := await self._rows.page(after, chosen):
            entries = by_subject(await self._reading.about([row.recording_id for row in rows]))
            try:
                async with asyncio.TaskGroup() as group:
                    for row in rows:
                        group.create_task(self._check_one(row, entries.get(row.recording_id, [])))
            except BaseExceptionGroup as failed:  # the first says what is wrong, a store that is away most likely
                raise failed.exceptions[0] from failed
            after = rows[-1].recording_id
            self._on_progress("recordings", self._counts.recordings)

    async def _check_one(self, row: LedgerRow, entries: Sequence[Entry]) -> None:
        async with self._turn:
            found = await check_recording(self._objects, row, entries)
            if found:  # perhaps it was changed between its row, its entries and its object: looked at once more
                again = await self._rows.get(row.recording_id)
                entries = await self._reading.about([row.recording_id])
                found = [] if again is None else await check_recording(self._objects, again, entries)
        for fault in found:
            self._faults.add(fault.trouble, fault.place, fault.words)
        self._counts.recordings += 1
        if row.state == RecordingState.DELETED.value:
            self._counts.deleted += 1
        elif isinstance(row.said["sealed_bytes"], int):
            self._counts.sealed_bytes += row.said["sealed_bytes"]

    # ---- what nobody knows

    async def _check_strays(self, chosen: Chosen, now: datetime) -> None:
        for recording_id in await self._rows.stray_keys(MAX_STRAYS):
            self._faults.add(Trouble.KEY_NOT_DESTROYED, recording_id, "there is a key of a recording not on record")
        unknown: list[str] = []
        names = self._store.names()
        first_day = "" if chosen.since is None else f"{chosen.since:{DAY}}"
        n = 0
        while batch := await asyncio.to_thread(lambda: list(islice(names, NAMES_AT_ONCE))):
            n += len(batch)
            unknown += await self._unknown([name for name in batch if name >= first_day])
            self._on_progress("objects", n)
            if len(unknown) > MAX_STRAYS:
                break
        unknown = await self._unknown(unknown[:MAX_STRAYS])
        for name in await asyncio.to_thread(self._settled, unknown, now):
            self._faults.add(Trouble.AUDIO_UNKNOWN, name, "the store has an object that no recording on record names")

    def _settled(self, names: Iterable[str], now: datetime) -> list[str]:
        """Those that were not stored just now, or since the check began: they may be about to be put on record."""
        found = [(name, self._store.stat(name)) for name in names]
        first, last = now - BEING_STORED, now + LONGEST_CHECK
        return [name for name, stored in found if stored is not None and not first < stored.modified < last]

    async def _unknown(self, names: Sequence[str]) -> list[str]:
        known = await self._rows.names(list({recording_id_of(name) for name in names}))
        return [name for name in names if name not in _objects_of(known.get(recording_id_of(name)))]


def _objects_of(names: tuple[str, str] | None) -> tuple[str, ...]:
    """Everything the store may hold of a recording: its audio, its waveform, and what was said, written down."""
    return () if names is None else (*names, transcript_path(names[0]))


async def check_recording(objects: ObjectCheck, row: LedgerRow, entries: Sequence[Entry]) -> list[Fault]:
    """What is wrong with one recording: its row by its entries, and, while it is kept, its objects.

    Raises StoreAwayError.
    """
    found = check_row(row, entries)
    if row.state != RecordingState.DELETED.value:
        found += await asyncio.to_thread(objects.check, row)
    return found


def by_subject(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Entries by what they are about."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.subject, []).append(entry)
    return found


def recording_id_of(name: str) -> str:
    """The recording an object's name speaks of: YYYY/MM/DD/ID.DIGEST.KIND.sealed; an id may hold dots."""
    return name.rpartition("/")[2].rsplit(".", 3)[0]
