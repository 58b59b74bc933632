"""The file for people: FLAC, 8 kHz, 16 bit, channel 0 the far end, channel 1 what it was sent. Written sealed, only.

Lossless: every sample on the wire is in the file as it was, and is compared once more when the file is read back.
"""

import hashlib
import os
import zlib
from datetime import datetime

import numpy as np
import soundfile
from numpy.typing import NDArray

from recording.decoding import AudioReader
from recording.errors import RecordingError
from recording.sealing import SealedFile, SealedReader, SealWriter
from recording.spool import CHANNELS, RATE_HZ

COMPRESSION = 0.125
"""libFLAC's level 1: a fifth less time than level 5 for files 3 % larger (docs/recording.md has the table)."""
READ_SAMPLES = 1 << 16
"""Read back in larger blocks than are played: a tenth less time."""
_HASH_BYTES = 1 << 20


class _Target:
    """Where libsndfile writes; keeps the error it is not told of: in C, a failed write has no reason."""

    def __init__(self, sealed: SealWriter) -> None:
        self._sealed = sealed
        self.error: OSError | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._sealed.seek(offset, whence)

    def tell(self) -> int:
        return self._sealed.tell()

    def write(self, data: bytes) -> int:
        try:
            return self._sealed.write(data)
        except OSError as error:
            self.error = error
            return 0


class FlacWriter:
    """Writes one file into a seal; `finish` ends both. `checksum` is the CRC-32 of the samples, interleaved."""

    def __init__(self, sealed: SealWriter, title: str, started_at: datetime) -> None:
        """Raises OSError."""
        self._sealed = sealed
        self._target = _Target(sealed)
        self._audio = soundfile.SoundFile(
            self._target, "w", RATE_HZ, CHANNELS, "PCM_16", format="FLAC", compression_level=COMPRESSION
        )
        self._audio.title = title
        self._audio.date = started_at.isoformat()
        self._interleaved = np.empty((0, CHANNELS), dtype=np.int16)
        self.checksum = 0
        self.n_samples = 0

    def write(self, samples: NDArray[np.int16]) -> None:
        """The next samples of both channels, int16[2, n]. Raises OSError."""
        n_samples = samples.shape[1]
        if len(self._interleaved) < n_samples:
            self._interleaved = np.empty((n_samples, CHANNELS), dtype=np.int16)
        interleaved = self._interleaved[:n_samples]
        for channel in range(CHANNELS):
            interleaved[:, channel] = samples[channel]
        self.checksum = zlib.crc32(interleaved.data, self.checksum)
        self.n_samples += n_samples
        try:
            self._audio.write(interleaved)
        except (soundfile.LibsndfileError, AssertionError) as error:  # it asserts that all was written
            raise self._target.error or RecordingError(f"the audio could not be encoded: {error}") from error

    def finish(self) -> None:
        """Raises OSError."""
        if self.n_samples == 0:
            self.write(
                np.zeros((CHANNELS, 1), dtype=np.int16)
            )  # a FLAC file cannot be empty; a call without audio is one
        self._audio.close()
        if self._target.error is not None:
            raise self._target.error
        self._sealed.finish()

    def abandon(self) -> None:
        """Lets the encoder's memory go when the file will not be finished."""
        self._audio.close()


def read_back(sealed: SealedReader, checksum: int, n_samples: int) -> str:
    """The SHA-256 (hex) of a file of which every sample is what was written. Raises RecordingError when one is not."""
    found = 0
    with AudioReader(SealedFile(sealed)) as audio:
        if audio.n_samples == n_samples:
            for block in audio.blocks(0, n_samples, block_samples=READ_SAMPLES):
                found = zlib.crc32(block.data, found)
        if found != checksum or audio.n_samples != n_samples:
            raise RecordingError("what was read back is not what was written; check memory and disk, the spool is kept")
    digest = hashlib.sha256()
    for at in range(0, sealed.size, _HASH_BYTES):
        digest.update(sealed.read(at, _HASH_BYTES))
    return digest.hexdigest()
