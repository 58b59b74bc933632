"""Pumps events from the outbox to their destinations: at least once, in order per case, under a stable id.

One pump task per destination takes the oldest waiting event of each case, so that a case's next event is not offered
before the one ahead of it was taken or became a dead letter; different cases go side by side. Nothing is kept here:
what a crash interrupts is offered again.
"""

import asyncio
import contextlib
import logging
import math
import random
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from dialer.clock import Clock
from dialer.config import Config
from dialer.model.outcome import OutboxEvent, PendingEvent
from dialer.outcomes.mqtt import Mqtt, mqtt_name
from dialer.outcomes.payloads import envelope
from dialer.outcomes.retries import DEFAULT_POLICY, Failure, FailureKind, RetryPolicy, next_try
from dialer.outcomes.webhook import Webhook, webhook_name

logger = logging.getLogger(__name__)

SOURCE = "urn:dialer"
"""CloudEvents `source`. The same on every node: an event's id and source stay the same whoever sends it."""
POLL_S = 0.5
"""How often the outbox is asked while nothing calls `wake`: other nodes write into it too, and retries come due."""
STORAGE_PAUSE_S = 2.0
"""How long a pump rests when the outbox itself could not be read."""
LEASE_S = 30.0
"""How long a destination stays with a node that died."""
LEASE_RENEWAL_S = 10.0


class Outbox(Protocol):
    """What delivery needs of the outbox (`dialer.storage`)."""

    async def register(self, *names: str) -> None:
        """These destinations, and no others, are told of every event from now on."""
        ...

    async def hold(self, destination: str, node: str, now: datetime, lease_s: float) -> bool:
        """Whether this node may deliver to the destination for the next `lease_s`; of several nodes only one may."""
        ...

    async def pending(self, destination: str, limit: int, now: datetime) -> Sequence[PendingEvent]:
        """The oldest undelivered event of each case, where it is due, oldest first."""
        ...

    async def delivered(self, destination: str, sequence: int, now: datetime) -> None:
        """The destination took the event."""
        ...

    async def failed(
        self, destination: str, sequence: int, error: str, retry_at: datetime | None, now: datetime
    ) -> None:
        """It did not; the event is due again at `retry_at`, or a dead letter (None)."""
        ...


class Destination(Protocol):
    """Where events go: `Webhook` or `Mqtt`, entered before use."""

    name: str
    concurrency: int

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def ready(self) -> None:
        """Returns once it makes sense to send."""
        ...

    async def send(self, event: OutboxEvent, body: bytes) -> Failure | None:
        """Offers one event; None when it was taken. Ends within the destination's timeout."""
        ...


def destination_names(config: Config) -> tuple[str, ...]:
    """The names of all configured destinations, as the outbox knows them."""
    names = [webhook_name(webhook) for webhook in config.webhooks]
    return tuple(names + ([mqtt_name(config.mqtt)] if config.mqtt else []))


def open_destinations(config: Config, clock: Clock, chance: random.Random) -> tuple[Destination, ...]:
    """All configured destinations, not yet entered (ConfigError: a webhook secret is malformed)."""
    webhooks: list[Destination] = [Webhook(webhook, clock) for webhook in config.webhooks]
    return tuple(webhooks + ([Mqtt(config.mqtt, chance)] if config.mqtt else []))


class Delivery:
    """All pumps of this process; an `async with` object."""

    def __init__(
        self,
        outbox: Outbox,
        destinations: Iterable[Destination],
        *,
        node: str,
        clock: Clock,
        chance: random.Random,
        policy: RetryPolicy = DEFAULT_POLICY,
    ) -> None:
        """`node` is this process among those that share the outbox; `chance` spreads the retries."""
        self._outbox = outbox
        self._pumps = [_Pump(outbox, destination, node, clock, chance, policy) for destination in destinations]
        self._stack = AsyncExitStack()
        self._tasks = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._outbox.register(*(pump.destination.name for pump in self._pumps))
        async with AsyncExitStack() as stack:
            for pump in self._pumps:
                await stack.enter_async_context(pump.destination)
            await self._tasks.__aenter__()
            self._stack = stack.pop_all()
        self._running = [
            self._tasks.create_task(pump.run(), name=f"deliver {pump.destination.name}") for pump in self._pumps
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        try:
            await self._tasks.__aexit__(None, None, None)
        finally:
            await self._stack.aclose()

    def wake(self) -> None:
        """Says that the outbox has something new; optional, a pump looks by itself every `POLL_S`."""
        for pump in self._pumps:
            pump.wake()


class _Pump:
    """One destination's pump."""

    def __init__(
        self,
        outbox: Outbox,
        destination: Destination,
        node: str,
        clock: Clock,
        chance: random.Random,
        policy: RetryPolicy,
    ) -> None:
        self.destination = destination
        self._outbox = outbox
        self._node = node
        self._clock = clock
        self._chance = chance
        self._policy = policy
        self._renew_at = -math.inf
        self._news = asyncio.Event()
        self._under_way: set[int] = set()
        self._slots = asyncio.Semaphore(destination.concurrency)

    def wake(self) -> None:
        self._news.set()

    async def run(self) -> None:
        """Runs until cancelled."""
        async with asyncio.TaskGroup() as tries:
            while True:
                await self.destination.ready()
                self._news.clear()
                due = await self._due()
                for pending in due:
                    await self._slots.acquire()
                    self._under_way.add(pending.event.sequence)
                    tries.create_task(self._try(pending))
                if not due:
                    await self._rest(POLL_S)

    async def _due(self) -> list[PendingEvent]:
        """Due events that are not under way. One that ended while the outbox was read may be listed still: left out."""
        before = frozenset(self._under_way)
        try:
            if not await self._holds():
                return []
            limit = 2 * self.destination.concurrency
            listed = await self._outbox.pending(self.destination.name, limit, self._clock.utcnow())
        except Exception:
            logger.exception("outbox not readable", extra={"action": "outbox", "destination": self.destination.name})
            await self._rest(STORAGE_PAUSE_S)
            return []
        busy = before | self._under_way
        return [pending for pending in listed if pending.event.sequence not in busy]

    async def _holds(self) -> bool:
        """Keeps the destination to this node; False while another node delivers to it."""
        now = self._clock.monotonic()
        if now < self._renew_at:
            return True
        held = await self._outbox.hold(self.destination.name, self._node, self._clock.utcnow(), LEASE_S)
        self._renew_at = now + LEASE_RENEWAL_S if held else -math.inf
        return held

    async def _rest(self, longest_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._news.wait()

    async def _try(self, pending: PendingEvent) -> None:
        """The edge of one delivery: whatever goes wrong, the event stays in the outbox and the pump goes on."""
        try:
            failure = await self._offer(pending)
            await self._record(pending, failure)
        except Exception:
            logger.exception("delivery not recorded", extra=self._facts(pending))
            await asyncio.sleep(STORAGE_PAUSE_S)
        finally:
            self._under_way.discard(pending.event.sequence)
            self._slots.release()
            self._news.set()

    async def _offer(self, pending: PendingEvent) -> Failure | None:
        try:
            return await self.destination.send(pending.event, envelope(pending.event, SOURCE))
        except Exception as error:
            logger.exception("delivery failed", extra=self._facts(pending))
            return Failure(FailureKind.TEMPORARY, f"internal error: {type(error).__name__}")

    async def _record(self, pending: PendingEvent, failure: Failure | None) -> None:
        now = self._clock.utcnow()
        name, sequence = self.destination.name, pending.event.sequence
        if failure is None:
            await self._outbox.delivered(name, sequence, now)
            return
        retry_at = next_try(self._policy, pending, failure, now, self._chance.random())
        await self._outbox.failed(name, sequence, failure.error, retry_at, now)
        level = logging.ERROR if retry_at is None else logging.WARNING
        message = "event is a dead letter" if retry_at is None else "event not taken"
        logger.log(level, message, extra=self._facts(pending) | {"error": failure.error})

    def _facts(self, pending: PendingEvent) -> dict[str, object]:
        return {"action": "deliver", "destination": self.destination.name, "event_id": pending.event.event_id}
