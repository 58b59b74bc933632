"""A collector's nailed-up leg: the phone is rung once, or calls the shift line itself, and stays connected for the
shift.

Between calls the leg hears silence, which keeps its path open. What ends it (BYE, no RTP, the registration gone) is
told once, with its cause.
"""

import asyncio
import logging
from collections.abc import Callable

from dialer.agents.audio_path import AudioPath
from dialer.agents.ports import CallPort, SipPort
from dialer.errors import DialerError, LocalProtocolError, TransportError
from dialer.media.interface import Leg, LegEvent, MediaPort, RtpTimeout
from dialer.model.agent import PhoneKind
from dialer.model.attempt import NetworkCause
from dialer.prompts.signals import tone
from dialer.sip import events
from dialer.sip.calls import IncomingCall
from dialer.sip.registrar import Binding
from dialer.sip.uri import SipUri

logger = logging.getLogger(__name__)

PHONE_RING_S = 30.0
"""How long a collector has to pick up the shift's call."""
RING_GRACE_S = 5.0
"""How much later than its own timeout the SIP layer is given up."""
CONNECT_TONE = tone((880.0,), 60, -24.0)
"""Tells a collector that a person is on the line; shorter than a word."""
RANG_OUT = 487  # RFC 3261 §21.4.25: what our CANCEL at the end of the ringing is answered with
SHIFT_USER = "shift"
"""The user part a phone dials to begin its shift."""


class PhoneError(DialerError):
    """The collector's phone could not be connected."""


class NailedUpLine:
    """One phone's leg. `on_lost` is called once, when the leg ends by anything but `close`."""

    def __init__(self, media: MediaPort, on_lost: Callable[[str], None], advertised_host: str = "") -> None:
        """Opens the media leg. Raises MediaError."""
        self._on_lost = on_lost
        self._call: CallPort | None = None
        self._up = False
        self._closed = False
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._leg = media.open_leg(sink=self._on_leg)
        self._path = AudioPath(self._leg, host=advertised_host)

    @property
    def leg(self) -> Leg:
        """The media leg."""
        return self._leg

    async def ring(self, sip: SipPort, binding: Binding, from_host: str) -> None:
        """Rings the phone and waits for its answer. Raises PhoneError; the leg is closed then."""
        request = events.InviteRequest(
            target=binding.target,
            destination=binding.destination,
            from_uri=SipUri.build(SHIFT_USER, from_host),
            display_name="Shift",
            sdp=self._path.local,
            ring_timeout_s=PHONE_RING_S,
            answer_offer=self._path.answer,
        )
        try:
            self._call = sip.invite(request, self._on_call)
            async with asyncio.timeout(PHONE_RING_S + RING_GRACE_S):
                failure = await self._answer
        except (TransportError, TimeoutError) as error:
            self.close("the phone did not answer")
            raise PhoneError(f"the phone could not be rung: {error}") from error
        except asyncio.CancelledError:
            self.close("cancelled")
            raise
        if failure:
            self.close(failure)
            raise PhoneError(failure)

    def accept(self, incoming: IncomingCall) -> bool:
        """Answers a phone that dialed the shift line; False (and refused) when there is no audio in common."""
        answer = self._path.answer(incoming.sdp)
        try:
            if answer is None or self._path.agreed is None:
                incoming.reject(488)
                self.close("no audio in common")
                return False
            self._call = incoming.answer(answer, self._on_call, answer_offer=self._path.answer)
        except LocalProtocolError:
            self.close("the phone gave up")
            return False
        self._up = True
        return True

    def close(self, reason: str) -> None:
        """Hangs up and gives the leg back; closing twice is no error."""
        if self._closed:
            return
        self._closed = True
        if self._call is not None:
            if self._up:
                self._call.hang_up(reason)
            else:
                self._call.cancel()
        self._leg.close()

    def _on_call(self, event: events.CallEvent) -> None:
        match event:
            case events.Provisional(sdp=sdp) if sdp:
                self._path.take_answer(sdp)
            case events.Answered(sdp=sdp):
                self._answered(sdp)
            case events.Failed(cause=cause, no_response=no_response):
                self._resolve(_words(cause, no_response))
                self._lost(_words(cause, no_response))
            case events.Ended():
                self._lost("the phone hung up")

    def _answered(self, sdp: str) -> None:
        usable = self._path.take_answer(sdp) if sdp else self._path.agreed is not None
        self._up = True
        self._resolve("" if usable else "the phone offers no audio we can do")

    def _resolve(self, failure: str) -> None:
        if not self._answer.done():
            self._answer.set_result(failure)

    def _on_leg(self, event: LegEvent) -> None:
        if isinstance(event, RtpTimeout):
            self._lost("no audio from the phone")

    def _lost(self, cause: str) -> None:
        if self._up and not self._closed:
            self.close(cause)
            self._on_lost(cause)


def kind_of(line: object) -> PhoneKind:
    """What a session's line is."""
    return PhoneKind.SIP if isinstance(line, NailedUpLine) else PhoneKind.BROWSER


def _words(cause: NetworkCause, no_response: bool) -> str:
    """Why a phone's leg did not come up, as its collector understands it."""
    if no_response:
        return "the phone does not respond"
    if cause.sip_status == RANG_OUT:
        return "nobody answered the phone"
    return f"the phone refused: {cause.sip_status} {cause.sip_phrase}"
