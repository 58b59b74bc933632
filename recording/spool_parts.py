"""A recording as a whole: from the file it began in, and the one it went on in when the disk under the first failed.

Both are called `ID.spool`, each in a spool directory of its own, and say the same start. The second one's header says
how much of the first counts (`SpoolHeader.continues_at`); everything later is repeated in the second. What the first
one holds beyond that is taken all the same, once, for the case that the second was cut short, too.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from recording.errors import SpoolError
from recording.spool import HEADER_BYTES, RecordKind, SpoolHeader, SpoolReader, SpoolRecord, ends_in_order

SPOOL_SUFFIX = ".spool"


class SpoolParts:
    """Reads the parts of one recording, given in any order, as `SpoolReader` reads one. Iterate once."""

    def __init__(self, streams: Iterable[BinaryIO], name: str = "spool") -> None:
        """Raises SpoolError when no part has a whole header, or they are not of one recording."""
        *begun, last = _readers(streams, name)
        if len(begun) > 1 or any(not _fits(first.header, last.header) for first in begun):
            raise SpoolError(f"{name}: these files are not the parts of one recording")
        self.header = SpoolHeader(last.header.started_at, last.header.rate_hz)
        self.ended_in_order = False
        self.damaged_bytes = 0
        """Bytes that ought to be there and belong to no intact record: damaged, torn off, or missing."""
        self._first = begun[0] if begun else None
        self._last = last
        self._missing_bytes = 0

    @property
    def truncated(self) -> bool:
        """Whether the writer was stopped before its end record, or something inside was lost."""
        return not self.ended_in_order or self.damaged_bytes > 0

    @property
    def skipped_bytes(self) -> int:
        """What was passed over so far on the way to the latest record, or ought to lie there and does not."""
        first = 0 if self._first is None else self._first.damaged_bytes
        return first + self._missing_bytes + self._last.damaged_bytes

    def __iter__(self) -> Iterator[SpoolRecord]:
        repeated: set[tuple[RecordKind, int, int]] = set()
        counted = self._last.header.continues_at
        if counted:
            self.damaged_bytes = counted - HEADER_BYTES
        for record in self._first or ():
            if self._first is not None and self._first.at <= counted:
                self.damaged_bytes -= record.encoded_bytes
            else:
                repeated.add((record.kind, record.channel, record.position))
            yield record
        self._missing_bytes = max(counted - (HEADER_BYTES if self._first is None else self._first.at), 0)
        for record in self._last:
            if (record.kind, record.channel, record.position) not in repeated:
                yield record
        self.damaged_bytes += self._last.damaged_bytes
        self.ended_in_order = self._last.ended_in_order or (self._first is not None and self._first.ended_in_order)


@contextmanager
def open_parts(paths: Sequence[Path]) -> Iterator[SpoolParts]:
    """The recording whose parts lie there. Raises SpoolError, OSError."""
    with ExitStack() as stack:
        yield SpoolParts([stack.enter_context(path.open("rb")) for path in paths], str(paths[0]) if paths else "spool")


def parts_of(name: str, directories: Iterable[Path]) -> tuple[Path, ...]:
    """The files of one recording, `name` being `ID.spool`: one, or two when it went on in another directory."""
    return tuple(path for directory in directories if (path := directory / name).exists())


def parts_end_in_order(paths: Iterable[Path]) -> bool:
    """Whether the writer is done with the recording whose parts these are. Raises OSError."""
    return any(ends_in_order(path) for path in paths)


def _readers(streams: Iterable[BinaryIO], name: str) -> list[SpoolReader]:
    """The parts that have a header, the first one first. A file that was made and not written yet has none."""
    readers: list[SpoolReader] = []
    problem = SpoolError(f"{name}: there is no such spool")
    for stream in streams:
        try:
            readers.append(SpoolReader(stream, name))
        except SpoolError as error:
            problem = error
    if not readers:
        raise problem
    return sorted(readers, key=lambda reader: reader.header.continues_at)


def _fits(first: SpoolHeader, second: SpoolHeader) -> bool:
    return first.started_at == second.started_at and first.continues_at == 0 and second.continues_at > 0
