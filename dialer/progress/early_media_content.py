"""Speech or music: what an announcement and a colour ringback sound like.

Speech pauses between its words and never holds a pitch. Music holds its notes, and where it has no notes it has no
pauses. An advertisement spoken over music is music: what sounds between its words are notes. So what counts is

- `held`: the share of the time in which one line stays where it is for 100 ms,
- `lines`: the share of the frames 10 dB below the loudest in which some line goes on,
- `dips` and `quiet`: the share of the frames 12 and 20 dB below the loudest,

weighed together over three seconds. The weights are a logistic regression's, rounded, fitted on synthesised tunes,
speech and speech over tunes through telephone codings, noise and loss.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dialer.progress.frames import FRAME_MS, Frame
from dialer.progress.verdict import Label

WINDOW_MS = 3000
"""How much speech or music is heard before it is named."""
JUDGE_MS = 100
ACTIVE_MIN_DBFS = -50.0
LOUD_DBFS = -45.0
"""What never gets as loud as this is the line's noise."""
LINE_SHARE = 0.3
HELD_HZ, LINE_HZ = 6.0, 8.0
HELD_MIN_FRAMES = 5
VALLEY_DB, DIP_DB, QUIET_DB = 10.0, 12.0, 20.0
MIN_VALLEY_FRAMES = 5
BIAS, HELD_WEIGHT, LINES_WEIGHT, DIPS_WEIGHT, QUIET_WEIGHT = 0.5, 12.0, 6.0, -5.0, -11.0
"""Of the score: above zero is music."""
MUSIC_MIN_HELD = 0.05
MUSIC_MIN_LINES = 0.25
"""One or the other, or else it is noise."""
SPEECH_MIN_DIPS = 0.15
SPEECH_MIN_VOICED, MUSIC_MIN_VOICED = 0.4, 0.3
CLEAR_SCORE = 1.0
UNCLEAR_HOLD_MS = 1000
"""A score closer to zero must keep its sign for so long."""
CHANGE_SCORE = 3.0
CHANGE_HOLD_MS = 1500
"""Another opinion than before must be so clear for so long: singers breathe, and music fades behind a voice."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """ANNOUNCEMENT (speech) or MUSIC, how clearly (0 is undecided), and in words."""

    label: Label
    score: float
    reason: str


class Content:
    """Feed it the frames that are no network tone; it gives an opinion when it has a new one."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque(maxlen=WINDOW_MS // FRAME_MS)
        self._opinion: Label | None = None
        self._leaning: Label | None = None
        self._leaning_ms = 0
        self._heard_ms = 0
        self.first_ms: int | None = None
        """When the speech or music began."""

    def forget(self) -> None:
        """A network tone sounded: what was heard before it was part of that."""
        self._frames.clear()
        self._opinion = self._leaning = self.first_ms = None

    def feed(self, frame: Frame) -> Opinion | None:
        """Takes the next frame; the opinion when it differs from the one before."""
        if not self._frames and frame.level_dbfs < ACTIVE_MIN_DBFS:
            return None
        if self.first_ms is None:
            self.first_ms = frame.start_ms
        self._frames.append(frame)
        self._heard_ms += FRAME_MS
        if len(self._frames) * FRAME_MS < WINDOW_MS or self._heard_ms % JUDGE_MS:
            return None
        return self._weigh(judge(list(self._frames)))

    def _weigh(self, found: Opinion | None) -> Opinion | None:
        if found is None or found.label is not self._leaning:
            self._leaning, self._leaning_ms = (None if found is None else found.label), 0
        if found is None or found.label is self._opinion:
            return None
        clear = CLEAR_SCORE if self._opinion is None else CHANGE_SCORE
        if self._opinion is not None and abs(found.score) < clear:
            self._leaning_ms = 0
            return None
        self._leaning_ms += JUDGE_MS
        needed_ms = CHANGE_HOLD_MS if self._opinion is not None else UNCLEAR_HOLD_MS if abs(found.score) < clear else 0
        if self._leaning_ms < needed_ms:
            return None
        self._opinion = found.label
        return found


def judge(frames: list[Frame]) -> Opinion | None:
    """What these frames sound like; None when they are neither speech nor music."""
    levels = np.array([frame.level_dbfs for frame in frames])
    loudest = float(np.partition(levels, -len(levels) // 20)[-len(levels) // 20])
    if loudest < LOUD_DBFS:
        return None
    moves = _moves(frames)
    held, lines = _held(moves), _lines(frames, moves, levels < loudest - VALLEY_DB)
    dips, quiet = float(np.mean(levels < loudest - DIP_DB)), float(np.mean(levels < loudest - QUIET_DB))
    voiced = sum(frame.voiced for frame in frames) / len(frames)
    score = BIAS + HELD_WEIGHT * held + LINES_WEIGHT * lines + DIPS_WEIGHT * dips + QUIET_WEIGHT * quiet
    reason = f"a held pitch {held:.0%} of the time, lines in {lines:.0%} of the pauses, quiet {quiet:.0%}"
    if score > 0 and voiced >= MUSIC_MIN_VOICED and (held >= MUSIC_MIN_HELD or lines >= MUSIC_MIN_LINES):
        return Opinion(Label.MUSIC, score, f"music: {reason}")
    if score < 0 and voiced >= SPEECH_MIN_VOICED and dips >= SPEECH_MIN_DIPS:
        return Opinion(Label.ANNOUNCEMENT, score, f"speech: {reason}")
    return None


def _moves(frames: list[Frame]) -> NDArray[np.float64]:
    """How far (Hz) the line moved since the frame before; infinite where there is none."""
    hz = np.array([frame.line_hz for frame in frames])
    moves = np.abs(np.diff(hz, prepend=np.inf))
    moves[hz == 0.0] = np.inf
    return moves


def _held(moves: NDArray[np.float64]) -> float:
    """Share of the frames within a run in which the line stays."""
    n_held = run = 0
    for stays in (*(moves < HELD_HZ), False):
        if stays:
            run += 1
        else:
            n_held += run if run >= HELD_MIN_FRAMES else 0
            run = 0
    return n_held / len(moves)


def _lines(frames: list[Frame], moves: NDArray[np.float64], valley: NDArray[np.bool_]) -> float:
    """Share of the quieter frames in which a line goes on."""
    n_valley = int(valley.sum())
    if n_valley < MIN_VALLEY_FRAMES:
        return 0.0
    shares = np.array([frame.line_share for frame in frames])
    return float(np.count_nonzero(valley & (moves < LINE_HZ) & (shares > LINE_SHARE))) / n_valley
