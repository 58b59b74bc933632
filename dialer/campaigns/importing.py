"""Importing a list: read and checked by a process of its own, written in pieces, seen by nobody until it is complete.

What fails or is cancelled is removed at once; a kill in between leaves a list that no campaign can see, which
`Lists.clean` removes at the node's next start. By default one broken row keeps the whole list out; every problem goes,
masked, into a CSV file beside the list.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dialer.campaigns.columns import Column
from dialer.campaigns.list_messages import Counts, Finished, Message, Opened, Opening, ReadRequest, Rows
from dialer.campaigns.list_process import ReadingProcess, reading_process
from dialer.campaigns.list_rows import Problem
from dialer.campaigns.phone_numbers import DEFAULT_REGION
from dialer.errors import StorageError
from dialer.model.call_list import CallList
from dialer.storage import Storage

logger = logging.getLogger(__name__)

CHUNK_ROWS = 100
"""Rows read and written at a time. A reservation waits behind one such write at most, the event loop behind a part of
it; and so few objects are gone before the garbage collector counts them as old and walks over all there are."""
REMOVE_TIMEOUT_S = 30.0
"""Longest removal of a list that failed or was cancelled; what is left then is invisible, and removed at the start."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a list is imported: its name (empty: the file's), and whether good rows go in although others are broken."""

    name: str = ""
    node: str = ""
    accept_valid: bool = False
    region: str = DEFAULT_REGION


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is; `fraction`: 0 to 1 of the file. Of a large workbook much is read before its first row."""

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
class Reading:
    """What is known of the file so far."""

    on_progress: Callable[[ImportProgress], None]
    columns: tuple[Column, ...] = ()
    counts: Counts = field(default_factory=Counts)
    problems: list[Problem] = field(default_factory=list)
    problems_path: Path | None = None

    def take(self, message: Message) -> None:
        """Learns from a message of the reading child, and tells how far it is."""
        if isinstance(message, Opened):
            self.columns = message.columns
        elif isinstance(message, Opening):
            self.on_progress(ImportProgress(0, 0, 0, message.fraction))
        elif isinstance(message, Rows):
            counts = self.counts = message.counts
            self.problems.extend(message.problems)
            self.problems_path = message.problems_path
            self.on_progress(ImportProgress(counts.rows, counts.contacts, counts.problems, counts.fraction))

    def is_acceptable(self, options: ImportOptions) -> bool:
        return self.counts.contacts > 0 and (options.accept_valid or self.counts.broken == 0)

    def report(self, call_list: CallList | None) -> ImportReport:
        """What became of the file; `call_list` None: nothing was imported."""
        return ImportReport(
            call_list=call_list,
            rows=self.counts.rows,
            merged_rows=self.counts.merged,
            broken_rows=self.counts.broken,
            problems=tuple(self.problems),
            problems_path=self.problems_path,
            columns=self.columns,
        )


async def import_list(
    storage: Storage,
    path: Path,
    mapping: Mapping[str, str] | None = None,
    options: ImportOptions = ImportOptions(),
    progress: Callable[[ImportProgress], None] = lambda _progress: None,
) -> ImportReport:
    """Imports a CSV or XLSX file as one list, whole or not at all.

    `mapping` says what columns are (`columns.mapped_columns`); None: guessed from the headers. `progress` is called
    while the file is being opened and after every chunk, in the event loop. Raises InputError when the file as a whole
    cannot be used, StorageError when the database fails, DialerError when the reading process does; then, and when it
    is cancelled, nothing of the list is visible, and what was written of it is removed.
    """
    request = ReadRequest(path, mapping, options.region, options.accept_valid, CHUNK_ROWS)
    reading = Reading(progress)
    async with reading_process(request) as process:
        while not reading.columns:  # a file that cannot be opened never becomes a list
            reading.take(await process.next())
        list_id = await _begin(storage, options.name or path.stem, path.name, options.node)
        imported: CallList | None = None
        try:
            await _write_rows(storage, list_id, process, reading, options)
            if reading.is_acceptable(options):
                imported = await storage.lists.finish(list_id)
        finally:
            if imported is None:
                await asyncio.shield(_remove(storage, list_id))
    return reading.report(imported)


async def _begin(storage: Storage, name: str, source: str, node: str) -> int:
    """Opens the list in the database. A cancellation waits for its id: without it nothing could be removed."""
    beginning = asyncio.gather(storage.lists.begin(name, source, node, storage.clock.utcnow()))
    try:
        [list_id] = await asyncio.shield(beginning)
    except asyncio.CancelledError:
        [list_id] = await beginning  # the storage answers within a limit of its own
        await _remove(storage, list_id)
        raise
    return list_id


async def _write_rows(
    storage: Storage, list_id: int, process: ReadingProcess, reading: Reading, options: ImportOptions
) -> None:
    while not isinstance(message := await process.next(), Finished):
        reading.take(message)
        if isinstance(message, Rows) and reading.is_acceptable(options):  # else it is read for its problems only
            await storage.lists.add(list_id, message.contacts, message.more)


async def _remove(storage: Storage, list_id: int) -> None:
    """Removes what was written of a list; what cannot be removed now is invisible, and removed at the next start."""
    try:
        async with asyncio.timeout(REMOVE_TIMEOUT_S):
            await storage.lists.delete(list_id)
    except (TimeoutError, StorageError):
        facts = {"action": "import", "list_id": list_id}
        logger.warning("an unfinished list could not be removed now", extra=facts, exc_info=True)
