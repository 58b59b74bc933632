"""What is heard before the answer: ringing, busy, congestion, information tones, an announcement, music.

Three listeners share the frames: `early_media_cadence` for tones with a rhythm, `early_media_information` for the three
rising tones, `early_media_content` for what is no tone, speech or music.

Early media changes while a call is set up (ringing, then "the subscriber is powered off"), so the detector gives a
verdict each time its answer changes; the last one holds. Its subclass is the tone plan whose signal was heard, the kind
of information tones, or empty.
"""

from collections.abc import Collection

from dialer.progress.early_media_cadence import Cadence
from dialer.progress.early_media_content import Content
from dialer.progress.early_media_information import InformationTones
from dialer.progress.frames import Frame, FrameMeter, Meter
from dialer.progress.verdict import Label, Verdict

ENDLESS_TONE_MS = 3000
"""No ringing tone sounds for so long at a time."""
_SOUNDING_MS = 200
"""Longer than a syllable holds its pitch."""
_CONFIDENCE = 0.9


class EarlyMediaDetector:
    """Feed it 20 ms frames from the first early media on; it gives a verdict whenever its answer changes."""

    def __init__(self, vad_mode: int = 2, *, plans: Collection[str] = (), meter: Meter | None = None) -> None:
        """`plans`: the tone plans of where the trunk leads; all without any. Raises ValueError for an unknown one."""
        self._meter = meter or FrameMeter(vad_mode)
        self._cadence = Cadence(plans)
        self._information_tones = InformationTones()
        self._content = Content()
        self._now_ms = 0
        self.verdict: Verdict | None = None

    def feed(self, frame: bytes) -> Verdict | None:
        """Takes one frame: int16 little-endian, 8 kHz, mono, 20 ms. Raises ValueError for another length."""
        measured = self._meter.measure(frame)
        self._now_ms = measured.end_ms
        found = self._name(measured)
        if found is None or (self.verdict is not None and self.verdict.label is found.label):
            return None
        self.verdict = found
        return found

    def flush(self) -> Verdict | None:
        """The audio is over: UNKNOWN unless a verdict was given."""
        if self.verdict is not None:
            return None
        self.verdict = self._unknown(f"nothing recognised in {self._now_ms} ms")
        return self.verdict

    def _name(self, frame: Frame) -> Verdict | None:
        kind = self._information_tones.feed(frame)
        signal = self._cadence.feed(frame)
        if kind is not None:
            return self._signal(Label.SIT, kind, "three rising tones")
        if signal is not None:
            self._content.forget()
            return self._signal(signal.label, signal.plan, signal.reason)
        if self._cadence.sounding_ms >= _SOUNDING_MS:
            return self._endless() if self._cadence.sounding_ms >= ENDLESS_TONE_MS else None
        return None if self._cadence.signalling else self._of_content(frame)

    def _endless(self) -> Verdict | None:
        """What seemed to ring does not stop: a dial tone, or one of a broken exchange."""
        if self.verdict is None or self.verdict.label is not Label.RINGBACK:
            return None
        return self._unknown("a tone that does not end")

    def _of_content(self, frame: Frame) -> Verdict | None:
        found = self._content.feed(frame)
        if found is None or (self.verdict is not None and self.verdict.label is Label.SIT):
            return None  # an announcement after information tones belongs to them
        first_ms = self._content.first_ms
        return Verdict(found.label, _CONFIDENCE, self._now_ms, first_speech_ms=first_ms, reason=found.reason)

    def _signal(self, label: Label, subclass: str, reason: str) -> Verdict:
        return Verdict(label, _CONFIDENCE, self._now_ms, subclass=subclass, reason=reason)

    def _unknown(self, reason: str) -> Verdict:
        return Verdict(Label.UNKNOWN, 0.0, self._now_ms, reason=reason)
