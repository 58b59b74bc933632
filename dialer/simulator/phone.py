"""A robot's telephone: registers with the dialer, picks up the shift's call, speaks when it hears somebody."""

import asyncio
import logging
import secrets
import time
from types import TracebackType
from typing import Self

from dialer.agents.audio_path import AudioPath
from dialer.config import SipConfig
from dialer.errors import DialerError, MediaError
from dialer.media.interface import AudioBlock, Leg, LegEvent, MediaPort, PlayFinished, RtpTimeout
from dialer.simulator.callee import BLOCK_MS, HEARD_BLOCKS, HEARD_RMS, loudness
from dialer.simulator.voices import Voices, pick
from dialer.sip.calls import IncomingCall, SipCall
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import CallEvent, Destination, Ended, Failed
from dialer.sip.retry import ChallengeRetry
from dialer.sip.uri import SipUri

logger = logging.getLogger(__name__)

REGISTER_TIMEOUT_S = 5.0
EXPIRES_S = 100
SPEAKS_AFTER_S = 0.5
"""A collector answers when the person has finished a phrase."""
MEMORY_S = 4.0
"""What was heard longer ago than this is no reason to speak any more."""


class RegistrationError(DialerError):
    """The telephone could not register."""


class RobotPhone:
    """One account at the dialer's registrar. Used as `async with`; takes one call at a time."""

    def __init__(
        self, sip: SipConfig, registrar: Destination, username: str, password: str, media: MediaPort, voices: Voices
    ) -> None:
        self._endpoint = SipEndpoint(sip, is_trunk=lambda source: True)
        self._endpoint.on_trunk_call(self._take)
        self._sip = sip
        self._registrar = registrar
        self._username = username
        self._password = password
        self._media = media
        self._voices = voices
        self._leg: Leg | None = None
        self._call: SipCall | None = None
        self._loud_blocks = 0
        self._heard_at = 0.0
        self._is_speaking = False
        self._turn = 0.0

    async def __aenter__(self) -> Self:
        """Opens the socket and registers. Raises RegistrationError."""
        await self._endpoint.__aenter__()
        try:
            await self.register()
        except BaseException:
            await self._endpoint.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hangs up and closes the socket."""
        await self._endpoint.__aexit__(kind, error, trace)
        self._forget_call()

    async def register(self) -> None:
        """Registers once, answering the challenge. Raises RegistrationError."""
        target = SipUri.build("", self._registrar.host, self._registrar.port)
        party = f"<sip:{self._username}@{self._registrar.host}:{self._registrar.port}>"
        port = self._endpoint.local_port(self._registrar.transport)
        contact = f"<sip:{self._username}@{self._sip.host}:{port}>"
        headers = {"From": party, "To": party, "Contact": contact, "Expires": str(EXPIRES_S)}
        retry = ChallengeRetry(self._username, self._password, secrets.token_hex)
        response = await self._endpoint.request("REGISTER", target, self._registrar, headers, REGISTER_TIMEOUT_S)
        while response is not None and response.status in (401, 407) and retry.can_answer(response):
            headers |= retry.answer(response, "REGISTER", str(target))
            response = await self._endpoint.request("REGISTER", target, self._registrar, headers, REGISTER_TIMEOUT_S)
        if response is None or response.status != 200:
            status = "no answer" if response is None else f"{response.status} {response.phrase}"
            raise RegistrationError(f"phone {self._username} could not register: {status}")

    def _take(self, incoming: IncomingCall) -> None:
        if self._leg is not None:
            incoming.reject(486)
            return
        try:
            self._leg = leg = self._media.open_leg(sink=self._on_leg)
        except MediaError:
            incoming.reject(503)
            return
        path = AudioPath(leg)
        sdp = path.answer(incoming.sdp)
        if sdp is None:
            incoming.reject(488)
            self._forget_call()
            return
        self._call = incoming.answer(sdp, lambda event: self._on_call(leg, event), answer_offer=path.answer)
        leg.start_tap(BLOCK_MS)

    def _hang_up(self) -> None:
        """A dialer that was killed sends no BYE: when its audio stops, the shift's next call must find a free line."""
        call = self._call
        self._forget_call()
        if call is not None:
            call.hang_up("no audio")

    def _forget_call(self) -> None:
        if self._leg is not None:
            self._leg.close()
        self._leg = self._call = None
        self._is_speaking = False

    def _on_call(self, leg: Leg, event: CallEvent) -> None:
        if leg is self._leg and isinstance(event, Ended | Failed):
            self._forget_call()

    def _on_leg(self, event: LegEvent) -> None:
        if self._leg is None or event.leg_id != self._leg.leg_id:
            return
        match event:
            case PlayFinished():
                self._is_speaking = False
            case RtpTimeout():
                self._hang_up()
            case AudioBlock(pcm=pcm, at=at):
                self._listen(pcm, at)

    def _listen(self, pcm: bytes, at: float) -> None:
        self._loud_blocks = self._loud_blocks + 1 if loudness(pcm) > HEARD_RMS else 0
        if self._loud_blocks >= HEARD_BLOCKS:
            self._heard_at = at
        quiet_s = time.monotonic() - self._heard_at
        if self._leg is not None and not self._is_speaking and SPEAKS_AFTER_S < quiet_s < MEMORY_S:
            self._is_speaking = True
            self._turn = (self._turn + 0.37) % 1.0
            self._leg.play(pick(self._voices.talk, self._turn))


async def keep_registered(phone: RobotPhone) -> None:
    """Refreshes the registration until cancelled; a failure is logged and tried again at the next turn."""
    while True:
        await asyncio.sleep(EXPIRES_S / 2)
        try:
            await phone.register()
        except RegistrationError as error:
            logger.warning("%s", error)
