"""Rows out of a list's file: CSV in UTF-8 (with or without mark) or GB18030, and XLSX.

Everything here blocks and belongs into a thread.
"""

import codecs
import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from dialer.campaigns.list_rows import Cell
from dialer.campaigns.workbook import open_sheet
from dialer.campaigns.workbook_parts import WorkbookError
from dialer.errors import InputError

DETECT_BLOCK = 1 << 20
OLE_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
"""How old .xls files begin, and workbooks with a password, whatever they are called."""
DELIMITERS = (",", "\t", ";")


class ListFile:
    """An open list: its headers, then its rows, and how far the reading got (0 to 1)."""

    def __init__(self, headers: Sequence[str], rows: Iterator[Sequence[Cell]], fraction: Callable[[], float]) -> None:
        self.headers = tuple(headers)
        self._rows = rows
        self._fraction = fraction

    def rows(self) -> Iterator[tuple[int, Sequence[Cell]]]:
        """Rows that hold anything, numbered as a spreadsheet does (the header is 1); InputError when broken."""
        number = 1
        while True:
            number += 1
            try:
                cells = next(self._rows)
            except StopIteration:
                return
            except csv.Error as error:
                raise InputError(f"row {number}: not readable as CSV: {error}") from error
            except WorkbookError as error:
                raise InputError(f"row {number}: the workbook {error}") from error
            if any(cell is not None and cell != "" for cell in cells):
                yield number, cells

    @property
    def fraction(self) -> float:
        """How much of the file was read."""
        return self._fraction()


@contextmanager
def open_list(path: Path, on_progress: Callable[[float], None] = lambda _fraction: None) -> Iterator[ListFile]:
    """Opens a list; InputError says what is wrong with the file and what to do.

    `on_progress` hears how much of the file was read while it is only being opened (large workbooks).
    """
    try:
        if path.suffix.lower() in (".xlsx", ".xlsm"):
            with _open_workbook(path, on_progress) as opened:
                yield opened
        elif path.suffix.lower() == ".xls":
            raise InputError(f"{path.name}: the old .xls format is not read; save it as .xlsx or CSV")
        else:
            with _open_csv(path) as opened:
                yield opened
    except OSError as error:
        raise InputError(f"{path}: cannot read the list: {error.strerror or error}") from error


@contextmanager
def _open_csv(path: Path) -> Iterator[ListFile]:
    encoding = detect_encoding(path)
    with path.open(encoding=encoding, newline="") as raw:
        header = raw.readline()
        raw.seek(0)
        delimiter = max(DELIMITERS, key=header.count)
        rows = csv.reader(raw, delimiter=delimiter, strict=True)
        try:
            headers = next(rows, [])
        except csv.Error as error:
            raise InputError(f"{path.name}: the header is not readable as CSV: {error}") from error
        total = max(path.stat().st_size, 1)
        yield ListFile(_checked_headers(path, headers), rows, lambda: min(_position(raw) / total, 1.0))


def _position(raw: TextIO) -> int:
    """Bytes read of a text file; its own `tell` is of no use while it is being iterated over."""
    return raw.buffer.tell()


def detect_encoding(path: Path) -> str:
    """`utf-8-sig` or `gb18030`, whichever the whole file is in; InputError when it is neither."""
    for encoding in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as raw:
                while block := raw.read(DETECT_BLOCK):
                    if b"\0" in block:
                        raise InputError(f"{path.name}: not a text file; save the list as CSV (UTF-8) or XLSX")
                    decoder.decode(block)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise InputError(f"{path.name}: neither UTF-8 nor GB18030; save the list as CSV (UTF-8)")


@contextmanager
def _open_workbook(path: Path, on_progress: Callable[[float], None]) -> Iterator[ListFile]:
    with path.open("rb") as raw:
        if raw.read(len(OLE_MAGIC)) == OLE_MAGIC:
            raise InputError(f"{path.name}: has a password or is an old .xls; save it as XLSX without a password")
    try:
        with open_sheet(path, on_progress) as sheet:
            headers = ["" if cell is None else str(cell) for cell in next(sheet.rows, ())]
            yield ListFile(_checked_headers(path, headers), sheet.rows, sheet.fraction)
    except WorkbookError as error:
        raise InputError(f"{path.name}: {error}") from error


def _checked_headers(path: Path, headers: Sequence[str]) -> list[str]:
    names = [header.strip() for header in headers]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise InputError(f"{path.name}: the first row is empty; it must hold the names of the columns")
    for position, name in enumerate(names):
        if not name:
            raise InputError(f"{path.name}: column {position + 1} has no name in the first row")
        if name in names[:position]:
            raise InputError(f"{path.name}: two columns are named {name!r}")
    return names
