"""Where sealed recordings are kept: one face over a directory and an S3 bucket. Everything here blocks.

`put` returns only after what was written has been read back from the store and had the right SHA-256, so that whoever
called it may forget the source. It may be repeated: an object that is there already is checked, not written again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from recording.file_objects import FileObjects
from recording.stored import Deletion, StoredObject

S3_SCHEME = "s3://"


class ObjectStore(Protocol):
    """Raises, besides what is said: StoreAwayError (worth trying again), StoreFaultyError, RecordingError (a name)."""

    def put(
        self, name: str, source: Path, sha256: str, retain_until: datetime | None = None, *, replace: bool = False
    ) -> StoredObject:
        """Stores a file whose SHA-256 (hex) is known, and verifies it; locked until then, where the store locks.

        Raises StoreFullError; ObjectTakenError when something else is there, unless it is to be replaced.
        """

    def read(self, name: str, offset: int, n: int) -> bytes:
        """`n` bytes, fewer where the object ends. Raises ObjectMissingError."""

    def stat(self, name: str) -> StoredObject | None:
        """What is known of an object; None: there is none."""

    def delete(self, name: str) -> Deletion:
        """Removes an object with all its versions, as far as the store lets it go."""

    def names(self, prefix: str = "") -> Iterator[str]:
        """The objects whose name begins so, sorted by name."""

    def remove_unfinished(self) -> int:
        """Removes what writers that were killed left half-written an hour ago or earlier; says how many."""


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Which store. `location` is a directory or `s3://BUCKET/PREFIX`; the rest is for S3 alone.

    No `access_key`: the environment's AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
    """

    location: str
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    object_lock: Literal["off", "governance", "compliance"] = "off"


def open_store(settings: StoreSettings) -> ObjectStore:
    """The store; nothing is asked of it yet. Raises RecordingError when the settings cannot be right."""
    return FileObjects(Path(settings.location))
