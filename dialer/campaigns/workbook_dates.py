"""Which figures of a workbook are dates, and which day a figure is (ECMA-376 part 1, §18.8.30 and §18.17.4.1). Pure."""

import re
from datetime import datetime, timedelta

DAY_MS = 86_400_000
EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001  a sheet's days have no zone
EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
LEAP_ERROR_UNTIL = 60
"""Below this serial the 1900 epoch is a day later: the first spreadsheets believed in 29 February 1900."""

DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Built-in number formats that show a date or a time; 27 to 36 and 50 to 58 are those of Chinese spreadsheets."""

_NOT_SHOWN = re.compile(r'".*?"|\[(?!hh?\]|mm?\]|ss?\])[^\]]*\]|[_\\].')  # literals, colours, locales, escapes
_DATE_LETTER = re.compile(r"[dmhys]", re.IGNORECASE)


def shows_date(format_code: str) -> bool:
    """Whether a number format shows a figure as a date or a time."""
    positive = format_code.partition(";")[0]
    return _DATE_LETTER.search(_NOT_SHOWN.sub("", positive)) is not None


def moment(serial: float, epoch: datetime) -> datetime | str:
    """The day and time a serial stands for, to the millisecond; a bare time of the day is text.

    A serial outside the calendar gives the text that the spreadsheet itself shows for it.
    """
    try:
        whole, part = divmod(serial, 1)
        rest = timedelta(milliseconds=round(part * DAY_MS))
        if 0 <= serial < 1 and not rest.days:
            return (epoch + rest).time().isoformat()
        if 0 < serial < LEAP_ERROR_UNTIL and epoch == EPOCH_1900:
            whole += 1
        return epoch + timedelta(days=whole) + rest
    except (OverflowError, ValueError):
        return "#VALUE!"
