"""The archive that is handed out while it is made: whole, given up in the middle, and of any content."""

import hashlib
import io
from datetime import UTC, datetime
from zipfile import BadZipFile, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.evidence.pack_zip import Member, ZipStream

AT = datetime(2026, 11, 23, 2, 0, 30, tzinfo=UTC)


@given(st.lists(st.lists(st.binary(max_size=200), max_size=4), max_size=4), st.booleans())
def test_what_goes_in_comes_out(members: list[list[bytes]], pressed: bool) -> None:
    made = b""
    with ZipStream(AT) as zipped:
        for number, pieces in enumerate(members):
            zipped.begin(f"folder/{number}", pressed=pressed)
            made += b"".join(zipped.write(piece) for piece in pieces) + zipped.end()
        made += zipped.close()
        contents = [b"".join(pieces) for pieces in members]
        sums = [hashlib.sha256(content).hexdigest() for content in contents]
        assert zipped.members == [Member(f"folder/{n}", len(content), sums[n]) for n, content in enumerate(contents)]
        assert zipped.sums().decode() == "".join(f"{sha256}  folder/{n}\n" for n, sha256 in enumerate(sums))
    with ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None
        assert [archive.read(f"folder/{n}") for n in range(len(members))] == contents


def test_a_program_may_be_run_and_is_dated() -> None:
    with ZipStream(AT) as zipped:
        made = zipped.whole("check.sh", b"#!/bin/sh\n", runs=True) + zipped.whole("CHECK.md", b"how") + zipped.close()
    with ZipFile(io.BytesIO(made)) as archive:
        infos = archive.infolist()
    assert [oct(info.external_attr >> 16) for info in infos] == ["0o100755", "0o100644"]
    assert {info.date_time for info in infos} == {(2026, 11, 23, 2, 0, 30)}


def test_only_what_was_written_last_is_held() -> None:
    with ZipStream(AT) as zipped:
        zipped.begin("audio", pressed=False)
        assert all(len(zipped.write(bytes(100_000))) < 101_000 for _ in range(5))
        zipped.end()
        zipped.close()


def test_one_that_was_given_up_is_no_archive() -> None:
    with ZipStream(AT) as zipped:
        made = zipped.whole("a", b"content")
        zipped.begin("b")
        made += zipped.write(b"more")
    with pytest.raises(BadZipFile):
        ZipFile(io.BytesIO(made))
