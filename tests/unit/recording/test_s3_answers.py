"""S3's XML: pages, instants, errors, as Amazon and others write them."""

from datetime import UTC, datetime

import pytest

from recording.errors import RecordingError, StoreAwayError, StoreFaultyError, StoreFullError
from recording.s3_answers import (
    Page,
    Retention,
    Upload,
    Version,
    error_code,
    instant_of,
    retention_text,
    uploads_of,
    versions_of,
)
from recording.s3_requests import S3Place, explained

NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
VERSIONS = """<?xml version="1.0"?><ListVersionsResult {}><IsTruncated>{}</IsTruncated>
<NextKeyMarker>a/x</NextKeyMarker><NextVersionIdMarker>v2</NextVersionIdMarker>
<Version><Key>a/x</Key><VersionId>v1</VersionId><IsLatest>false</IsLatest></Version>
<DeleteMarker><Key>a/x</Key><VersionId>v2</VersionId></DeleteMarker>
<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes></ListVersionsResult>"""


@pytest.mark.parametrize("namespace", [NAMESPACE, ""])
def test_versions_and_where_to_go_on(namespace: str) -> None:
    both = (Version("a/x", "v1", is_marker=False), Version("a/x", "v2", is_marker=True))
    more = (("key-marker", "a/x"), ("version-id-marker", "v2"))
    assert versions_of(VERSIONS.format(namespace, "true").encode()) == Page(versions=both, more=more)
    assert versions_of(VERSIONS.format(namespace, "false").encode()) == Page(versions=both)


def test_unfinished_uploads() -> None:
    upload = "<Upload><Key>k</Key><UploadId>u</UploadId><Initiated>2026-11-22T08:00:00.000Z</Initiated></Upload>"
    body = f"<ListMultipartUploadsResult {NAMESPACE}>{upload}</ListMultipartUploadsResult>"
    assert uploads_of(body.encode()).uploads == (Upload("k", "u", datetime(2026, 11, 22, 8, tzinfo=UTC)),)


def test_a_retention_as_it_is_sent() -> None:
    text = retention_text(Retention("COMPLIANCE", datetime(2031, 11, 22, 8, 0, 1, tzinfo=UTC))).decode()
    assert "<Mode>COMPLIANCE</Mode><RetainUntilDate>2031-11-22T08:00:01Z</RetainUntilDate>" in text


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"<Error><Code>AccessDenied</Code></Error>", "AccessDenied"), (b"", ""), (b"<html>", ""), (b"<Error/>", "")],
)
def test_errors(body: bytes, code: str) -> None:
    assert error_code(body) == code


@pytest.mark.parametrize("text", ["", "soon", "2026-11-22T08:00:00"])
def test_an_instant_that_is_none(text: str) -> None:
    with pytest.raises(StoreFaultyError, match="names an instant"):
        instant_of(text)


def test_an_answer_that_is_not_xml() -> None:
    with pytest.raises(StoreFaultyError, match="not XML"):
        versions_of(b"sealed audio")


@pytest.mark.parametrize(
    ("location", "endpoint", "region", "url", "prefix"),
    [
        ("s3://bank", "", "eu-west-1", "https://bank.s3.eu-west-1.amazonaws.com", ""),
        ("s3://bank/p/q/", "", "cn-north-1", "https://bank.s3.cn-north-1.amazonaws.com.cn", "p/q/"),
        ("s3://b.c/p", "", "eu-west-1", "https://s3.eu-west-1.amazonaws.com/b.c", "p/"),  # no certificate for b.c
        ("s3://bank", "https://minio.bank.example:9000/", "x", "https://minio.bank.example:9000/bank", ""),
        ("s3://bank", "https://bank.oss-cn-beijing.example", "x", "https://bank.oss-cn-beijing.example", ""),
    ],
)
def test_where_a_bucket_is(location: str, endpoint: str, region: str, url: str, prefix: str) -> None:
    place = S3Place.of(location, endpoint, region)
    assert (place.url, place.prefix, place.in_clear) == (url, prefix, False)


@pytest.mark.parametrize("location", ["s3://", "s3://b", "s3://Bank", "s3://bank/a b", "s3://bank/..", "s3://bank//a"])
def test_a_place_that_is_none(location: str) -> None:
    with pytest.raises(RecordingError, match=r"recordings\.store"):
        S3Place.of(location, "", "x")


@pytest.mark.parametrize("endpoint", ["minio:9000", "ftp://minio", "https://"])
def test_an_endpoint_that_is_no_url(endpoint: str) -> None:
    with pytest.raises(RecordingError, match=r"recordings\.s3_endpoint"):
        S3Place.of("s3://bank", endpoint, "x")


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (403, "RequestTimeTooSkewed", StoreAwayError, "more than 15 minutes apart"),
        (301, "PermanentRedirect", StoreAwayError, "another region"),
        (507, "XMinioStorageFull", StoreFullError, "no room left"),
        (503, "SlowDown", StoreAwayError, "the service failed"),
        (400, "NeverHeardOf", StoreFaultyError, "refused with 400 NeverHeardOf"),
    ],
)
def test_refusals_in_words(status: int, code: str, kind: type[RecordingError], words: str) -> None:
    error = explained(S3Place.of("s3://bank", "", "x"), "a/x", status, code)
    assert type(error) is kind
    assert words in str(error)
