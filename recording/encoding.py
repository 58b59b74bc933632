"""A process that encodes speech: `python -m recording.encoding CHANNELS`, PCM (int16, 8 kHz) in, Ogg Opus out.

A process of its own, at low priority: encoding a minute of both sides takes half a second of CPU and more, which is no
work for a process that has calls up. Both ends are pipes, so that nothing of it is ever in a file.
"""

import os
import sys
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import soundfile

from recording.spool import RATE_HZ

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

NICENESS = 10
MEDIA_TYPE = "audio/ogg"
_BLOCK_SAMPLES = RATE_HZ
_SAMPLE_BYTES = 2


class _Onward:
    """A pipe as the encoder wants a file: it asks where it is, and never goes back in an Ogg stream."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._at = 0

    def write(self, data: "ReadableBuffer") -> int:
        n_bytes = memoryview(data).nbytes
        self._pipe.write(data)
        self._at += n_bytes
        return n_bytes

    def tell(self) -> int:
        return self._at

    def seek(self, _offset: int, _whence: int = os.SEEK_SET) -> int:
        return self._at

    def read(self, _n_bytes: int) -> bytes:
        return b""


def encode(pcm: BinaryIO, ogg: BinaryIO, n_channels: int) -> None:
    """Reads to the end of `pcm`. Raises OSError when nobody reads `ogg` any more."""
    frame_bytes = n_channels * _SAMPLE_BYTES
    with soundfile.SoundFile(_Onward(ogg), "w", RATE_HZ, n_channels, "OPUS", format="OGG") as audio:
        while block := pcm.read(_BLOCK_SAMPLES * frame_bytes):
            whole = len(block) // frame_bytes * frame_bytes
            audio.write(np.frombuffer(block[:whole], dtype="<i2").reshape(-1, n_channels))
    ogg.flush()


if __name__ == "__main__":
    os.nice(NICENESS)
    encode(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[1]))
