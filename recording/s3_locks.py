"""Locks, versions and unfinished uploads of one S3 bucket. Blocks."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from recording.errors import StoreFaultyError
from recording.s3_answers import Page, Retention, instant_of, retention_text, uploads_of, versions_of
from recording.s3_requests import Answer, S3Place, S3Requests, explained
from recording.stored import Deletion, StoredObject

_CANNOT_LOCK = (400, 404)
"""How a service says that a bucket has no Object Lock."""
_NO_VERSIONS = (405, 501)
"""How a service says that it knows no versions."""
_MISSING = 404


class S3Locks:
    """Names are objects' names; the place's prefix is put before them here. A version of "" is the newest."""

    def __init__(self, place: S3Place, requests: S3Requests) -> None:
        self._place = place
        self._requests = requests

    def head(self, name: str) -> Mapping[str, str] | None:
        """What the service says of the newest version, as headers in lower case; None: there is none."""
        return self._head(name, "")

    def lock(self, name: str, version: str, mode: str, until: datetime) -> None:
        """Locks a version for at least so long; never shortens a lock. Raises StoreFaultyError if it is not locked."""
        wanted = until.replace(microsecond=0) + timedelta(seconds=1 if until.microsecond else 0)
        before = self._retention(name, version)
        if before is not None and _covers(before, mode, wanted):
            return
        if before is not None:
            wanted = max(wanted, before.until)
        self._set_retention(name, version, Retention(mode, wanted))
        after = self._retention(name, version)  # HEAD says what GetObjectRetention says
        if after is None or not _covers(after, mode, wanted):
            raise StoreFaultyError(f"{self._place}{name} was to be locked until {wanted:%Y-%m-%d}, and is not")

    def versions(self, name: str) -> Iterator[str]:
        """The ids of an object's versions and deletion marks; one "" where the service knows no versions."""
        key = self._place.prefix + name
        answer = self._requests.ask("GET", "", {"versions": "", "prefix": key, "max-keys": "1"})
        if answer.status in _NO_VERSIONS:
            yield ""
            return
        self._checked(answer, f"the versions of {name}")
        for page in self._pages("versions", key):
            mine = [version for version in page.versions if version.key == key]
            yield from (version.version_id for version in mine)
            if len(mine) < len(page.versions):  # keys come in order: the ones behind are others that begin so
                return

    def delete(self, name: str, version: str) -> Deletion:
        """What came of the deletion of one version."""
        key = self._place.prefix + name
        query = _of_version(version)
        answer = self._requests.ask("DELETE", key, query)
        if answer.ok or answer.status == _MISSING:
            return Deletion(gone=True)
        state = self._requests.ask("HEAD", key, query).headers
        if held(state):
            return Deletion(gone=False)
        until = locked_until(state)
        if until is not None and until > datetime.now(UTC):
            return Deletion(gone=False, kept_until=until)
        raise explained(self._place, f"the deletion of {name}", answer.status, answer.code)

    def abort_uploads(self, before: datetime) -> int:
        """Aborts uploads in parts that were begun before an instant; says how many."""
        n_aborted = 0
        for page in self._pages("uploads", self._place.prefix):
            for upload in page.uploads:
                if upload.initiated < before:
                    answer = self._requests.ask("DELETE", upload.key, {"uploadId": upload.upload_id})
                    n_aborted += answer.status != _MISSING
                    if answer.status != _MISSING:
                        self._checked(answer, f"the end of an upload of {upload.key}")
        return n_aborted

    def _set_retention(self, name: str, version: str, retention: Retention) -> None:
        body = retention_text(retention)
        digest = hashlib.md5(body, usedforsecurity=False).digest()  # asked for by S3; what is signed is the SHA-256
        headers = {"content-md5": b64encode(digest).decode(), "content-type": "application/xml"}
        query = {"retention": "", **_of_version(version)}
        answer = self._requests.ask("PUT", self._place.prefix + name, query, body, headers)
        if answer.status in _CANNOT_LOCK:
            raise StoreFaultyError(
                f"{self._place}: cannot lock {name} ({answer.status} {answer.code}); recordings.object_lock needs a "
                "bucket that was made with Object Lock"
            )
        self._checked(answer, f"the lock of {name}")

    def _retention(self, name: str, version: str) -> Retention | None:
        state = self._head(name, version) or {}
        until = locked_until(state)
        return None if until is None else Retention(state.get("x-amz-object-lock-mode", ""), until)

    def _head(self, name: str, version: str) -> Mapping[str, str] | None:
        key = self._place.prefix + name
        answer = self._requests.ask("HEAD", key, _of_version(version))
        if answer.ok:
            return answer.headers
        if answer.status == _MISSING:
            return None
        refused = self._requests.ask("GET", key, headers={"range": "bytes=0-0"})  # an answer to HEAD has no words
        raise explained(self._place, name, answer.status, refused.code)

    def _pages(self, what: str, prefix: str) -> Iterator[Page]:
        parse = {"versions": versions_of, "uploads": uploads_of}[what]
        more: Mapping[str, str] = {}
        while True:
            answer = self._requests.ask("GET", "", {what: "", "prefix": prefix, **more})
            page = parse(self._checked(answer, f"the list of {what}").body)
            yield page
            if not page.more:
                return
            more = dict(page.more)

    def _checked(self, answer: Answer, doing: str) -> Answer:
        if not answer.ok:
            raise explained(self._place, doing, answer.status, answer.code)
        return answer


def described(name: str, headers: Mapping[str, str], modified: datetime) -> StoredObject:
    """An object as the answer to HEAD describes it."""
    return StoredObject(name, int(headers["content-length"]), modified, locked_until(headers), held(headers))


def locked_until(headers: Mapping[str, str]) -> datetime | None:
    """Until when a version is locked, as the answer to HEAD says."""
    until = headers.get("x-amz-object-lock-retain-until-date")
    return instant_of(until) if until else None


def held(headers: Mapping[str, str]) -> bool:
    """Whether a legal hold of the service's own is on a version, as the answer to HEAD says."""
    return headers.get("x-amz-object-lock-legal-hold") == "ON"


def _covers(retention: Retention, mode: str, until: datetime) -> bool:
    return retention.until >= until and retention.mode in (mode, "COMPLIANCE")


def _of_version(version: str) -> dict[str, str]:
    return {"versionId": version} if version else {}
