"""The spool: the append-only file a recording is written to while the call lasts.

Written by the media engine (and, in tests and simulations, by `SpoolWriter`), read when the recording is finalised. The
format is made for a writer that may be killed at any byte: every record carries its own CRC-32, and a reader takes
whatever is whole. Little-endian throughout:

    header   "DLRSPOOL" · u16 version · u16 length · u32 rate_hz · u64 started, in Unix µs · u32 continues_at · u32 CRC
    record   u16 sync · u8 kind · u8 channel · u32 position · u16 length · u8 codec · u8 flags · payload · u32 CRC

A damaged stretch costs what it holds and no more: the reader searches for the next record whose CRC is right.
A recording whose disk failed goes on in a second file; `recording.spool_parts` reads the two as one.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from recording.errors import SpoolError

MAGIC = b"DLRSPOOL"
VERSION = 1
RATE_HZ = 8000
SYNC = b"\xa5\x5a"
"""0x5AA5, little-endian."""
CHANNELS = 2
MAX_POSITION = 24 * 3600 * RATE_HZ
"""Records beyond one day of audio are damage, not sound: they would only fill the disk with silence."""

_HEADER = struct.Struct("<8sHHIQI")
_RECORD = struct.Struct("<2sBBIHBB")
_CRC = struct.Struct("<I")
_LOST = struct.Struct("<I")
HEADER_BYTES = _HEADER.size + _CRC.size
RECORD_OVERHEAD_BYTES = _RECORD.size + _CRC.size
MAX_PAYLOAD_BYTES = 0xFFFF
_READ_BYTES = 1 << 18
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RecordKind(IntEnum):
    """What a record says."""

    AUDIO = 1
    LOST = 2
    END = 3
    PAUSED = 4
    """From this position on neither channel is written, until RESUMED or the end: for what nobody may keep."""
    RESUMED = 5


class SpoolCodec(IntEnum):
    """G.711 as on the wire; the numbers are the static RTP payload types (RFC 3551 §6)."""

    PCMU = 0
    PCMA = 8


_CODECS = {codec.value: codec for codec in SpoolCodec}


@dataclass(frozen=True, slots=True)
class SpoolHeader:
    """When the recording started (aware, UTC) and its sample rate.

    `continues_at` is 0 in the file a recording begins in. In the file it went on in, it is the length in bytes up to
    which the first one counts, its header included: what follows there was not known to be safe and is repeated here.
    """

    started_at: datetime
    rate_hz: int = RATE_HZ
    continues_at: int = 0


class SpoolRecord(NamedTuple):
    """One intact record. `position` counts samples since the start; `n_lost` is set for LOST, `payload` for AUDIO."""

    kind: RecordKind
    channel: int
    position: int
    payload: bytes = b""
    codec: SpoolCodec = SpoolCodec.PCMA
    n_lost: int = 0

    @property
    def end(self) -> int:
        """The position after this record's last sample."""
        return self.position + len(self.payload) + self.n_lost

    @property
    def encoded_bytes(self) -> int:
        """How much of a spool this record takes."""
        return RECORD_OVERHEAD_BYTES + (_LOST.size if self.kind is RecordKind.LOST else len(self.payload))


def encode_header(started_at: datetime, continues_at: int = 0) -> bytes:
    """The 32 bytes a spool begins with; `started_at` must be aware."""
    started_us = (started_at - _EPOCH) // timedelta(microseconds=1)
    body = _HEADER.pack(MAGIC, VERSION, HEADER_BYTES, RATE_HZ, started_us, continues_at)
    return body + _CRC.pack(zlib.crc32(body))


def encode_record(record: SpoolRecord) -> bytes:
    """One record as bytes. Raises ValueError when a field does not fit its place in the format."""
    if record.channel not in range(CHANNELS):
        raise ValueError(f"a spool has channels 0 and 1, not {record.channel}")
    if record.end > MAX_POSITION or record.position < 0:
        raise ValueError(f"position {record.position} is outside a recording")
    payload = _LOST.pack(record.n_lost) if record.kind is RecordKind.LOST else record.payload
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a record holds at most {MAX_PAYLOAD_BYTES} bytes, not {len(payload)}")
    codec = record.codec if record.kind is RecordKind.AUDIO else 0
    body = _RECORD.pack(SYNC, record.kind, record.channel, record.position, len(payload), codec, 0) + payload
    return body + _CRC.pack(zlib.crc32(body))


class SpoolWriter:
    """Writes a spool; the Python twin of the media engine's writer. `with` closes the file without an end record."""

    def __init__(self, stream: BinaryIO, started_at: datetime, continues_at: int = 0) -> None:
        self._stream = stream
        self._stream.write(encode_header(started_at, continues_at))

    @classmethod
    def create(cls, path: Path, started_at: datetime, continues_at: int = 0) -> Self:
        """Opens a new file, never an existing one (FileExistsError): a recording is not written over."""
        stream = path.open("xb")
        try:
            return cls(stream, started_at, continues_at)
        except BaseException:
            stream.close()
            raise

    def audio(self, channel: int, position: int, payload: bytes, codec: SpoolCodec = SpoolCodec.PCMA) -> None:
        """G.711 bytes, one a sample; channel 0 is the far end, 1 what we send it."""
        self._stream.write(encode_record(SpoolRecord(RecordKind.AUDIO, channel, position, payload, codec)))

    def lost(self, channel: int, position: int, n_samples: int) -> None:
        """Samples that the network lost."""
        self._stream.write(encode_record(SpoolRecord(RecordKind.LOST, channel, position, n_lost=n_samples)))

    def paused(self, position: int) -> None:
        """Nothing of either channel is written from `position` on."""
        self._stream.write(encode_record(SpoolRecord(RecordKind.PAUSED, 0, position)))

    def resumed(self, position: int) -> None:
        """The recording goes on at `position`."""
        self._stream.write(encode_record(SpoolRecord(RecordKind.RESUMED, 0, position)))

    def end(self, position: int) -> None:
        """The recording was stopped in order; `position` is its length in samples."""
        self._stream.write(encode_record(SpoolRecord(RecordKind.END, 0, position)))

    def flush(self) -> None:
        """Hands everything to the kernel: what was flushed survives a kill of this process."""
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class SpoolReader:
    """Reads a spool record by record with flat memory. Iterate once; then `truncated` and `damaged_bytes` are final."""

    def __init__(self, stream: BinaryIO, name: str = "spool") -> None:
        """Raises SpoolError when the header is not whole."""
        self._stream = stream
        self._buffer = b""
        self._offset = 0
        self._buffer_at = HEADER_BYTES
        self._at_end = False
        self.header = _decode_header(stream.read(HEADER_BYTES), name)
        self.ended_in_order = False
        self.damaged_bytes = 0
        """Bytes that belong to no intact record: a torn tail or damage."""

    @property
    def truncated(self) -> bool:
        """Whether the writer was stopped before its end record, or something inside was lost to damage."""
        return not self.ended_in_order or self.damaged_bytes > 0

    @property
    def at(self) -> int:
        """The place in the file, in bytes, after the latest record."""
        return self._buffer_at + self._offset

    def __iter__(self) -> Iterator[SpoolRecord]:
        while True:
            record = self._next_record()
            if record is None:
                return
            if record.kind is RecordKind.END:
                self.ended_in_order = True
            yield record

    def _next_record(self) -> SpoolRecord | None:
        while self._fill(RECORD_OVERHEAD_BYTES):
            length = self._intact_length()
            if length:
                record = _decode_record(self._buffer, self._offset)
                self._offset += length
                if record is not None:
                    return record
                self.damaged_bytes += length
            else:
                self._skip_to_sync()
        self.damaged_bytes += len(self._buffer) - self._offset
        self._offset = len(self._buffer)
        return None

    def _fill(self, n_bytes: int) -> bool:
        """Makes sure `n_bytes` lie ahead in the buffer; False when the file has no more."""
        if len(self._buffer) - self._offset >= n_bytes:
            return True
        while len(self._buffer) - self._offset < n_bytes and not self._at_end:
            chunk = self._stream.read(_READ_BYTES)
            self._at_end = not chunk
            self._buffer = self._buffer[self._offset :] + chunk
            self._buffer_at += self._offset
            self._offset = 0
        return len(self._buffer) - self._offset >= n_bytes

    def _intact_length(self) -> int:
        """The length of the record at the offset, 0 when there is none whose CRC is right."""
        sync, _, _, _, payload_length, _, _ = _RECORD.unpack_from(self._buffer, self._offset)
        length = RECORD_OVERHEAD_BYTES + payload_length
        if sync != SYNC or not self._fill(length):
            return 0
        crc_at = self._offset + length - _CRC.size
        (crc,) = _CRC.unpack_from(self._buffer, crc_at)
        return length if zlib.crc32(self._buffer[self._offset : crc_at]) == crc else 0

    def _skip_to_sync(self) -> None:
        """Moves past the byte at the offset, to the next place where a record may start."""
        found = self._buffer.find(SYNC, self._offset + 1)
        # without a match the last byte stays: it may be the first half of a sync word that the next read completes
        target = found if found >= 0 else max(self._offset + 1, len(self._buffer) - 1)
        self.damaged_bytes += target - self._offset
        self._offset = target


def ends_in_order(path: Path) -> bool:
    """Whether the last thing in a spool is an intact end record: its writer is done with it. Raises OSError."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(size - RECORD_OVERHEAD_BYTES, 0))
        tail = stream.read()
    crc_at = len(tail) - _CRC.size
    if size < HEADER_BYTES + RECORD_OVERHEAD_BYTES or not tail.startswith(SYNC) or tail[2] != RecordKind.END:
        return False
    return tail[crc_at:] == _CRC.pack(zlib.crc32(tail[:crc_at]))


def read_spool(path: Path) -> tuple[SpoolHeader, list[SpoolRecord], bool]:
    """A whole spool at once, for tests and inspection: header, records, truncated. Raises SpoolError, OSError."""
    with path.open("rb") as stream:
        reader = SpoolReader(stream, str(path))
        records = list(reader)
        return reader.header, records, reader.truncated


def _decode_header(data: bytes, name: str) -> SpoolHeader:
    if len(data) < HEADER_BYTES:
        raise SpoolError(f"{name}: {len(data)} bytes are less than a spool's header: nothing was recorded")
    magic, version, header_length, rate_hz, started_us, continues_at = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise SpoolError(f"{name}: not a spool (it does not begin with {MAGIC.decode()})")
    if zlib.crc32(data[: _HEADER.size]) != _CRC.unpack_from(data, _HEADER.size)[0]:
        raise SpoolError(f"{name}: the spool's header is damaged; the file is kept for a look by hand")
    if version != VERSION or header_length != HEADER_BYTES or rate_hz != RATE_HZ:
        raise SpoolError(f"{name}: spool version {version} at {rate_hz} Hz; this program reads version {VERSION}")
    try:
        started_at = _EPOCH + timedelta(microseconds=started_us)
    except OverflowError as error:
        raise SpoolError(f"{name}: the spool's start time is out of range") from error
    return SpoolHeader(started_at, rate_hz, continues_at)


def _decode_record(data: bytes, offset: int) -> SpoolRecord | None:
    """The record at `offset`, whose CRC is right; None when its fields make no sense to this version."""
    _, kind, channel, position, payload_length, codec, _ = _RECORD.unpack_from(data, offset)
    if channel >= CHANNELS or position > MAX_POSITION:
        return None
    payload = data[offset + _RECORD.size : offset + _RECORD.size + payload_length]
    if kind == RecordKind.AUDIO and codec in _CODECS:
        return SpoolRecord(RecordKind.AUDIO, channel, position, payload, _CODECS[codec])
    if kind == RecordKind.LOST and payload_length == _LOST.size:
        (n_lost,) = _LOST.unpack(payload)
        return SpoolRecord(RecordKind.LOST, channel, position, n_lost=n_lost) if n_lost <= MAX_POSITION else None
    if kind in (RecordKind.END, RecordKind.PAUSED, RecordKind.RESUMED) and payload_length == 0:
        return SpoolRecord(RecordKind(kind), channel, position)
    return None
