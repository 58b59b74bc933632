"""What a store says of its objects, and what their names may be."""

import re
from dataclasses import dataclass
from datetime import datetime

from recording.errors import RecordingError

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){0,7}")
"""Parts that begin with a dot are the store's own; what is allowed needs no quoting in a path or a URL."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as the store knows it. `retain_until`: the store itself refuses to delete it before; None: it does not
    hold it back. `held`: somebody told the store to keep it until told otherwise (a legal hold of S3)."""

    name: str
    size: int
    modified: datetime
    retain_until: datetime | None = None
    held: bool = False


@dataclass(frozen=True, slots=True)
class Deletion:
    """What came of a deletion. Not `gone`: the store keeps the object until `kept_until`, or, where that is None, until
    a hold on it is lifted at the store. What is not there is gone."""

    gone: bool
    kept_until: datetime | None = None


def is_name(name: str) -> bool:
    """Whether an object may be called so."""
    return _NAME.fullmatch(name) is not None


def checked_name(name: str) -> str:
    """The name. Raises RecordingError when it is not one of an object."""
    if not is_name(name):
        raise RecordingError(f"{name!r} is not the name of an object")
    return name
