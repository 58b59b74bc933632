"""Parts of an answer whose length is known (RFC 9110 §14): one range at a time, which is all that players ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from dialer.api.problems import ApiError


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes from `begin` up to `end` of `size`."""

    begin: int
    end: int
    size: int
    status: HTTPStatus = HTTPStatus.OK

    @property
    def headers(self) -> dict[str, str]:
        """What says which part it is."""
        said = {"Accept-Ranges": "bytes", "Content-Length": str(self.end - self.begin)}
        if self.status is HTTPStatus.PARTIAL_CONTENT:
            said["Content-Range"] = f"bytes {self.begin}-{self.end - 1}/{self.size}"
        return said


def part_asked_for(headers: Mapping[str, str], size: int, etag: str) -> Part:
    """What the headers of a request ask for (ApiError 416); the whole where the range is none that can be given.

    A range of an older version (If-Range, RFC 9110 §13.1.5) is answered with the whole; so is what is not understood,
    and several ranges at once.
    """
    whole = Part(0, size, size)
    said = headers.get("Range", "")
    if not said.startswith("bytes=") or headers.get("If-Range", etag) != etag:
        return whole
    first, dash, last = said.removeprefix("bytes=").strip().partition("-")
    if not dash or not (first or last) or not all(text == "" or _is_number(text) for text in (first, last)):
        return whole
    begin = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if first and last and int(last) < begin:
        return whole
    if begin >= size or (not first and int(last) == 0):
        refusal = {"Content-Range": f"bytes */{size}"}
        raise ApiError(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, f"there are {size} bytes", headers=refusal)
    return Part(begin, end, size, HTTPStatus.PARTIAL_CONTENT)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18
