"""The way out: the one function through which an INVITE leaves for a trunk, and what comes back on that call.

`TrunkCall.send_invite` takes the reservation as its argument. Nothing else in the dialer calls a person: predictive,
preview, manual, callback and retry all end here, each with a durable reservation that the gate allowed.
"""

from collections.abc import Callable

from dialer.agents.audio_path import AudioPath
from dialer.agents.ports import CallPort, SipPort
from dialer.calls.dispositions import end_of
from dialer.calls.signals import Signal
from dialer.calls.signals import SignalKind as K
from dialer.errors import LocalProtocolError
from dialer.model.attempt import TRUNK_FAULTS, Attempt, AttemptState, Disposition
from dialer.model.contact import Phone
from dialer.sip import events
from dialer.sip.trunks import TrunkLease

NoteCall = Callable[[str, int, str], None]
"""Learns a call's Call-ID, its attempt and its trunk."""


class TrunkCall:
    """The SIP side of one attempt, over one trunk after the other.

    `tell` takes signals; `before_audio` is called when audio may come, just before the leg hears it (a recording begun
    there misses nothing); `note` learns each INVITE's Call-ID, attempt and trunk. All return at once.
    """

    def __init__(
        self,
        sip: SipPort,
        path: AudioPath,
        tell: Callable[[Signal], None],
        before_audio: Callable[[], None],
        note: NoteCall = lambda call_id, attempt_id, trunk: None,
    ) -> None:
        self._sip = sip
        self._path = path
        self._tell = tell
        self._before_audio = before_audio
        self._note = note
        self._call: CallPort | None = None
        self._n_invites = 0
        self._over = False

    def send_invite(self, reservation: Attempt, lease: TrunkLease, phone: Phone, ring_timeout_s: float) -> None:
        """Hands the INVITE of a reserved attempt to the trunk's transport.

        Raises:
            TransportError: no INVITE left the host.
            LocalProtocolError: the attempt is not reserved, or is for another number: a bug of ours.
        """
        if reservation.state is not AttemptState.RESERVED or reservation.phone_id != phone.phone_id:
            raise LocalProtocolError("an INVITE needs a reservation of its own number")
        self._n_invites += 1
        number = self._n_invites
        request = lease.invite_request(
            phone.number,
            reservation.caller_id,
            self._path.local,
            ring_timeout_s=ring_timeout_s,
            answer_offer=self._path.answer,
        )
        self._call, self._over = None, False
        self._call = self._sip.invite(request, lambda event: self._on_event(number, lease, event))
        self._note(self._call.call_id, reservation.attempt_id, lease.trunk.name)

    def cancel(self) -> None:
        """Ends the INVITE that has no answer yet."""
        if self._call is not None:
            self._call.cancel()

    def hang_up(self, reason: str) -> None:
        """BYE."""
        self._over = True
        if self._call is not None:
            self._call.hang_up(reason)

    def close(self) -> None:
        """Ends whatever there still is of the call, ringing or answered; no error when it is over."""
        if not self._over:
            self.hang_up("")

    def _on_event(self, number: int, lease: TrunkLease, event: events.CallEvent) -> None:
        """Events of an earlier trunk's INVITE, given up since, are no news of this call."""
        if number != self._n_invites:
            return
        match event:
            case events.Provisional(sdp=sdp):
                heard = bool(sdp) and self._take_answer(sdp)
                self._tell(Signal(K.EARLY_MEDIA if heard else K.RINGING))
            case events.Answered(sdp=sdp):
                lease.report(200)
                self._on_answer(sdp)
            case events.Failed():
                self._over = True
                self._on_failure(lease, event)
            case events.Ended(by_remote=by_remote):
                if not self._over:
                    self._over = True
                    self._tell(Signal(K.PERSON_HUNG_UP if by_remote else K.MEDIA_LOST, cause=event.cause))

    def _on_answer(self, sdp: str) -> None:
        usable = self._take_answer(sdp) if sdp else self._path.agreed is not None
        if usable:
            self._tell(Signal(K.ANSWERED))
            return
        self.hang_up("no usable audio")
        self._tell(Signal(K.FAILED, reason="no usable audio", disposition=Disposition.SHORT_ANSWER))

    def _take_answer(self, sdp: str) -> bool:
        self._before_audio()
        return self._path.take_answer(sdp)

    def _on_failure(self, lease: TrunkLease, failed: events.Failed) -> None:
        lease.report(None if failed.no_response else failed.cause.sip_status, failed.retry_after_s)
        disposition = end_of(failed)
        fault = disposition in TRUNK_FAULTS and not failed.rang
        self._tell(
            Signal(
                K.TRUNK_FAULT if fault else K.FAILED,
                reason="no response" if failed.no_response else f"{failed.cause.sip_status} {failed.cause.sip_phrase}",
                cause=failed.cause,
                disposition=disposition,
                crossed=failed.cause.sip_status == 200,
            )
        )
