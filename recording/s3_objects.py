"""A store in an S3 bucket, with Object Lock where it is asked for.

Verified after the write: S3 itself checks the SHA-256 that each upload declares (x-amz-checksum-sha256) and refuses
what arrives otherwise; then the object is read back whole and hashed. The second would be enough alone: it shows what
the service will give to whoever asks next, also where a service of another make ignores the first.

The client cannot sign Object Lock's headers into an upload, so an object is locked right after it was verified, by a
request of its own, and then the service is asked what it made of that. Until it said so, the source stays.
In a bucket with versions, an object is deleted with all of them.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from recording.errors import ObjectMissingError, ObjectTakenError, RecordingError, StoreAwayError, StoreFaultyError
from recording.file_objects import ABANDONED_S, sha256_on_disk
from recording.s3_locks import S3Locks, described
from recording.s3_requests import S3Place, S3Requests, explained
from recording.s3_signing import Credentials
from recording.stored import Deletion, StoredObject, checked_name

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ClientConfig, S3Credential

PART_BYTES = 8 << 20
"""Larger objects go up in parts of this size, and every object is read back in ranges of it."""
N_PARTS_AT_ONCE = 2
CONNECT_TIMEOUT = timedelta(seconds=5)
READ_TIMEOUT = timedelta(seconds=30)
"""Of silence while something is on its way."""
TRANSFER_TIMEOUT = timedelta(seconds=120)
"""Of one part: a link that carries 0.6 Mbit/s suffices."""
N_RETRIES = 3
"""Of one request; what fails then is tried again by whoever asked, with the source still there."""
RETRY_TIMEOUT = timedelta(seconds=60)
FIRST_BACKOFF = timedelta(milliseconds=200)
LONGEST_BACKOFF = timedelta(seconds=5)
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_MOST_WORDS = 200


class S3Objects:
    """See `recording.objects.ObjectStore`. `lock_mode`: GOVERNANCE, COMPLIANCE or "" for no locks."""

    def __init__(
        self, place: S3Place, credentials: Credentials, *, lock_mode: str = "", ca_certificate: Path | None = None
    ) -> None:
        self.place = place
        self._lock_mode = lock_mode
        self._locks = S3Locks(place, S3Requests(place, credentials, ca_certificate))
        self._client = _client(place, credentials, ca_certificate)

    def put(
        self, name: str, source: Path, sha256: str, retain_until: datetime | None = None, *, replace: bool = False
    ) -> StoredObject:
        """Stores a file, unless it is there already, verifies it and locks it."""
        found = self._locks.head(checked_name(name))
        if found is not None and self._sha256(name, _version(found), int(found["content-length"])) == sha256:
            version = _version(found)
        elif found is not None and not replace:
            raise ObjectTakenError(f"{self.place}{name} holds something else; nothing was overwritten")
        else:
            version = self._upload(name, source, sha256)
        if self._lock_mode and retain_until is not None and retain_until > datetime.now(UTC):
            self._locks.lock(name, version, self._lock_mode, retain_until)
        stored = self.stat(name)
        if stored is None:
            raise StoreFaultyError(f"{self.place}{name} is not there any more, right after it was stored")
        return stored

    def read(self, name: str, offset: int, n: int) -> bytes:
        """`n` bytes, fewer where the object ends."""
        return self._read(checked_name(name), "", offset, n)

    def stat(self, name: str) -> StoredObject | None:
        """What the service says of the newest version."""
        found = self._locks.head(checked_name(name))
        if found is None:
            return None
        return described(name, found, parsedate_to_datetime(found["last-modified"]).astimezone(UTC))

    def delete(self, name: str) -> Deletion:
        """Deletes every version; of those that a lock keeps, says until when the last one is kept."""
        done = [self._locks.delete(name, version) for version in list(self._locks.versions(checked_name(name)))]
        dates = [deletion.kept_until for deletion in done if not deletion.gone]
        known = [date for date in dates if date is not None]
        return Deletion(gone=not dates, kept_until=max(known) if known and len(known) == len(dates) else None)

    def names(self, prefix: str = "") -> Iterator[str]:
        """As the service lists them, page by page."""
        folder = prefix.rpartition("/")[0]
        try:
            for page in obstore.list(self._client, prefix=folder or None):
                yield from (item["path"] for item in page if item["path"].startswith(prefix))
        except (BaseError, OSError) as error:
            raise self._explained(error, f"the list of {prefix}*") from error

    def remove_unfinished(self) -> int:
        """Aborts uploads in parts that nobody completed; what they hold is paid for and shows in no list."""
        return self._locks.abort_uploads(datetime.now(UTC) - timedelta(seconds=ABANDONED_S))

    def _upload(self, name: str, source: Path, sha256: str) -> str:
        """The version that was made of a file, once it was read back as it should be."""
        size = _checked_size(source, sha256)
        try:
            made = obstore.put(
                self._client, name, source, chunk_size=PART_BYTES, max_concurrency=N_PARTS_AT_ONCE, mode="overwrite"
            )
        except (BaseError, OSError) as error:
            raise self._explained(error, name) from error
        version = made["version"] or ""
        found = self._sha256(name, version, size)
        if found == sha256:
            return version
        self._locks.delete(name, version)
        raise StoreFaultyError(
            f"{self.place}{name}: its SHA-256 reads back as {found}, not {sha256}; something between here and the "
            "store, or in it, changes bytes"
        )

    def _sha256(self, name: str, version: str, size: int) -> str:
        digest = hashlib.sha256()
        for offset in range(0, size, PART_BYTES):
            digest.update(self._read(name, version, offset, min(PART_BYTES, size - offset)))
        return digest.hexdigest()

    def _read(self, name: str, version: str, offset: int, n: int) -> bytes:
        if n <= 0:
            return b""
        options: GetOptions = {"range": (offset, offset + n)}
        if version:
            options["version"] = version
        try:
            return bytes(obstore.get(self._client, name, options=options).bytes())
        except (BaseError, OSError) as error:
            if "InvalidRange" in str(error):
                return b""
            raise self._explained(error, name) from error

    def _explained(self, error: Exception, name: str) -> RecordingError:
        """What the client's error means: it holds the service's answer, or what went wrong on the way."""
        text = str(error)
        status = _STATUS.search(text)
        code = _CODE.search(text)
        if isinstance(error, FileNotFoundError) and (code is None or code[1] != "NoSuchBucket"):
            return ObjectMissingError(f"{self.place}{name}: there is no such object")
        if status is not None:
            return explained(self.place, name, int(status[1]), code[1] if code else "")
        return StoreAwayError(f"{self.place}: no way to {name}: {text.splitlines()[0][:_MOST_WORDS]}")


def _client(place: S3Place, credentials: Credentials, ca_certificate: Path | None) -> S3Store:
    """The client; it takes nothing from the environment that would lead it elsewhere."""
    options: ClientConfig = {
        "allow_http": place.in_clear,
        "connect_timeout": CONNECT_TIMEOUT,
        "read_timeout": READ_TIMEOUT,
        "timeout": TRANSFER_TIMEOUT,
    }
    if ca_certificate is not None:
        options["root_certificate"] = ca_certificate.read_bytes()

    def known() -> "S3Credential":
        return {
            "access_key_id": credentials.access_key,
            "secret_access_key": credentials.secret_key,
            "token": credentials.token or None,
            "expires_at": None,
        }

    return S3Store(
        place.bucket,
        prefix=place.prefix.rstrip("/") or None,
        endpoint=place.url,
        virtual_hosted_style_request=True,  # the URL leads to the bucket already, whichever way
        region=place.region,
        checksum_algorithm="SHA256",
        credential_provider=known,
        client_options=options,
        retry_config={
            "max_retries": N_RETRIES,
            "retry_timeout": RETRY_TIMEOUT,
            "backoff": {"init_backoff": FIRST_BACKOFF, "max_backoff": LONGEST_BACKOFF, "base": 2},
        },
    )


def _checked_size(source: Path, sha256: str) -> int:
    """The size of a file that has this hash, in bytes."""
    try:
        found, size = sha256_on_disk(source), source.stat().st_size
    except OSError as error:
        raise RecordingError(f"{source}: cannot be read: {error.strerror}; it was not stored") from error
    if found != sha256:
        raise RecordingError(f"{source}: its SHA-256 is not {sha256}; it was not stored")
    return size


def _version(headers: Mapping[str, str]) -> str:
    return headers.get("x-amz-version-id", "")
