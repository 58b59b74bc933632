"""What the service asks of a process that rehearses a day, and what that process says. Pure: JSON lines and back.

On its standard input: a `DayRequest`, then a campaign's history as `dialer.api.history_lines` writes it. On its
standard output: `Basis`, `Progress` now and then, a `Lived` for each mode, or `Failed`.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from dialer.model.history import Outline


class DayRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The day from `begins` (aware) for `hours`, with so many collectors, once in each mode.

    `own` is the campaign that is asked about; the history that follows is of `source`, "" where there is none to go by.
    `pace` overrides settings of the pace by their names in a scenario.
    """

    own: Outline
    source: str
    begins: datetime
    hours: float
    collectors: int
    modes: tuple[str, ...]
    pace: Mapping[str, float] = {}
    seed: int = 1


class Basis(msgspec.Struct, frozen=True, tag="basis"):
    """What the figures rest on, by the scenario's keys."""

    comments: Mapping[str, str]
    fitted: bool


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How much of all days is lived, 0 to 1."""

    done: float


class Quarter(msgspec.Struct, frozen=True):
    """A quarter of an hour from `at_s` on. Shares of the collectors' time without breaks; waits are of people (s)."""

    at_s: float
    talking: float
    wrapping: float
    ready: float
    live: int
    abandoned: int
    wait_median_s: float | None
    wait_p90_s: float | None


class Lived(msgspec.Struct, frozen=True, tag="lived"):
    """One mode's day: the figures of `dialer simulate --json`, and its course."""

    mode: str
    figures: Mapping[str, float | None]
    quarters: tuple[Quarter, ...]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """There is no such day, in words."""

    reason: str


Message = Basis | Progress | Lived | Failed

_encoder = msgspec.json.Encoder()
_messages: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_requests = msgspec.json.Decoder(DayRequest)


def encode(said: Message | DayRequest) -> bytes:
    """One line."""
    return _encoder.encode(said) + b"\n"


def decode_message(line: bytes) -> Message:
    """Raises msgspec.MsgspecError."""
    return _messages.decode(line)


def decode_request(line: bytes) -> DayRequest:
    """Raises msgspec.MsgspecError."""
    return _requests.decode(line)
