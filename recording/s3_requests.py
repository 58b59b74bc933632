"""Requests to an S3 service that the S3 client does not know, signed here: retention, versions, unfinished uploads.

Every one may be sent twice: it says what shall be, not what is to change. So what fails on the way, or fails inside the
service (5xx), is tried again, N_TRIES times in all.
"""

import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, build_opener
from urllib.request import Request as UrlRequest

from recording.errors import RecordingError, StoreAwayError, StoreFaultyError, StoreFullError
from recording.s3_answers import error_code
from recording.s3_signing import Credentials, Request, signed_headers
from recording.stored import is_name

REQUEST_TIMEOUT_S = 15.0
N_TRIES = 3
RETRY_DELAY_S = 0.25
"""Before the second try; four times as long before each further one."""
_MOST_BYTES = 8 << 20
"""No answer that is read here is longer."""
_OF_THE_SERVICE = 500
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""S3 user guide, "General purpose bucket naming rules"."""
_FULL_CODES = ("InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded")
_WORDS = {
    "AccessDenied": "its credentials do not allow that",
    "AuthorizationHeaderMalformed": "the bucket is in another region; see recordings.s3_region",
    "InvalidAccessKeyId": "the access key is not known there",
    "NoSuchBucket": "there is no such bucket",
    "PermanentRedirect": "the bucket is in another region; see recordings.s3_region and recordings.s3_endpoint",
    "RequestTimeTooSkewed": "this machine's clock and the store's are more than 15 minutes apart",
    "SignatureDoesNotMatch": "the secret key does not belong to the access key",
}


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket. `url` leads to it: what follows are objects' names; `prefix` ends with a slash or is empty."""

    bucket: str
    prefix: str
    url: str
    region: str

    @classmethod
    def of(cls, location: str, endpoint: str, region: str) -> "S3Place":
        """From `s3://BUCKET/PREFIX`. Amazon's own buckets have a host each; a service of one's own is asked with the
        bucket in the path, but for an endpoint whose host begins with the bucket's name. Raises RecordingError."""
        bucket, _, prefix = location.removeprefix("s3://").rstrip("/").partition("/")
        if not _BUCKET.fullmatch(bucket) or (prefix and not is_name(prefix)):
            raise RecordingError(f"recordings.store: {location} is no bucket and prefix; write s3://BUCKET/PREFIX")
        place = endpoint.rstrip("/") or _amazon(bucket, region)
        address = urlsplit(place)
        if address.scheme not in ("http", "https") or not address.netloc:
            raise RecordingError(
                f"recordings.s3_endpoint: {endpoint} is not the URL of a service, as https://HOST:PORT"
            )
        url = place if address.netloc.startswith(f"{bucket}.") else f"{place}/{bucket}"
        return cls(bucket, f"{prefix}/" if prefix else "", url, region)

    @property
    def in_clear(self) -> bool:
        """Whether requests go without TLS: only to an endpoint that is configured so."""
        return self.url.startswith("http://")

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said. `code` is S3's word for an error, "" where there is none."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether it did what was asked."""
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """AccessDenied, NoSuchKey …"""
        return "" if self.ok else error_code(self.body)


class S3Requests:
    """Asks one bucket. Blocks, at most N_TRIES times REQUEST_TIMEOUT_S and the delays between."""

    def __init__(self, place: S3Place, credentials: Credentials, ca_certificate: Path | None) -> None:
        self._place = place
        self._credentials = credentials
        self._opener = _opener(ca_certificate)

    def ask(
        self,
        method: str,
        key: str = "",
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The service's answer, whatever it is. Raises StoreAwayError when there is none, or only failures."""
        url = urlsplit(f"{self._place.url}/{key}")
        request = Request(method, url.netloc, url.path, query or {}, headers or {}, body)
        problem = ""
        for n_try in range(N_TRIES):
            if n_try:
                time.sleep(RETRY_DELAY_S * 4 ** (n_try - 1))
            try:
                answer = self._send(request, url.scheme)
            except (OSError, HTTPException) as error:
                problem = str(getattr(error, "reason", error)) or type(error).__name__
                continue
            if answer.status < _OF_THE_SERVICE or answer.code in _FULL_CODES:
                return answer
            problem = f"it answers {answer.status} {answer.code}".strip()
        raise StoreAwayError(f"{self._place}: {method} of {key or 'the bucket'} failed {N_TRIES} times: {problem}")

    def _send(self, request: Request, scheme: str) -> Answer:
        headers = signed_headers(request, self._credentials, self._place.region, datetime.now(UTC))
        url = f"{scheme}://{request.host}{request.path}"
        if request.query:
            url += f"?{request.query_text()}"
        sent = UrlRequest(url, request.body or None, headers, method=request.method)  # noqa: S310 (http or https)
        try:
            with self._opener.open(sent, timeout=REQUEST_TIMEOUT_S) as response:
                return _answer(response.status, response.headers, response)
        except HTTPError as error:
            with error:
                return _answer(error.code, error.headers, error)


def explained(place: S3Place, doing: str, status: int, code: str) -> RecordingError:
    """What a refusal means, in words."""
    if code in _FULL_CODES:
        return StoreFullError(f"{place}: no room left for {doing} ({code}); make room there, it is tried again")
    meaning = _WORDS.get(code)
    said = f"{status} {code}".strip()
    if meaning is None and status < _OF_THE_SERVICE:
        return StoreFaultyError(f"{place}: {doing} is refused with {said}")
    return StoreAwayError(f"{place}: {doing} is refused ({said}): {meaning or 'the service failed'}")


class _NoRedirects(HTTPRedirectHandler):
    """A signature is for one host; an answer that sends us elsewhere is shown as it is."""

    def redirect_request(
        self, req: UrlRequest, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> None:
        return None


def _opener(ca_certificate: Path | None) -> OpenerDirector:
    context = ssl.create_default_context()
    if ca_certificate is not None:
        context.load_verify_locations(ca_certificate)
    return build_opener(HTTPSHandler(context=context), _NoRedirects)


def _answer(status: int, headers: Message, body: IO[bytes]) -> Answer:
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body.read(_MOST_BYTES))


def _amazon(bucket: str, region: str) -> str:
    """Amazon S3's address. Bucket names with dots do not match its certificates, so those go into the path."""
    host = f"s3.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")
    return f"https://{host}" if "." in bucket else f"https://{bucket}.{host}"
