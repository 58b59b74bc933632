"""Where sealed recordings are kept: one face over a directory and an S3 bucket. Everything here blocks.

`put` returns only after what was written has been read back from the store and had the right SHA-256, so that whoever
called it may forget the source. It may be repeated: an object that is there already is checked, not written again.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from recording.errors import RecordingError
from recording.file_objects import FileObjects
from recording.s3_objects import S3Objects
from recording.s3_requests import S3Place
from recording.s3_signing import Credentials
from recording.stored import Deletion, StoredObject


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

    `ca_certificate`: a PEM file with a certificate that the endpoint's is checked against, beside the system's.
    No `access_key`: the environment's AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
    """

    location: str
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    object_lock: Literal["off", "governance", "compliance"] = "off"
    ca_certificate: str = ""


def open_store(settings: StoreSettings) -> ObjectStore:
    """The store; nothing is asked of it yet. Raises RecordingError when the settings cannot be right."""
    scheme, separator, _ = settings.location.partition("://")
    if not separator:
        return FileObjects(Path(settings.location))
    if scheme != "s3":
        raise RecordingError(f"recordings.store: {settings.location} is neither a directory nor s3://BUCKET/PREFIX")
    return S3Objects(
        S3Place.of(settings.location, settings.endpoint, settings.region),
        _credentials(settings),
        lock_mode="" if settings.object_lock == "off" else settings.object_lock.upper(),
        ca_certificate=Path(settings.ca_certificate) if settings.ca_certificate else None,
    )


def _credentials(settings: StoreSettings) -> Credentials:
    if settings.access_key:
        return Credentials(settings.access_key, settings.secret_key)
    said = [os.environ.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
    if not said[0] or not said[1]:
        raise RecordingError(
            f"{settings.location}: no credentials; set recordings.s3_access_key and recordings.s3_secret_key, or "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
        )
    return Credentials(*said)
