"""What a reading process says of a list (see `list_process`), as bytes and back. Pure.

JSON, checked on arrival: the sender has parsed a file of unknown origin, so no more than these values is taken from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from dialer.campaigns.columns import Column
from dialer.campaigns.list_rows import Problem
from dialer.model.call_list import NewContact


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Which file to read, and how; `mapping` None: what columns mean is guessed from the headers."""

    path: Path
    mapping: Mapping[str, str] | None
    region: str
    accept_valid: bool
    chunk_rows: int


@dataclass(frozen=True, slots=True)
class Opening:
    """The file is still being opened; so much of it was read (0 to 1)."""

    fraction: float
    kind: Literal["opening"] = "opening"


@dataclass(frozen=True, slots=True)
class Headers:
    """The file has these columns; what they mean is still to be found out."""

    headers: tuple[str, ...]
    kind: Literal["headers"] = "headers"


@dataclass(frozen=True, slots=True)
class Opened:
    """The file is open, this is what its columns mean."""

    columns: tuple[Column, ...]
    kind: Literal["opened"] = "opened"


@dataclass(frozen=True, slots=True)
class Counts:
    """What was read so far; rows are merged when they name a person and case again, broken when they have problems."""

    rows: int = 0
    contacts: int = 0
    merged: int = 0
    broken: int = 0
    problems: int = 0
    fraction: float = 0.0


@dataclass(frozen=True, slots=True)
class Rows:
    """The next rows: new contacts, further numbers of earlier ones, the first problems, and the counts up to here.

    Once a broken row keeps the list out, contacts are left out too: the rest is read for its problems only.
    """

    contacts: tuple[NewContact, ...]
    more: tuple[NewContact, ...]
    problems: tuple[Problem, ...]
    counts: Counts
    problems_path: Path | None
    kind: Literal["rows"] = "rows"


@dataclass(frozen=True, slots=True)
class Finished:
    """The whole file was read."""

    kind: Literal["finished"] = "finished"


@dataclass(frozen=True, slots=True)
class Failed:
    """The reading ended early: `file_is_wrong` (an InputError), or the program is."""

    reason: str
    file_is_wrong: bool
    kind: Literal["failed"] = "failed"


Message = Opening | Headers | Opened | Rows | Finished | Failed

_MESSAGE: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="kind")])
_REQUEST: TypeAdapter[ReadRequest] = TypeAdapter(ReadRequest)


def encode(message: Message) -> bytes:
    return _MESSAGE.dump_json(message)


def decode(data: bytes) -> Message:
    """The message; ValueError when it is none."""
    return _MESSAGE.validate_json(data)


def encode_request(request: ReadRequest) -> bytes:
    return _REQUEST.dump_json(request)


def decode_request(data: bytes) -> ReadRequest:
    return _REQUEST.validate_json(data)
