"""How somebody greets, in numbers: what the classifier of `dialer.progress.classifier` judges.

All of it is timing and level of the greeting so far; nothing depends on a language or on what is said. Times are in
seconds, levels in dB. `GreetingFeatures` follows one call frame by frame and never looks ahead. The melody of the voice
was tried as well: it told the training voices apart, and nobody else.
"""

from bisect import insort
from collections import deque
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

from dialer.progress.frames import FRAME_MS, SILENCE_DBFS, Frame
from dialer.progress.speech import QUIETEST_SPEECH_DBFS, SpeechTracker

NAMES = (
    "span",
    "speech",
    "pause",
    "parts",
    "first_part",
    "longest_part",
    "last_part",
    "first_gap",
    "longest_gap",
    "syllables",
    "syllable_rate",
    "level_range",
    "level_end",
    "level_now",
    "loud_pause",
    "opening",
    "above_noise",
    "noise_change",
    "pause_to_300",
    "pause_to_600",
    "pause_to_1000",
    "pause_decay",
    "span_to_900",
    "span_to_2100",
    "span_to_3200",
    "gaps",
)
"""The order of a vector of features."""

PERIODIC = 0.7
_GAP_FRAMES = 7
"""A longer break parts the greeting; shorter ones are the stops of a word."""
_SYLLABLE_DIP_DB = 3.0
_END_FRAMES = 15
_FRAME_S = FRAME_MS / 1000
_MIN_SPEECH_S = 0.1
_PAUSE_BENDS_S = (0.3, 0.6, 1.0)
_SPAN_BENDS_S = (0.9, 2.1, 3.2)
"""Pause and span again, up to here: what they say changes there, and a small network bends more easily at a corner."""
_PAUSE_DECAY_S = 0.25
_SMOOTHING = 0.25
_LOUD_DB = 8.0
"""So near to the loudest speech it is the one who answered; a television behind them stays further below."""


def _at(share: float, ordered: list[float]) -> float:
    """The value that `share` of them do not exceed."""
    return ordered[int(share * (len(ordered) - 1))] if ordered else 0.0


class _Syllables:
    """Counts the bumps of the level: one a syllable, nearly."""

    def __init__(self) -> None:
        self._smoothed = -80.0
        self._peak = -80.0
        self._valley = 0.0
        self._rising = False
        self.count = 0

    def feed(self, frame: Frame, *, active: bool) -> None:
        self._smoothed = 0.5 * (self._smoothed + frame.level_dbfs)
        if self._rising:
            self._peak = max(self._peak, self._smoothed)
            if self._smoothed < self._peak - _SYLLABLE_DIP_DB:
                self._rising, self._valley = False, self._smoothed
        else:
            self._valley = min(self._valley, self._smoothed)
            if active and self._smoothed > self._valley + _SYLLABLE_DIP_DB:
                self._rising, self._peak = True, self._smoothed
                self.count += 1


@dataclass(slots=True)
class _Parts:
    """The stretches of speech between breaks, and the breaks; in frames."""

    count: int = 0
    start: int = 0
    end: int = 0
    first: int = 0
    longest: int = 0
    first_gap: int = 0
    longest_gap: int = 0

    def feed(self, index: int) -> None:
        """A frame of speech."""
        gap = index - self.end - 1
        if self.count == 0 or gap >= _GAP_FRAMES:
            if self.count:
                self.first_gap = self.first_gap or gap
                self.longest_gap = max(self.longest_gap, gap)
            self.count += 1
            self.start = index
        self.end = index
        if self.count == 1:
            self.first = self.last
        self.longest = max(self.longest, self.last)

    @property
    def last(self) -> int:
        return self.end - self.start + 1


class GreetingFeatures:
    """Follows one greeting. Feed it every frame with the tracker that has seen the frame."""

    def __init__(self) -> None:
        self._begin(None)
        self._floor_before = QUIETEST_SPEECH_DBFS

    def _begin(self, started_ms: int | None) -> None:
        self._started_ms = started_ms
        self._syllables = _Syllables()
        self._parts = _Parts()
        self._ordered_levels: list[float] = []
        self._last_levels: deque[float] = deque(maxlen=_END_FRAMES)
        self._sum_of_levels = 0.0
        self._n_periodic = 0
        self._opening: list[float] = []
        self._level_now = SILENCE_DBFS
        self._loud_at = 0
        self._index = 0

    def feed(self, frame: Frame, speech: SpeechTracker, *, active: bool) -> None:
        """Takes the next frame; `active` is what the tracker said of it."""
        if speech.start_ms is None:
            self._floor_before = speech.noise_floor_dbfs
        if speech.start_ms != self._started_ms:
            self._begin(speech.start_ms)
        if self._started_ms is None:
            return
        self._index = frame.index
        if self._ordered_levels:
            self._level_now += _SMOOTHING * (frame.level_dbfs - self._level_now)
        else:
            self._level_now = frame.level_dbfs
        self._syllables.feed(frame, active=active)
        if active:
            self._parts.feed(frame.index)
            insort(self._ordered_levels, frame.level_dbfs)
            self._last_levels.append(frame.level_dbfs)
            self._sum_of_levels += frame.level_dbfs
            self._n_periodic += frame.periodicity >= PERIODIC
            if len(self._opening) < _END_FRAMES:
                self._opening.append(frame.level_dbfs)
        if self._ordered_levels and self._level_now >= _at(0.9, self._ordered_levels) - _LOUD_DB:
            self._loud_at = frame.index

    @property
    def loud_pause_s(self) -> float:
        """How long nobody has spoken as loudly as the one who answered."""
        return (self._index - self._loud_at) * _FRAME_S

    def above_noise_db(self, speech: SpeechTracker) -> float:
        """How far the loud frames stand above the noise."""
        return _at(0.9, self._ordered_levels) - speech.noise_floor_dbfs

    @property
    def periodic_share(self) -> float:
        """Share of the frames that sound like a vowel, not like noise."""
        return self._n_periodic / max(len(self._ordered_levels), 1)

    @property
    def last_part_ms(self) -> int:
        """Length of the latest stretch of speech."""
        return self._parts.last * FRAME_MS if self._parts.count else 0

    def vector(self, speech: SpeechTracker) -> NDArray[np.float64]:
        """The features so far, in the order of `NAMES`. Only once there is speech."""
        n_frames = max(len(self._ordered_levels), 1)
        loud = _at(0.9, self._ordered_levels)
        span_s, speech_s, pause_s = speech.span_ms / 1000, speech.speech_ms / 1000, speech.pause_ms / 1000
        parts = self._parts
        return np.array(
            (
                span_s,
                speech_s,
                pause_s,
                parts.count,
                parts.first * _FRAME_S,
                parts.longest * _FRAME_S,
                parts.last * _FRAME_S,
                parts.first_gap * _FRAME_S,
                parts.longest_gap * _FRAME_S,
                self._syllables.count,
                self._syllables.count / max(n_frames * _FRAME_S, _MIN_SPEECH_S),
                loud - _at(0.1, self._ordered_levels),
                sum(self._last_levels) / max(len(self._last_levels), 1) - self._sum_of_levels / n_frames,
                self._level_now - loud,
                self.loud_pause_s,
                sum(self._opening) / max(len(self._opening), 1) - loud,
                self.above_noise_db(speech),
                speech.noise_floor_dbfs - self._floor_before,
                *(min(pause_s, bend_s) for bend_s in _PAUSE_BENDS_S),
                exp(-pause_s / _PAUSE_DECAY_S),
                *(min(span_s, bend_s) for bend_s in _SPAN_BENDS_S),
                span_s - speech_s,
            )
        )
