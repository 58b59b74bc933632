"""Where speech begins and ends, to the frame.

webrtcvad alone holds on for 100–300 ms after the last word and takes steady noise for voice. So a frame counts as
speech only when it is also loud enough: above the noise floor, and not far below the loudest speech so far, so that a
television behind the person does not prolong the greeting.
"""

from collections import deque

from dialer.progress.frames import FRAME_MS, Frame

NOISE_MARGIN_DB = 6.0
"""Speech stands at least this far above the noise floor."""
FOREGROUND_DB = 15.0
"""Further than this below the loudest speech, a voice is somebody else's: the television, the next desk."""
QUIETEST_SPEECH_DBFS = -45.0
_FLOOR_WINDOW_FRAMES = 75
_SMOOTHING = 0.5
_PEAK_DECAY_DB = 0.05
"""Per frame of speech: a cough does not set the measure for the rest of the call."""
MIN_SPEECH_FRAMES = 4
"""Less than this, before a pause, was a click."""
_CLICK_PAUSE_FRAMES = 8
_RETRACT_FRAMES = 10
_SUSPECT_FRAMES = 2


class SpeechTracker:
    """Follows one voice. All times in ms since the first frame; None until there is speech."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=_FLOOR_WINDOW_FRAMES)
        self._smoothed: float | None = None
        self._in_tone = False
        self._peak_dbfs: float | None = None
        self._n_frames = 0
        self._recent_ends_ms: deque[int] = deque(maxlen=_RETRACT_FRAMES)
        self.start_ms: int | None = None
        self.end_ms: int | None = None
        self.pause_ms = 0
        """Time since the last frame of speech."""

    @property
    def heard(self) -> bool:
        """Whether there was speech, not only a click."""
        return self._n_frames >= MIN_SPEECH_FRAMES

    @property
    def peak_dbfs(self) -> float | None:
        """The loudest speech lately; None before any."""
        return self._peak_dbfs

    @property
    def span_ms(self) -> int:
        """From the first frame of speech to the last, pauses inside included."""
        return self.end_ms - self.start_ms if self.start_ms is not None and self.end_ms is not None else 0

    @property
    def speech_ms(self) -> int:
        """Time of speech proper."""
        return self._n_frames * FRAME_MS

    @property
    def noise_floor_dbfs(self) -> float:
        """The quietest it has been lately."""
        return min(self._levels) if self._levels else QUIETEST_SPEECH_DBFS

    def feed(self, frame: Frame, *, in_tone: bool = False) -> bool:
        """Takes the next frame; says whether it is speech. A frame inside a signalling tone never is."""
        level = frame.level_dbfs
        if in_tone and not self._in_tone:
            self._forget_tone()
        self._in_tone = in_tone
        if not in_tone:
            self._smoothed = level if self._smoothed is None else _SMOOTHING * (self._smoothed + level)
            self._levels.append(self._smoothed)
        active = frame.voiced and not in_tone and level > self._gate_dbfs()
        if active:
            self._extend(frame)
        elif self.end_ms is not None:
            self.pause_ms = frame.end_ms - self.end_ms
            if not self.heard and self.pause_ms > _CLICK_PAUSE_FRAMES * FRAME_MS:
                self.forget()
        return active

    def retract(self, since_ms: int) -> None:
        """What was taken for speech after `since_ms`, at most some 200 ms ago, turned out to be a tone."""
        while self._recent_ends_ms and self._recent_ends_ms[-1] > since_ms:
            self._recent_ends_ms.pop()
            self._n_frames -= 1
        if self._recent_ends_ms:
            self.end_ms = self._recent_ends_ms[-1]
        elif self._n_frames == 0:
            self.forget()

    def _forget_tone(self) -> None:
        """A tone is no noise: not its first frames either, which were heard before it was suspected."""
        for _ in range(min(_SUSPECT_FRAMES, len(self._levels))):
            self._levels.pop()
        self._smoothed = self._levels[-1] if self._levels else None

    def _gate_dbfs(self) -> float:
        gate = max(self.noise_floor_dbfs + NOISE_MARGIN_DB, QUIETEST_SPEECH_DBFS)
        return gate if self._peak_dbfs is None else max(gate, self._peak_dbfs - FOREGROUND_DB)

    def _extend(self, frame: Frame) -> None:
        if self.start_ms is None or self._peak_dbfs is None:
            self.start_ms = frame.start_ms
            self._peak_dbfs = frame.level_dbfs
        self._peak_dbfs = max(frame.level_dbfs, self._peak_dbfs - _PEAK_DECAY_DB)
        self.end_ms = frame.end_ms
        self.pause_ms = 0
        self._n_frames += 1
        self._recent_ends_ms.append(frame.end_ms)

    def forget(self) -> None:
        """What was heard was no speech: its loudness must not hide the person who speaks next."""
        self.start_ms = self.end_ms = self._peak_dbfs = None
        self.pause_ms = self._n_frames = 0
        self._recent_ends_ms.clear()
