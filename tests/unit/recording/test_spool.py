"""The spool format, byte by byte, and what a reader does with a file that is not whole."""

import io
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recording.errors import SpoolError
from recording.spool import (
    HEADER_BYTES,
    MAX_POSITION,
    RecordKind,
    SpoolCodec,
    SpoolReader,
    SpoolRecord,
    SpoolWriter,
    encode_header,
    encode_record,
    ends_in_order,
    read_spool,
)

STARTED = datetime(2026, 11, 22, 3, 4, 5, 678901, tzinfo=UTC)
AUDIO = SpoolRecord(RecordKind.AUDIO, 1, 160, b"\xd5" * 160, SpoolCodec.PCMA)


def reading(data: bytes) -> tuple[list[SpoolRecord], SpoolReader]:
    reader = SpoolReader(io.BytesIO(data))
    return list(reader), reader


def test_header_has_the_bytes_of_the_format() -> None:
    header = encode_header(STARTED)
    started_us = int(STARTED.timestamp()) * 1_000_000 + 678901
    assert header[:28] == b"DLRSPOOL" + struct.pack("<HHIQI", 1, 32, 8000, started_us, 0)
    assert header[28:] == struct.pack("<I", zlib.crc32(header[:28]))
    assert SpoolReader(io.BytesIO(header)).header.started_at == STARTED


def test_record_has_the_bytes_of_the_format() -> None:
    record = encode_record(AUDIO)
    assert record[:12] == struct.pack("<HBBIHBB", 0x5AA5, 1, 1, 160, 160, 8, 0)
    assert record[12:-4] == AUDIO.payload
    assert record[-4:] == struct.pack("<I", zlib.crc32(record[:-4]))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.spool"
    with SpoolWriter.create(path, STARTED) as writer:
        writer.audio(0, 0, b"\xff" * 160, SpoolCodec.PCMU)
        writer.lost(0, 160, 320)
        writer.audio(1, 160, b"\xd5" * 160)
        writer.end(480)
    header, records, truncated = read_spool(path)
    assert header.started_at == STARTED
    assert [(r.kind, r.channel, r.position, r.end) for r in records] == [
        (RecordKind.AUDIO, 0, 0, 160),
        (RecordKind.LOST, 0, 160, 480),
        (RecordKind.AUDIO, 1, 160, 320),
        (RecordKind.END, 0, 480, 480),
    ]
    assert not truncated


def test_a_spool_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.spool"
    SpoolWriter.create(path, STARTED).close()
    with pytest.raises(FileExistsError):
        SpoolWriter.create(path, STARTED)


def test_flushed_records_are_in_the_file_before_it_is_closed(tmp_path: Path) -> None:
    with SpoolWriter.create(tmp_path / "a.spool", STARTED) as writer:
        writer.audio(0, 0, b"\xd5" * 160)
        writer.flush()
        assert len(read_spool(tmp_path / "a.spool")[1]) == 1


def test_whether_the_writer_is_done_shows_at_the_end_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.spool"
    end = encode_record(SpoolRecord(RecordKind.END, 0, 160))
    for data, is_done in (
        (b"", False),
        (encode_header(STARTED), False),
        (encode_header(STARTED) + encode_record(AUDIO), False),
        (encode_header(STARTED) + end, True),
        (encode_header(STARTED) + encode_record(AUDIO) + end, True),
        (encode_header(STARTED) + encode_record(AUDIO) + end[:-1], False),
        (encode_header(STARTED) + encode_record(AUDIO) + end[:-1] + b"?", False),
    ):
        path.write_bytes(data)
        assert ends_in_order(path) is is_done


@pytest.mark.parametrize("kept", [1, 11, 12, 100, 175])
def test_a_torn_last_record_is_dropped(kept: int) -> None:
    whole = encode_header(STARTED) + encode_record(AUDIO)
    records, reader = reading(whole + encode_record(AUDIO)[:kept])
    assert records == [AUDIO]
    assert reader.truncated
    assert reader.damaged_bytes == kept


def test_damage_inside_costs_one_record_only() -> None:
    data = bytearray(
        encode_header(STARTED) + encode_record(AUDIO) * 3 + encode_record(SpoolRecord(RecordKind.END, 0, 320))
    )
    data[HEADER_BYTES + 176 + 50] ^= 1
    records, reader = reading(bytes(data))
    assert [record.kind for record in records] == [RecordKind.AUDIO, RecordKind.AUDIO, RecordKind.END]
    assert reader.ended_in_order
    assert reader.truncated, "lost audio is never passed over in silence"
    assert reader.damaged_bytes == 176


def test_a_block_of_zeros_is_skipped() -> None:
    """What some file systems leave behind after a power cut."""
    records, reader = reading(encode_header(STARTED) + bytes(700_000) + encode_record(AUDIO))
    assert records == [AUDIO]
    assert reader.damaged_bytes == 700_000


@pytest.mark.parametrize(
    "fields",
    [
        (0x5AA5, 9, 0, 0, 0, 0, 0),  # a kind of a later version
        (0x5AA5, 1, 2, 0, 0, 8, 0),  # a third channel
        (0x5AA5, 1, 0, 0, 0, 3, 0),  # a codec we do not know
        (0x5AA5, 1, 0, MAX_POSITION + 1, 0, 8, 0),
        (0x5AA5, 2, 0, 0, 0, 0, 0),  # lost, without saying how much
    ],
)
def test_records_that_make_no_sense_are_not_taken(fields: tuple[int, ...]) -> None:
    body = struct.pack("<HBBIHBB", *fields)
    records, reader = reading(encode_header(STARTED) + body + struct.pack("<I", zlib.crc32(body)))
    assert records == []
    assert reader.damaged_bytes == 16


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "nothing was recorded"),
        (encode_header(STARTED)[:31], "nothing was recorded"),
        (b"RIFF" + bytes(60), "not a spool"),
        (encode_header(STARTED)[:20] + bytes(12), "header is damaged"),
    ],
)
def test_without_a_header_the_error_says_why(data: bytes, words: str) -> None:
    with pytest.raises(SpoolError, match=words):
        SpoolReader(io.BytesIO(data), "a.spool")


def test_a_later_version_is_refused_by_number() -> None:
    body = b"DLRSPOOL" + struct.pack("<HHIQI", 2, 32, 8000, 0, 0)
    with pytest.raises(SpoolError, match="version 2"):
        SpoolReader(io.BytesIO(body + struct.pack("<I", zlib.crc32(body))))


def test_a_start_beyond_the_calendar_is_refused() -> None:
    body = b"DLRSPOOL" + struct.pack("<HHIQI", 1, 32, 8000, 2**64 - 1, 0)
    with pytest.raises(SpoolError, match="start time"):
        SpoolReader(io.BytesIO(body + struct.pack("<I", zlib.crc32(body))))


@pytest.mark.parametrize(
    "record",
    [
        SpoolRecord(RecordKind.AUDIO, 2, 0, b"x"),
        SpoolRecord(RecordKind.AUDIO, 0, -1, b"x"),
        SpoolRecord(RecordKind.AUDIO, 0, MAX_POSITION, b"x"),
        SpoolRecord(RecordKind.AUDIO, 0, 0, bytes(0x10000)),
    ],
)
def test_what_does_not_fit_the_format_is_not_written(record: SpoolRecord) -> None:
    with pytest.raises(ValueError, match=r"channels|position|at most"):
        encode_record(record)
