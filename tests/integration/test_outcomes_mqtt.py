"""A real Mosquitto, stopped and started while events flow: every event arrives, in order per case, ids stable."""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from dialer.clock import SystemClock
from dialer.config import MqttConfig
from dialer.model.outcome import OutboxEvent
from dialer.outcomes.delivery import Delivery
from dialer.outcomes.mqtt import Mqtt
from dialer.outcomes.retries import RetryPolicy
from tests.support.outcomes import MemoryOutbox, first_hearings, make_events
from tests.support.path_ports import free_ports

pytestmark = [pytest.mark.peer("mosquitto")]

CASES, PER_CASE = 4, 30
STOP_TIMEOUT_S = 10.0


class Broker:
    """A Mosquitto of our own, with sessions kept over its restarts."""

    def __init__(self, folder: Path, rules: str = "") -> None:
        self.port = free_ports()
        self._config = folder / "mosquitto.conf"
        (folder / "acl").write_text(rules or "topic readwrite #\n")
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nacl_file {folder}/acl\n"
            f"persistence true\npersistence_location {folder}/\nuser root\nlog_dest none\nmax_queued_messages 0\n"
        )
        (folder / "acl").chmod(0o700)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs it until the block ends; asked to stop by SIGTERM, so it saves what it holds."""
        process = await asyncio.create_subprocess_exec("mosquitto", "-c", str(self._config))
        try:
            async with asyncio.timeout(30):
                await self._listening()
            yield
        finally:
            process.terminate()
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()

    async def _listening(self) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return


class Gate:
    """The way from the delivery to the broker: opened once the subscriber hears, cut when the block ends.

    Mosquitto 2.0.11 forgets what it took for an absent subscriber when it is stopped again before that one came back.
    """

    def __init__(self, broker_port: int) -> None:
        self.port = free_ports()
        self._broker_port = broker_port
        self._writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with await asyncio.start_server(self._pass, "127.0.0.1", self.port):
            yield
            for writer in self._writers:
                writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._broker_port)
        self._writers += [writer, far_writer]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_copy(reader, far_writer))
            tasks.create_task(_copy(far_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


class Subscriber:
    """Hears every event over a session that the broker keeps while either side is away.

    Plain paho with its own thread: it hands a message over before it acknowledges, so nothing is lost between the two.
    """

    def __init__(self, port: int) -> None:
        self.heard: dict[str, list[str]] = defaultdict(list)
        self.topics: set[str] = set()
        self.content_types: set[object] = set()
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self.subscribed = asyncio.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "case-system", protocol=mqtt.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("bank/events/#", qos=1)
        self._client.on_subscribe = lambda *_: self._in_loop(self.subscribed.set)
        self._client.on_message = lambda client, data, message: self._in_loop(self._hear, message)
        self._port = port

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 600
        self._client.connect_async("127.0.0.1", self._port, clean_start=False, properties=properties)
        self._client.loop_start()
        try:
            yield
        finally:
            self._client.disconnect()
            await asyncio.to_thread(self._client.loop_stop)

    async def until_heard(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len({event_id for ids in self.heard.values() for event_id in ids}) < count:
                self._changed.clear()
                await self._changed.wait()

    def _in_loop(self, callback: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may be gone when the test failed
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _hear(self, message: mqtt.MQTTMessage) -> None:
        event = msgspec.json.decode(message.payload)
        self.heard[event["subject"]].append(event["id"])
        self.topics.add(message.topic)
        self.content_types.add(getattr(message.properties, "ContentType", None))
        self._changed.set()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.outcomes.mqtt.RECONNECT_FIRST_S", 0.05)
    monkeypatch.setattr("dialer.outcomes.mqtt.RECONNECT_LONGEST_S", 0.2)
    monkeypatch.setattr("dialer.outcomes.delivery.POLL_S", 0.02)


def _delivery(outbox: MemoryOutbox, port: int, policy: RetryPolicy, timeout_s: float = 2.0) -> Delivery:
    config = MqttConfig(host="127.0.0.1", port=port, topic_prefix="bank", timeout_s=timeout_s)
    chance = random.Random(1)
    return Delivery(outbox, [Mqtt(config, chance)], node="node1", clock=SystemClock(), chance=chance, policy=policy)


def _check_all_heard(subscriber: Subscriber, events: list[OutboxEvent]) -> None:
    for case in {event.case_ref for event in events}:
        expected = [event.event_id for event in events if event.case_ref == case]
        assert first_hearings(subscriber.heard[case]) == expected


async def test_broker_stopped_and_started_while_events_flow(tmp_path: Path) -> None:
    events = make_events(CASES, PER_CASE)
    outbox = MemoryOutbox.of(events)
    broker = Broker(tmp_path)
    subscriber = Subscriber(broker.port)
    gate = Gate(broker.port)
    policy = RetryPolicy(first_delay_s=0.02, longest_delay_s=0.1)
    async with subscriber.listening(), _delivery(outbox, gate.port, policy):
        for wanted in (CASES * 3, CASES * 15, CASES * PER_CASE):
            async with broker.running():
                await asyncio.wait_for(subscriber.subscribed.wait(), 30)
                async with gate.open():
                    await outbox.until(lambda wanted=wanted: len(outbox.done) >= wanted)  # type: ignore[misc]
                    if wanted == len(events):
                        await subscriber.until_heard(wanted)
            subscriber.subscribed.clear()
    _check_all_heard(subscriber, events)
    assert subscriber.topics == {"bank/events/dialer.contact.wrap_up.v1"}
    assert subscriber.content_types == {"application/cloudevents+json; charset=utf-8"}
    assert not outbox.dead


async def test_a_broker_that_is_never_there_costs_no_failures(tmp_path: Path) -> None:
    outbox = MemoryOutbox.of(make_events(1, 1))
    async with _delivery(outbox, Broker(tmp_path).port, RetryPolicy()):
        await asyncio.sleep(0.3)
    assert outbox.errors == []
    assert len(outbox.waiting) == 1


async def test_a_puback_that_refuses_is_no_delivery(tmp_path: Path) -> None:
    """The broker's access rules forbid the topic: MQTT 5 says so in the PUBACK, and the event stays in the outbox."""
    outbox = MemoryOutbox.of(make_events(1, 1))
    broker = Broker(tmp_path, rules="topic read #\n")
    async with broker.running(), _delivery(outbox, broker.port, RetryPolicy(first_delay_s=0.01), timeout_s=0.3):
        await outbox.until(lambda: bool(outbox.errors))
    assert outbox.done == []
    assert "did not confirm" in outbox.errors[0]
