"""What the far end of a rehearsed call says on a line without audio, and the ear that understands it.

A word is a verdict as the detector would give it, or its guess that the greeting is over, with the time since the
greeting ended. When it is said is the fate's matter, so the ear decides nothing.
"""

from dialer.calls.listening import Listening, NewMatcher, no_library
from dialer.calls.signals import ListenTarget, Signal, SignalKind
from dialer.progress.amd import AmdConfig

SURE = 0.99
"""The confidence of every verdict: enough to take a call back from a collector (`PULL_BACK_CONFIDENCE`)."""


def word(kind: SignalKind, since_greeting_s: float) -> bytes:
    """The word for a signal of this kind, said so long after the greeting's end."""
    return f"{kind.value} {since_greeting_s:.6f}".encode()


class FatedEar(Listening):
    """Hears words instead of audio, while it is asked to listen to a greeting."""

    def __init__(self, config: AmdConfig | None = None, new_matcher: NewMatcher = no_library) -> None:
        super().__init__(config, new_matcher)
        self._is_listening = False

    def start(self, target: ListenTarget) -> None:
        self._is_listening = target is ListenTarget.GREETING

    def stop(self) -> None:
        self._is_listening = False

    def feed(self, frame: bytes, at: float) -> Signal | None:
        if not self._is_listening:
            return None
        kind, _, since_greeting_s = frame.decode().partition(" ")
        return Signal(
            SignalKind(kind),
            reason="as it was to be",
            confidence=SURE,
            greeting_end_at=at - float(since_greeting_s),
        )
