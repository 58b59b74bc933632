"""A browser's leg of the loopback twin: connected as soon as it has accepted an offer, until a test loses it."""

import re

from dialer.errors import MediaError
from dialer.media import checks
from dialer.media.g711 import PAYLOAD_TYPES
from dialer.media.interface import BrowserConnected, BrowserLost, Codec
from dialer.media.loopback_leg import Frame, LoopbackLeg

_AUDIO = re.compile(r"^m=audio (\d+) \S+((?: \d+)+)\s*$", re.MULTILINE)
_NOBODY = 9
"""The discard port, which browsers name in offers before they know their own."""
_PAYLOAD_TYPES = (("8", Codec.PCMA), ("0", Codec.PCMU))


class LoopbackBrowserLeg(LoopbackLeg):
    """A browser's leg of the twin; see `dialer.media.interface.BrowserLeg`.

    Its browser is the `FarEnd` whose port the offer names, if it names one.
    """

    _is_connected = False

    def set_remote(
        self, host: str, port: int, *, codec: Codec, dtmf_payload_type: int | None, receiving: bool = True
    ) -> None:
        raise MediaError(checks.NO_REMOTE)

    def accept(self, offer: str) -> str:
        port, codec = _browser_of(offer)
        self.lose()
        super().set_remote(self.local_host, port, codec=codec, dtmf_payload_type=None, receiving=False)
        self._is_connected = True
        self._engine.tell_later(self, BrowserConnected(self.leg_id, self._engine.now))
        return f"v=0\r\nm=audio {self.local_port} UDP/TLS/RTP/SAVPF {PAYLOAD_TYPES[codec]}\r\n"

    def lose(self) -> None:
        """The browser is gone; nothing of it is heard until it is accepted again."""
        if self._is_connected:
            self._is_connected = False
            self._engine.tell_later(self, BrowserLost(self.leg_id, self._engine.now))

    def arrive(self, frame: Frame) -> None:
        if self._is_connected:
            super().arrive(frame)


def _browser_of(offer: str) -> tuple[int, Codec]:
    """The browser's port and law."""
    streams = offer.count("\nm=")
    found = _AUDIO.search(offer)
    if found is None or streams != 1:
        raise MediaError(f"the offer has {streams} streams; one of audio is wanted")
    offered = found[2].split()
    for payload_type, codec in _PAYLOAD_TYPES:
        if payload_type in offered:
            return int(found[1]) or _NOBODY, codec
    raise MediaError("the offer has neither PCMA nor PCMU in both directions")
