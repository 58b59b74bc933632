"""Parts of an answer: what a Range asks for, and what is answered with the whole (RFC 9110 §14)."""

from http import HTTPStatus

import pytest

from dialer.api.problems import ApiError
from dialer.api.ranges import Part, part_asked_for

SIZE = 1000
ETAG = '"abc"'
WHOLE = Part(0, SIZE, SIZE)


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-", 0, SIZE),
        ("bytes=0-0", 0, 1),
        ("bytes=999-999", 999, 1000),
        ("bytes=500-9999", 500, 1000),  # more than there is
        ("bytes=-1", 999, 1000),
        ("bytes=-5000", 0, 1000),  # a longer end than there is
        ("bytes= 3-4", 3, 5),
    ],
)
def test_a_part(asked: str, begin: int, end: int) -> None:
    part = part_asked_for({"Range": asked}, SIZE, ETAG)
    assert part == Part(begin, end, SIZE, HTTPStatus.PARTIAL_CONTENT)
    assert part.headers["Content-Range"] == f"bytes {begin}-{end - 1}/1000"
    assert part.headers["Content-Length"] == str(end - begin)


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "bytes=",
        "bytes=-",
        "bytes=5",
        "bytes=5-4",
        "bytes=0-1,5-6",
        "bytes=a-b",
        "items=0-1",
        "bytes=²-3",
        "bytes=--1",
    ],
)
def test_what_is_no_part_is_answered_with_the_whole(asked: str) -> None:
    assert part_asked_for({"Range": asked} if asked else {}, SIZE, ETAG) == WHOLE
    assert "Content-Range" not in WHOLE.headers


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=1000-2000", "bytes=-0"])
def test_a_part_that_is_not_there(asked: str) -> None:
    with pytest.raises(ApiError) as refused:
        part_asked_for({"Range": asked}, SIZE, ETAG)
    assert refused.value.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    assert refused.value.headers == {"Content-Range": "bytes */1000"}


def test_a_part_of_another_version() -> None:
    asked = {"Range": "bytes=0-1"}
    assert part_asked_for(asked | {"If-Range": '"old"'}, SIZE, ETAG) == WHOLE
    assert part_asked_for(asked | {"If-Range": ETAG}, SIZE, ETAG).end == 2
