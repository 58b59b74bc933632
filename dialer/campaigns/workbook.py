"""The first visible sheet of an XLSX workbook, row by row (ECMA-376 part 1, §18).

The sheet is read as a stream and its shared strings are kept as one block of bytes, so that a million rows fit into
little memory. Nobody can make it grow: document types (and so entities) are refused, parts and texts have limits, and
no part gives more bytes than the archive's directory promised. Everything here blocks.
"""

import re
import zipfile
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO
from xml.parsers import expat

from dialer.campaigns.list_rows import Cell
from dialer.campaigns.workbook_dates import moment
from dialer.campaigns.workbook_parts import Book, WorkbookError, damage_named, hardened_parser

MAX_UNPACKED_BYTES = 4 * 1024**3
MAX_SHARED_BYTES = 256 * 1024**2
"""Of all shared strings together, in UTF-8."""
MAX_TEXT_CHARS = 131_072
MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
BLOCK_BYTES = 1 << 16
ENCRYPTED = 1  # flag bit of an archive member (APPNOTE §4.4.4)

_MAIN = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",  # the strict variant
)
_OUR_NAMES = ("row", "c", "v", "is", "t", "si", "rPh")
_NAMES = {f"{namespace} {name}": name for namespace in _MAIN for name in _OUR_NAMES}
_REFERENCE = re.compile(r"([A-Z]{1,3})[1-9]\d*")


@dataclass(frozen=True, slots=True)
class Sheet:
    """An open sheet: its rows, empty ones among them, and how much of the workbook was read (0 to 1)."""

    rows: Iterator[list[Cell]]
    fraction: Callable[[], float]


@contextmanager
def open_sheet(path: Path, on_progress: Callable[[float], None] = lambda _fraction: None) -> Iterator[Sheet]:
    """Opens a workbook; `on_progress` hears how far it is while the shared strings are read, before the first row.

    Raises WorkbookError here and from the rows, OSError when the file cannot be read.
    """
    with ExitStack() as stack:
        with damage_named():
            archive = stack.enter_context(zipfile.ZipFile(path))
            _check_archive(archive)
            sheet = _open_sheet(archive, stack, on_progress)
        yield sheet


def _check_archive(archive: zipfile.ZipFile) -> None:
    items = archive.infolist()
    if sum(item.file_size for item in items) > MAX_UNPACKED_BYTES:
        raise WorkbookError(f"unpacks to more than {MAX_UNPACKED_BYTES >> 20} MB; save the list as CSV")
    if any(item.flag_bits & ENCRYPTED for item in items):
        raise WorkbookError("is protected by a password; save it without one")


def _open_sheet(archive: zipfile.ZipFile, stack: ExitStack, on_progress: Callable[[float], None]) -> Sheet:
    book = Book(archive)
    parts = [archive.getinfo(name) for name in (book.shared_part, book.sheet_part) if name]
    meter = _Meter(sum(part.file_size for part in parts))
    strings = _SharedStrings()
    if book.shared_part:
        with archive.open(book.shared_part) as raw:
            for block in meter.blocks(raw):
                strings.feed(block)
                on_progress(meter.fraction())
            strings.finish()
    blocks = meter.blocks(stack.enter_context(archive.open(book.sheet_part)))
    return Sheet(_rows(blocks, _SheetHandler(strings, book.date_styles, book.epoch)), meter.fraction)


class _Meter:
    """Counts what was unpacked of the parts that matter."""

    def __init__(self, total: int) -> None:
        self._total = max(total, 1)
        self._done = 0

    def fraction(self) -> float:
        return min(self._done / self._total, 1.0)

    def blocks(self, raw: IO[bytes]) -> Iterator[bytes]:
        while block := raw.read(BLOCK_BYTES):
            self._done += len(block)
            yield block


class _Text:
    """Gathers the text of an element, up to the limit."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0

    def add(self, text: str) -> None:
        self._length += len(text)
        if self._length > MAX_TEXT_CHARS:
            raise WorkbookError(f"has a cell of more than {MAX_TEXT_CHARS} characters")
        self._parts.append(text)

    def take(self) -> str:
        text = "".join(self._parts)
        self._parts.clear()
        self._length = 0
        return text


class _SharedStrings:
    """All shared strings in one block of UTF-8: a million short strings as objects would need five times the memory."""

    def __init__(self) -> None:
        self._block = bytearray()
        self._ends = array("I", [0])
        self._text = _Text()
        self._parser = hardened_parser()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._gate = _TextGate(self._parser, self._text, frozenset({"t"}))

    def __getitem__(self, index: int) -> str:
        if index < 0:
            raise IndexError(index)
        return self._block[self._ends[index] : self._ends[index + 1]].decode()

    def feed(self, block: bytes) -> None:
        """Takes the next bytes of the part's XML."""
        self._parser.Parse(block)

    def finish(self) -> None:
        """After the last of them."""
        self._parser.Parse(b"", True)

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._gate.start(_NAMES.get(name, ""))

    def _end(self, name: str) -> None:
        known = _NAMES.get(name, "")
        self._gate.end(known)
        if known == "si":
            self._append(self._text.take())

    def _append(self, text: str) -> None:
        self._block += text.encode()
        if len(self._block) > MAX_SHARED_BYTES:
            raise WorkbookError(f"holds more than {MAX_SHARED_BYTES >> 20} MB of text; save the list as CSV")
        self._ends.append(len(self._block))


class _TextGate:
    """Lets the text of some elements through, but not the phonetic hints (`rPh`) of East Asian text."""

    def __init__(self, parser: expat.XMLParserType, text: _Text, wanted: frozenset[str]) -> None:
        self._parser = parser
        self._text = text
        self._wanted = wanted
        self._in_hint = False

    def start(self, name: str) -> None:
        if name == "rPh":
            self._in_hint = True
        elif name in self._wanted and not self._in_hint:
            self._parser.CharacterDataHandler = self._text.add

    def end(self, name: str) -> None:
        if name == "rPh":
            self._in_hint = False
        elif name in self._wanted:
            self._parser.CharacterDataHandler = None


class _SheetHandler:
    """What the parser of a sheet calls; whole rows gather in `ready`."""

    def __init__(self, strings: _SharedStrings, date_styles: frozenset[str], epoch: datetime) -> None:
        self.ready: list[list[Cell]] = []
        self.parser = hardened_parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._strings = strings
        self._date_styles = date_styles
        self._epoch = epoch
        self._text = _Text()
        self._gate = _TextGate(self.parser, self._text, frozenset({"v", "t"}))
        self._n_rows = 0
        self._cells: list[Cell] = []
        self._column = 0
        self._kind = "n"
        self._style = "0"
        self._columns: dict[str, int] = {}

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        known = _NAMES.get(name, "")
        if known == "c":
            reference = attributes.get("r")
            self._column = self._column + 1 if reference is None else self._column_of(reference)
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s", "0")
        elif known == "row":
            self._start_row(attributes.get("r"))
        else:
            self._gate.start(known)

    def _end(self, name: str) -> None:
        known = _NAMES.get(name, "")
        if known == "c":
            self._put(self._value(self._text.take()))
        elif known == "row":
            self.ready.append(self._cells)
        else:
            self._gate.end(known)

    def _start_row(self, number: str | None) -> None:
        row = self._n_rows + 1 if number is None else int(number)
        if not self._n_rows < row <= MAX_ROWS:
            raise ValueError(number)
        self.ready.extend([] for _ in range(row - self._n_rows - 1))
        self._n_rows = row
        self._cells = []
        self._column = 0

    def _column_of(self, reference: str) -> int:
        """1 for A7, 28 for AB7."""
        letters = reference.rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            matched = _REFERENCE.fullmatch(reference)
            if matched is None:
                raise ValueError(reference)
            column = 0
            for letter in matched[1]:
                column = column * 26 + ord(letter) - 64
            self._columns[letters] = column
        return column

    def _put(self, value: Cell) -> None:
        missing = self._column - len(self._cells)
        if self._column > MAX_COLUMNS:
            raise ValueError(self._column)
        if missing == 1:
            self._cells.append(value)
        else:
            self._cells.extend([None] * missing)
            self._cells[self._column - 1] = value

    def _value(self, text: str) -> Cell:
        """A cell's value by its kind (§18.18.11); formulas have their last result."""
        if self._kind in ("inlineStr", "str", "e"):
            return text
        if not text:
            return None
        if self._kind == "s":
            return self._strings[int(text)]
        if self._kind == "b":
            return text in ("1", "true")
        if self._kind == "d":
            return _iso_moment(text)
        figure = float(text) if "." in text or "e" in text or "E" in text else int(text)
        return moment(figure, self._epoch) if self._style in self._date_styles else figure


def _iso_moment(text: str) -> datetime | str:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


def _rows(blocks: Iterator[bytes], handler: _SheetHandler) -> Iterator[list[Cell]]:
    with damage_named():
        for block in blocks:
            handler.parser.Parse(block)
            if handler.ready:
                yield from handler.ready
                handler.ready.clear()
        handler.parser.Parse(b"", True)
        yield from handler.ready
