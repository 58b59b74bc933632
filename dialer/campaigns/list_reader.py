"""Rows out of a list's file: CSV in UTF-8 (with or without mark) or GB18030, and XLSX.

Everything here blocks and belongs into a thread.
"""

import codecs
import csv
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TextIO

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from dialer.campaigns.list_rows import Cell
from dialer.errors import InputError

MAX_UNPACKED_BYTES = 4 * 1024**3
"""A workbook that unpacks to more than this is refused: it is broken, or made to fill the memory."""
MAX_FIELD_CHARS = 131072
DETECT_BLOCK = 1 << 20
_CELL_KINDS = (str, int, float, bool, datetime, date)
DELIMITERS = (",", "\t", ";")


class ListFile:
    """An open list: its headers, then its rows, and how far the reading got (0 to 1)."""

    def __init__(
        self, headers: Sequence[str], rows: Iterator[Sequence[Cell]], total_bytes: int, raw: TextIO | None
    ) -> None:
        self.headers = tuple(headers)
        self._rows = rows
        self._total = total_bytes
        self._raw = raw

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
            except (zipfile.BadZipFile, SyntaxError, ValueError, KeyError) as error:
                raise InputError(f"row {number}: the workbook is damaged; save it again") from error
            if any(cell is not None and cell != "" for cell in cells):
                yield number, cells

    @property
    def fraction(self) -> float:
        """How much of a CSV file was read; a workbook cannot tell (0)."""
        if self._raw is None or self._total == 0:
            return 0.0
        return min(self._raw.buffer.tell() / self._total, 1.0)


@contextmanager
def open_list(path: Path) -> Iterator[ListFile]:
    """Opens a list; InputError says what is wrong with the file and what to do."""
    try:
        if path.suffix.lower() in (".xlsx", ".xlsm"):
            with _open_workbook(path) as opened:
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
        yield ListFile(_checked_headers(path, headers), rows, path.stat().st_size, raw)


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
def _open_workbook(path: Path) -> Iterator[ListFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            raise InputError(f"{path.name}: unpacks to {unpacked >> 20} MB; save the list as CSV")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise InputError(f"{path.name}: not a readable workbook; save it again as XLSX or CSV") from error
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        headers = ["" if cell is None else str(cell) for cell in next(rows, ())]
        yield ListFile(_checked_headers(path, headers), (_plain(row) for row in rows), 0, None)
    finally:
        book.close()


def _plain(row: Sequence[object]) -> list[Cell]:
    """A workbook's cells; kinds that no list uses (times, formulas without a value) become text."""
    return [cell if cell is None or isinstance(cell, _CELL_KINDS) else str(cell) for cell in row]


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
