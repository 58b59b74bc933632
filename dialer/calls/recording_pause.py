"""The gap a collector asks for while a card number is said: the recording stands still, for a limited time."""

from dataclasses import dataclass, field
from datetime import datetime

from dialer.calls.call_audio import CallAudio
from dialer.clock import Clock

LONGEST_PAUSE_S = 120.0
"""Where the configuration says nothing else (`recordings.longest_pause_s`)."""


@dataclass(slots=True)
class RecordingPause:
    """Of one call. Whoever forgets to go on loses `longest_s` of the recording at most."""

    clock: Clock
    longest_s: float = LONGEST_PAUSE_S
    since: datetime | None = field(default=None, init=False)
    """When the pause began; None while the call is recorded."""
    next_deadline: float | None = field(default=None, init=False)
    """When `end` is due, monotonic seconds."""

    def begin(self, audio: CallAudio) -> bool:
        """Keeps out of the recording what is said from here on; False when it is so already."""
        if self.since is not None:
            return False
        audio.leg.pause_recording()
        self.since = self.clock.utcnow()
        self.next_deadline = self.clock.monotonic() + self.longest_s
        return True

    def end(self, audio: CallAudio) -> bool:
        """Records again; False when it does so already."""
        if self.since is None:
            return False
        audio.leg.resume_recording()
        self.since = self.next_deadline = None
        return True
