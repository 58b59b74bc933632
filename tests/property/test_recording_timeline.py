"""Finalised audio is exactly what the intact records say, wherever the spool was cut."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recording.g711 import decode
from recording.spool import HEADER_BYTES, RecordKind, SpoolCodec, SpoolRecord, encode_header, encode_record
from recording.vault import Ingest
from tests.support.vaults import samples_in, vault_in

STARTED = datetime(2026, 11, 22, tzinfo=UTC)

slots = st.lists(
    st.tuples(
        st.integers(0, 1), st.integers(0, 60), st.sampled_from(SpoolCodec), st.binary(min_size=160, max_size=160)
    ),
    max_size=20,
    unique_by=lambda slot: (slot[0], slot[1]),
)


@settings(max_examples=60, deadline=None)
@given(slots, st.data())
def test_a_cut_spool_gives_the_audio_of_its_whole_records(
    items: list[tuple[int, int, SpoolCodec, bytes]], data: st.DataObject
) -> None:
    records = [
        SpoolRecord(RecordKind.AUDIO, channel, at * 160, payload, codec) for channel, at, codec, payload in items
    ]
    encoded = [encode_record(record) for record in records]
    whole = encode_header(STARTED) + b"".join(encoded)
    cut = data.draw(st.integers(HEADER_BYTES, len(whole)))
    kept, size = [], HEADER_BYTES
    for record, raw in zip(records, encoded, strict=True):
        size += len(raw)
        if size > cut:
            break
        kept.append(record)
    with tempfile.TemporaryDirectory() as directory:
        spool = Path(directory) / "a.spool"
        spool.write_bytes(whole[:cut])
        vault = vault_in(Path(directory)).open()
        result = vault.ingest(Ingest("a", (spool,)))
        pcm = samples_in(vault, result, result.key)
    expected = np.zeros((max((record.end for record in kept), default=1), 2), dtype=np.int16)
    for record in kept:
        expected[record.position : record.end, record.channel] = decode(record.payload, record.codec)
    assert (pcm == expected).all()
    assert result.truncated
