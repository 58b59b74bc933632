"""Importing a list: read and checked in a thread, written in pieces, seen by nobody until all of it is there.

A kill in between leaves a list that no campaign can see; `Lists.clean` removes it at the node's next start. By default
one broken row keeps the whole list out; every problem goes, masked, into a CSV file beside the list.
"""

import asyncio
import csv
import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from dialer.campaigns.columns import Column, guess_columns, mapped_columns
from dialer.campaigns.list_reader import ListFile, open_list
from dialer.campaigns.list_rows import Problem, parse_row
from dialer.campaigns.phone_numbers import DEFAULT_REGION
from dialer.errors import InputError
from dialer.model.call_list import CallList, NewContact
from dialer.storage import Storage

CHUNK_ROWS = 500
"""Rows read and written at a time: a reservation waits behind one such write at most."""
SHOWN_PROBLEMS = 100
"""Problems kept for the report; the file beside the list holds all of them."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a list is imported: its name (empty: the file's), and whether good rows go in although others are broken."""

    name: str = ""
    node: str = ""
    accept_valid: bool = False
    region: str = DEFAULT_REGION


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is; `fraction` 0 to 1 of the file, 0 where that cannot be told (workbooks)."""

    rows: int
    contacts: int
    problems: int
    fraction: float


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a list. `call_list` is None when nothing was imported; `problems` are the first ones.

    `merged_rows` named a person and case again: their numbers were added to the first such row's contact.
    """

    call_list: CallList | None
    rows: int
    merged_rows: int
    broken_rows: int
    problems: tuple[Problem, ...]
    problems_path: Path | None
    columns: tuple[Column, ...]


@dataclass(slots=True)
class _Chunk:
    """What one go of reading gave."""

    contacts: list[NewContact] = field(default_factory=list)
    more: list[NewContact] = field(default_factory=list)


class _Reading:
    """Reads, checks and de-duplicates a list, chunk by chunk; every method blocks and runs in one thread."""

    def __init__(self, path: Path, mapping: Mapping[str, str] | None, region: str) -> None:
        self._path = path
        self._region = region
        self._stack = ExitStack()
        try:
            self._file: ListFile = self._stack.enter_context(open_list(path))
            headers = self._file.headers
            self.columns = guess_columns(headers) if mapping is None else mapped_columns(headers, mapping)
        except BaseException:
            self._stack.close()
            raise
        self._rows = self._file.rows()
        self._seen: set[int] = set()
        self._problems: _ProblemFile | None = None
        self.n_rows = 0
        self.n_contacts = 0
        self.n_merged = 0
        self.n_broken = 0
        self.n_problems = 0
        self.shown: list[Problem] = []

    @property
    def problems_path(self) -> Path | None:
        """Where the problems are, if there are any."""
        return None if self._problems is None else self._problems.path

    def progress(self) -> ImportProgress:
        return ImportProgress(self.n_rows, self.n_contacts, self.n_problems, self._file.fraction)

    def next_chunk(self) -> _Chunk | None:
        """The next rows; None at the end of the file."""
        chunk = _Chunk()
        before = self.n_rows
        for number, cells in self._rows:
            self.n_rows += 1
            parsed = parse_row(number, cells, self.columns, self._region)
            if isinstance(parsed, NewContact):
                self._take(parsed, chunk)
            else:
                self._refuse(parsed)
            if self.n_rows - before >= CHUNK_ROWS:
                break
        return chunk if self.n_rows > before else None

    def close(self) -> None:
        if self._problems is not None:
            self._problems.close()
        self._stack.close()

    def _take(self, contact: NewContact, chunk: _Chunk) -> None:
        # 64 bits of a hash instead of the references: a million of them fit into memory, and two never meet by chance.
        named = f"{contact.person_ref}\0{contact.case_ref}".encode()
        key = int.from_bytes(hashlib.blake2b(named, digest_size=8).digest(), "big")
        if key in self._seen:
            self.n_merged += 1
            chunk.more.append(contact)
        else:
            self._seen.add(key)
            self.n_contacts += 1
            chunk.contacts.append(contact)

    def _refuse(self, problems: Sequence[Problem]) -> None:
        self.n_broken += 1
        self.n_problems += len(problems)
        self.shown.extend(problems[: SHOWN_PROBLEMS - len(self.shown)])
        if self._problems is None:
            self._problems = _ProblemFile(self._path.with_name(f"{self._path.name}.problems.csv"))
        self._problems.write(problems)


class _ProblemFile:
    """The error report: one line per problem, readable by spreadsheets."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._raw: TextIO = path.open("w", encoding="utf-8-sig", newline="")
        except OSError as error:
            raise InputError(f"{path}: cannot write the report of broken rows: {error.strerror}") from error
        self._writer = csv.writer(self._raw)
        self._writer.writerow(("row", "column", "value", "reason"))

    def write(self, problems: Sequence[Problem]) -> None:
        self._writer.writerows(
            (problem.row, problem.column, problem.value_masked, problem.reason) for problem in problems
        )

    def close(self) -> None:
        self._raw.close()


async def import_list(
    storage: Storage,
    path: Path,
    mapping: Mapping[str, str] | None = None,
    options: ImportOptions = ImportOptions(),
    progress: Callable[[ImportProgress], None] = lambda _progress: None,
) -> ImportReport:
    """Imports a CSV or XLSX file as one list, whole or not at all.

    `mapping` says what columns are (`columns.mapped_columns`); None: guessed from the headers. `progress` is called
    after every chunk, in the event loop. Raises InputError when the file as a whole cannot be used, StorageError when
    the database fails; either way, and when it is cancelled, nothing of the list is visible.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="list-reader")
    loop = asyncio.get_running_loop()
    try:
        reading = await loop.run_in_executor(thread, _Reading, path, mapping, options.region)
        try:
            return await _import(storage, path, reading, thread, options, progress)
        finally:
            await asyncio.shield(loop.run_in_executor(thread, reading.close))
    finally:
        thread.shutdown(wait=False)  # nothing is left to do in it; waiting would block the event loop


async def _import(
    storage: Storage,
    path: Path,
    reading: _Reading,
    thread: ThreadPoolExecutor,
    options: ImportOptions,
    progress: Callable[[ImportProgress], None],
) -> ImportReport:
    list_id = await storage.lists.begin(options.name or path.stem, path.name, options.node, storage.clock.utcnow())
    try:
        await _write_chunks(storage, list_id, reading, thread, options, progress)
    except Exception:  # not a cancellation: then there is no time, and the next start cleans up
        await storage.lists.delete(list_id)
        raise
    imported: CallList | None = None
    if _acceptable(reading, options):
        imported = await storage.lists.finish(list_id)
    else:
        await storage.lists.delete(list_id)
    return ImportReport(
        call_list=imported,
        rows=reading.n_rows,
        merged_rows=reading.n_merged,
        broken_rows=reading.n_broken,
        problems=tuple(reading.shown),
        problems_path=reading.problems_path,
        columns=reading.columns,
    )


async def _write_chunks(
    storage: Storage,
    list_id: int,
    reading: _Reading,
    thread: ThreadPoolExecutor,
    options: ImportOptions,
    progress: Callable[[ImportProgress], None],
) -> None:
    loop = asyncio.get_running_loop()
    while (chunk := await loop.run_in_executor(thread, reading.next_chunk)) is not None:
        if _acceptable(reading, options):  # else the rest is read for its problems only
            await storage.lists.add(list_id, chunk.contacts, chunk.more)
        progress(reading.progress())


def _acceptable(reading: _Reading, options: ImportOptions) -> bool:
    return reading.n_contacts > 0 and (options.accept_valid or reading.n_broken == 0)
