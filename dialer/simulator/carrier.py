"""A simulated carrier: a SIP endpoint that takes every call from this machine and lets a simulated person live it."""

import asyncio
import logging
from collections import Counter
from types import TracebackType
from typing import Self

from dialer.config import SipConfig
from dialer.errors import MediaError
from dialer.media.interface import MediaPort
from dialer.simulator.callee import Callee
from dialer.simulator.people import Mixture, person_for
from dialer.simulator.voices import Voices
from dialer.sip.calls import IncomingCall
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import Transport

logger = logging.getLogger(__name__)

MAX_CALLS = 500


class SimulatedCarrier:
    """Used as `async with`. `placed` counts the calls per number; it is the carrier's own record of what was dialed."""

    def __init__(self, sip: SipConfig, media: MediaPort, voices: Voices, mixture: Mixture, seed: int) -> None:
        self._endpoint = SipEndpoint(sip, is_trunk=lambda source: True)
        self._endpoint.on_trunk_call(self._take)
        self._media = media
        self._voices = voices
        self._mixture = mixture
        self._seed = seed
        self._tasks = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()
        self.placed: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        """Opens the SIP sockets. Raises ConfigError when they are taken."""
        await self._endpoint.__aenter__()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hangs up what is left; nobody goes on ringing or listening."""
        await self._endpoint.__aexit__(kind, error, trace)
        for task in tuple(self._running):
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    @property
    def port(self) -> int:
        """Where the carrier listens (UDP)."""
        return self._endpoint.local_port(Transport.UDP)

    def _take(self, incoming: IncomingCall) -> None:
        number = incoming.target.user_text
        person = person_for(number, self.placed[number], self._mixture, self._seed)
        self.placed[number] += 1
        if len(self._running) >= MAX_CALLS:
            incoming.reject(503)
            return
        try:
            callee = Callee(incoming, person, self._media, self._voices)
        except MediaError as error:
            logger.warning("no port for a callee: %s", error)
            incoming.reject(503)
            return
        task = self._tasks.create_task(self._run(callee))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, callee: Callee) -> None:
        try:
            await callee.run()
        except Exception:  # the edge of one call: the others go on
            logger.exception("a simulated call failed")
