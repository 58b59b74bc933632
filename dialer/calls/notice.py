"""Tells the called person that the call is recorded, once, and knows whether it was heard to its end."""

from collections.abc import Callable

from dialer.calls.call_audio import CallAudio
from dialer.clock import Clock


class RecordingNotice:
    """Of one call; without audio it does nothing. It never keeps a collector waiting: the legs are joined already."""

    def __init__(self, pcm: bytes, clock: Clock) -> None:
        self.heard_at: float | None = None
        """When it began (monotonic s), known once it was played to its end."""
        self._pcm = pcm
        self._clock = clock
        self._begun_at: float | None = None

    def tell(self, audio: CallAudio, heard: Callable[[], None]) -> None:
        """Plays it to the person over what the collector says, unless it was heard; `heard` follows at its end."""
        if not self._pcm or self.heard_at is not None:
            return
        began_at = self._clock.monotonic()

        def ended() -> None:
            self.heard_at = began_at
            heard()

        audio.announce(self._pcm, ended)

    def prompt_begins(self, pcm: bytes) -> None:
        """A reminder's script says it itself, before its own words; any other prompt cuts that off."""
        says_it = bool(self._pcm) and pcm.startswith(self._pcm)
        self._begun_at = self._clock.monotonic() if says_it else None

    def prompt_ended(self) -> None:
        """The prompt of a dialogue that began last was played to its end."""
        if self.heard_at is None:
            self.heard_at = self._begun_at
