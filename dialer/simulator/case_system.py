"""The case system of a rehearsal: a webhook receiver that checks signatures and keeps each event once."""

from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web

from dialer.clock import Clock, SystemClock
from dialer.model.outcome import EventType
from dialer.outcomes.signing import secret_key, verify

HOST = "127.0.0.1"
SHUTDOWN_S = 2.0


class CaseSystem:
    """Used as `async with`; `url` is then where events are taken."""

    def __init__(self) -> None:
        self._keys: list[bytes] = []
        self._clock: Clock = SystemClock()
        self._runner: web.AppRunner | None = None
        self.url = ""
        self.events: dict[str, Mapping[str, Any]] = {}
        self.repeats = 0
        self.forged = 0

    async def __aenter__(self) -> Self:
        """Listens on a free port."""
        app = web.Application()
        app.router.add_post("/events", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://{HOST}:{port}/events"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def trust(self, secret: str, clock: Clock) -> None:
        """From now on events signed with this secret, by this clock, are taken; before, none are."""
        self._keys = [secret_key(secret)]
        self._clock = clock

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not verify(request.headers, body, self._keys, self._clock.utcnow()):
            self.forged += 1
            return web.Response(status=401)
        event = msgspec.json.decode(body)
        if event["id"] in self.events:
            self.repeats += 1
        self.events[event["id"]] = event
        return web.Response(status=204)

    def data_of(self, kind: EventType) -> list[Mapping[str, Any]]:
        """The data of every event of one type, in order of arrival."""
        return [event["data"] for event in self.events.values() if event["type"] == kind.value]

    def dispositions(self) -> Counter[str]:
        """How the settled attempts ended."""
        return Counter(data["disposition"] for data in self.data_of(EventType.ATTEMPT_SETTLED))

    def wrap_up_codes(self) -> Counter[str]:
        """What collectors recorded."""
        return Counter(data["code"] for data in self.data_of(EventType.WRAP_UP))
