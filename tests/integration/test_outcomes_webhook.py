"""A real receiver that fails, hangs, dies half-way and comes back: every event arrives, in order per case."""

import asyncio
import random

import pytest
from aiohttp import web

from dialer.clock import SystemClock
from dialer.config import WebhookConfig
from dialer.model.outcome import OutboxEvent
from dialer.outcomes.delivery import Delivery
from dialer.outcomes.retries import RetryPolicy
from dialer.outcomes.webhook import Webhook
from tests.support.outcomes import Behaviour, MemoryOutbox, Receiver, first_hearings, make_events

QUICK = RetryPolicy(first_delay_s=0.02, longest_delay_s=0.1)
CASES, PER_CASE = 5, 4


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.outcomes.delivery.POLL_S", 0.02)


def _delivery(outbox: MemoryOutbox, url: str, *, policy: RetryPolicy = QUICK, timeout_s: float = 5.0) -> Delivery:
    clock = SystemClock()
    webhook = Webhook(WebhookConfig(url=url, secrets=("secret",), timeout_s=timeout_s), clock)
    return Delivery(outbox, [webhook], node="node1", clock=clock, chance=random.Random(1), policy=policy)


async def _accept(request: web.Request, count: int) -> web.StreamResponse:
    return web.Response(status=204)


async def _fail_every_other(request: web.Request, count: int) -> web.StreamResponse:
    return web.Response(status=(503, 429, 404, 301)[count // 2 % 4] if count % 2 else 200)


async def _hang_at_first(request: web.Request, count: int) -> web.StreamResponse:
    if count <= 3:
        await asyncio.sleep(30)
    return web.Response()


async def _die_in_the_middle(request: web.Request, count: int) -> web.StreamResponse:
    """Accepts the event, starts to answer and closes the connection: it is sent again under its id."""
    if count % 3 == 0:
        assert request.transport is not None
        request.transport.abort()
    return web.Response()


def _check_all_heard(receiver: Receiver, events: list[OutboxEvent]) -> None:
    for case in {event.case_ref for event in events}:
        expected = [event.event_id for event in events if event.case_ref == case]
        assert first_hearings(receiver.heard[case]) == expected
    assert receiver.bad_signatures == 0


@pytest.mark.parametrize(
    ("behave", "timeout_s"),
    [(_accept, 5.0), (_fail_every_other, 5.0), (_hang_at_first, 0.2), (_die_in_the_middle, 5.0)],
)
async def test_every_event_arrives_in_order_per_case(behave: Behaviour, timeout_s: float) -> None:
    events = make_events(CASES, PER_CASE)
    outbox = MemoryOutbox.of(events)
    async with Receiver(behave) as receiver, _delivery(outbox, receiver.url, timeout_s=timeout_s):
        await outbox.drained()
    _check_all_heard(receiver, events)
    assert not outbox.dead


async def test_receiver_that_goes_away_and_comes_back() -> None:
    events = make_events(CASES, PER_CASE)
    outbox = MemoryOutbox.of(events)
    async with Receiver(_accept) as first:
        port = int(first.url.rsplit(":", 1)[1].split("/")[0])
    receiver = Receiver(_accept, port=port)
    async with _delivery(outbox, receiver.url):
        await outbox.until(lambda: len(outbox.errors) >= CASES)
        async with receiver:
            await outbox.drained()
    _check_all_heard(receiver, events)


async def test_what_is_refused_for_good_becomes_a_dead_letter_and_lets_the_next_pass() -> None:
    events = make_events(1, 3)

    async def refuse_the_second(request: web.Request, count: int) -> web.StreamResponse:
        return web.Response(status=410 if request.headers["webhook-id"] == "e-0-1" else 200)

    outbox = MemoryOutbox.of(events)
    policy = RetryPolicy(first_delay_s=0.01, longest_delay_s=0.01, dead_after_refused_s=0.0, fewest_tries=3)
    async with Receiver(refuse_the_second) as receiver, _delivery(outbox, receiver.url, policy=policy):
        await outbox.drained()
    assert outbox.dead == [2]
    assert outbox.errors == ["HTTP 410"] * 3
    assert receiver.heard["C-0"] == ["e-0-0", "e-0-2"]


async def test_a_slow_case_does_not_hold_up_the_others() -> None:
    events = make_events(3, 3)
    released = asyncio.Event()

    async def hold_one_case(request: web.Request, count: int) -> web.StreamResponse:
        if request.headers["webhook-id"].startswith("e-1-"):
            await released.wait()
        return web.Response()

    outbox = MemoryOutbox.of(events)
    async with Receiver(hold_one_case) as receiver, _delivery(outbox, receiver.url, timeout_s=30):
        await outbox.until(lambda: len(outbox.done) == 6)
        assert receiver.heard["C-1"] == []
        released.set()
        await outbox.drained()
    _check_all_heard(receiver, events)


async def test_an_outbox_that_cannot_be_read_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.outcomes.delivery.STORAGE_PAUSE_S", 0.02)
    events = make_events(2, 2)
    outbox = _Unreliable.of(events)
    async with Receiver(_accept) as receiver, _delivery(outbox, receiver.url):
        await outbox.drained()
    _check_all_heard(receiver, events)


class _Unreliable(MemoryOutbox):
    calls = 0

    async def pending(self, *args: object) -> list[object]:  # type: ignore[override]
        self.calls += 1
        if self.calls % 2:
            raise OSError("database is locked")
        return list(await super().pending(*args))  # type: ignore[arg-type]

    async def delivered(self, *args: object) -> None:
        self.calls += 1
        if self.calls % 3 == 0:
            raise OSError("disk full")
        await super().delivered(*args)  # type: ignore[arg-type]
