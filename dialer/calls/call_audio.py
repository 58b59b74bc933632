"""The trunk leg of one attempt: what is played, heard and recorded on it."""

import logging
from collections.abc import Callable

from dialer.calls.listening import Listening
from dialer.calls.signals import ListenTarget, Signal
from dialer.calls.signals import SignalKind as K
from dialer.errors import MediaError
from dialer.media.interface import (
    AudioBlock,
    DtmfReceived,
    Leg,
    LegEvent,
    MediaPort,
    PlayFinished,
    RecordingFailed,
    RtpTimeout,
)

logger = logging.getLogger(__name__)


class CallAudio:
    """Owns the leg. `tell` takes signals, `press` keys of the far end, `unrecorded` hears that a recording broke off.

    All return at once.
    """

    def __init__(
        self,
        media: MediaPort,
        tell: Callable[[Signal], None],
        press: Callable[[str], None],
        listening: Listening | None = None,
        unrecorded: Callable[[], None] = lambda: None,
    ) -> None:
        """Opens the leg. Raises MediaError: no port left."""
        self.listening = listening or Listening()
        self.recording_id = ""
        self._media = media
        self._tell = tell
        self._press = press
        self._unrecorded = unrecorded
        self._play_id: int | None = None
        self._announced: tuple[int, Callable[[], None]] | None = None
        self._tapped = False
        self._broke_off = False
        self.leg: Leg = media.open_leg(sink=self._on_event)

    def record(self, recording_id: str) -> None:
        """Starts the recording, once."""
        if self.recording_id:
            return
        try:
            self.leg.start_recording(recording_id)
        except MediaError:
            logger.exception("recording not started", extra={"recording_id": recording_id})
            return
        self.recording_id = recording_id

    @property
    def is_recording(self) -> bool:
        """Whether a recording was begun, and goes on; a pause is a part of it."""
        return bool(self.recording_id) and not self._broke_off

    def listen(self, target: ListenTarget) -> None:
        """Feeds what the far end says to a detector."""
        self.listening.start(target)
        if not self._tapped:
            self._tapped = True
            self.leg.start_tap()

    def stop_listening(self) -> None:
        """The tap costs something; it runs only while somebody listens."""
        self.listening.stop()
        if self._tapped:
            self._tapped = False
            self.leg.stop_tap()

    def play(self, pcm: bytes) -> None:
        """Plays to the far end instead of anything that plays; PROMPT_ENDED follows."""
        try:
            self._play_id = self.leg.play(pcm)
        except MediaError:
            logger.exception("prompt not played")
            self._tell(Signal(K.PROMPT_ENDED))

    def announce(self, pcm: bytes, heard: Callable[[], None]) -> None:
        """Plays to the far end over the bridge; `heard` is called when it was played to its end, and not otherwise."""
        try:
            self._announced = self.leg.play(pcm), heard
        except MediaError:
            logger.exception("announcement not played")

    def bridge(self, other: Leg) -> None:
        """Joins the far end with another leg; a prompt that still plays ends."""
        self._play_id = None
        self.leg.stop_play()
        self._media.bridge(self.leg, other)

    def unbridge(self) -> None:
        """Parts the legs; both stay up."""
        self._media.unbridge(self.leg)

    def close(self) -> None:
        """Gives the leg back, and what listened to it; a recording ends in order."""
        self.listening.stop()
        if self.recording_id:
            self.leg.stop_recording()
        self.leg.close()

    def _on_event(self, event: LegEvent) -> None:
        match event:
            case AudioBlock(pcm=pcm, at=at):
                signal = self.listening.feed(pcm, at)
                if signal is not None:
                    self._tell(signal)
            case DtmfReceived(digit=digit):
                self._press(digit)
            case PlayFinished(play_id=play_id, completed=True) if play_id == self._play_id:
                self._tell(Signal(K.PROMPT_ENDED))
            case PlayFinished(play_id=play_id, completed=True) if self._announced and play_id == self._announced[0]:
                self._announced[1]()
            case RtpTimeout():
                self._tell(Signal(K.MEDIA_LOST, reason="no RTP"))
            case RecordingFailed(recording_id=recording_id, reason=reason):
                logger.error("recording failed: %s", reason, extra={"recording_id": recording_id})
                self._broke_off = True
                self._unrecorded()
