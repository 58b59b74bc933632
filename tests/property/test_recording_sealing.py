"""Sealed objects: any range is the content's, and whatever was done to the object is found."""

import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recording.errors import SealBrokenError
from recording.sealing import (
    CHUNK_BYTES,
    HEADER_BYTES,
    SEALED_CHUNK_BYTES,
    SealedFile,
    SealedReader,
    SealWriter,
)

KEY = bytes(range(32))
CONTENT = os.urandom(4 * CHUNK_BYTES)
AROUND_CHUNKS = st.builds(lambda n, d: max(0, n * CHUNK_BYTES + d), st.integers(0, 3), st.integers(-3, 3))
LENGTHS = st.one_of(AROUND_CHUNKS, st.integers(0, 3 * CHUNK_BYTES))


def sealed_of(content: bytes, steps: int = 50_000, object_id: str = "a-1", key: bytes = KEY) -> bytes:
    stream = io.BytesIO()
    writer = SealWriter(stream, key, object_id)
    for at in range(0, len(content), steps):
        writer.write(content[at : at + steps])
    writer.finish()
    return stream.getvalue()


def reader_of(sealed: bytes, object_id: str = "a-1", key: bytes = KEY) -> SealedReader:
    return SealedReader(lambda offset, n: sealed[offset : offset + n], len(sealed), key, object_id)


def read_all(sealed: bytes, object_id: str = "a-1", key: bytes = KEY) -> bytes:
    reader = reader_of(sealed, object_id, key)
    return reader.read(0, reader.size)


@settings(max_examples=50, deadline=None)
@given(LENGTHS, st.integers(1000, 3 * CHUNK_BYTES), LENGTHS, LENGTHS)
def test_any_range_is_the_contents(length: int, steps: int, offset: int, n: int) -> None:
    content = CONTENT[:length]
    reader = reader_of(sealed_of(content, steps))
    assert reader.size == length
    assert reader.read(offset, n) == content[offset : offset + n]
    assert reader.read(0, length + 1) == content


@settings(max_examples=60, deadline=None)
@given(LENGTHS, st.data())
def test_a_changed_byte_is_found(length: int, data: st.DataObject) -> None:
    sealed = bytearray(sealed_of(CONTENT[:length]))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealBrokenError, match="a-1: chunk"):
        read_all(bytes(sealed))


@settings(max_examples=60, deadline=None)
@given(LENGTHS, st.data())
def test_a_cut_or_longer_object_does_not_even_open(length: int, data: st.DataObject) -> None:
    """Also a cut between two chunks, where everything that is left is whole."""
    sealed = sealed_of(CONTENT[:length])
    whole_chunks = [HEADER_BYTES + n * SEALED_CHUNK_BYTES for n in range(4)]
    cuts = st.one_of(st.integers(0, len(sealed) - 1), st.sampled_from([n for n in whole_chunks if n < len(sealed)]))
    for other in (sealed[: data.draw(cuts)], sealed + data.draw(st.binary(min_size=1, max_size=20))):
        with pytest.raises(SealBrokenError):
            reader_of(other)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(4)))
def test_chunks_in_another_order_are_found(order: list[int]) -> None:
    sealed = sealed_of(CONTENT)
    chunks = [sealed[HEADER_BYTES + n * SEALED_CHUNK_BYTES :][:SEALED_CHUNK_BYTES] for n in order]
    mixed = sealed[:HEADER_BYTES] + b"".join(chunks)
    if order == sorted(order):
        assert read_all(mixed) == CONTENT
    else:
        with pytest.raises(SealBrokenError):
            read_all(mixed)


def test_a_chunk_of_another_object_is_found() -> None:
    """The same key and id, the same content, sealed twice: not even then does one pass for the other."""
    first, second = sealed_of(CONTENT), sealed_of(CONTENT)
    chunk_1 = slice(HEADER_BYTES + SEALED_CHUNK_BYTES, HEADER_BYTES + 2 * SEALED_CHUNK_BYTES)
    mixed = first[: chunk_1.start] + second[chunk_1] + first[chunk_1.stop :]
    reader = reader_of(mixed)
    assert reader.read(0, CHUNK_BYTES) == CONTENT[:CHUNK_BYTES]
    with pytest.raises(SealBrokenError, match="a-1: chunk 1 of 4 does not open"):
        reader.read(CHUNK_BYTES, 1)


@pytest.mark.parametrize(("object_id", "key"), [("a-2", KEY), ("a-1/peaks", KEY), ("a-1", bytes(32))])
def test_another_id_or_key_opens_nothing(object_id: str, key: bytes) -> None:
    with pytest.raises(SealBrokenError):
        reader_of(sealed_of(b"audio"), object_id, key)


@settings(max_examples=30, deadline=None)
@given(LENGTHS, st.integers(0, 100), st.binary(max_size=100))
def test_the_beginning_may_be_written_over_until_the_end(length: int, at: int, replacement: bytes) -> None:
    content = bytearray(CONTENT[: length + 200])
    stream = io.BytesIO()
    writer = SealWriter(stream, KEY, "a-1")
    writer.write(content)
    assert writer.seek(at) == writer.tell() == at
    writer.write(replacement)
    content[at : at + len(replacement)] = replacement
    assert writer.seek(0, os.SEEK_END) == len(content)
    writer.write(b"more")
    writer.finish()
    assert read_all(stream.getvalue()) == bytes(content) + b"more"


def test_what_is_sealed_already_is_not_written_over() -> None:
    writer = SealWriter(io.BytesIO(), KEY, "a-1")
    writer.write(CONTENT)
    writer.seek(CHUNK_BYTES - 1)
    with pytest.raises(OSError, match="sealed already"):
        writer.write(b"ab")
    with pytest.raises(OSError, match="outside"):
        writer.seek(1, os.SEEK_END)


def test_a_sealed_object_reads_as_a_file() -> None:
    file = io.BufferedReader(SealedFile(reader_of(sealed_of(CONTENT))), 1000)
    assert file.seek(-10, os.SEEK_END) == len(CONTENT) - 10
    assert file.read() == CONTENT[-10:]
    assert file.seek(CHUNK_BYTES - 5) == file.tell()
    assert file.read(10) == CONTENT[CHUNK_BYTES - 5 :][:10]
    with pytest.raises(OSError, match="before the beginning"):
        file.raw.seek(-1)
