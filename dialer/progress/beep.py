"""When to start speaking on an answering machine: after its beep, or when it plainly waits without one.

Beeps come as one tone of 0.1 to 2 s, as a short pip, as two tones at once or one after the other, and as two pips. The
message starts after the last of them: after a short one, a second is waited for.
"""

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum

from dialer.progress.frames import FRAME_MS, Frame, FrameMeter, Meter
from dialer.progress.speech import QUIETEST_SPEECH_DBFS, SpeechTracker
from dialer.progress.tones import LINE_SHARE, Tone, ToneTracker

NO_BEEP_PAUSE_MS = 2500
"""A machine that has been silent for this long after speaking records already."""
NEVER_SPOKE_MS = 5000
GIVE_UP_MS = 45_000
"""The longest greeting worth waiting for."""
OVER_MS = 60
"""A lost packet inside a beep does not end it."""
SHORT_BEEP_MS = 360
SECOND_BEEP_MS = 300
"""After a beep shorter than that, a second one may follow so much later."""
PAIR_SHARE = 0.9
"""Two lines that together hold so much of the power are one beep."""
SAME_HZ, SAME_SHARE = 30.0, 0.4
"""The line that goes on in noise or in the room's echo ..."""
ECHO_DB = 15.0
"""... until it has fallen by this much."""
PIP_MIN_HZ = 700.0
PIP_DB = 15.0
"""A tone too short to be certain is a pip when it stands alone: so far above what is before and after it."""
PIP_QUIET_FRAMES = 3
_PIP_MEMORY_FRAMES = 12


class BeepEventKind(str, Enum):
    """FOUND: a beep sounds, be ready. READY: start the message now. GAVE_UP: it talks on and on; hang up."""

    FOUND = "found"
    READY = "ready"
    GAVE_UP = "gave_up"


@dataclass(frozen=True, slots=True)
class BeepEvent:
    """Instants in ms since this detector's first frame; `beep_ms` is None when the machine fell silent without one."""

    kind: BeepEventKind
    at_ms: int
    beep_ms: int | None = None
    beep_hz: float | None = None


class BeepDetector:
    """Feed it frames from the machine verdict on: FOUND comes some 120 ms after a beep's start, READY after its end."""

    def __init__(self, vad_mode: int = 2, *, in_beep: bool = False, meter: Meter | None = None) -> None:
        """`in_beep`: the verdict came from a beep that still sounds; READY comes when it is over."""
        self._meter = meter or FrameMeter(vad_mode)
        self._speech = SpeechTracker()
        self._tones = ToneTracker()
        self._pips = _Pips()
        self._sounding = _Sounding(Tone(0, SHORT_BEEP_MS, 0.0)) if in_beep else None
        self._done = False

    def feed(self, frame: bytes) -> BeepEvent | None:
        """Takes one 20 ms frame; after READY or GAVE_UP it answers None for ever. ValueError for another length."""
        if self._done:
            return None
        measured = _as_one_line(self._meter.measure(frame))
        self._tones.feed(measured)
        self._speech.feed(measured, in_tone=self._tones.suspected)
        event = self._next_event(measured)
        if event is not None and event.kind is not BeepEventKind.FOUND:
            self._done = True
        return event

    def _next_event(self, frame: Frame) -> BeepEvent | None:
        now_ms = frame.end_ms
        if self._sounding is not None:
            self._sounding.feed(frame)
            return self._sounding.ready(now_ms) if self._sounding.over else None
        pip = self._pips.feed(frame, self._tones.broken_off)
        beep = self._tones.current or pip
        if beep is not None:
            self._sounding = _Sounding(beep)
            return BeepEvent(BeepEventKind.FOUND, now_ms, beep.start_ms, beep.hz)
        if self._waits_without_beep(now_ms):
            return BeepEvent(BeepEventKind.READY, now_ms)
        return BeepEvent(BeepEventKind.GAVE_UP, now_ms) if now_ms >= GIVE_UP_MS else None

    def _waits_without_beep(self, now_ms: int) -> bool:
        if self._speech.end_ms is None:
            return now_ms >= NEVER_SPOKE_MS
        return self._speech.pause_ms >= NO_BEEP_PAUSE_MS


class _Sounding:
    """A beep that was found, until it is over."""

    def __init__(self, beep: Tone) -> None:
        self._beep = beep
        self._length_ms = beep.length_ms
        self._quiet_ms = 0
        self._peak_dbfs = QUIETEST_SPEECH_DBFS

    def feed(self, frame: Frame) -> None:
        """Takes the next frame."""
        if self._goes_on(frame):
            self._peak_dbfs = max(self._peak_dbfs, frame.level_dbfs)
            self._length_ms = FRAME_MS if self._quiet_ms > OVER_MS else self._length_ms + FRAME_MS
            self._quiet_ms = 0
        else:
            self._quiet_ms += FRAME_MS

    @property
    def over(self) -> bool:
        """Whether nothing more of it is to be expected."""
        return self._quiet_ms >= (OVER_MS if self._length_ms >= SHORT_BEEP_MS else SECOND_BEEP_MS)

    def ready(self, now_ms: int) -> BeepEvent:
        """What to tell when it is over."""
        return BeepEvent(BeepEventKind.READY, now_ms, self._beep.start_ms, self._beep.hz or None)

    def _goes_on(self, frame: Frame) -> bool:
        same = abs(frame.line_hz - self._beep.hz) <= SAME_HZ and frame.line_share >= SAME_SHARE
        return (same or frame.line_share >= LINE_SHARE) and frame.level_dbfs >= self._peak_dbfs - ECHO_DB


class _Pips:
    """Finds tones that stop before they are certain, by the silence around them."""

    def __init__(self) -> None:
        self._recent: deque[Frame] = deque(maxlen=_PIP_MEMORY_FRAMES)

    def feed(self, frame: Frame, broken_off: Tone | None) -> Tone | None:
        """The tone that broke off, if it was a pip."""
        self._recent.append(frame)
        return broken_off if broken_off is not None and self._stands_alone(broken_off) else None

    def _stands_alone(self, tone: Tone) -> bool:
        """The frames next to it may hold its beginning or its end, so those behind them count."""
        end_ms = tone.start_ms + tone.length_ms
        loudest_dbfs = max(one.level_dbfs for one in self._recent if tone.start_ms <= one.start_ms < end_ms)
        before = [one.level_dbfs for one in self._recent if one.end_ms < tone.start_ms]
        after = [one.level_dbfs for one in self._recent if one.start_ms > end_ms]
        if tone.hz < PIP_MIN_HZ or not before or not after:
            return False
        return max(*before[-PIP_QUIET_FRAMES:], *after) <= loudest_dbfs - PIP_DB


def _as_one_line(frame: Frame) -> Frame:
    """Two tones at once are followed by the lower one."""
    if frame.line_share >= LINE_SHARE or frame.pair_share < PAIR_SHARE:
        return frame
    return replace(frame, line_hz=min(frame.line_hz, frame.rival_hz), line_share=frame.pair_share)
