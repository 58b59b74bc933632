"""What the tap of a trunk leg is listened to for: early media, the greeting, or a machine's beep.

Blocks of 20 ms go straight from the leg's sink into the detector, without a turn of the attempt's task; only what the
detector concludes becomes a signal. So a verdict costs no more than the frame it was made from.
"""

from dialer.calls.signals import ListenTarget, Signal
from dialer.calls.signals import SignalKind as K
from dialer.progress.amd import AmdDetector
from dialer.progress.beep import BeepDetector, BeepEventKind
from dialer.progress.early_media import EarlyMediaDetector
from dialer.progress.verdict import Label, Verdict

FRAME_S = 0.020
_KINDS = {Label.HUMAN: K.HUMAN, Label.MACHINE: K.MACHINE, Label.FAX: K.FAX, Label.SILENCE: K.SILENCE}


class Listening:
    """One detector at a time, fed with 20 ms frames; `early` keeps what was heard before the answer."""

    def __init__(self) -> None:
        self.early: Verdict | None = None
        self.greeting: Verdict | None = None
        self._detector: AmdDetector | BeepDetector | EarlyMediaDetector | None = None
        self._began_at: float | None = None

    def start(self, target: ListenTarget) -> None:
        """Listens for something from the next frame on, instead of what was listened for before."""
        self._began_at = None
        match target:
            case ListenTarget.EARLY_MEDIA:
                self._detector = EarlyMediaDetector()
            case ListenTarget.GREETING:
                self._detector = AmdDetector()
            case ListenTarget.BEEP:
                heard = self.greeting is not None and self.greeting.beep_ms is not None
                self._detector = BeepDetector(in_beep=heard)

    def stop(self) -> None:
        """Frames still on their way are not listened to."""
        self._detector = None

    def feed(self, frame: bytes, at: float) -> Signal | None:
        """Takes one frame that ended `at` (monotonic s); a signal when the detector came to a conclusion."""
        if self._began_at is None:
            self._began_at = at - FRAME_S
        match self._detector:
            case AmdDetector() as detector:
                return self._from_greeting(detector.feed(frame))
            case BeepDetector() as detector:
                event = detector.feed(frame)
                return _BEEP_SIGNALS.get(event.kind) if event else None
            case EarlyMediaDetector() as detector:
                self.early = detector.feed(frame) or self.early
        return None

    def _from_greeting(self, verdict: Verdict | None) -> Signal | None:
        if verdict is None or self._began_at is None:
            return None
        self.greeting = verdict
        end_ms = verdict.decided_ms if verdict.greeting_end_ms is None else verdict.greeting_end_ms
        return Signal(
            _KINDS.get(verdict.label, K.UNSURE),
            reason=verdict.reason,
            confidence=verdict.confidence,
            greeting_end_at=self._began_at + end_ms / 1000,
        )


_BEEP_SIGNALS = {BeepEventKind.READY: Signal(K.BEEP), BeepEventKind.GAVE_UP: Signal(K.TIMEOUT)}
