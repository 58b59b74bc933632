"""For tests of delivery: an outbox in memory that keeps the rules of the real one, and a receiver that misbehaves."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import web

from dialer.clock import SystemClock
from dialer.model.outcome import EventType, OutboxEvent, PendingEvent
from dialer.outcomes.signing import verify

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def make_events(cases: int, per_case: int) -> list[OutboxEvent]:
    """Events of several cases, interleaved as they would be in a real outbox."""
    return [
        OutboxEvent(1 + turn * cases + case, f"e-{case}-{turn}", EventType.WRAP_UP, f"C-{case}", AT, {"turn": turn})
        for turn in range(per_case)
        for case in range(cases)
    ]


@dataclass
class MemoryOutbox:
    """Hands out the head of each case, once it is due, as `dialer.storage` does."""

    waiting: list[PendingEvent]
    due_at: dict[int, datetime] = field(default_factory=dict)
    done: list[int] = field(default_factory=list)
    dead: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @classmethod
    def of(cls, events: Sequence[OutboxEvent]) -> Self:
        return cls([PendingEvent(event) for event in events])

    async def register(self, *names: str) -> None:
        return None

    async def hold(self, destination: str, node: str, now: datetime, lease_s: float) -> bool:
        return True

    async def pending(self, destination: str, limit: int, now: datetime) -> Sequence[PendingEvent]:
        heads: dict[str, PendingEvent] = {}
        for pending in self.waiting:
            heads.setdefault(pending.event.case_ref, pending)
        due = [head for head in heads.values() if self.due_at.get(head.event.sequence, now) <= now]
        return due[:limit]

    async def delivered(self, destination: str, sequence: int, now: datetime) -> None:
        async with self.changed:
            self._take(sequence)
            self.done.append(sequence)
            self.changed.notify_all()

    async def failed(
        self, destination: str, sequence: int, error: str, retry_at: datetime | None, now: datetime
    ) -> None:
        async with self.changed:
            self.errors.append(error)
            old = self._take(sequence)
            if retry_at is None:
                self.dead.append(sequence)
            else:
                self.waiting.append(PendingEvent(old.event, old.failures + 1, old.first_failed_at or now))
                self.waiting.sort(key=lambda pending: pending.event.sequence)
                self.due_at[sequence] = retry_at
            self.changed.notify_all()

    async def drained(self, timeout_s: float = 60.0) -> None:
        """Returns once nothing waits any more."""
        await self.until(lambda: not self.waiting, timeout_s)

    async def until(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Returns once the condition on this outbox holds."""
        async with asyncio.timeout(timeout_s), self.changed:
            await self.changed.wait_for(condition)

    def _take(self, sequence: int) -> PendingEvent:
        index = next(i for i, pending in enumerate(self.waiting) if pending.event.sequence == sequence)
        return self.waiting.pop(index)


Behaviour = Callable[[web.Request, int], Awaitable[web.StreamResponse]]


class Receiver:
    """A webhook receiver on loopback: checks signatures, keeps what it accepted, and answers as `behave` says."""

    def __init__(self, behave: Behaviour, keys: Sequence[bytes] = (b"secret",), port: int = 0) -> None:
        self._behave = behave
        self._keys = keys
        self._port = port
        self.requests = 0
        self.bad_signatures = 0
        self.heard: dict[str, list[str]] = defaultdict(list)
        """Ids per case in the order in which they were accepted, repetitions included."""
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/hook"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/hook", self._receive)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests += 1
        if not verify(request.headers, body, self._keys, SystemClock().utcnow()):
            self.bad_signatures += 1
        event = msgspec.json.decode(body)
        answer = await self._behave(request, self.requests)
        if 200 <= answer.status < 300:
            assert request.headers["webhook-id"] == event["id"]
            self.heard[event["subject"]].append(event["id"])
        return answer


def first_hearings(ids: Sequence[str]) -> list[str]:
    """What a receiver that keeps ids sees: each once, where it first came."""
    return list(dict.fromkeys(ids))
