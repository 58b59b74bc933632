"""A recording that went on in a second file is read as one, whatever is torn off where."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recording.errors import SpoolError
from recording.spool import HEADER_BYTES, RecordKind, SpoolRecord, SpoolWriter, encode_header, encode_record
from recording.spool_parts import SpoolParts, open_parts, parts_end_in_order, parts_of

STARTED = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
BLOCK = 1600
END = SpoolRecord(RecordKind.END, 0, 6 * BLOCK)


def block(number: int) -> SpoolRecord:
    return SpoolRecord(RecordKind.AUDIO, number % 2, number * BLOCK, bytes([number]) * BLOCK)


def part(continues_at: int, *records: SpoolRecord, tail: bytes = b"") -> bytes:
    return encode_header(STARTED, continues_at) + b"".join(encode_record(record) for record in records) + tail


SAFE = len(part(0, block(0), block(1)))
FIRST = part(0, block(0), block(1), block(2), tail=encode_record(block(3))[:100])
SECOND = part(SAFE, block(2), block(3), block(4), END)


def joined(*parts: bytes) -> tuple[list[SpoolRecord], SpoolParts]:
    reader = SpoolParts([io.BytesIO(data) for data in parts])
    return list(reader), reader


@pytest.mark.parametrize("parts", [(FIRST, SECOND), (SECOND, FIRST)])
def test_what_was_torn_in_the_first_is_whole_in_the_second(parts: tuple[bytes, bytes]) -> None:
    records, reader = joined(*parts)
    assert records == [block(number) for number in range(5)] + [END], "once each, though one stands in both"
    assert reader.header.started_at == STARTED
    assert not reader.truncated
    assert reader.damaged_bytes == 0


def test_one_part_is_read_as_a_spool_is() -> None:
    records, reader = joined(part(0, block(0), END))
    assert records == [block(0), END]
    assert not reader.truncated
    records, reader = joined(FIRST)
    assert records == [block(0), block(1), block(2)]
    assert (reader.truncated, reader.damaged_bytes) == (True, 100)


def test_nothing_of_the_first_is_given_up_when_the_second_was_cut_short() -> None:
    records, reader = joined(FIRST, encode_header(STARTED, SAFE))
    assert records == [block(0), block(1), block(2)]
    assert reader.truncated


@pytest.mark.parametrize(
    ("first", "n_missing"),
    [
        (part(0, block(0)), len(encode_record(block(1)))),  # the disk did not keep what it had promised
        (part(0, tail=bytes(SAFE - HEADER_BYTES)), SAFE - HEADER_BYTES),
        (b"", SAFE - HEADER_BYTES),
    ],
)
def test_what_is_missing_from_the_first_is_told(first: bytes, n_missing: int) -> None:
    records, reader = joined(first, SECOND)
    assert [record for record in records if record.position >= 2 * BLOCK] == [block(2), block(3), block(4), END]
    assert reader.ended_in_order
    assert (reader.truncated, reader.damaged_bytes) == (True, n_missing)


@pytest.mark.parametrize("first", [(), (b"",), (encode_header(STARTED)[:20],)])
def test_a_second_that_repeats_everything_is_whole_by_itself(first: tuple[bytes, ...]) -> None:
    records, reader = joined(*first, part(HEADER_BYTES, block(0), END))
    assert records == [block(0), END]
    assert not reader.truncated


def test_an_end_that_was_not_safe_is_given_once() -> None:
    records, reader = joined(part(0, block(0), END), part(HEADER_BYTES, block(0), END))
    assert records == [block(0), END]
    assert not reader.truncated


@pytest.mark.parametrize(
    "parts",
    [
        (part(0, block(0)), part(0, block(0))),
        (part(0, block(0)), encode_header(datetime(2026, 11, 23, tzinfo=UTC), 32)),
        (part(0), part(32), part(32)),
    ],
)
def test_files_of_two_recordings_are_not_mixed(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(SpoolError, match="not the parts of one recording"):
        joined(*parts)


@pytest.mark.parametrize("parts", [(), (b"",), (b"RIFF" + bytes(60), b"")])
def test_without_any_header_there_is_nothing_to_read(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(SpoolError):
        joined(*parts)


def test_the_parts_are_found_by_their_name(tmp_path: Path) -> None:
    directories = [tmp_path / "one", tmp_path / "two", tmp_path / "none"]
    for directory in directories[:2]:
        directory.mkdir()
    with SpoolWriter.create(directories[0] / "a.spool", STARTED) as first:
        first.audio(0, 0, bytes(160))
        first.paused(160)
    paths = parts_of("a.spool", directories)
    assert paths == (directories[0] / "a.spool",)
    assert not parts_end_in_order(paths)
    with SpoolWriter.create(directories[1] / "a.spool", STARTED, paths[0].stat().st_size) as second:
        second.resumed(800)
        second.end(960)
    paths = parts_of("a.spool", directories)
    assert len(paths) == 2
    assert parts_end_in_order(paths)
    with open_parts(paths) as reader:
        kinds = [record.kind for record in reader]
    assert kinds == [RecordKind.AUDIO, RecordKind.PAUSED, RecordKind.RESUMED, RecordKind.END]
    assert not reader.truncated
