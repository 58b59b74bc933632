"""What answered: a person, a machine, a fax, or nobody.

First form. It listens to when somebody speaks, not to what is said: a person says a short word and waits; a machine
talks on, or beeps. The decision falls where speech ends, not at fixed times, so a short "喂" is known 300 ms after its
last sound. A short announcement without a beep cannot be told from a person this way; it is called a person, because
the costliest error is the other one: a person taken for a machine is hung up on.
"""

from dataclasses import dataclass

from dialer.progress.frames import FRAME_MS, FrameMeter
from dialer.progress.speech import SpeechTracker
from dialer.progress.tones import Tone, ToneTracker
from dialer.progress.verdict import Label, Verdict

CNG_HZ = 1100.0  # ITU-T T.30 §4.2: calling tone, 1100 Hz ± 38 Hz, 0.5 s ± 15 % on
CNG_TOLERANCE_HZ = 38.0
CNG_MIN_MS, CNG_MAX_MS = 420, 580
CED_HZ = 2100.0  # ITU-T T.30 §4.1 and V.8 (ANSam): answer tone, 2100 Hz ± 15 Hz
CED_TOLERANCE_HZ = 15.0
CED_MIN_MS = 400
_RINGING_MAX_HZ = 500.0
"""A tone below this before any speech is the rest of the ringing tone, not a beep."""
_NOTHING_SAID_MIN_MS = 2000
_FAINT_VOICE_MS = 500
"""So much voice too faint to count as speech, and nobody can say that it was silence."""


@dataclass(frozen=True, slots=True)
class AmdConfig:
    """Times in ms. The defaults keep their accuracy when moved by a fifth; see docs/amd.md."""

    vad_mode: int = 2
    short_greeting_ms: int = 1100
    """Up to here a greeting is a word or two, and a short pause ends it."""
    short_pause_ms: int = 300
    long_pause_ms: int = 620
    """The pause that ends a longer greeting: long enough to step over a recorded sentence's full stop."""
    machine_after_ms: int = 4200
    """Nobody greets for longer without waiting for an answer."""
    machine_min_speech_share: float = 0.4
    """Of that time; with less it is noise, and unknown."""
    silence_after_ms: int = 4500
    give_up_after_ms: int = 9000
    likely_pause_ms: int = 200
    """After so much quiet the greeting is probably over: a collector may be connected while listening goes on."""
    lost_person_cost_s: float = 600.0
    """What taking a person for a machine costs, in seconds of a collector's time."""


class AmdDetector:
    """Feed it 20 ms frames from the answer on; it gives one verdict, then None for ever."""

    def __init__(self, config: AmdConfig | None = None) -> None:
        self._config = config or AmdConfig()
        self._meter = FrameMeter(self._config.vad_mode)
        self._speech = SpeechTracker()
        self._tones = ToneTracker()
        self._now_ms = 0
        self._faint_ms = 0
        self.verdict: Verdict | None = None

    def feed(self, frame: bytes) -> Verdict | None:
        """Takes one frame: int16 little-endian, 8 kHz, mono, 20 ms. Raises ValueError for another length."""
        if self.verdict is not None:
            return None
        measured = self._meter.measure(frame)
        self._now_ms = measured.end_ms
        self._tones.feed(measured)
        in_tone = self._tones.suspected
        if not self._speech.feed(measured, in_tone=in_tone) and measured.voiced and not in_tone:
            self._faint_ms += FRAME_MS
        if self._tones.current is not None:
            self._speech.retract(self._tones.current.start_ms)
        self.verdict = self._from_tones() or self._from_speech() or self._from_time()
        return self.verdict

    @property
    def likely_over(self) -> bool:
        """Whether the greeting is probably over, of a person as far as one can tell; it may yet go on."""
        return self.verdict is None and self._speech.heard and self._speech.pause_ms >= self._config.likely_pause_ms

    def flush(self) -> Verdict | None:
        """The audio is over: decides from what there is, unless a verdict was given."""
        if self.verdict is None:
            self.verdict = self._from_what_there_is()
            return self.verdict
        return None

    def _from_tones(self) -> Verdict | None:
        current, ended = self._tones.current, self._tones.ended
        if current is not None and current.near(CED_HZ, CED_TOLERANCE_HZ):
            if current.length_ms < CED_MIN_MS:
                return None
            return self._verdict(Label.FAX, 0.97, "ced", "answer tone of a fax or modem (2100 Hz)", beep=current)
        if ended is not None and self._is_calling_tone(ended):
            return self._verdict(
                Label.FAX, 0.95, "cng", "calling tone of a fax (1100 Hz for half a second)", beep=ended
            )
        if current is None or self._may_be_network_or_fax(current):
            return None
        confidence = 0.98 if self._speech.heard else 0.8
        return self._verdict(Label.MACHINE, confidence, "beep", f"a beep of {current.hz:.0f} Hz", beep=current)

    def _is_calling_tone(self, tone: Tone) -> bool:
        in_time = CNG_MIN_MS <= tone.length_ms <= CNG_MAX_MS
        return in_time and tone.near(CNG_HZ, CNG_TOLERANCE_HZ) and not self._speech.heard

    def _may_be_network_or_fax(self, tone: Tone) -> bool:
        """Before any speech a low tone is the network's, and one of 1100 Hz may yet turn out to be a fax calling."""
        if self._speech.heard:
            return False
        calling = tone.near(CNG_HZ, CNG_TOLERANCE_HZ) and tone.length_ms <= CNG_MAX_MS
        return tone.hz < _RINGING_MAX_HZ or calling

    def _from_speech(self) -> Verdict | None:
        if not self._speech.heard:
            return None
        span_ms, pause_ms = self._speech.span_ms, self._speech.pause_ms
        if span_ms >= self._config.machine_after_ms:
            return self._long_greeting()
        if pause_ms >= self._pause_that_ends(span_ms):
            return self._person(span_ms, pause_ms)
        return None

    def _pause_that_ends(self, span_ms: int) -> int:
        return self._config.short_pause_ms if span_ms <= self._config.short_greeting_ms else self._config.long_pause_ms

    def _long_greeting(self) -> Verdict:
        share = self._speech.speech_ms / self._speech.span_ms
        if share < self._config.machine_min_speech_share:
            return self._verdict(
                Label.UNKNOWN, 0.5, "", f"sound for {self._speech.span_ms} ms, too broken to be speech"
            )
        reason = f"talks for {self._speech.span_ms} ms without waiting for an answer"
        return self._verdict(Label.MACHINE, 0.85, "long_greeting", reason)

    def _person(self, span_ms: int, pause_ms: int) -> Verdict:
        """Less certain the longer the greeting: a person rarely speaks for 3 s, a machine often does."""
        short = span_ms <= self._config.short_greeting_ms
        over_ms = max(0, span_ms - self._config.short_greeting_ms)
        confidence = 0.9 - 0.35 * over_ms / (self._config.machine_after_ms - self._config.short_greeting_ms)
        reason = f"spoke for {span_ms} ms, then waited for {pause_ms} ms"
        return self._verdict(
            Label.HUMAN, round(confidence, 2), "short" if short else "long", reason, greeting_over=True
        )

    def _from_time(self) -> Verdict | None:
        if self._speech.start_ms is None and self._now_ms >= self._config.silence_after_ms:
            return self._nobody()
        if self._now_ms >= self._config.give_up_after_ms:
            return self._verdict(Label.UNKNOWN, 0.5, "", f"undecided after {self._now_ms} ms")
        return None

    def _nobody(self) -> Verdict:
        if self._faint_ms >= _FAINT_VOICE_MS:
            return self._verdict(Label.UNKNOWN, 0.5, "faint", f"{self._faint_ms} ms of voice too faint to be sure")
        return self._verdict(Label.SILENCE, 0.9, "", f"nobody spoke for {self._now_ms} ms")

    def _from_what_there_is(self) -> Verdict:
        if self._speech.heard and self._speech.pause_ms >= self._config.short_pause_ms:
            return self._person(self._speech.span_ms, self._speech.pause_ms)
        if self._speech.heard:
            reason = f"ended after {self._speech.span_ms} ms of speech"
            return self._verdict(Label.UNKNOWN, 0.5, "ended", reason, greeting_over=self._speech.pause_ms > 0)
        if self._now_ms >= _NOTHING_SAID_MIN_MS:
            return self._verdict(Label.SILENCE, 0.6, "ended", f"nobody spoke in {self._now_ms} ms")
        return self._verdict(Label.UNKNOWN, 0.0, "ended", f"only {self._now_ms} ms of audio")

    def _verdict(
        self,
        label: Label,
        confidence: float,
        subclass: str,
        reason: str,
        *,
        beep: Tone | None = None,
        greeting_over: bool = False,
    ) -> Verdict:
        heard = self._speech.heard
        over = heard and (greeting_over or (beep is not None and label is Label.MACHINE))
        return Verdict(
            label=label,
            confidence=confidence,
            decided_ms=self._now_ms,
            first_speech_ms=self._speech.start_ms if heard else None,
            greeting_end_ms=self._speech.end_ms if over else None,
            beep_ms=beep.start_ms if beep is not None and label is Label.MACHINE else None,
            subclass=subclass,
            reason=reason,
        )
