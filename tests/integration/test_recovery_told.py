"""What a start finds left behind is told to every receiver of this configuration, and cleaned without harm."""

import asyncio
from pathlib import Path

from dialer.app import Application
from dialer.config import Config, HttpConfig, MediaConfig, NodeConfig, SipConfig, WebhookConfig
from dialer.model.outcome import EventType
from dialer.outcomes.delivery import destination_names
from dialer.storage import storage_of
from tests.support.policy import bank_policy
from tests.support.storage import Dialing, contacts, run_campaign


async def test_a_receiver_that_is_new_hears_of_the_recovery(tmp_path: Path) -> None:
    config = Config(
        node=NodeConfig(data_dir=tmp_path),
        sip=SipConfig(port=0, transports=("udp",)),
        media=MediaConfig(port_min=28440, port_max=28459, workers=1, spool_min_free_mb=1),
        http=HttpConfig(port=0),
    )
    policy = await asyncio.to_thread(bank_policy)
    async with Application(config) as app:
        dialing = Dialing(app.storage, policy)
        (candidate,) = await dialing.claim(await run_campaign(app.storage, contacts(1)))
        await dialing.reserve(dialing.reservation(candidate))
    webhook = WebhookConfig(url="http://127.0.0.1:9/events", secrets=("a secret",), timeout_s=1)
    config = config.model_copy(update={"webhooks": (webhook,)})
    async with Application(config) as app:
        clock = app.clock
    async with await storage_of(config, clock) as storage:
        (name,) = destination_names(config)
        waiting = await storage.outbox.undelivered()
        told = [event.type for event in await storage.outbox.events()]
        assert told.count(EventType.ATTEMPT_UNKNOWN) == 1
        assert waiting[name] >= 1
