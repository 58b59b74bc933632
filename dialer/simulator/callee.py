"""One call at the far end: rings, answers, speaks, listens and hangs up as its person would.

A callee knows only what a real one knows: it hears whether somebody speaks (by level) and acts on that.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import numpy as np

from dialer.agents.audio_path import AudioPath
from dialer.errors import DialerError, MediaError
from dialer.media.interface import AudioBlock, LegEvent, MediaPort, PlayFinished
from dialer.prompts.signals import RINGBACK_CN, play_signal
from dialer.simulator.people import Behaviour, Person
from dialer.simulator.voices import Voices, pick
from dialer.sip.calls import IncomingCall, SipCall
from dialer.sip.events import CallEvent, Ended, Failed

HEARD_RMS = 250
"""A block louder than this holds speech; line silence and comfort noise stay far below."""
HEARD_BLOCKS = 5
"""So many loud blocks of `BLOCK_MS` in a row are somebody speaking, not a click."""
BLOCK_MS = 40
POLL_S = 0.1
REPLY_AFTER_S = 0.8
"""People answer when the other has been quiet for this long."""
KEYS_AFTER_S = 6.0
RINGBACK_S = 5
MACHINE_LISTENS_S = 25.0
MAX_RINGING_S = 120.0
PLAY_MARGIN_S = 3.0


class CallOverError(DialerError):
    """The other side ended the call."""


class Callee:
    """Takes one incoming call; `run` returns when it is over."""

    def __init__(self, incoming: IncomingCall, person: Person, media: MediaPort, voices: Voices) -> None:
        self._incoming = incoming
        self._person = person
        self._voices = voices
        self._leg = media.open_leg(sink=self._on_leg)
        self._path = AudioPath(self._leg)
        self._call: SipCall | None = None
        self._over = asyncio.Event()
        self._played = asyncio.Event()
        self._loud_blocks = 0
        self._heard_at: float | None = None

    async def run(self) -> None:
        """Lives the call. Only CallOverError is expected inside; anything else is a fault of the rehearsal."""
        self._incoming.listen(self._on_call)
        try:
            await PARTS[self._person.behaviour](self)
        except CallOverError:
            pass
        finally:
            if self._call is not None and not self._over.is_set():
                self._call.hang_up()
            self._leg.close()

    # what behaviours do

    async def congestion(self) -> None:
        """The network is full."""
        self._incoming.reject(503, "Q.850;cause=34")

    async def busy(self) -> None:
        """A short ring, then busy."""
        await self._wait(min(self._person.ring_s, 1.0))
        self._incoming.reject(486, "Q.850;cause=17")

    async def no_answer(self) -> None:
        """Rings until the caller gives up."""
        self._ring_with(play_signal(RINGBACK_CN, RINGBACK_S * 1000), loop=True)
        await self._wait(MAX_RINGING_S)
        self._incoming.reject(480, "Q.850;cause=19")

    async def powered_off(self) -> None:
        """The announcement comes before the refusal, as the audio of a call that was never answered."""
        await self._announce(self._voices.powered_off, 480, "Q.850;cause=20")

    async def bad_number(self) -> None:
        """The same for a number that does not exist."""
        await self._announce(self._voices.bad_number, 404, "Q.850;cause=1")

    async def machine(self) -> None:
        """Answers, plays its greeting with the beep, records until the caller hangs up."""
        await self._answer()
        await self._say(pick(self._voices.machines, self._person.voice))
        await self._wait(MACHINE_LISTENS_S)

    async def human(self) -> None:
        """Greets, once more when nobody speaks; talks when somebody does; hangs up after a while either way."""
        await self._answer()
        greeting = pick(self._voices.greetings, self._person.voice)
        for _ in range(2):
            await self._say(greeting)
            if await self._hears(self._person.patience_s):
                await self._talk()
                return

    async def _talk(self) -> None:
        began_at = time.monotonic()
        ends_at, keys = began_at + self._person.talk_s, self._person.keys
        turn = 0
        while (now := time.monotonic()) < ends_at:
            if keys and now - began_at > KEYS_AFTER_S:
                self._press(keys)
                keys, ends_at = "", now + self._person.talk_s
            elif not self._person.keys and self._quiet_for(REPLY_AFTER_S):
                turn += 1
                await self._say(self._voices.talk[turn % len(self._voices.talk)])
            await self._wait(POLL_S)

    def _press(self, keys: str) -> None:
        try:
            self._leg.send_dtmf(keys)
        except MediaError as error:
            raise CallOverError(f"no keys on this line: {error}") from error

    # the line

    def _ring_with(self, pcm: bytes, *, loop: bool) -> None:
        sdp = self._path.answer(self._incoming.sdp)
        if sdp is None:
            self._incoming.reject(488)
            raise CallOverError("no audio in common")
        self._incoming.ringing(sdp)
        self._play(pcm, loop=loop)

    async def _announce(self, pcm: bytes, status: int, reason: str) -> None:
        await self._wait(self._person.ring_s / 2)
        self._ring_with(pcm, loop=False)
        await self._finish_playing(pcm)
        self._incoming.reject(status, reason)

    async def _answer(self) -> None:
        self._incoming.ringing()
        await self._wait(self._person.ring_s)
        sdp = self._path.answer(self._incoming.sdp)
        if sdp is None:
            self._incoming.reject(488)
            raise CallOverError("no audio in common")
        self._call = self._incoming.answer(sdp, self._on_call, answer_offer=self._path.answer)
        self._leg.start_tap(BLOCK_MS)

    async def _say(self, pcm: bytes) -> None:
        self._play(pcm, loop=False)
        await self._finish_playing(pcm)

    def _play(self, pcm: bytes, *, loop: bool) -> None:
        self._played.clear()
        self._leg.play(pcm, loop=loop)

    async def _finish_playing(self, pcm: bytes) -> None:
        limit_s = len(pcm) / 16000 + PLAY_MARGIN_S
        until = time.monotonic() + limit_s
        while not self._played.is_set() and time.monotonic() < until:
            await self._wait(POLL_S)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            return
        raise CallOverError

    async def _hears(self, patience_s: float) -> bool:
        until = time.monotonic() + patience_s
        since = time.monotonic()
        while time.monotonic() < until:
            if self._heard_at is not None and self._heard_at > since:
                return True
            await self._wait(POLL_S)
        return False

    def _quiet_for(self, seconds: float) -> bool:
        return self._heard_at is None or time.monotonic() - self._heard_at > seconds

    # what arrives

    def _on_call(self, event: CallEvent) -> None:
        if isinstance(event, Ended | Failed):
            self._over.set()

    def _on_leg(self, event: LegEvent) -> None:
        match event:
            case PlayFinished():
                self._played.set()
            case AudioBlock(pcm=pcm, at=at):
                self._loud_blocks = self._loud_blocks + 1 if loudness(pcm) > HEARD_RMS else 0
                if self._loud_blocks >= HEARD_BLOCKS:
                    self._heard_at = at


def loudness(pcm: bytes) -> float:
    """Root mean square of int16 samples, 0 to 32767."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    return float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0


PARTS: Mapping[Behaviour, Callable[[Callee], Awaitable[None]]] = {
    Behaviour.HUMAN: Callee.human,
    Behaviour.MACHINE: Callee.machine,
    Behaviour.NO_ANSWER: Callee.no_answer,
    Behaviour.BUSY: Callee.busy,
    Behaviour.POWERED_OFF: Callee.powered_off,
    Behaviour.BAD_NUMBER: Callee.bad_number,
    Behaviour.CONGESTION: Callee.congestion,
}
