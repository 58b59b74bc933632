"""The real outbox, the real pump, a real receiver: what the database holds arrives, and again on a replay."""

import asyncio
import json
import random
from pathlib import Path

from aiohttp import web

from dialer.clock import SystemClock
from dialer.config import WebhookConfig
from dialer.model.contact import CaseStatus
from dialer.outcomes.delivery import Delivery
from dialer.outcomes.retries import RetryPolicy
from dialer.outcomes.webhook import Webhook
from dialer.storage import Listing, Storage
from tests.support.outcomes import Receiver, first_hearings

CASES = 4
KEY = bytes(32)


async def test_events_of_the_database_arrive_once_in_order_and_again_on_replay(tmp_path: Path) -> None:
    clock = SystemClock()
    refusing = True

    async def behave(request: web.Request, count: int) -> web.StreamResponse:
        return web.Response(status=410 if refusing and count % 3 == 0 else 200)

    async with Receiver(behave) as receiver, Storage.open(f"sqlite:///{tmp_path / 'x.db'}", KEY, clock) as storage:
        webhook = Webhook(WebhookConfig(url=receiver.url, secrets=("secret",)), clock)
        policy = RetryPolicy(first_delay_s=0.01, longest_delay_s=0.02)
        async with Delivery(
            storage.outbox, [webhook], node="n", clock=clock, chance=random.Random(1), policy=policy
        ) as delivery:
            for number in range(CASES * 3):
                listing = Listing("test", "asked", case_ref=f"C-{number % CASES}")
                await storage.do_not_call.add_number(f"+8613800001{number:03}", listing, clock.utcnow())
                delivery.wake()
            await storage.cases.set_status("C-0", CaseStatus.PAID, clock.utcnow())
            await _drained(storage, webhook.name)
            events = await storage.outbox.events()
            for case in range(CASES):
                expected = [event.event_id for event in events if event.case_ref == f"C-{case}"]
                assert first_hearings(receiver.heard[f"C-{case}"]) == expected
            refusing = False
            receiver.heard.clear()
            assert await storage.outbox.replay(webhook.name, events[0].sequence, clock.utcnow()) == len(events)
            delivery.wake()
            await _drained(storage, webhook.name)
        heard = [event_id for ids in receiver.heard.values() for event_id in ids]
        assert sorted(heard) == sorted(event.event_id for event in events)
        assert "13800001" not in json.dumps([dict(event.data) for event in events])


async def _drained(storage: Storage, destination: str) -> None:
    async with asyncio.timeout(60):
        while (await storage.outbox.undelivered()).get(destination, 0):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)
