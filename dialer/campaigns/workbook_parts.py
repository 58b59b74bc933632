"""The parts of an XLSX workbook other than its rows: which sheet, which styles are dates, which epoch.

Also what keeps every part harmless: a parser without entities, limits, one error for everything that broken archives
and broken XML raise. Everything here blocks.
"""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from xml.parsers import expat

from dialer.campaigns.workbook_dates import DATE_FORMATS, EPOCH_1900, EPOCH_1904, shows_date

MAX_PART_BYTES = 16 * 1024**2
"""Of each part read here, as a whole; styles are the largest."""

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    ValueError,
)


class WorkbookError(Exception):
    """A workbook that cannot be read; the message says why and what to do."""


@contextmanager
def damage_named() -> Iterator[None]:
    """Turns what broken archives and broken XML raise into WorkbookError."""
    try:
        yield
    except _DAMAGE as error:
        raise WorkbookError("is damaged or no XLSX workbook; save it again as XLSX or CSV") from error


def hardened_parser() -> expat.XMLParserType:
    """A parser without entities: they can only come from a document type, and no workbook has one."""

    def refuse(*_declared: object) -> None:
        raise WorkbookError("declares a document type, which no spreadsheet does; save it again as XLSX or CSV")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    return parser


class Book:
    """Where the sheet, the shared strings and the styles are, which styles are dates, and the epoch."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        main = next(iter(self._related("", "/officeDocument").values()), "")
        named = self._related(main, "/worksheet")
        elements = self._elements(main)
        sheets = [attributes for _parent, name, attributes in elements if name == "sheet"]
        ids = [_relation_id(sheet) for sheet in sheets if sheet.get("state", "visible") == "visible"]
        self.sheet_part = next((named[relation] for relation in ids if relation in named), "")
        if not self.sheet_part:
            raise WorkbookError("has no visible sheet")
        self.shared_part = next(iter(self._related(main, "/sharedStrings").values()), "")
        styles = next(iter(self._related(main, "/styles").values()), "")
        self.date_styles = self._date_styles(styles) if styles else frozenset()
        dates_1904 = {attributes.get("date1904") for _parent, name, attributes in elements if name == "workbookPr"}
        self.epoch = EPOCH_1904 if dates_1904 & {"1", "true"} else EPOCH_1900

    def _related(self, part: str, kind: str) -> dict[str, str]:
        """The parts of a kind that a part (empty: the package) refers to, by the reference's id."""
        folder, name = posixpath.split(part)
        listed = f"{folder}/_rels/{name}.rels" if part else "_rels/.rels"
        return {
            attributes["Id"]: posixpath.normpath(posixpath.join("/", folder, attributes["Target"])).lstrip("/")
            for _parent, element, attributes in self._elements(listed)
            if element == "Relationship" and attributes["Type"].endswith(kind)
        }

    def _date_styles(self, part: str) -> frozenset[str]:
        """The cell styles, as cells name them, whose figures are dates."""
        elements = self._elements(part)
        own = {
            attributes["numFmtId"]: shows_date(attributes["formatCode"])
            for parent, name, attributes in elements
            if (parent, name) == ("numFmts", "numFmt")
        }
        styles = [attributes for parent, name, attributes in elements if (parent, name) == ("cellXfs", "xf")]
        formats = [attributes.get("numFmtId", "0") for attributes in styles]
        dates = [own.get(number, int(number) in DATE_FORMATS) for number in formats]
        return frozenset(str(index) for index, is_date in enumerate(dates) if is_date)

    def _elements(self, part: str) -> list[tuple[str, str, dict[str, str]]]:
        """All elements of a small part: the parent's name, the name, the attributes."""
        if self._archive.getinfo(part).file_size > MAX_PART_BYTES:
            raise WorkbookError(f"holds more than {MAX_PART_BYTES >> 20} MB of styles; save the list as CSV")
        found: list[tuple[str, str, dict[str, str]]] = []
        parents = [""]

        def start(name: str, attributes: dict[str, str]) -> None:
            local = name.rpartition(" ")[2]
            found.append((parents[-1], local, attributes))
            parents.append(local)

        parser = hardened_parser()
        parser.StartElementHandler = start
        parser.EndElementHandler = lambda _name: parents.pop()
        parser.Parse(self._archive.read(part), True)
        return found


def _relation_id(attributes: dict[str, str]) -> str:
    return next((value for name, value in attributes.items() if name.endswith(" id")), "")
