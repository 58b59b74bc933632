"""The world around a rehearsed service, in a process of its own: carrier, callees, collectors with their phones.

Started by the demo as `python -m dialer.simulator.world PLAN.json`. It says `ready` on standard output once the carrier
listens and every phone is registered, and ends when its standard input is closed.
"""

import asyncio
import logging
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import uvloop

from dialer.api.client import ApiClient
from dialer.config import MediaConfig, SipConfig
from dialer.media.engine import MediaEngine
from dialer.simulator.carrier import SimulatedCarrier
from dialer.simulator.collectors import RobotCollector
from dialer.simulator.people import Mixture
from dialer.simulator.phone import RobotPhone, keep_registered
from dialer.simulator.voices import Voices, load_voices
from dialer.sip.events import Destination, Transport

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class RobotPlan:
    """One robot collector: its account, its token, its phone, and where it works."""

    agent_id: int
    token: str
    sip_user: str
    sip_password: str
    campaign_ids: list[int]


@dataclass(frozen=True, slots=True)
class WorldPlan:
    """Everything the process needs. Ports are on the loopback address; `spool_dir` stays empty, nothing is recorded."""

    url: str
    registrar_port: int
    carrier_port: int
    media_port_min: int
    media_port_max: int
    spool_dir: str
    seed: int
    mixture: Mixture = field(default_factory=Mixture)
    robots: list[RobotPlan] = field(default_factory=list)


async def live(plan: WorldPlan, voices: Voices) -> None:
    """Runs the world until standard input is closed."""
    media = MediaConfig(host=HOST, port_min=plan.media_port_min, port_max=plan.media_port_max, workers=1)
    sip = SipConfig(host=HOST, port=plan.carrier_port, transports=("udp",))
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(MediaEngine(media, Path(plan.spool_dir)))
        await stack.enter_async_context(SimulatedCarrier(sip, engine, voices, plan.mixture, plan.seed))
        phones = [await _phone(stack, plan, robot, engine, voices) for robot in plan.robots]
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(keep_registered(phone)) for phone in phones]
            for index, robot in enumerate(plan.robots):
                api = await stack.enter_async_context(ApiClient(plan.url, robot.token))
                collector = RobotCollector(api, robot.agent_id, robot.campaign_ids, plan.seed + index)
                running.append(tasks.create_task(collector.run()))
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            await _input_closed()
            for task in running:
                task.cancel()


async def _phone(
    stack: AsyncExitStack, plan: WorldPlan, robot: RobotPlan, engine: MediaEngine, voices: Voices
) -> RobotPhone:
    sip = SipConfig(host=HOST, port=0, transports=("udp",))
    registrar = Destination(Transport.UDP, HOST, plan.registrar_port)
    phone = RobotPhone(sip, registrar, robot.sip_user, robot.sip_password, engine, voices)
    return await stack.enter_async_context(phone)


async def _input_closed() -> None:
    """Returns when whoever started us is gone, by its own will or not."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass


def main() -> None:
    """Reads the plan named on the command line and lives it."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=WorldPlan)
    uvloop.run(live(plan, load_voices()))


if __name__ == "__main__":
    main()
