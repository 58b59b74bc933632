"""What is heard before the answer: ringing, busy, congestion, an announcement, music.

Network tones are told apart by cadence, not by pitch: 450 Hz is ringing, busy and congestion alike in China, as 425 Hz
is in most of Europe. ITU-T E.180 and its supplement 2 give the cadences. What is no tone is speech or music: speech
pauses between words and never holds a pitch, music does not pause and does.

Early media changes while a call is set up (ringing, then "the subscriber is powered off"), so the detector gives a
verdict each time its answer changes; the last one holds.
"""

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from dialer.progress.frames import FRAME_MS, Frame, FrameMeter
from dialer.progress.verdict import Label, Verdict

SINGLE_LOW_HZ, SINGLE_HIGH_HZ = 390.0, 500.0
"""Where single tones (400, 425, 450 Hz) and close pairs (440 + 480, 400 + 450 Hz) are seen."""
PAIR_HZ = (480.0, 620.0)
PAIR_TOLERANCE_HZ = 25.0
MAX_WANDER_HZ = 60.0
"""The beat of a close pair moves its line by up to 50 Hz; a tune moves further."""
TONE_SHARE = 0.85
QUIET_BELOW_TONE_DB = 12.0
RINGING_MIN_ON_MS = 850
"""No busy or congestion tone sounds for so long at a time."""
RINGING_MIN_OFF_MS = 900
"""Nor pauses for so long."""
BUSY_ON_MS = (290, 600)
SLOW_CONGESTION_ON_MS = (600, 800)
FAST_CONGESTION_ON_MS = (150, 290)
CADENCE_TOLERANCE_MS = 60
_MIN_PART_MS = 60
SIT_BANDS_HZ = ((890.0, 1010.0), (1340.0, 1460.0), (1720.0, 1840.0))
"""ITU-T E.180 §5: 950, 1400 and 1800 Hz ± 50 Hz (North America varies them a little)."""
SIT_MIN_PART_MS = 100
CONTENT_WINDOW_MS = 3000
"""How much speech or music is heard before it is named."""
_ACTIVE_MIN_DBFS = -50.0
_QUIET_BELOW_LOUDEST_DB = 20.0
_STEADY_HZ = 8.0
_STEADY_SHARE = 0.3
MUSIC_MIN_STEADY = 0.45
MUSIC_MAX_QUIET = 0.22
SPEECH_MIN_QUIET = 0.2
CHANGE_HOLD_MS = 1000
"""How long speech after music (or the reverse) must go on before it replaces an earlier verdict."""


class _Kind(Enum):
    TONE = "tone"
    QUIET = "quiet"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of network tone, or of the quiet around it. Pitch and level are those it began with."""

    kind: _Kind
    start_ms: int
    end_ms: int
    hz: float
    level_dbfs: float

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms


class _Cadence:
    """Cuts the sound into tone and quiet, and names the signal once its rhythm is plain."""

    def __init__(self) -> None:
        self._parts: deque[_Part] = deque(maxlen=4)
        self._pending_ms = 0

    def feed(self, frame: Frame) -> tuple[Label, str] | None:
        """Label and reason when the rhythm heard up to this frame is that of a signal."""
        self._extend(self._kind_of(frame), frame)
        if not any(part.kind is _Kind.TONE and part.length_ms >= _MIN_PART_MS for part in self._parts):
            return None
        return self._ringing() or self._interrupted()

    @property
    def sounding(self) -> bool:
        """Whether a network tone sounds now, for longer than any syllable holds a pitch."""
        return bool(self._parts) and self._parts[-1].kind is _Kind.TONE and self._parts[-1].length_ms >= 200

    def _kind_of(self, frame: Frame) -> _Kind:
        tones = [part for part in self._parts if part.kind is _Kind.TONE]
        if _is_network_tone(frame):
            same = not tones or abs(tones[-1].hz - frame.line_hz) <= MAX_WANDER_HZ or _is_pair(frame)
            return _Kind.TONE if same else _Kind.OTHER
        quiet_dbfs = tones[-1].level_dbfs - QUIET_BELOW_TONE_DB if tones else _ACTIVE_MIN_DBFS
        return _Kind.QUIET if frame.level_dbfs < quiet_dbfs else _Kind.OTHER

    def _extend(self, kind: _Kind, frame: Frame) -> None:
        last = self._parts[-1] if self._parts else None
        if last is None:
            self._begin(kind, frame, frame.start_ms)
        elif last.kind is kind:
            self._parts[-1] = replace(last, end_ms=frame.end_ms)
            self._pending_ms = 0
        else:
            self._pending_ms += FRAME_MS  # a frame or two of another kind are a lost packet, or the edge of the tone
            if self._pending_ms >= _MIN_PART_MS:
                self._begin(kind, frame, frame.end_ms - self._pending_ms)

    def _begin(self, kind: _Kind, frame: Frame, start_ms: int) -> None:
        self._pending_ms = 0
        if kind is _Kind.OTHER:
            self._parts.clear()
        else:
            self._parts.append(_Part(kind, start_ms, frame.end_ms, frame.line_hz, frame.level_dbfs))

    def _ringing(self) -> tuple[Label, str] | None:
        last = self._parts[-1]
        if last.kind is _Kind.TONE and last.length_ms >= RINGING_MIN_ON_MS:
            return Label.RINGBACK, f"a tone of {last.length_ms} ms"
        before = self._parts[-2] if len(self._parts) > 1 else None
        if before is not None and before.kind is _Kind.TONE and last.length_ms >= RINGING_MIN_OFF_MS:
            return Label.RINGBACK, f"a tone, then {last.length_ms} ms of pause"
        return None

    def _interrupted(self) -> tuple[Label, str] | None:
        """Tone, pause, tone, pause, all of one length: the last pause may still be going on."""
        if len(self._parts) < 4 or self._parts[-1].kind is _Kind.TONE:
            return None
        first_on, first_off, second_on, _ = self._parts
        lengths = (first_off.length_ms, second_on.length_ms)
        if abs(lengths[0] - lengths[1]) > CADENCE_TOLERANCE_MS:
            return None
        if first_on.start_ms > 0 and abs(first_on.length_ms - second_on.length_ms) > CADENCE_TOLERANCE_MS:
            return None
        on_ms = (lengths[0] + lengths[1]) // 2
        label = _name_interrupted(on_ms)
        return (label, f"a tone of {on_ms} ms, repeated with equal pauses") if label else None


class _InformationTone:
    """Finds the three rising tones that come before "the number you have dialed"."""

    def __init__(self) -> None:
        self._step = 0
        self._length_ms = 0
        self._since_ms = 0

    def feed(self, frame: Frame) -> bool:
        """True when the third tone has been heard long enough to be certain."""
        self._since_ms += FRAME_MS
        if self._since_ms > 1000:
            self._step = self._length_ms = 0
        low_hz, high_hz = SIT_BANDS_HZ[self._step]
        if frame.line_share < TONE_SHARE or not low_hz <= frame.line_hz <= high_hz:
            self._length_ms = 0
            return False
        self._length_ms += FRAME_MS
        if self._length_ms < SIT_MIN_PART_MS:
            return False
        self._step, self._length_ms, self._since_ms = self._step + 1, 0, 0
        found = self._step == len(SIT_BANDS_HZ)
        self._step %= len(SIT_BANDS_HZ)
        return found


class _Content:
    """Tells speech from music over the last three seconds of sound that is no network tone."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque(maxlen=CONTENT_WINDOW_MS // FRAME_MS)
        self.first_ms: int | None = None

    def forget(self) -> None:
        """A network tone sounded: what was heard before it was part of that."""
        self._frames.clear()

    def feed(self, frame: Frame) -> tuple[Label, str] | None:
        """Label and reason, once there is enough to go by."""
        if not self._frames and frame.level_dbfs < _ACTIVE_MIN_DBFS:
            return None
        if self.first_ms is None:
            self.first_ms = frame.start_ms
        self._frames.append(frame)
        if len(self._frames) < (self._frames.maxlen or 0):
            return None
        return self._judge()

    def _judge(self) -> tuple[Label, str] | None:
        levels = [frame.level_dbfs for frame in self._frames]
        loudest = sorted(levels)[-len(levels) // 20]
        quiet = sum(level < loudest - _QUIET_BELOW_LOUDEST_DB for level in levels) / len(levels)
        voiced = sum(frame.voiced for frame in self._frames) / len(levels)
        steady = self._share_of_steady_pitch()
        if loudest < _ACTIVE_MIN_DBFS + 5 or voiced < 0.4:
            return None
        if steady >= MUSIC_MIN_STEADY and quiet <= MUSIC_MAX_QUIET:
            return Label.MUSIC, f"no pauses, {steady:.0%} of the time a steady pitch"
        if quiet >= SPEECH_MIN_QUIET and steady < MUSIC_MIN_STEADY:
            return Label.ANNOUNCEMENT, f"speech: {quiet:.0%} pauses, {steady:.0%} steady pitch"
        return None

    def _share_of_steady_pitch(self) -> float:
        frames = list(self._frames)
        steady = sum(
            abs(b.line_hz - a.line_hz) < _STEADY_HZ and b.line_share > _STEADY_SHARE for a, b in pairwise(frames)
        )
        return steady / len(frames)


class EarlyMediaDetector:
    """Feed it 20 ms frames from the first early media on; it gives a verdict whenever its answer changes."""

    def __init__(self, vad_mode: int = 2) -> None:
        self._meter = FrameMeter(vad_mode)
        self._cadence = _Cadence()
        self._information_tone = _InformationTone()
        self._content = _Content()
        self._now_ms = 0
        self._changing_ms = 0
        self.verdict: Verdict | None = None

    def feed(self, frame: bytes) -> Verdict | None:
        """Takes one frame: int16 little-endian, 8 kHz, mono, 20 ms. Raises ValueError for another length."""
        measured = self._meter.measure(frame)
        self._now_ms = measured.end_ms
        found = self._name(measured)
        if found is None or (self.verdict is not None and self.verdict.label is found[0]):
            return None
        return self._say(*found, confidence=0.9)

    def flush(self) -> Verdict | None:
        """The audio is over: UNKNOWN unless a verdict was given."""
        if self.verdict is not None:
            return None
        return self._say(Label.UNKNOWN, f"nothing recognised in {self._now_ms} ms", confidence=0.0)

    def _name(self, frame: Frame) -> tuple[Label, str] | None:
        if self._information_tone.feed(frame):
            return Label.SIT, "three rising tones"
        signal = self._cadence.feed(frame)
        if signal is not None or self._cadence.sounding:
            self._content.forget()
            return signal
        content = self._content.feed(frame)
        return content if content is not None and self._may_become(content[0]) else None

    def _may_become(self, label: Label) -> bool:
        """Whether speech or music may be the new answer. Not after SIT: that announcement belongs to the tones."""
        if self.verdict is None or self.verdict.label is label:
            self._changing_ms = 0
            return True
        self._changing_ms += FRAME_MS
        return self.verdict.label is not Label.SIT and self._changing_ms >= CHANGE_HOLD_MS

    def _say(self, label: Label, reason: str, *, confidence: float) -> Verdict:
        speaks = label in (Label.ANNOUNCEMENT, Label.MUSIC)
        first_ms = self._content.first_ms if speaks else None
        self.verdict = Verdict(label, confidence, self._now_ms, first_speech_ms=first_ms, reason=reason)
        return self.verdict


def _is_network_tone(frame: Frame) -> bool:
    """Nothing but a line, or a pair of lines, at the pitch of the network's tones."""
    single = frame.line_share >= TONE_SHARE and SINGLE_LOW_HZ <= frame.line_hz <= SINGLE_HIGH_HZ
    return single or _is_pair(frame)


def _is_pair(frame: Frame) -> bool:
    low_hz, high_hz = sorted((frame.line_hz, frame.rival_hz))
    near = abs(low_hz - PAIR_HZ[0]) <= PAIR_TOLERANCE_HZ and abs(high_hz - PAIR_HZ[1]) <= PAIR_TOLERANCE_HZ
    return near and frame.pair_share >= TONE_SHARE


def _name_interrupted(on_ms: int) -> Label | None:
    if BUSY_ON_MS[0] <= on_ms < BUSY_ON_MS[1]:
        return Label.BUSY
    for shortest, longest in (SLOW_CONGESTION_ON_MS, FAST_CONGESTION_ON_MS):
        if shortest <= on_ms < longest:
            return Label.CONGESTION
    return None
