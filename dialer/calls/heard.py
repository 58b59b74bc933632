"""What is kept of what was listened to: the last seconds before a verdict, and announcements nobody knows yet."""

from collections import deque
from dataclasses import dataclass

from dialer.progress.frames import FRAME_BYTES, FRAME_MS
from dialer.progress.verdict import Verdict

KEPT_MS = 5000
"""So much audio before a verdict is kept for people to listen to."""
UNKNOWN_MAX_MS = 12_000
"""The longest part of an announcement worth keeping: most say everything once within it."""


@dataclass(frozen=True, slots=True)
class HeardVerdict:
    """A verdict with the audio before it: int16, 8 kHz, mono, from `audio_from_ms` after the first frame on."""

    verdict: Verdict
    pcm: bytes
    audio_from_ms: int


class Memory:
    """The last `KEPT_MS` of what was fed, frame by frame."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque(maxlen=KEPT_MS // FRAME_MS)
        self.now_ms = 0
        """The end of the last frame."""

    def add(self, frame: bytes) -> None:
        """Takes the next frame of 20 ms."""
        self._frames.append(frame)
        self.now_ms += FRAME_MS

    def of(self, verdict: Verdict) -> HeardVerdict:
        """The verdict that was just given, with what is remembered."""
        return HeardVerdict(verdict, b"".join(self._frames), self.now_ms - FRAME_MS * len(self._frames))

    def since(self, start_ms: int) -> bytes:
        """What was heard from `start_ms` on, as far as it is remembered."""
        n_frames = min(max(self.now_ms - start_ms, 0) // FRAME_MS, len(self._frames))
        return b"".join(list(self._frames)[len(self._frames) - n_frames :])


class Unknown:
    """Speech of the network that may be an announcement nobody knows, from its first word on."""

    def __init__(self) -> None:
        self.pcm = bytearray()

    def begin(self, memory: Memory, start_ms: int) -> None:
        """Speech was recognised as such; it began `start_ms` after the first frame."""
        self.pcm = bytearray(memory.since(start_ms))

    def add(self, frame: bytes) -> None:
        """Takes the next frame while the speech goes on."""
        if self.pcm and len(self.pcm) < UNKNOWN_MAX_MS // FRAME_MS * FRAME_BYTES:
            self.pcm += frame

    def forget(self) -> None:
        """It was something else after all."""
        self.pcm.clear()
