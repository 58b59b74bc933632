"""What an import would do, without doing it: the columns understood, the first contacts, every problem.

The file is read as an import reads it, by a process of its own, to its end; nothing is written to the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dialer.campaigns.columns import Column
from dialer.campaigns.importing import CHUNK_ROWS, Reading
from dialer.campaigns.list_messages import Counts, Finished, Headers, ReadRequest, Rows
from dialer.campaigns.list_process import reading_process
from dialer.campaigns.list_rows import Problem
from dialer.errors import InputError
from dialer.model.call_list import NewContact

SAMPLE = 20
"""Contacts that are shown."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What is in a file. `refused`: why the file as a whole cannot be used as asked, empty where it can.

    `problems` are the first ones, all of them are in the CSV file at `problems_path` (None: there are none).
    """

    headers: tuple[str, ...]
    columns: tuple[Column, ...]
    counts: Counts
    sample: tuple[NewContact, ...]
    problems: tuple[Problem, ...]
    problems_path: Path | None
    refused: str


async def preview_list(path: Path, mapping: Mapping[str, str] | None, region: str) -> Preview:
    """Reads a CSV or XLSX file. Raises InputError when it cannot be read at all, DialerError when the reader fails."""
    request = ReadRequest(path, mapping, region, accept_valid=True, chunk_rows=CHUNK_ROWS)
    reading = Reading(lambda _progress: None)
    headers: tuple[str, ...] = ()
    sample: list[NewContact] = []
    refused = ""
    async with reading_process(request) as process:
        try:
            while not isinstance(message := await process.next(), Finished):
                reading.take(message)
                if isinstance(message, Headers):
                    headers = message.headers
                elif isinstance(message, Rows):
                    sample += message.contacts[: SAMPLE - len(sample)]
        except InputError as error:
            if not headers:
                raise
            refused = str(error)
    return Preview(
        headers,
        reading.columns,
        reading.counts,
        tuple(sample),
        tuple(reading.problems),
        reading.problems_path,
        refused,
    )
