"""Special information tones: the three rising tones before "the number you have dialed ...".

ITU-T E.180 §5 makes them 950, 1400 and 1800 Hz (± 50 Hz), each for 330 ms (± 70 ms) with at most 30 ms between. North
America (ANSI T1.209, Telcordia GR-674) says by pitch and length of the first two why a call failed; the third is always
1776.7 Hz. Some countries tune them 50 Hz off (900 Hz in Germany and Belgium, 1450 and 1850 Hz in Austria).
"""

from dataclasses import dataclass

from dialer.progress.frames import Frame

BANDS_HZ = ((880.0, 1020.0), (1330.0, 1470.0), (1710.0, 1880.0))
LINE_SHARE = 0.6
MIN_TONE_MS = 160
MAX_TONE_MS = 800
MAX_GAP_MS = 100
MAX_SPREAD_HZ = 15.0
"""Standard deviation of the pitch within a tone: a tune or a voice glides."""
FIRST_HZ, SECOND_HZ = (913.8, 985.2), (1370.6, 1428.5)
"""The low and the high variant of the first two tones in North America."""
VARIANT_TOLERANCE_HZ = 13.0
LONG_MS = 340
"""Short is 274 ms, long 380 ms; a frame's edges add some."""
ITU = "itu"
"""What the kind is called that says nothing more than that the call failed."""
_KINDS = {
    ("low", "low", False, False): "ic",
    ("high", "low", True, False): "vc",
    ("high", "low", False, True): "ro",
    ("low", "high", False, True): "ro",
    ("low", "high", True, False): "io",
    ("high", "high", True, True): "nc",
    ("low", "low", True, True): "nc",
}
"""Pitch and length of the first two tones: intercept, vacant code, reorder, ineffective other, no circuit."""


@dataclass(slots=True)
class _Step:
    """One of the three tones, as far as it was heard."""

    band: int
    start_ms: int
    end_ms: int = 0
    n_frames: int = 0
    sum_hz: float = 0.0
    sum_hz2: float = 0.0

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms

    @property
    def hz(self) -> float:
        return self.sum_hz / self.n_frames

    @property
    def heard(self) -> bool:
        """Whether it is a tone of the right length, and steady."""
        spread_hz = max(self.sum_hz2 / self.n_frames - self.hz**2, 0.0) ** 0.5
        return MIN_TONE_MS <= self.length_ms <= MAX_TONE_MS and spread_hz <= MAX_SPREAD_HZ

    def add(self, frame: Frame) -> None:
        self.end_ms = frame.end_ms
        self.n_frames += 1
        self.sum_hz += frame.line_hz
        self.sum_hz2 += frame.line_hz**2


class InformationTones:
    """Feed it frames; it gives the kind of information tones when the third has sounded for long enough."""

    def __init__(self) -> None:
        self._steps: list[_Step] = []

    def feed(self, frame: Frame) -> str | None:
        """The kind: "ic", "vc", "ro", "io", "nc" of North America, "itu" otherwise."""
        band = _band(frame)
        if self._steps and frame.start_ms - self._steps[-1].end_ms > MAX_GAP_MS:
            self._steps.clear()
        if band is None:
            return None
        if not self._steps or self._steps[-1].band != band:
            self._next(band, frame)
        if not self._steps:
            return None
        self._steps[-1].add(frame)
        if len(self._steps) < len(BANDS_HZ) or not self._steps[-1].heard:
            return None
        kind = _kind(self._steps)
        self._steps.clear()
        return kind

    def _next(self, band: int, frame: Frame) -> None:
        """Another tone than the one before: the next of the three, or the first of another attempt."""
        if band == 0 or not (band == len(self._steps) and self._steps[-1].heard):
            self._steps.clear()
        if band == len(self._steps):
            self._steps.append(_Step(band, frame.start_ms))


def _band(frame: Frame) -> int | None:
    if frame.line_share < LINE_SHARE:
        return None
    return next((band for band, (low_hz, high_hz) in enumerate(BANDS_HZ) if low_hz <= frame.line_hz <= high_hz), None)


def _kind(steps: list[_Step]) -> str:
    first, second = _variant(steps[0].hz, FIRST_HZ), _variant(steps[1].hz, SECOND_HZ)
    is_first_long, is_second_long = steps[0].length_ms >= LONG_MS, steps[1].length_ms >= LONG_MS
    return _KINDS.get((first, second, is_first_long, is_second_long), ITU)


def _variant(hz: float, variants_hz: tuple[float, float]) -> str:
    for name, variant_hz in zip(("low", "high"), variants_hz, strict=True):
        if abs(hz - variant_hz) <= VARIANT_TOLERANCE_HZ:
            return name
    return ""
