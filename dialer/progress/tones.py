"""Steady tones: the machine's beep, the fax's whistle, the network's signals.

A tone is a spectral line that holds most of the power and keeps its pitch and level from frame to frame; noise moves
its pitch by a hertz or two, a telephone codec by more, the higher it is. Above 700 Hz no voice holds a line for 100 ms;
below, some vowels do, so a low tone must be purer, steadier and last longer. A whistling person glides.
"""

from dataclasses import dataclass

from dialer.progress.frames import Frame

LINE_SHARE = 0.7
"""Share of the power that a tone's line holds, still true 4 dB above noise."""
LOW_HZ = 760.0
"""Below this, what looks like a tone may be a vowel."""
LOWEST_TONE_HZ = 280.0
"""Below this the telephone band ends."""
LOW_LINE_SHARE = 0.85
HIGH_LINE_SHARE = 0.6
PURE_REST, MAX_RIVAL_OF_REST = 0.05, 0.6
"""Of what is not in the line, noise is spread wide; most of a voice's is in its next harmonic."""
HIGH_HZ = 1300.0
"""Above this, codecs made for voices distort a tone: GSM moves 2000 Hz by 20 Hz and its level by 4 dB."""
MAX_RANGE_HZ, MAX_RANGE_DB = 10.0, 4.0
LOW_RANGE_HZ, LOW_RANGE_DB = 5.0, 2.0
PURE_RANGE_HZ, PURE_RANGE_DB = 3.0, 1.0
HIGH_RANGE_HZ, HIGH_RANGE_DB = 50.0, 10.0
MAX_DRIFT_HZ = 25.0
"""A codec moves a high tone to and fro, a whistling person in one direction."""
CONFIRM_FRAMES = 5
CONFIRM_PURE_FRAMES = 6
"""Of a low tone that is as steady as no vowel."""
CONFIRM_SLOWLY_FRAMES = 8
"""Of another low tone, or of a high one that is not steady."""
SUSPECT_FRAMES = 3
MIN_FRAMES = 2
LOST_FRAMES = 2
"""So many frames lost within a tone do not end it."""
_ONSET_RISE_DB = 12.0
_ONSET_HZ = 20.0
"""What the first frame of a tone, of which a part is something else, may differ from the next."""


@dataclass(frozen=True, slots=True)
class Tone:
    """A steady tone: when it began, how long it has lasted (ms), its pitch."""

    start_ms: int
    length_ms: int
    hz: float

    def near(self, hz: float, tolerance_hz: float) -> bool:
        return abs(self.hz - hz) <= tolerance_hz


class _Run:
    """Frames that may be one tone. The first may hold something else as well and is not measured."""

    def __init__(self, first: Frame) -> None:
        self._onset: Frame | None = first
        self.start_ms = first.start_ms
        self.end_ms = first.end_ms
        self.n_frames = 1
        self._low_hz = self._high_hz = self._first_hz = self._last_hz = first.line_hz
        self._low_db = self._high_db = first.level_dbfs

    @property
    def hz(self) -> float:
        return (self._low_hz + self._high_hz) / 2

    def take(self, frame: Frame) -> bool:
        """Makes the frame part of the run if it goes on there."""
        if self._onset is not None:
            if not self._follows_onset(self._onset, frame):
                return False
            self._onset = None
            self._low_hz = self._high_hz = self._first_hz = frame.line_hz
            self._low_db = self._high_db = frame.level_dbfs
        low_hz, high_hz = min(self._low_hz, frame.line_hz), max(self._high_hz, frame.line_hz)
        low_db, high_db = min(self._low_db, frame.level_dbfs), max(self._high_db, frame.level_dbfs)
        if high_hz - low_hz > _limit(self.hz, LOW_RANGE_HZ, MAX_RANGE_HZ, HIGH_RANGE_HZ):
            return False
        if high_db - low_db > _limit(self.hz, LOW_RANGE_DB, MAX_RANGE_DB, HIGH_RANGE_DB):
            return False
        self._low_hz, self._high_hz, self._low_db, self._high_db = low_hz, high_hz, low_db, high_db
        self._last_hz = frame.line_hz
        self.end_ms = frame.end_ms
        self.n_frames += 1
        return True

    @property
    def certain(self) -> bool:
        """Whether it has lasted too long to be anything but a tone."""
        return self.n_frames >= self._needed_frames() and abs(self._last_hz - self._first_hz) <= MAX_DRIFT_HZ

    def _needed_frames(self) -> int:
        range_hz, range_db = self._high_hz - self._low_hz, self._high_db - self._low_db
        if self.hz <= LOW_HZ:
            pure = range_hz <= PURE_RANGE_HZ and range_db <= PURE_RANGE_DB
            return CONFIRM_PURE_FRAMES if pure else CONFIRM_SLOWLY_FRAMES
        steady = range_hz <= MAX_RANGE_HZ and range_db <= MAX_RANGE_DB
        return CONFIRM_FRAMES if steady else CONFIRM_SLOWLY_FRAMES

    def tone(self) -> Tone:
        """The tone so far."""
        return Tone(self.start_ms, self.end_ms - self.start_ms, self.hz)

    @staticmethod
    def _follows_onset(onset: Frame, frame: Frame) -> bool:
        near = abs(frame.line_hz - onset.line_hz) <= _ONSET_HZ
        return near and abs(frame.level_dbfs - onset.level_dbfs) <= _ONSET_RISE_DB


class ToneTracker:
    """Follows steady tones: `current` sounds now and is certain, `ended` has just stopped.

    `broken_off` has just stopped, too, before it was certain: a pip, or a syllable.
    """

    def __init__(self) -> None:
        self._run: _Run | None = None
        self._n_missing = 0
        self.current: Tone | None = None
        self.ended: Tone | None = None
        self.broken_off: Tone | None = None

    def feed(self, frame: Frame) -> None:
        """Takes the next frame."""
        self.ended = self.broken_off = None
        if self._run is not None and _is_line(frame) and self._run.take(frame):
            self._n_missing = 0
            if self.current is not None or self._run.certain:
                self.current = self._run.tone()
            return
        self._n_missing += 1
        if self._run is None or self._run.n_frames < MIN_FRAMES or self._n_missing > LOST_FRAMES:
            if self.current is None and self._run is not None and self._run.n_frames >= MIN_FRAMES:
                self.broken_off = self._run.tone()
            self.ended, self.current = self.current, None
            self._run = _Run(frame) if _is_line(frame) else None
            self._n_missing = 0

    @property
    def suspected(self) -> bool:
        """Whether this sounds like a tone although it is too early to be certain: it is not taken for speech."""
        return self._run is not None and self._run.n_frames >= SUSPECT_FRAMES


def _is_line(frame: Frame) -> bool:
    if frame.line_hz < LOWEST_TONE_HZ:
        return False
    if frame.line_share < _limit(frame.line_hz, LOW_LINE_SHARE, LINE_SHARE, HIGH_LINE_SHARE):
        return False
    rest = 1.0 - frame.line_share
    return rest <= PURE_REST or frame.pair_share - frame.line_share <= MAX_RIVAL_OF_REST * rest


def _limit(hz: float, low: float, middle: float, high: float) -> float:
    return low if hz <= LOW_HZ else middle if hz <= HIGH_HZ else high
