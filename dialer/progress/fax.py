"""What a fax sends when it calls or answers, told from beeps, voices and the network's tones.

- CNG, the calling tone: 1100 Hz ± 38 Hz for 0.5 s ± 15 %, then 3 s of silence (ITU-T T.30 §4.2).
- CED, the answer tone: 2100 Hz ± 15 Hz for 2.6 to 4 s (T.30 §4.1); ANSam is the same with its amplitude going up and
  down by a fifth 15 times a second (ITU-T V.8 §3); both may turn their phase every 450 ms.
- V.21 flags, which come before the first frame of data: 1650 and 1850 Hz in turn at 300 bit/s (T.30 §5.3, channel 2).

The calling tone is known when it stops, because a beep of that pitch goes on; it also begins out of quiet and ends in
it. One that lasts exactly as long cannot be told from a beep: whoever heard a greeting before it knows better.
"""

from cmath import exp, pi
from collections import deque
from dataclasses import dataclass
from enum import Enum
from statistics import fmean, median

from dialer.progress.frames import FRAME_MS, SILENCE_DBFS, Frame

CNG_HZ, CNG_TOLERANCE_HZ = 1100.0, 41.0
CNG_MIN_MS, CNG_MAX_MS = 400, 600
"""0.5 s ± 15 % and a frame."""
ANSWER_HZ, ANSWER_TOLERANCE_HZ = 2100.0, 18.0
"""T.30's tolerances, and 3 Hz for measuring."""
ANSWER_MIN_MS = 480
ANSAM_HZ = 15.0
ANSAM_MIN_DB = 0.9
"""Depth of the level's swing at 15 Hz; a fifth of the amplitude is 1.7 dB, less what a frame averages."""
LINE_SHARE = 0.5
FRAME_TOLERANCE_HZ = 45.0
"""What a frame's pitch may differ from the tone's: codecs made for voices move a high tone."""
MAX_SPREAD_HZ = 14.0
"""Mean distance from the middle: a whistle glides further."""
LOST_FRAMES = 2
QUIET_DB = 5.0
"""Before and after a calling tone it is quieter than the tone by this much; not at once: a frame may hold its edge."""
QUIET_FRAMES = LOST_FRAMES + 1
ECHO_DB = 10.0
MAX_FRAMES = 50
"""A line that lasts longer is no calling tone, and its last second tells whether it is an answer tone."""
V21_MARK_HZ, V21_SPACE_HZ = (1580.0, 1725.0), (1750.0, 1910.0)
V21_SHARE = 0.6
V21_FRAMES, V21_MIN_FRAMES = 20, 14
"""Flags go on for a second; so many of so many frames must be theirs."""
_FRAMES_PER_S = 1000 / FRAME_MS


class FaxSignal(str, Enum):
    """Which of its signals a fax was heard to send."""

    CNG = "cng"
    CED = "ced"
    ANSAM = "ansam"
    V21 = "v21"


@dataclass(frozen=True, slots=True)
class FaxTone:
    """A fax's signal: which, when it began (ms since the first frame), its pitch."""

    kind: FaxSignal
    start_ms: int
    hz: float


class FaxDetector:
    """Feed it frames; it gives a signal as soon as it is certain: a calling tone each time, the others once."""

    def __init__(self) -> None:
        self._calling = _Line(CNG_HZ)
        self._answering = _Line(ANSWER_HZ)
        self._flags: deque[Frame] = deque(maxlen=V21_FRAMES)
        self._levels: deque[float] = deque(maxlen=QUIET_FRAMES)
        self._before_dbfs = SILENCE_DBFS
        self._told: set[FaxSignal] = set()

    def feed(self, frame: Frame) -> FaxTone | None:
        """Takes the next frame."""
        found = self._calling_tone(frame) or self._answer_tone(frame) or self._v21(frame)
        self._levels.append(frame.level_dbfs)
        return found

    @staticmethod
    def suspect(hz: float, length_ms: int) -> FaxSignal | None:
        """What a tone that still sounds may turn out to be."""
        if abs(hz - CNG_HZ) <= CNG_TOLERANCE_HZ and length_ms <= CNG_MAX_MS:
            return FaxSignal.CNG
        answers = abs(hz - ANSWER_HZ) <= FRAME_TOLERANCE_HZ and length_ms <= ANSWER_MIN_MS + LOST_FRAMES * FRAME_MS
        return FaxSignal.CED if answers else None

    def _calling_tone(self, frame: Frame) -> FaxTone | None:
        whole = self._calling.feed(frame)
        if len(self._calling.frames) == 1:
            self._before_dbfs = max(list(self._levels)[:-1], default=SILENCE_DBFS)
        if (
            not whole
            or not CNG_MIN_MS <= _length_ms(whole) <= CNG_MAX_MS
            or not _holds(whole, CNG_HZ, CNG_TOLERANCE_HZ)
        ):
            return None
        quiet_dbfs = median(one.level_dbfs for one in whole) - QUIET_DB
        if max(self._levels[-1], frame.level_dbfs, self._before_dbfs) > quiet_dbfs:
            return None
        return _tone(FaxSignal.CNG, whole)

    def _answer_tone(self, frame: Frame) -> FaxTone | None:
        self._answering.feed(frame)
        frames = self._answering.frames
        if not frames or self._told & {FaxSignal.CED, FaxSignal.ANSAM}:
            return None
        if _length_ms(frames) < ANSWER_MIN_MS or not _holds(frames, ANSWER_HZ, ANSWER_TOLERANCE_HZ):
            return None
        tone = _tone(FaxSignal.ANSAM if _swing_db(frames[1:]) >= ANSAM_MIN_DB else FaxSignal.CED, frames)
        self._told.add(tone.kind)
        return tone

    def _v21(self, frame: Frame) -> FaxTone | None:
        self._flags.append(frame)
        if FaxSignal.V21 in self._told or not _is_v21(frame):
            return None
        flags = [one for one in self._flags if _is_v21(one)]
        if len(flags) < V21_MIN_FRAMES:
            return None
        self._told.add(FaxSignal.V21)
        return _tone(FaxSignal.V21, flags)


class _Line:
    """The frames in which a line of one pitch sounds, a lost one or two left out."""

    def __init__(self, hz: float) -> None:
        self._hz = hz
        self._n_missing = 0
        self.frames: list[Frame] = []

    def feed(self, frame: Frame) -> list[Frame]:
        """All of its frames when the line has just ended, otherwise none."""
        sounds = frame.line_share >= LINE_SHARE and abs(frame.line_hz - self._hz) <= FRAME_TOLERANCE_HZ
        if sounds and not self._is_echo(frame):
            self.frames = [*self.frames[-MAX_FRAMES:], frame]
            self._n_missing = 0
            return []
        self._n_missing += 1
        if not self.frames or self._n_missing <= LOST_FRAMES:
            return []
        whole, self.frames = self.frames, []
        return whole

    def _is_echo(self, frame: Frame) -> bool:
        """The tone is over, the room still holds it."""
        return bool(self.frames) and frame.level_dbfs < median(one.level_dbfs for one in self.frames) - ECHO_DB


def _tone(kind: FaxSignal, frames: list[Frame]) -> FaxTone:
    return FaxTone(kind, frames[0].start_ms, median(frame.line_hz for frame in frames))


def _length_ms(frames: list[Frame]) -> int:
    return frames[-1].end_ms - frames[0].start_ms


def _holds(frames: list[Frame], hz: float, tolerance_hz: float) -> bool:
    """Whether the line stays where it is, at the pitch it should have."""
    middle_hz = median(frame.line_hz for frame in frames)
    spread_hz = fmean(abs(frame.line_hz - middle_hz) for frame in frames)
    return abs(middle_hz - hz) <= tolerance_hz and spread_hz <= MAX_SPREAD_HZ


def _swing_db(frames: list[Frame]) -> float:
    """By how much the level goes up and down 15 times a second."""
    mean_dbfs = fmean(frame.level_dbfs for frame in frames)
    turn = -2j * pi * ANSAM_HZ / _FRAMES_PER_S
    swing = sum((frame.level_dbfs - mean_dbfs) * exp(turn * frame.index) for frame in frames)
    return 2 * abs(swing) / len(frames)


def _is_v21(frame: Frame) -> bool:
    low_hz, high_hz = sorted((frame.line_hz, frame.rival_hz))
    marks = V21_MARK_HZ[0] <= low_hz <= V21_MARK_HZ[1] and V21_SPACE_HZ[0] <= high_hz <= V21_SPACE_HZ[1]
    return marks and frame.pair_share >= V21_SHARE
