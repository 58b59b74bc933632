"""Steady tones: the machine's beep, the fax's whistle, the network's signals.

A tone is a spectral line that holds nearly all the power and keeps its pitch and level from frame to frame. On the
development clips no voice does that for 80 ms above 470 Hz; below, some vowels do, so a low tone must last longer.
"""

from dataclasses import dataclass

from dialer.progress.frames import FRAME_MS, Frame

LINE_SHARE = 0.85
"""Share of the power that a tone's line holds, still true 8 dB above noise."""
MAX_DRIFT_HZ = 12.0
MAX_STEP_DB = 3.0
_CONFIRM_FRAMES = 5
_CONFIRM_LOW_FRAMES = 10
_LOW_HZ = 480.0
LOWEST_TONE_HZ = 400.0
"""Below this, what looks like a tone is a vowel."""


@dataclass(frozen=True, slots=True)
class Tone:
    """A steady tone: when it began, how long it has lasted (ms), its pitch."""

    start_ms: int
    length_ms: int
    hz: float

    def near(self, hz: float, tolerance_hz: float) -> bool:
        return abs(self.hz - hz) <= tolerance_hz


class ToneTracker:
    """Follows steady tones: `current` sounds now and is certain, `ended` has just stopped."""

    def __init__(self) -> None:
        self._previous: Frame | None = None
        self._first: Frame | None = None
        self._n_frames = 0
        self.current: Tone | None = None
        self.ended: Tone | None = None

    def feed(self, frame: Frame) -> None:
        """Takes the next frame."""
        previous, self._previous = self._previous, frame
        self.ended = None
        if previous is not None and _continues(previous, frame):
            if self._first is None:
                self._first, self._n_frames = previous, 1
            self._n_frames += 1
            self._confirm(self._first, frame.line_hz)
        else:
            self.ended, self.current = self.current, None
            self._first, self._n_frames = None, 0

    @property
    def suspected(self) -> bool:
        """Whether this sounds like a tone although it is too early to be certain: it is not taken for speech."""
        return self._n_frames > 2

    def _confirm(self, first: Frame, hz: float) -> None:
        needed = _CONFIRM_FRAMES if hz > _LOW_HZ else _CONFIRM_LOW_FRAMES
        if self._n_frames >= needed:
            self.current = Tone(first.start_ms, self._n_frames * FRAME_MS, hz)


def _continues(before: Frame, now: Frame) -> bool:
    return (
        before.line_share >= LINE_SHARE
        and now.line_share >= LINE_SHARE
        and now.line_hz >= LOWEST_TONE_HZ
        and abs(now.line_hz - before.line_hz) <= MAX_DRIFT_HZ
        and abs(now.level_dbfs - before.level_dbfs) <= MAX_STEP_DB
    )
