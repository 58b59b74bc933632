"""Publishes events to an MQTT 5 broker with QoS 1; an event counts as taken when its PUBACK says so.

One connection is kept by a task of its own, which reconnects with back-off. While the broker is away nothing is tried,
so an outage costs a failure only to the few events that were under way when it began.
"""

import asyncio
import logging
import random
from types import TracebackType
from typing import Any, Self

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from dialer.config import MqttConfig
from dialer.model.outcome import OutboxEvent
from dialer.outcomes.payloads import CONTENT_TYPE
from dialer.outcomes.retries import Failure, FailureKind

logger = logging.getLogger(__name__)

CONCURRENCY = 8  # aiomqtt warns above 10 publishes under way
RECONNECT_FIRST_S = 0.5
RECONNECT_LONGEST_S = 30.0
KEEPALIVE_S = 20
QOS = 1


def mqtt_name(config: MqttConfig) -> str:
    """The destination's stable name."""
    return f"mqtt:{config.host}:{config.port}"


class _Client(aiomqtt.Client):
    """aiomqtt takes every PUBACK for a success, also one that refuses (MQTT 5 §3.4.2.1: 0x80 and above)."""

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        if reason_code.is_failure:
            # Left unconfirmed: the publish runs into its timeout, and the event stays in the outbox.
            logger.warning("broker refused an event", extra={"action": "mqtt_refused", "reason": str(reason_code)})
            return
        super()._on_publish(client, userdata, mid, reason_code, properties)


class Mqtt:
    """One broker. The topic is `<prefix>/events/<type>`: no case, person or number is readable from it."""

    concurrency = CONCURRENCY

    def __init__(self, config: MqttConfig, chance: random.Random) -> None:
        self.name = mqtt_name(config)
        self._config = config
        self._chance = chance
        self._client: aiomqtt.Client | None = None
        self._connected = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._keeper = self._tasks.create_task(self._keep_connected(), name=self.name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def ready(self) -> None:
        """Returns once the broker is connected."""
        await self._connected.wait()

    async def send(self, event: OutboxEvent, body: bytes) -> Failure | None:
        """Publishes one event; None when the broker confirmed it."""
        client = self._client
        if client is None:
            return Failure(FailureKind.TEMPORARY, "the broker is not connected")
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = CONTENT_TYPE
        topic = f"{self._config.topic_prefix}/events/{event.type.value}"
        try:
            await client.publish(topic, body, QOS, properties=properties, timeout=self._config.timeout_s)
        except aiomqtt.MqttError as error:
            return Failure(FailureKind.TEMPORARY, f"the broker did not confirm: {error}")
        return None

    async def _keep_connected(self) -> None:
        delay_s = RECONNECT_FIRST_S
        while True:
            try:
                async with self._new_client() as client:
                    self._announce(client)
                    delay_s = RECONNECT_FIRST_S
                    async for _ in client.messages:  # nothing is subscribed: ends with the connection
                        pass
            except aiomqtt.MqttError as error:
                logger.warning("broker away", extra={"action": "mqtt_away", "broker": self.name, "error": str(error)})
            finally:
                self._client = None
                self._connected.clear()
            await asyncio.sleep(delay_s * self._chance.uniform(0.5, 1.0))
            delay_s = min(delay_s * 2, RECONNECT_LONGEST_S)

    def _announce(self, client: aiomqtt.Client) -> None:
        logger.info("broker connected", extra={"action": "mqtt_connected", "broker": self.name})
        self._client = client
        self._connected.set()

    def _new_client(self) -> aiomqtt.Client:
        return _Client(
            self._config.host,
            self._config.port,
            username=self._config.username or None,
            password=self._config.password or None,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,  # what was not confirmed is still in the outbox; the broker keeps nothing for us
            keepalive=KEEPALIVE_S,
            timeout=self._config.timeout_s,
        )
