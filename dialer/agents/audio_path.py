"""One media leg and its SDP: our offer, the far end's answer, and what the far end changes later."""

from collections.abc import Sequence

from dialer.errors import MediaError
from dialer.media.interface import Codec, Leg
from dialer.sip import sdp
from dialer.sip.errors import ParseError

DTMF_PAYLOAD_TYPE = 101


class AudioPath:
    """Keeps a leg's session description. `host` is the address the far end is told, the leg's own by default."""

    def __init__(self, leg: Leg, *, host: str = "", codecs: Sequence[str] = ("PCMA", "PCMU")) -> None:
        self.leg = leg
        self.agreed: sdp.NegotiatedAudio | None = None
        self._host = host or leg.local_host
        self._codecs = tuple(codecs)
        self._version = 0
        self.local = sdp.build_offer(
            self._host, leg.local_port, self._codecs, DTMF_PAYLOAD_TYPE, session_id=leg.leg_id, version=0
        )
        """Our present description: the offer at first."""

    def take_answer(self, text: str) -> bool:
        """Applies the answer to our offer; False when it is unreadable or there is no audio in it that we can do."""
        try:
            agreed = sdp.negotiate(self.local, text)
        except ParseError:
            return False
        return agreed is not None and self._apply(agreed)

    def answer(self, offer: str) -> str | None:
        """Our answer to the far end's offer, applied at once; None: nothing in it that we can do.

        An empty offer asks for our present description.
        """
        if not offer:
            return self.local
        try:
            answered = sdp.answer(
                offer, self._host, self.leg.local_port, self._codecs, self.leg.leg_id, self._version + 1
            )
        except ParseError:
            return None
        if answered is None or not self._apply(answered[1]):
            return None
        self._version += 1
        self.local = answered[0]
        return self.local

    def _apply(self, agreed: sdp.NegotiatedAudio) -> bool:
        if agreed == self.agreed:
            return True
        try:
            self.leg.set_remote(
                agreed.host,
                agreed.port,
                codec=Codec(agreed.codec),
                dtmf_payload_type=agreed.dtmf_payload_type,
                receiving=agreed.direction in ("sendrecv", "recvonly"),
            )
        except MediaError:
            return False
        self.agreed = agreed
        return True
