"""Tables as CSV files that a spreadsheet opens as they are meant.

UTF-8 with a byte order mark: without it Excel takes Chinese for another encoding. A text that a spreadsheet would take
for a formula (it begins with =, +, -, @, one of these in full width, a tab or the end of a line) gets an apostrophe
before it (OWASP, "CSV Injection"): names and labels come from people. Numbers are numbers.
"""

import csv
import io
from collections.abc import Iterable, Sequence

MEDIA_TYPE = "text/csv"
CHARSET = "utf-8"
BOM = "\N{BYTE ORDER MARK}"
_FULL_WIDTH = (
    "\N{FULLWIDTH EQUALS SIGN}",
    "\N{FULLWIDTH PLUS SIGN}",
    "\N{FULLWIDTH HYPHEN-MINUS}",
    "\N{FULLWIDTH COMMERCIAL AT}",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", *_FULL_WIDTH)

Cell = str | int | float | None


def csv_of(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The whole file; None is an empty cell."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")  # RFC 4180 §2
    writer.writerow(columns)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return (BOM + written.getvalue()).encode(CHARSET)


def safe_cell(cell: Cell) -> Cell:
    """The cell as no spreadsheet takes it for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
