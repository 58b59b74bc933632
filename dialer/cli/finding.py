"""What `dialer check` says of one thing."""

from dataclasses import dataclass
from enum import Enum

from dialer.errors import DialerError


class Level(str, Enum):
    """How a thing stands: WARN does not keep the node from dialing, FAIL does."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: `advice` says what to do, empty when all is well."""

    subject: str
    level: Level
    detail: str
    advice: str = ""


def of_error(subject: str, error: DialerError, advice: str) -> Finding:
    """Our errors say what is wrong and then, behind a semicolon, what to do; `advice` where one does not."""
    text = str(error)
    detail, _, own = (text, "", "") if "\n" in text else text.partition("; ")
    return Finding(subject, Level.FAIL, detail, own or advice)
