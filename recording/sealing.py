"""Sealed objects: what lies in the store, encrypted in chunks so that any part can be read, and trusted, by itself.

    header   "DLRSEALD" · u16 version=1 · u16 header_bytes=24 · u32 chunk_bytes=65536 · 8 bytes nonce prefix, random
    chunk    the next 64 KiB of the content (the last one: what is left) under AES-256-GCM, then its 16-byte tag

Little-endian. The key of an object is HKDF-SHA-256 (RFC 5869, no salt) of the recording's key, its info the purpose and
the object's id, so that one recording's audio and waveform never share a key. A chunk's nonce is the prefix, then its
index (u32, big-endian): under one key none comes twice (NIST SP 800-38D §8.2.1). Its associated data are the header,
its index (u32), a byte that is 1 for the last chunk and 0 for any other, and the object's id (UTF-8): this is STREAM
(Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015) with each chunk's place in its associated data. A chunk that was
changed, moved, taken from another object, or is the last one of a file cut short does not open.
"""

import io
import os
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from recording.errors import SealBrokenError
from recording.keys import KEY_BYTES

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

MAGIC = b"DLRSEALD"
VERSION = 1
CHUNK_BYTES = 1 << 16
TAG_BYTES = 16
SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES
MAX_FETCH_CHUNKS = 16
"""A longer range is fetched in pieces of a megabyte, so that memory does not grow with what is asked for."""
_PREFIX_BYTES = 8
_HEADER = struct.Struct(f"<8sHHI{_PREFIX_BYTES}s")
HEADER_BYTES = _HEADER.size
_PLACE = struct.Struct("<I?")
_INDEX = struct.Struct(">I")
_PURPOSE = b"sealed object 1\0"

ReadAt = Callable[[int, int], bytes]
"""Takes an offset and a number of bytes; gives that part of the sealed object, less only where it ends."""


class _Chunks:
    """Seals and opens the chunks of one object."""

    def __init__(self, key: bytes, object_id: str, header: bytes) -> None:
        info = _PURPOSE + object_id.encode()
        self._aead = AESGCM(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key))
        self._header = header
        self._id = object_id.encode()

    def seal(self, index: int, content: bytearray, *, is_last: bool) -> bytes:
        return self._aead.encrypt(self._nonce(index), content, self._place(index, is_last))

    def open(self, index: int, sealed: memoryview, *, is_last: bool) -> bytes:
        """Raises InvalidTag."""
        return self._aead.decrypt(self._nonce(index), sealed, self._place(index, is_last))

    def _nonce(self, index: int) -> bytes:
        return self._header[-_PREFIX_BYTES:] + _INDEX.pack(index)

    def _place(self, index: int, is_last: bool) -> bytes:
        return self._header + _PLACE.pack(index, is_last) + self._id


class SealWriter:
    """Seals what is written to it into `stream`, which is empty and can seek; call `finish`. Memory: two chunks.

    Encoders come back to the beginning of their file when they know how it ends, so the first chunk stays in memory
    until `finish`, and what lies in it may be written over. A chunk is sealed once more is written after it.
    """

    def __init__(self, stream: BinaryIO, key: bytes, object_id: str) -> None:
        header = _HEADER.pack(MAGIC, VERSION, HEADER_BYTES, CHUNK_BYTES, os.urandom(_PREFIX_BYTES))
        self._stream = stream
        self._chunks = _Chunks(key, object_id, header)
        self._first = bytearray()
        self._open = bytearray()
        self._index = 0
        self._at = 0
        self.size = 0
        """Bytes of content so far."""
        stream.write(header)

    def write(self, data: "ReadableBuffer") -> int:
        """Takes the next bytes, or others for bytes of the first chunk. Raises OSError."""
        content = memoryview(data).cast("B")
        if self._at < self.size:
            self._write_over(content)
        else:
            self._append(content)
        self._at += len(content)
        return len(content)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Where the next bytes go."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        if not 0 <= base + offset <= self.size:
            raise OSError(f"byte {base + offset} is outside of what was written")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Where the next bytes go, counted from the beginning of the content."""
        return self._at

    def finish(self) -> None:
        """Seals what was held back; nothing is written after it. Raises OSError."""
        if self._index:
            self._stream.write(self._chunks.seal(self._index, self._open, is_last=True))
            self._stream.seek(HEADER_BYTES)
        self._stream.write(self._chunks.seal(0, self._first, is_last=not self._index))
        self._stream.flush()

    def _write_over(self, content: memoryview) -> None:
        end = self._at + len(content)
        if end > len(self._first):
            raise OSError(f"bytes {self._at} to {end} are sealed already")
        self._first[self._at : end] = content

    def _append(self, content: memoryview) -> None:
        if self._index and len(self._open) + len(content) <= CHUNK_BYTES:  # an encoder writes in small pieces
            self._open += content
            self.size += len(content)
            return
        while content:
            chunk = self._chunk_with_room()
            room = CHUNK_BYTES - len(chunk)
            chunk += content[:room]
            self.size += min(room, len(content))
            content = content[room:]

    def _chunk_with_room(self) -> bytearray:
        if len(self._first) < CHUNK_BYTES:
            return self._first
        if self._index == 0:
            self._index = 1
            self._stream.seek(HEADER_BYTES + SEALED_CHUNK_BYTES)
        elif len(self._open) == CHUNK_BYTES:
            self._stream.write(self._chunks.seal(self._index, self._open, is_last=False))
            self._index += 1
            self._open = bytearray()
        return self._open


class SealedReader:
    """Reads any range of a sealed object's content by opening the chunks it touches. Not for two threads at once.

    The last chunk is opened first: it alone proves where the object ends, so `size` can be trusted from the start.
    """

    def __init__(self, read_at: ReadAt, sealed_bytes: int, key: bytes, object_id: str) -> None:
        """Raises SealBrokenError when this is no sealed object, or not the one of that id, key and length."""
        self._read_at = read_at
        self._sealed_bytes = sealed_bytes
        self._object_id = object_id
        self._n_chunks = -(-(sealed_bytes - HEADER_BYTES) // SEALED_CHUNK_BYTES)
        self.size = sealed_bytes - HEADER_BYTES - self._n_chunks * TAG_BYTES
        """Bytes of content."""
        self._kept: tuple[int, bytes] | None = None
        self._chunks = _Chunks(key, object_id, self._checked_header())
        self._one(self._n_chunks - 1)

    def read(self, offset: int, n: int) -> bytes:
        """`n` bytes of the content from `offset`, fewer where it ends. Raises SealBrokenError."""
        end = min(offset + n, self.size)
        if offset < 0 or offset >= end:
            return b""
        first, last = offset // CHUNK_BYTES, (end - 1) // CHUNK_BYTES
        begin = first * CHUNK_BYTES
        if first == last:
            return self._one(first)[offset - begin : end - begin]
        pieces: list[bytes] = []
        for index in range(first, last + 1, MAX_FETCH_CHUNKS):
            pieces += self._several(index, min(MAX_FETCH_CHUNKS, last + 1 - index))
        self._kept = (last, pieces[-1])
        pieces[-1] = pieces[-1][: end - last * CHUNK_BYTES]
        pieces[0] = pieces[0][offset - begin :]
        return b"".join(pieces)

    def _checked_header(self) -> bytes:
        header = self._read_at(0, HEADER_BYTES)
        if len(header) < HEADER_BYTES or self._n_chunks < 1 or self.size < 0:
            raise SealBrokenError(
                f"{self._object_id}: chunk 0: {self._sealed_bytes} bytes are no sealed object; it was cut"
            )
        magic, version, header_bytes, chunk_bytes, _ = _HEADER.unpack(header)
        if magic != MAGIC:
            raise SealBrokenError(f"{self._object_id}: chunk 0: the header is not a sealed object's; it was altered")
        if (version, header_bytes, chunk_bytes) != (VERSION, HEADER_BYTES, CHUNK_BYTES):
            raise SealBrokenError(
                f"{self._object_id}: chunk 0: sealed by version {version} in chunks of {chunk_bytes} bytes; this "
                f"program reads version {VERSION} in chunks of {CHUNK_BYTES}"
            )
        return header

    def _one(self, index: int) -> bytes:
        """A chunk's content; the last one opened is kept, for a caller that reads on in small steps."""
        if self._kept is None or self._kept[0] != index:
            self._kept = (index, self._several(index, 1)[0])
        return self._kept[1]

    def _several(self, first: int, n_chunks: int) -> list[bytes]:
        begin = HEADER_BYTES + first * SEALED_CHUNK_BYTES
        n_bytes = min(n_chunks * SEALED_CHUNK_BYTES, self._sealed_bytes - begin)
        sealed = memoryview(self._read_at(begin, n_bytes))
        starts = range(0, n_chunks * SEALED_CHUNK_BYTES, SEALED_CHUNK_BYTES)
        return [self._opened(first + n, sealed[at : at + SEALED_CHUNK_BYTES]) for n, at in enumerate(starts)]

    def _opened(self, index: int, sealed: memoryview) -> bytes:
        try:
            return self._chunks.open(index, sealed, is_last=index == self._n_chunks - 1)
        except (InvalidTag, ValueError) as error:  # altered, or too short to be a chunk
            raise SealBrokenError(
                f"{self._object_id}: chunk {index} of {self._n_chunks} does not open: the object was altered, cut or "
                "exchanged since it was sealed; restore it from a copy of the store"
            ) from error


class SealedFile(io.RawIOBase):
    """A sealed object's content as a file that can seek, for what reads files."""

    def __init__(self, reader: SealedReader) -> None:
        super().__init__()
        self._reader = reader
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._reader.size}[whence]
        if base + offset < 0:
            raise OSError(f"byte {base + offset} is before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Raises SealBrokenError."""
        target = memoryview(buffer).cast("B")
        content = self._reader.read(self._at, len(target))
        target[: len(content)] = content
        self._at += len(content)
        return len(content)
