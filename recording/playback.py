"""What a listener is sent: content of known length, to be read from any byte on. Everything blocks: use a thread."""

import struct
from collections.abc import Iterator
from typing import Protocol

from recording.decoding import AudioReader, Side
from recording.sealing import SealedReader
from recording.spool import RATE_HZ
from recording.tempo import Stretcher, stretched_length

PIECE_BYTES = 1 << 18
SAMPLE_BYTES = 2
WAV_HEADER_BYTES = 44
_WAV_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM = 1


class Content(Protocol):
    """Bytes of which the length is known before the first one."""

    size: int

    def pieces(self, begin: int, end: int) -> Iterator[bytes]:
        """The bytes from `begin` up to `end`. Raises RecordingError."""


def wav_header(n_samples: int, n_channels: int) -> bytes:
    """The header of a WAV file (RIFF, PCM) of 16 bits at 8 kHz."""
    frame_bytes = n_channels * SAMPLE_BYTES
    n_bytes = n_samples * frame_bytes
    return _WAV_HEADER.pack(
        b"RIFF",
        WAV_HEADER_BYTES - 8 + n_bytes,
        b"WAVE",
        b"fmt ",
        16,
        _PCM,
        n_channels,
        RATE_HZ,
        RATE_HZ * frame_bytes,
        frame_bytes,
        8 * SAMPLE_BYTES,
        b"data",
        n_bytes,
    )


class FlacContent:
    """The file as it was finalised."""

    def __init__(self, reader: SealedReader) -> None:
        self._reader = reader
        self.size = reader.size

    def pieces(self, begin: int, end: int) -> Iterator[bytes]:
        """Raises SealBrokenError."""
        for at in range(begin, end, PIECE_BYTES):
            yield self._reader.read(at, min(PIECE_BYTES, end - at))


class WavContent:
    """Samples of one or both sides as a WAV file, made while it is read; from `first` up to `last`."""

    def __init__(self, audio: AudioReader, side: Side, first: int = 0, last: int | None = None) -> None:
        self._audio, self._side = audio, side
        self._first = min(first, audio.n_samples)
        n_samples = max(self._first, min(audio.n_samples if last is None else last, audio.n_samples)) - self._first
        self._frame_bytes = side.n_channels * SAMPLE_BYTES
        self._header = wav_header(n_samples, side.n_channels)
        self.size = WAV_HEADER_BYTES + n_samples * self._frame_bytes

    def pieces(self, begin: int, end: int) -> Iterator[bytes]:
        """Raises RecordingError. A byte's sample is sought: nothing before it is decoded."""
        if begin < WAV_HEADER_BYTES:
            yield self._header[begin:end]
        first, skipped = divmod(max(0, begin - WAV_HEADER_BYTES), self._frame_bytes)
        left = end - max(begin, WAV_HEADER_BYTES)
        if left <= 0:
            return
        last = first + -(-(skipped + left) // self._frame_bytes)
        for block in self._audio.blocks(self._first + first, self._first + last, self._side):
            piece = block.tobytes()[skipped : skipped + left]
            left -= len(piece)
            skipped = 0
            yield piece


class SpedContent:
    """The same at another speed, from a sample on; only to be read from its first byte."""

    def __init__(self, audio: AudioReader, side: Side, speed: float, first: int = 0) -> None:
        self._audio, self._side, self._speed = audio, side, speed
        self._first = min(first, audio.n_samples)
        n_samples = stretched_length(audio.n_samples - self._first, speed)
        self._header = wav_header(n_samples, side.n_channels)
        self.size = len(self._header) + n_samples * side.n_channels * SAMPLE_BYTES

    def pieces(self, begin: int, end: int) -> Iterator[bytes]:
        """Raises RecordingError; ValueError for a part."""
        if (begin, end) != (0, self.size):
            raise ValueError("another speed is played from its beginning to its end")
        yield self._header
        stretcher = Stretcher(self._speed, self._side.n_channels)
        for block in self._audio.blocks(self._first, self._audio.n_samples, self._side):
            yield stretcher.feed(block).tobytes()
        yield stretcher.finish().tobytes()
