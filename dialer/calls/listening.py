"""What the tap of a trunk leg is listened to for: early media, the greeting, or a machine's beep.

Blocks of 20 ms go straight from the leg's sink into the detectors, without a turn of the attempt's task; only what they
conclude becomes a signal. So a verdict costs no more than the frame it was made from.

Early media and greeting go to the detector and to the library of known announcements alike. What an announcement means
counts for more than how it sounds, and for more than a SIP code: many trunks say 480 for everything. What only begins
like a known announcement means nothing before the answer: an unknown one may go on otherwise. Networks play
announcements after an answer, too; such an answer is no person's, and what begins like one is a machine's at least.
"""

from collections.abc import Callable
from typing import Protocol

from dialer.calls.dispositions import DEAD_ENDS, MEANS, TONES
from dialer.calls.heard import HeardVerdict, Memory, Unknown
from dialer.calls.signals import ListenTarget, Signal
from dialer.calls.signals import SignalKind as K
from dialer.media.meter import NativeMeter
from dialer.model.announcement import AnnouncementMeaning
from dialer.model.attempt import Disposition
from dialer.progress.amd import AmdConfig, AmdDetector
from dialer.progress.beep import BeepDetector, BeepEventKind
from dialer.progress.early_media import EarlyMediaDetector
from dialer.progress.verdict import Label, Verdict

FRAME_S = 0.020
LASTING_TONE_MS = 6000
"""A busy or congestion tone that has been the only thing for so long after it was named will not turn into ringing:
that is eight periods of the slowest of them (ITU-T E.180: up to 0.75 s on and off). The carrier would play it on until
the ring timeout."""
TONES_MS = 1000
"""The three information tones before an announcement (ITU-T E.180 §5), which belong to it."""
RECOGNISED = 0.99
"""The confidence of a verdict that rests on a known announcement: the library errs less than any detector."""
_KINDS = {Label.HUMAN: K.HUMAN, Label.MACHINE: K.MACHINE, Label.FAX: K.FAX, Label.SILENCE: K.SILENCE}
_SPOKEN = (Label.ANNOUNCEMENT, Label.SIT)


class Recognised(Protocol):
    """A known announcement; not `certain`: something that begins like it."""

    @property
    def title(self) -> str: ...

    @property
    def meaning(self) -> AnnouncementMeaning: ...

    @property
    def certain(self) -> bool: ...


class Matcher(Protocol):
    """Follows the audio of one call."""

    def feed(self, frame: bytes) -> Recognised | None:
        """Takes one frame of 20 ms; what was recognised with it."""
        ...


NewMatcher = Callable[[], Matcher | None]
"""A matcher over the library as it is now; None while the library is empty."""


def no_library() -> None:
    """Where no announcement is known."""


def prepare() -> None:
    """Reads what the detectors keep in files, once; blocking, so before the first call."""
    for target in ListenTarget:
        Listening().start(target)


class Listening:
    """Fed with 20 ms frames, one target at a time.

    `early` is what was heard before the answer, `announcement` the last one that is certain and means something for the
    call, `greeting` the verdict after the answer, `early_end` the one that ended the call before it.
    """

    def __init__(self, config: AmdConfig | None = None, new_matcher: NewMatcher = no_library) -> None:
        self.early: Verdict | None = None
        self.announcement: Recognised | None = None
        self.greeting: HeardVerdict | None = None
        self.early_end: HeardVerdict | None = None
        self._config = config or AmdConfig()
        self._new_matcher = new_matcher
        self._detector: AmdDetector | BeepDetector | EarlyMediaDetector | None = None
        self._matcher: Matcher | None = None
        self._memory = Memory()
        self._unknown = Unknown()
        self._began_at: float | None = None
        self._over_at: float | None = None

    @property
    def unknown_announcement(self) -> bytes:
        """What the network said last before the answer, where no library knows it; empty: nothing of the kind."""
        spoken = self.early is not None and self.early.label in _SPOKEN
        return bytes(self._unknown.pcm) if spoken and self.announcement is None else b""

    def start(self, target: ListenTarget) -> None:
        """Listens for something from the next frame on, instead of what was listened for before."""
        self._began_at = self._over_at = None
        self._memory = Memory()
        self._matcher = None if target is ListenTarget.BEEP else self._new_matcher()
        match target:
            case ListenTarget.EARLY_MEDIA:
                self._detector = EarlyMediaDetector(meter=NativeMeter())
            case ListenTarget.GREETING:
                self._detector = AmdDetector(self._config, meter=NativeMeter(self._config.vad_mode))
            case ListenTarget.BEEP:
                heard = self.greeting is not None and self.greeting.verdict.beep_ms is not None
                self._detector = BeepDetector(in_beep=heard, meter=NativeMeter())

    def stop(self) -> None:
        """Frames still on their way are not listened to."""
        self._detector = self._matcher = None

    def feed(self, frame: bytes, at: float) -> Signal | None:
        """Takes one frame that ended `at` (monotonic s); a signal when there is something to conclude."""
        if self._began_at is None:
            self._began_at = at - FRAME_S
        self._memory.add(frame)
        match self._detector:
            case AmdDetector() as detector:
                return self._from_greeting(detector, frame)
            case BeepDetector() as detector:
                event = detector.feed(frame)
                return _BEEP_SIGNALS.get(event.kind) if event else None
            case EarlyMediaDetector() as detector:
                return self._from_early_media(detector, frame)
        return None

    # ---- after the answer

    def _from_greeting(self, detector: AmdDetector, frame: bytes) -> Signal | None:
        if self.greeting is not None:
            return None
        verdict = detector.feed(frame)
        recognised = self._recognised(frame)
        if recognised is not None and recognised.meaning in _NO_PERSON:
            return self._no_person(recognised)
        if verdict is not None:
            self.greeting = self._memory.of(verdict)
            return Signal(
                _KINDS.get(verdict.label, K.UNSURE),
                reason=verdict.reason,
                confidence=verdict.confidence,
                greeting_end_at=self._measured_end(verdict),
            )
        return self._likely_over(detector.greeting_end_ms if detector.likely_over else None)

    def _no_person(self, recognised: Recognised) -> Signal:
        """A service that takes the call instead of the person is a machine, with whatever is done with one.

        So is what only begins like an announcement: mailboxes of the same carrier do.
        """
        meaning = recognised.meaning if recognised.certain else AnnouncementMeaning.CALL_ASSISTANT
        reason = f"announcement: {recognised.title}" if recognised.certain else f"begins like: {recognised.title}"
        label = Label.MACHINE if meaning is AnnouncementMeaning.CALL_ASSISTANT else Label.ANNOUNCEMENT
        self.greeting = self._memory.of(
            Verdict(label, RECOGNISED, self._memory.now_ms, subclass=meaning.value, reason=reason)
        )
        kind = K.MACHINE if label is Label.MACHINE else K.DEAD_END
        return Signal(kind, reason=reason, confidence=RECOGNISED, disposition=DEAD_ENDS.get(meaning))

    def _measured_end(self, verdict: Verdict) -> float:
        """When the greeting ended; where the verdict does not say, its probable end, else it lasted until now."""
        if verdict.greeting_end_ms is not None:
            return self._instant(verdict.greeting_end_ms)
        return self._instant(verdict.decided_ms) if self._over_at is None else self._over_at

    def _likely_over(self, end_ms: int | None) -> Signal | None:
        if (end_ms is None) is (self._over_at is None):
            return None
        if end_ms is None:
            self._over_at = None
            return Signal(K.GREETING_RESUMED)
        self._over_at = self._instant(end_ms)
        return Signal(K.GREETING_OVER, greeting_end_at=self._over_at)

    def _instant(self, after_ms: int) -> float:
        return (self._began_at or 0.0) + after_ms / 1000

    # ---- before the answer

    def _from_early_media(self, detector: EarlyMediaDetector, frame: bytes) -> Signal | None:
        self._unknown.add(frame)
        verdict = detector.feed(frame)
        if verdict is not None:
            self.early = verdict
            self._follow(verdict)
        if self.early_end is not None:
            return None
        recognised = self._recognised(frame)
        if recognised is not None and recognised.certain and recognised.meaning in DEAD_ENDS:
            reason = f"announcement: {recognised.title}"
            return self._end_early(Label.ANNOUNCEMENT, recognised.meaning.value, reason, DEAD_ENDS[recognised.meaning])
        return self._lasting_tone()

    def _follow(self, verdict: Verdict) -> None:
        """Speech is kept from its first word on, in case it is an announcement nobody knows."""
        if verdict.label in _SPOKEN:
            began_ms = verdict.first_speech_ms
            self._unknown.begin(self._memory, self._memory.now_ms - TONES_MS if began_ms is None else began_ms)
        else:
            self._unknown.forget()

    def _lasting_tone(self) -> Signal | None:
        early = self.early
        if early is None or early.label not in TONES:
            return None
        lasted_ms = self._memory.now_ms - early.decided_ms
        if lasted_ms < LASTING_TONE_MS:
            return None
        reason = f"{early.label.value} tone for {lasted_ms} ms"
        return self._end_early(early.label, early.subclass, reason, TONES[early.label])

    def _end_early(self, label: Label, subclass: str, reason: str, disposition: Disposition) -> Signal:
        verdict = Verdict(label, RECOGNISED, self._memory.now_ms, subclass=subclass, reason=reason)
        self.early_end = self._memory.of(verdict)
        return Signal(K.DEAD_END, reason=reason, confidence=RECOGNISED, disposition=disposition)

    def _recognised(self, frame: bytes) -> Recognised | None:
        found = self._matcher.feed(frame) if self._matcher is not None else None
        if found is not None and found.certain and (self.announcement is None or found.meaning in MEANS):
            self.announcement = found
        return found


_NO_PERSON = frozenset({*DEAD_ENDS, AnnouncementMeaning.CALL_ASSISTANT})
_BEEP_SIGNALS = {BeepEventKind.READY: Signal(K.BEEP), BeepEventKind.GAVE_UP: Signal(K.TIMEOUT)}
