"""AWS Signature Version 4 of a request in its headers. Pure.

Amazon, "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)", S3 API reference. Needed
beside the S3 client for requests it does not know: retention, versions, unfinished uploads.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICE = "s3"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks. `token` belongs to credentials that expire."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """What is signed. `path` is as it goes over the wire, `headers` have lower-case names."""

    method: str
    host: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def query_text(self) -> str:
        """The query in canonical form, which is also how it is sent."""
        quoted = sorted((_quoted(name), _quoted(value)) for name, value in self.query.items())
        return "&".join(f"{name}={value}" for name, value in quoted)


def signed_headers(request: Request, credentials: Credentials, region: str, at: datetime) -> dict[str, str]:
    """All headers to send with a request, but for Host. `at` is UTC, no more than 15 minutes off the server's clock."""
    stamp = f"{at:%Y%m%dT%H%M%SZ}"
    headers = {
        **request.headers,
        "host": request.host,
        "x-amz-content-sha256": hashlib.sha256(request.body).hexdigest(),
        "x-amz-date": stamp,
    }
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(headers))
    scope = f"{at:%Y%m%d}/{region}/{_SERVICE}/aws4_request"
    text = "\n".join((_ALGORITHM, stamp, scope, _canonical_sha256(request, headers, names)))
    signature = _hmac(_signing_key(credentials.secret_key, scope), text).hex()
    said = f"Credential={credentials.access_key}/{scope},SignedHeaders={names},Signature={signature}"
    del headers["host"]
    return {**headers, "authorization": f"{_ALGORITHM} {said}"}


def _canonical_sha256(request: Request, headers: Mapping[str, str], names: str) -> str:
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    parts = (request.method, request.path, request.query_text(), lines, names, headers["x-amz-content-sha256"])
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _signing_key(secret_key: str, scope: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
