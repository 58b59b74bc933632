"""The watch over trunks, with a peer that answers, one that does not, and a name to resolve."""

import asyncio
import random
import socket

import pytest

from dialer.clock import SystemClock
from dialer.config import SipConfig, TrunkConfig
from dialer.sip import trunk_monitor
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import Destination, Transport
from dialer.sip.trunk_monitor import TrunkMonitor
from dialer.sip.trunks import TrunkLease, TrunkRefusal, Trunks

HOST = "127.0.0.1"
WAIT_S = 20.0


def everybody(peer: Destination) -> bool:
    """Every address is a trunk's."""
    return True


async def test_a_dead_trunk_goes_down_and_a_living_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trunk_monitor, "OPTIONS_TIMEOUT_S", 0.5)
    config = SipConfig(host=HOST, port=0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind((HOST, 0))
        async with SipEndpoint(config, is_trunk=everybody) as carrier, SipEndpoint(config, is_trunk=everybody) as us:
            port = carrier.local_port(Transport.UDP)
            trunks = Trunks(
                [
                    TrunkConfig(name="alive", host="localhost", port=port, group="a", options_interval_s=0.02),
                    TrunkConfig(name="dead", host=HOST, port=deaf.getsockname()[1], group="d", options_interval_s=0.02),
                ],
                SystemClock(),
                random.Random(1).random,
            )
            monitor = TrunkMonitor(trunks, us)
            assert isinstance(trunks.acquire("a"), TrunkRefusal)  # its name is not resolved yet
            await monitor.resolve()
            assert isinstance(trunks.acquire("a"), TrunkLease)
            await _watch_until_down(monitor, trunks, "dead")
            assert [status.is_up for status in trunks.status()] == [True, False]


async def test_a_name_that_does_not_resolve_keeps_the_trunk_out() -> None:
    async with SipEndpoint(SipConfig(host=HOST, port=0), is_trunk=everybody) as us:
        trunks = Trunks([TrunkConfig(name="t", host="nowhere.invalid")], SystemClock(), random.Random(1).random)
        await TrunkMonitor(trunks, us).resolve()
        refused = trunks.acquire("default")
        assert isinstance(refused, TrunkRefusal)
        assert refused.reason == "t: address not resolved"


async def _watch_until_down(monitor: TrunkMonitor, trunks: Trunks, name: str) -> None:
    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(monitor.run())
        while any(each.is_up for each in trunks.status() if each.name == name):  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.02)
        watch.cancel()
