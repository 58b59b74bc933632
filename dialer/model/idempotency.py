"""Requests that carry a key so that asking twice does nothing twice."""

from dataclasses import dataclass
from enum import Enum


class KeyState(str, Enum):
    """What became of the first request with a key. Interrupted: the service ended inside it, nobody knows its end."""

    UNDER_WAY = "under_way"
    ANSWERED = "answered"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A caller's key for one operation; `holder` is whose token it came with."""

    holder: str
    operation: str
    key: str


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """The first request with a key. `body` is None where the answer was a secret that is kept nowhere."""

    same_content: bool
    state: KeyState
    status: int = 0
    body: bytes | None = None
