"""When to start speaking on an answering machine: after its beep, or when it plainly waits without one."""

from dataclasses import dataclass
from enum import Enum

from dialer.progress.frames import Frame, FrameMeter
from dialer.progress.speech import SpeechTracker
from dialer.progress.tones import LINE_SHARE, ToneTracker

NO_BEEP_PAUSE_MS = 2500
"""A machine that has been silent for this long after speaking records already."""
NEVER_SPOKE_MS = 5000
GIVE_UP_MS = 45_000
"""The longest greeting worth waiting for."""


_OVER_FRAMES = 3
"""A lost packet inside a beep does not end it."""


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

    def __init__(self, vad_mode: int = 2, *, in_beep: bool = False) -> None:
        """`in_beep`: the verdict came from a beep that still sounds; READY comes when it is over."""
        self._meter = FrameMeter(vad_mode)
        self._speech = SpeechTracker()
        self._tones = ToneTracker()
        self._found = BeepEvent(BeepEventKind.FOUND, 0, 0) if in_beep else None
        self._frames_without_tone = 0
        self._done = False

    def feed(self, frame: bytes) -> BeepEvent | None:
        """Takes one 20 ms frame; after READY or GAVE_UP it answers None for ever. ValueError for another length."""
        if self._done:
            return None
        measured = self._meter.measure(frame)
        self._tones.feed(measured)
        self._speech.feed(measured, in_tone=self._tones.suspected)
        event = self._next_event(measured)
        if event is not None and event.kind is not BeepEventKind.FOUND:
            self._done = True
        return event

    def _next_event(self, frame: Frame) -> BeepEvent | None:
        now_ms = frame.end_ms
        if self._found is not None:
            self._frames_without_tone = 0 if frame.line_share >= LINE_SHARE else self._frames_without_tone + 1
            over = self._frames_without_tone >= _OVER_FRAMES
            return BeepEvent(BeepEventKind.READY, now_ms, self._found.beep_ms, self._found.beep_hz) if over else None
        tone = self._tones.current
        if tone is not None:
            self._found = BeepEvent(BeepEventKind.FOUND, now_ms, tone.start_ms, tone.hz)
            return self._found
        if self._waits_without_beep(now_ms):
            return BeepEvent(BeepEventKind.READY, now_ms)
        return BeepEvent(BeepEventKind.GAVE_UP, now_ms) if now_ms >= GIVE_UP_MS else None

    def _waits_without_beep(self, now_ms: int) -> bool:
        if self._speech.end_ms is None:
            return now_ms >= NEVER_SPOKE_MS
        return self._speech.pause_ms >= NO_BEEP_PAUSE_MS
