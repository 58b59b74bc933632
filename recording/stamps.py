"""Time stamps (RFC 3161): what a time-stamping authority is asked, and whether its answer holds. Opens no connection.

The authority signs the hash of what it is sent together with its own time, so an answer proves that this very text was
there at that instant, whatever the clock of the node said, and whoever came to own its key later. It is checked as of
the instant it names (RFC 3161 appendix B): that the authority's certificate ends later takes nothing away.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, VerifierBuilder, decode_timestamp_response
from rfc3161_client.tsp import PKIStatus

from recording.errors import RecordingError

QUERY_TYPE = "application/timestamp-query"  # RFC 3161 §3.4
REPLY_TYPE = "application/timestamp-reply"
_GRANTED = (PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS)
_OPENSSL_REASON = re.compile('"Verify error: ([^"]+)"')
_CERTIFICATES = 0xA0  # RFC 5652 §5.1: certificates [0] IMPLICIT


class StampError(RecordingError):
    """A time stamp does not hold."""


@dataclass(frozen=True, slots=True)
class Query:
    """A request as it is sent (DER), and the number that its answer must repeat."""

    body: bytes
    nonce: int


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a valid time stamp says: when by the authority's clock, and the stamp's own number."""

    at: datetime
    serial: int


def make_query(data: bytes) -> Query:
    """Asks for a stamp over the SHA-256 of `data`, with the authority's certificate in it."""
    request = TimestampRequestBuilder(data, HashAlgorithm.SHA256, nonce=True, cert_req=True).build()
    if request.nonce is None:
        raise StampError("the request has no nonce")
    return Query(request.as_bytes(), request.nonce)


def check_stamp(answer: bytes, data: bytes, trusted: Sequence[Certificate], nonce: int | None = None) -> Stamp:
    """What an answer (DER) proves about `data`. `trusted` are the authority's root and whatever it may lack between.

    Raises StampError: it is no stamp, not over this, not of a trusted authority, or, with `nonce`, not to this request.
    """
    try:
        response = decode_timestamp_response(_in_order(answer))
    except ValueError as error:
        raise StampError("what the authority answered is not a time stamp") from error
    if response.status not in _GRANTED:
        said = ", ".join(response.status_string) or f"status {response.status}"
        raise StampError(f"the authority refused to stamp: {said}")
    try:
        verifier = VerifierBuilder(roots=list(trusted), nonce=nonce).build()
        verifier.verify(response, hashlib.sha256(data).digest())
        return Stamp(response.tst_info.gen_time, response.tst_info.serial_number)
    except Exception as error:  # what the parsers below raise of damaged certificates has no common class
        reason = _OPENSSL_REASON.search(str(error))
        raise StampError(f"the time stamp does not hold: {error if reason is None else reason[1]}") from error


def read_certificates(path: Path) -> tuple[Certificate, ...]:
    """The certificates of a PEM file. Raises StampError."""
    try:
        return tuple(load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise StampError(f"{path}: not a PEM file with certificates: {error}") from error


# ---- DER


def _in_order(answer: bytes) -> bytes:
    """The answer with its certificates sorted, as DER wants a SET (X.690 §11.6).

    Authorities made with OpenSSL send them in the order of their chain, which a strict reader refuses. The order is
    under no signature. What cannot be followed is left as it is.
    """
    try:
        response = _value(answer, 0)
        *_, token = _elements(answer, *response)
        *_, content = _elements(answer, *_value(answer, token[0]))
        signed_data = _value(answer, _value(answer, content[0])[0])
        for start, _ in _elements(answer, *signed_data):
            if answer[start] == _CERTIFICATES:
                first, last = _value(answer, start)
                ordered = sorted(answer[begin:end] for begin, end in _elements(answer, first, last))
                return answer[:first] + b"".join(ordered) + answer[last:]
    except (IndexError, ValueError):
        pass
    return answer


def _elements(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the elements between two places begin and end."""
    while start < end:
        _, after = _value(data, start)
        yield start, after
        start = after


def _value(data: bytes, start: int) -> tuple[int, int]:
    """Where the content of the element at `start` begins and ends (X.690 §8.1.3); IndexError, ValueError."""
    length = data[start + 1]
    begin = start + 2
    if length & 0x80:
        n_bytes = length & 0x7F
        length = int.from_bytes(data[begin : begin + n_bytes], "big")
        begin += n_bytes
    if begin + length > len(data):
        raise ValueError("an element is longer than what is there")
    return begin, begin + length
