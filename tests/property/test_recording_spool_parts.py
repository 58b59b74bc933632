"""A recording in two files: whatever happens to the first after what counts of it, nothing is missing or told twice."""

import io
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from recording.errors import SpoolError
from recording.spool import HEADER_BYTES, RecordKind, SpoolRecord, encode_header, encode_record
from recording.spool_parts import SpoolParts

STARTED = datetime(2026, 11, 22, tzinfo=UTC)


def as_records(lengths: list[int]) -> list[SpoolRecord]:
    """Audio of both channels in turn, none like the other, and the end."""
    blocks = [
        SpoolRecord(RecordKind.AUDIO, index % 2, 2000 * index, bytes([index]) * length)
        for index, length in enumerate(lengths)
    ]
    return [*blocks, SpoolRecord(RecordKind.END, 0, 2000 * len(lengths))]


def as_bytes(records: list[SpoolRecord], continues_at: int = 0) -> bytes:
    return encode_header(STARTED, continues_at) + b"".join(map(encode_record, records))


def joined(*parts: bytes) -> tuple[list[SpoolRecord], SpoolParts]:
    reader = SpoolParts([io.BytesIO(part) for part in parts])
    return sorted(reader, key=lambda record: record.position), reader


recordings = st.lists(st.integers(1, 1600), min_size=1, max_size=12).map(as_records)


@given(recordings, st.data())
def test_damage_after_what_counts_costs_nothing(records: list[SpoolRecord], data: st.DataObject) -> None:
    n_safe = data.draw(st.integers(0, len(records)))
    safe = len(as_bytes(records[:n_safe]))
    first = bytearray(as_bytes(records[: data.draw(st.integers(n_safe, len(records)))]))
    if len(first) > safe:
        for at in data.draw(st.lists(st.integers(safe, len(first) - 1), max_size=4)):
            first[at] ^= 0xFF
        del first[data.draw(st.integers(safe, len(first))) :]
    read, reader = joined(bytes(first), as_bytes(records[n_safe:], safe))
    assert read == records
    assert not reader.truncated


@given(recordings, st.data())
def test_any_two_prefixes_give_a_part_of_the_recording(records: list[SpoolRecord], data: st.DataObject) -> None:
    n_safe = data.draw(st.integers(0, len(records)))
    whole, safe = as_bytes(records), len(as_bytes(records[:n_safe]))
    second = as_bytes(records[n_safe:], safe)
    first = whole[: data.draw(st.integers(0, len(whole)))]
    second = second[: data.draw(st.integers(0, len(second)))]
    try:
        read, reader = joined(first, second)
    except SpoolError:
        assert len(first) < HEADER_BYTES
        assert len(second) < HEADER_BYTES
        return
    remaining = iter(records)
    assert all(record in remaining for record in read), "in order, each one of those written, once"
    if not reader.truncated:
        assert read == records
