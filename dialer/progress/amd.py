"""What answered: a person, a machine, a fax, or nobody.

The greeting is followed frame by frame (`speech`, `features`), and small networks say how probably a machine greets,
given what was heard so far, and how probably it gives itself away if one waits (`classifier`). What to do with that
follows from what mistakes cost, in seconds of a collector's time:

- Hanging up on a person costs L (`lost_person_cost_s`), putting a machine through C (`COLLECTOR_S`). So it is called a
  machine only once that is cheaper on average: from a probability of L / (L + C) on.
- While somebody waits for an answer, every second of silence loses a share h of the people (`hang_up_share`). Waiting
  for t seconds is worth it while P(a machine gives itself away by then) · C > P(a person) · L · h · t for some t.

Both follow from the one setting L. A person's verdict falls where speech ends, never at a fixed time after the answer;
a machine's as soon as it is plain, also before its greeting ends. A beep decides at once.
"""

from collections import deque
from dataclasses import dataclass
from statistics import fmean, median

from dialer.progress.classifier import HORIZONS_MS, LONGEST_PAUSE_MS, GreetingModel, Judgement, shipped_model
from dialer.progress.fax import FaxDetector, FaxSignal, FaxTone
from dialer.progress.features import GreetingFeatures
from dialer.progress.frames import FRAME_MS, Frame, FrameMeter, Meter
from dialer.progress.speech import SpeechTracker
from dialer.progress.tones import Tone, ToneTracker
from dialer.progress.verdict import Label, Verdict

COLLECTOR_S = 17.0
"""What a machine costs that is put through: the collector hears it, hangs up and notes it down."""
SHORT_GREETING_MS, LONG_GREETING_MS = 800, 1200
HANG_UP_SHARES = (0.014, 0.002)
"""Of people who wait for an answer, so many hang up a second: after a short greeting ("喂?"), after a longer one."""
BEYOND_DOUBT = 0.99
SURE_FRAMES = 2
"""So often in a row the networks must be sure of a machine: one odd frame hangs up on nobody."""
JUDGE_FRAMES = 3
"""The networks are asked in every frame of a pause, and so often in speech."""
MIN_PERIODIC_SHARE, CLEAR_DB = 0.03, 12.0
"""Of a voice; with less it was noise that the voice activity took for one."""
UNSURE_FROM = 0.7
"""Who waits although a machine is so probable is called unknown, which goes to a collector, too."""
MIN_SPEECH_SHARE = 0.3
"""Of a machine's greeting; with less it is noise, and unknown."""
LOUD_PAUSE_S, LOUD_PERSON_UP_TO = 1.2, 0.2
BACKGROUND_MS = 120
"""A voice goes on, but far below the one that answered: somebody's television, if this is no machine."""
BEEP_BELOW_SPEECH_DB = 20.0
BEEP_ABOVE_BEFORE_DB = 6.0
"""A beep is about as loud as the greeting and stands out of what was before it; a note of a tune does not."""
BEFORE_BEEP_FRAMES = 20
AFTER_SPEECH_MS, BEEP_IN_SPEECH_MS = 100, 180
"""Directly after speech a tone must last longer to be no vowel held for long."""
LONE_BEEP_QUIET_MS = 600
RINGING_MAX_HZ = 500.0
"""A tone below this before any speech is the rest of the ringing tone, not a beep."""
NOTHING_SAID_MIN_MS = 2000
FAINT_PERIODIC, FAINT_VOICE_MS = 0.6, 200
"""So much of what is nearly a voice, too faint to count as speech, and nobody can say that it was silence."""


@dataclass(frozen=True, slots=True)
class AmdConfig:
    """Times in ms. What each is worth: docs/amd.md."""

    vad_mode: int = 2
    lost_person_cost_s: float = 600.0
    """What taking a person for a machine costs, in seconds of a collector's time."""
    patient: bool = False
    """The person is with a collector already: waiting costs nothing, and only what is beyond doubt ends that."""
    shortest_pause_ms: int = 200
    """Within a greeting people pause for so long between words; before that nobody waits for an answer."""
    earliest_machine_ms: int = 1600
    """No greeting shorter than this is a machine's by its sound alone."""
    silence_after_ms: int = 4500
    give_up_after_ms: int = 9000
    likely_pause_ms: int = 200
    """After so much quiet the greeting is probably over: a collector may be connected while listening goes on."""

    @property
    def machine_from(self) -> float:
        """The probability from which on it is called a machine."""
        cheaper = self.lost_person_cost_s / (self.lost_person_cost_s + COLLECTOR_S)
        return max(cheaper, BEYOND_DOUBT) if self.patient else cheaper

    def hang_up_share(self, span_ms: int) -> float:
        """The share of people that is lost in each second of silence after a greeting of this length."""
        if self.patient:
            return 0.0
        length = (span_ms - SHORT_GREETING_MS) / (LONG_GREETING_MS - SHORT_GREETING_MS)
        short, long = HANG_UP_SHARES
        return short + (long - short) * min(max(length, 0.0), 1.0)

    def worth_waiting(self, judgement: Judgement, span_ms: int, pause_ms: int) -> bool:
        """Whether a machine may give itself away soon enough, given the silence so far."""
        a_second = (1 - judgement.machine) * self.lost_person_cost_s * self.hang_up_share(span_ms)
        waits = zip(judgement.revealed, HORIZONS_MS, strict=True)
        left_ms = LONGEST_PAUSE_MS - pause_ms
        return any(chance * COLLECTOR_S > a_second * min(wait_ms, left_ms) / 1000 for chance, wait_ms in waits)


class AmdDetector:
    """Feed it 20 ms frames from the answer on; it gives one verdict, then None for ever."""

    def __init__(
        self, config: AmdConfig | None = None, *, meter: Meter | None = None, model: GreetingModel | None = None
    ) -> None:
        """`meter` measures the frames (the Python one by default), `model` judges (the shipped one by default)."""
        self._config = config or AmdConfig()
        self._meter = meter or FrameMeter(self._config.vad_mode)
        self._model = model or shipped_model()
        self._speech = SpeechTracker()
        self._tones = ToneTracker()
        self._fax = FaxDetector()
        self._greeting = GreetingFeatures()
        self._levels: deque[float] = deque(maxlen=2 * BEFORE_BEEP_FRAMES)
        self._now_ms = 0
        self._faint_ms = 0
        self._judgement = Judgement(0.5, ())
        self._sure_frames = 0
        self._lone: Tone | None = None
        self._is_tune = False
        self.verdict: Verdict | None = None

    def feed(self, frame: bytes) -> Verdict | None:
        """Takes one frame: int16 little-endian, 8 kHz, mono, 20 ms. Raises ValueError for another length."""
        if self.verdict is not None:
            return None
        measured = self._meter.measure(frame)
        self._now_ms = measured.end_ms
        self._levels.append(measured.level_dbfs)
        self._tones.feed(measured)
        in_tone = self._tones.suspected
        active = self._speech.feed(measured, in_tone=in_tone)
        if not active and measured.voiced and not in_tone and measured.periodicity >= FAINT_PERIODIC:
            self._faint_ms += FRAME_MS
        if self._tones.current is not None:
            self._speech.retract(self._tones.current.start_ms)
        self._greeting.feed(measured, self._speech, active=active)
        self.verdict = self._from_tones(measured) or self._from_greeting(measured.index) or self._from_time()
        return self.verdict

    @property
    def likely_over(self) -> bool:
        """Whether the greeting is probably over, of a person as far as one can tell; it may yet go on."""
        waits = self._speech.heard and self._speech.pause_ms >= self._config.likely_pause_ms
        return self.verdict is None and waits and self._judgement.machine < UNSURE_FROM

    @property
    def greeting_end_ms(self) -> int | None:
        """Where the greeting ended, as far as was heard; None before any speech."""
        return self._speech.end_ms if self._speech.heard else None

    def flush(self) -> Verdict | None:
        """The audio is over: decides from what there is, unless a verdict was given."""
        if self.verdict is None:
            self.verdict = self._from_what_there_is()
            return self.verdict
        return None

    def _from_tones(self, frame: Frame) -> Verdict | None:
        fax = self._fax.feed(frame)
        if fax is not None and not (fax.kind is FaxSignal.CNG and self._speech.heard):
            return self._a_fax(fax)
        tone = self._tones.current
        if not self._speech.heard:
            return self._from_lone_tone(tone)
        if tone is None or self._may_be_network_or_fax(tone) or not self._stands_out(tone):
            return None
        return self._a_beep(tone, 0.98)

    def _from_lone_tone(self, tone: Tone | None) -> Verdict | None:
        """A tone before any word is a machine's beep if nothing follows it for a while: tunes and voices go on."""
        if tone is not None:
            another = self._lone is not None and tone.start_ms >= self._lone.start_ms + self._lone.length_ms
            self._is_tune = self._is_tune or another
            self._lone = None if self._may_be_network_or_fax(tone) or not self._stands_out(tone) else tone
            return None
        lone = self._lone
        if lone is None or self._is_tune or self._speech.start_ms is not None:
            return None
        quiet_ms = self._now_ms - lone.start_ms - lone.length_ms
        return self._a_beep(lone, 0.8) if quiet_ms >= LONE_BEEP_QUIET_MS else None

    def _a_beep(self, tone: Tone, confidence: float) -> Verdict:
        return self._verdict(Label.MACHINE, confidence, "beep", f"a beep of {tone.hz:.0f} Hz", beep=tone)

    def _a_fax(self, fax: FaxTone) -> Verdict:
        reason = f"{fax.kind.value.upper()} of a fax or modem ({fax.hz:.0f} Hz)"
        return self._verdict(Label.FAX, 0.97, fax.kind.value, reason)

    def _may_be_network_or_fax(self, tone: Tone) -> bool:
        """What may be a fax's is left to the fax detector; before any speech a low tone is the network's."""
        suspect = self._fax.suspect(tone.hz, tone.length_ms)
        if suspect is FaxSignal.CED:
            return True
        return not self._speech.heard and (suspect is FaxSignal.CNG or tone.hz < RINGING_MAX_HZ)

    def _stands_out(self, tone: Tone) -> bool:
        n_frames = (self._now_ms - tone.start_ms) // FRAME_MS
        levels = list(self._levels)
        before = levels[: -n_frames - 1][-BEFORE_BEEP_FRAMES:]
        level = fmean(levels[-n_frames + 1 :])
        peak, end_ms = self._speech.peak_dbfs, self._speech.end_ms
        within_speech = end_ms is not None and tone.start_ms - end_ms < AFTER_SPEECH_MS
        if within_speech and tone.length_ms < BEEP_IN_SPEECH_MS:
            return False
        if peak is not None and level < peak - BEEP_BELOW_SPEECH_DB:
            return False
        return not before or level >= median(before) + BEEP_ABOVE_BEFORE_DB

    def _from_greeting(self, index: int) -> Verdict | None:
        pause_ms = self._speech.pause_ms
        if pause_ms >= self._config.shortest_pause_ms and self._is_noise():
            self._speech.forget()
            return None
        if not self._speech.heard or (pause_ms == 0 and index % JUDGE_FRAMES):
            return None
        self._judgement = self._model.judge(self._greeting.vector(self._speech))
        if self._is_machine():
            return self._machine()
        if pause_ms >= self._config.shortest_pause_ms:
            return self._from_pause(pause_ms)
        return self._person() if self._is_behind_a_person() else None

    def _is_behind_a_person(self) -> bool:
        """Whether what goes on talking is too quiet to be the one who answered, and has not only just begun."""
        lasts = self._greeting.last_part_ms >= BACKGROUND_MS and not self._tones.suspected
        return lasts and self._greeting.loud_pause_s >= LOUD_PAUSE_S and self._judgement.machine <= LOUD_PERSON_UP_TO

    def _from_pause(self, pause_ms: int) -> Verdict | None:
        if self._tones.suspected:
            return None  # a beep, perhaps: in a few frames it is certain
        if pause_ms >= LONGEST_PAUSE_MS:
            return self._waited()
        if self._config.worth_waiting(self._judgement, self._speech.span_ms, pause_ms):
            return None
        return self._person()

    def _is_noise(self) -> bool:
        """No vowel in it, and no noise that would have hidden one: wind, clatter, somebody breathing."""
        if not self._speech.heard or self._greeting.periodic_share >= MIN_PERIODIC_SHARE:
            return False
        return self._greeting.above_noise_db(self._speech) >= CLEAR_DB

    def _is_machine(self) -> bool:
        sure = self._judgement.machine >= self._config.machine_from
        self._sure_frames = self._sure_frames + 1 if sure else 0
        return self._sure_frames >= SURE_FRAMES and self._speech.span_ms >= self._config.earliest_machine_ms

    def _machine(self) -> Verdict:
        span_ms, speech_ms = self._speech.span_ms, self._speech.speech_ms
        if speech_ms < MIN_SPEECH_SHARE * span_ms:
            return self._verdict(Label.UNKNOWN, 0.5, "", f"sound for {span_ms} ms, too broken to be speech")
        reason = f"talks like a recording, for {span_ms} ms"
        return self._verdict(Label.MACHINE, self._judgement.machine, "greeting", reason)

    def _person(self) -> Verdict:
        span_ms, pause_ms = self._speech.span_ms, self._speech.pause_ms
        subclass = "short" if span_ms <= LONG_GREETING_MS else "long"
        reason = f"spoke for {span_ms} ms, then waited for {pause_ms} ms"
        return self._verdict(Label.HUMAN, 1 - self._judgement.machine, subclass, reason, greeting_over=True)

    def _waited(self) -> Verdict:
        """Nobody is kept waiting any longer for the sake of telling them from a machine."""
        if self._judgement.machine < UNSURE_FROM:
            return self._person()
        reason = f"sounded like a machine, then waited for {self._speech.pause_ms} ms"
        return self._verdict(Label.UNKNOWN, 1 - self._judgement.machine, "", reason, greeting_over=True)

    def _from_time(self) -> Verdict | None:
        if self._speech.start_ms is None and self._now_ms >= self._config.silence_after_ms:
            return self._nobody()
        if self._now_ms >= self._config.give_up_after_ms:
            return self._verdict(Label.UNKNOWN, 0.5, "", f"undecided after {self._now_ms} ms")
        return None

    def _nobody(self) -> Verdict:
        if self._faint_ms >= FAINT_VOICE_MS:
            return self._verdict(Label.UNKNOWN, 0.5, "faint", f"{self._faint_ms} ms of voice too faint to be sure")
        return self._verdict(Label.SILENCE, 0.9, "", f"nobody spoke for {self._now_ms} ms")

    def _from_what_there_is(self) -> Verdict:
        if self._speech.heard and self._speech.pause_ms >= self._config.shortest_pause_ms:
            return self._waited()
        if self._speech.heard:
            reason = f"ended after {self._speech.span_ms} ms of speech"
            return self._verdict(Label.UNKNOWN, 0.5, "ended", reason, greeting_over=self._speech.pause_ms > 0)
        if self._now_ms >= NOTHING_SAID_MIN_MS:
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
        over = heard and (greeting_over or beep is not None)
        return Verdict(
            label=label,
            confidence=round(confidence, 3),
            decided_ms=self._now_ms,
            first_speech_ms=self._speech.start_ms if heard else None,
            greeting_end_ms=self._speech.end_ms if over else None,
            beep_ms=beep.start_ms if beep is not None else None,
            subclass=subclass,
            reason=reason,
        )
