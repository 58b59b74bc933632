"""Whatever happens to a spool's bytes, the reader takes what is whole and invents nothing."""

import io
from datetime import UTC, datetime
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from recording.errors import SpoolError
from recording.spool import (
    HEADER_BYTES,
    RecordKind,
    SpoolCodec,
    SpoolReader,
    SpoolRecord,
    encode_header,
    encode_record,
)

STARTED = datetime(2026, 11, 22, tzinfo=UTC)

positions = st.integers(0, 1_000_000)
channels = st.integers(0, 1)
record_of = partial(SpoolRecord)
"""Of a bare named tuple Hypothesis makes up the fields that have defaults, too."""
records = st.one_of(
    st.builds(
        record_of,
        kind=st.just(RecordKind.AUDIO),
        channel=channels,
        position=positions,
        payload=st.binary(max_size=200),
        codec=st.sampled_from(SpoolCodec),
    ),
    st.builds(
        record_of,
        kind=st.just(RecordKind.LOST),
        channel=channels,
        position=positions,
        n_lost=st.integers(0, 10_000),
    ),
    st.builds(
        record_of,
        kind=st.sampled_from([RecordKind.END, RecordKind.PAUSED, RecordKind.RESUMED]),
        channel=st.just(0),
        position=positions,
    ),
)
spools = st.lists(records, max_size=12)


def as_bytes(items: list[SpoolRecord]) -> bytes:
    return encode_header(STARTED) + b"".join(encode_record(item) for item in items)


@given(spools)
def test_reading_gives_back_what_was_written(items: list[SpoolRecord]) -> None:
    reader = SpoolReader(io.BytesIO(as_bytes(items)))
    assert list(reader) == items
    assert reader.damaged_bytes == 0


@given(spools, st.data())
def test_any_prefix_gives_a_prefix_of_the_records(items: list[SpoolRecord], data: st.DataObject) -> None:
    whole = as_bytes(items)
    cut = data.draw(st.integers(HEADER_BYTES, len(whole)))
    reader = SpoolReader(io.BytesIO(whole[:cut]))
    read = list(reader)
    assert read == items[: len(read)]
    lengths = [len(encode_record(item)) for item in items]
    assert len(read) == max(n for n in range(len(items) + 1) if HEADER_BYTES + sum(lengths[:n]) <= cut)


@given(spools, st.data())
def test_a_changed_byte_never_yields_a_changed_record(items: list[SpoolRecord], data: st.DataObject) -> None:
    changed = bytearray(as_bytes(items))
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        reader = SpoolReader(io.BytesIO(bytes(changed)))
    except SpoolError:
        assert at < HEADER_BYTES
        return
    read = list(reader)
    assert len(read) == len(items) - 1
    assert reader.truncated
    remaining = iter(items)
    assert all(record in remaining for record in read), "in order, each one of those written"


@given(st.binary(max_size=2000))
def test_any_bytes_after_a_header_are_survived(tail: bytes) -> None:
    reader = SpoolReader(io.BytesIO(encode_header(STARTED) + tail))
    taken = sum(len(encode_record(record)) for record in reader)
    assert taken + reader.damaged_bytes == len(tail)
