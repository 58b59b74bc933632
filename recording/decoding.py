"""The samples of a finalised recording, from any place, in blocks. Blocks: call it from a thread."""

import io
from collections.abc import Callable, Iterator
from enum import Enum
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import soundfile
from numpy.typing import NDArray

from recording.errors import RecordingError
from recording.spool import CHANNELS, RATE_HZ

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK_SAMPLES = 1 << 14
"""Two seconds: small enough to begin at once, large enough for the cost of a block not to count."""


class Side(str, Enum):
    """Which of the two channels."""

    BOTH = "both"
    FAR = "far"
    """The called person."""
    NEAR = "near"
    """What the called person heard: the collector, prompts."""

    @property
    def channels(self) -> slice:
        """The columns of a block."""
        return {Side.BOTH: slice(0, CHANNELS), Side.FAR: slice(0, 1), Side.NEAR: slice(1, 2)}[self]

    @property
    def n_channels(self) -> int:
        """How many they are."""
        return CHANNELS if self is Side.BOTH else 1


class _Watched(io.RawIOBase):
    """A file that keeps its error: the decoder, in C, takes what fails in here for the end of the file."""

    def __init__(self, file: io.RawIOBase) -> None:
        super().__init__()
        self._file = file
        self.error: Exception | None = None

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: "WriteableBuffer") -> int:
        try:
            return self._file.readinto(buffer) or 0
        except (RecordingError, OSError) as error:
            self.error = error
            return 0


class AudioReader:
    """Reads a FLAC file of two channels at 8 kHz. Not for two threads at once."""

    def __init__(self, file: io.RawIOBase) -> None:
        """Raises what reading `file` raises; RecordingError when it is not such a file."""
        self._watched = _Watched(file)
        try:
            self._audio = soundfile.SoundFile(self._watched)
        except soundfile.LibsndfileError as error:
            raise self._watched.error or RecordingError(f"not a readable FLAC file: {error}") from error
        if (self._audio.samplerate, self._audio.channels) != (RATE_HZ, CHANNELS):
            raise RecordingError(f"not a recording of {CHANNELS} channels at {RATE_HZ} Hz")
        self.n_samples: int = self._audio.frames

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """The decoder's memory; the file is its owner's."""
        self._audio.close()

    def blocks(
        self, begin: int, end: int, side: Side = Side.BOTH, block_samples: int = BLOCK_SAMPLES
    ) -> Iterator[NDArray[np.int16]]:
        """The samples from `begin` up to `end` as int16[n, channels]. Raises what reading the file raises."""
        end = min(end, self.n_samples)
        if begin >= end:
            return
        self._do(partial(self._audio.seek, begin))
        for at in range(begin, end, block_samples):
            n_samples = min(block_samples, end - at)
            block: NDArray[np.int16] = self._do(partial(self._audio.read, n_samples, dtype="int16", always_2d=True))
            if len(block) != n_samples:
                raise RecordingError(f"the audio ends at sample {at + len(block)} of {self.n_samples}")
            yield block[:, side.channels]

    def _do(self, work: Callable[[], Any]) -> Any:
        """What the decoder gives, unless it was misled by an error of the file."""
        try:
            answer = work()
        except soundfile.LibsndfileError as error:
            raise self._watched.error or RecordingError(f"the audio cannot be decoded: {error}") from error
        if self._watched.error is not None:
            raise self._watched.error
        return answer
