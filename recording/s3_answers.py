"""What S3 says and is told in XML (S3 API reference, API version 2006-03-01). Pure.

Services differ in whether they name the namespace, so elements are found by their local names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree

from recording.errors import StoreFaultyError


@dataclass(frozen=True, slots=True)
class Retention:
    """Until when an object's version is locked. `mode` is GOVERNANCE or COMPLIANCE."""

    mode: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object, or a mark that it was deleted."""

    key: str
    version_id: str
    is_marker: bool


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload that was never completed."""

    key: str
    upload_id: str
    initiated: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Versions or uploads; `more` is the query of the next page, empty on the last."""

    versions: tuple[Version, ...] = ()
    uploads: tuple[Upload, ...] = ()
    more: tuple[tuple[str, str], ...] = ()


def error_code(body: bytes) -> str:
    """S3's word for what is wrong; "" when the body does not say."""
    try:
        return _text(ElementTree.fromstring(body), "Code")  # noqa: S314 (expat bounds entities; the service is ours)
    except ElementTree.ParseError:
        return ""


def retention_text(retention: Retention) -> bytes:
    """The body of PutObjectRetention."""
    return (
        '<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Mode>{retention.mode}</Mode><RetainUntilDate>{retention.until:%Y-%m-%dT%H:%M:%SZ}</RetainUntilDate>"
        "</Retention>"
    ).encode()


def versions_of(body: bytes) -> Page:
    """The answer to ListObjectVersions. Raises StoreFaultyError."""
    root = _parsed(body)
    found = (
        Version(_text(item, "Key"), _text(item, "VersionId"), _local(item) == "DeleteMarker")
        for item in root
        if _local(item) in ("Version", "DeleteMarker")
    )
    return Page(versions=tuple(found), more=_more(root, "KeyMarker", "VersionIdMarker"))


def uploads_of(body: bytes) -> Page:
    """The answer to ListMultipartUploads. Raises StoreFaultyError."""
    root = _parsed(body)
    found = (
        Upload(_text(item, "Key"), _text(item, "UploadId"), instant_of(_text(item, "Initiated")))
        for item in root
        if _local(item) == "Upload"
    )
    return Page(uploads=tuple(found), more=_more(root, "KeyMarker", "UploadIdMarker"))


def instant_of(text: str) -> datetime:
    """An instant as S3 writes it, ISO 8601 in UTC. Raises StoreFaultyError."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise StoreFaultyError(f"the store names an instant that cannot be read: {text!r}") from error
    if instant.tzinfo is None:
        raise StoreFaultyError(f"the store names an instant without a zone: {text!r}")
    return instant


def _more(root: ElementTree.Element, *markers: str) -> tuple[tuple[str, str], ...]:
    """The markers of the next page under the names that a query gives them."""
    if _text(root, "IsTruncated") != "true":
        return ()
    named = {"KeyMarker": "key-marker", "VersionIdMarker": "version-id-marker", "UploadIdMarker": "upload-id-marker"}
    return tuple((named[marker], _text(root, f"Next{marker}")) for marker in markers)


def _parsed(body: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(body)  # noqa: S314 (expat bounds entities; the service is ours)
    except ElementTree.ParseError as error:
        raise StoreFaultyError("the store answers what is not XML") from error


def _text(element: ElementTree.Element, name: str) -> str:
    return next((child.text or "" for child in _children(element, name)), "")


def _children(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (child for child in element if _local(child) == name)


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
