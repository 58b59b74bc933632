"""A whole day of dialing on virtual time, through the code that runs in production.

Campaign loop, sessions, desk, calls, gate, storage and trunks are those of a node (`rehearsal_node`). Around them stand
what a day is made of: an event loop that jumps to its next timer (`virtual_time`), a database in memory
(`dialer.storage.memory`), a carrier that asks the fates (`rehearsal_carrier`) over lines without audio
(`dialer.media.loopback_silent`), and collectors (`rehearsal_collectors`). The same scenario and seed give the same day,
but for its `cpu_s`.
"""

import asyncio
import gc
import logging
import math
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from dialer.agents.sessions import AgentChanged
from dialer.campaigns.loop.paces import PacerOf
from dialer.campaigns.loop.running import pacer_of
from dialer.compliance.hours import CallingWindow, ForbiddenHours
from dialer.compliance.policy import Policy
from dialer.model.attempt import AttemptFilter
from dialer.simulator.day import Day
from dialer.simulator.fates import Fates
from dialer.simulator.people import Behaviour
from dialer.simulator.rehearsal_books import Books, Record
from dialer.simulator.rehearsal_carrier import Lived
from dialer.simulator.rehearsal_collectors import RehearsedCollector, Workplace
from dialer.simulator.rehearsal_house import rules_of
from dialer.simulator.rehearsal_node import RehearsedNode
from dialer.simulator.scenario import Scenario
from dialer.simulator.virtual_time import VirtualClock, VirtualTimeLoop

LOOK_S = 60.0
"""How often the floor is noted."""
COLLECT_AFTER = 20_000
"""So many new objects before garbage is looked for: a day makes few cycles, and no call waits for a collection."""
_ALL = 1_000_000_000


def rehearse(scenario: Scenario, seed: int, pacer: PacerOf | None = None) -> Day:
    """Lives the day. Not from within a running loop. Raises ConfigError: a policy pack is missing or wrong.

    `pacer` paces instead of the house's own, in the mode of the scenario.
    """
    return live(scenario, seed, pacer)[0]


def live(scenario: Scenario, seed: int, pacer: PacerOf | None = None) -> tuple[Day, list[Lived]]:
    """As `rehearse`, with the carrier's own books of what each call lived through."""
    began_cpu_s = time.process_time()
    policy, caller_ids = rules_of(scenario)

    async def day() -> tuple[Day, list[Lived]]:
        clock = VirtualClock(asyncio.get_running_loop(), scenario.begins)
        chance = random.Random(seed)  # noqa: S311 - a simulation
        fates = Fates(scenario, seed)
        async with RehearsedNode(scenario, fates, clock, policy, caller_ids, pacer or pacer_of, chance) as node:
            books = Books(scenario, clock.monotonic())
            await _live(node, books, scenario)
            lived = list(node.carrier.lived)  # what follows ends the calls that are up
            record = await _record(node, policy)
            lost, machines = sum(map(_is_lost, lived)), sum(map(_is_machine_talk, lived))
            cpu_s = time.process_time() - began_cpu_s
            return books.day(record, seed=seed, lost=lost, machines_connected=machines, cpu_s=cpu_s), lived

    with _quiet(), _seldom_collected(), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(day())


async def _live(node: RehearsedNode, books: Books, scenario: Scenario) -> None:
    """The collectors work, and the floor is noted, until the day is over."""
    collectors = {collector.agent_id: collector for collector in _collectors(node, books, scenario)}

    def tell(changed: AgentChanged) -> None:
        books.agent_changed(changed)
        collectors[changed.session.agent_id].state_changed()

    node.sessions.listen(tell)
    async with asyncio.TaskGroup() as tasks:
        at_work = [tasks.create_task(collector.work()) for collector in collectors.values()]
        for look_s in _looks_s(scenario.length_s):
            await asyncio.sleep(look_s - node.clock.elapsed_s)
            books.look(await node.campaigns.status(node.house.campaign_id), node.clock.monotonic())
        for work in at_work:
            work.cancel()
    books.close(list(node.sessions), node.clock.monotonic())


def _collectors(node: RehearsedNode, books: Books, scenario: Scenario) -> list[RehearsedCollector]:
    campaign_id, noted = node.house.campaign_id, books.machines.add
    place = Workplace(scenario, node.clock, node.sessions, node.desk, node.carrier, campaign_id, noted)
    shifts = [shift for shift in scenario.workforce.shifts for _ in range(shift.collectors)]
    return [
        RehearsedCollector(agent, shift, node.fates.of_workforce(f"collector {n}"), place)
        for n, (agent, shift) in enumerate(zip(node.house.agents, shifts, strict=True))
    ]


def _looks_s(length_s: float) -> list[float]:
    """When the floor is noted: each minute, and at the end of the day. Seconds since its beginning."""
    return [*(n * LOOK_S for n in range(1, math.ceil(length_s / LOOK_S))), length_s]


async def _record(node: RehearsedNode, policy: Policy) -> Record:
    storage, campaign_id = node.storage, node.house.campaign_id
    await storage.attempts.flush_marks()
    attempts = await storage.attempts.list(AttemptFilter(campaign_id=campaign_id), limit=_ALL)
    figures = await storage.statistics.campaign(campaign_id, node.clock.utcnow())
    entries = figures.entries
    nothing_left = entries.callable_now == entries.leased == entries.dialing == 0
    if nothing_left and attempts:
        last_at = max(attempt.reserved_at for attempt in attempts)
        nothing_left = not await _closed_since(node, last_at, policy)
    return Record(attempts, figures.refusals, nothing_left)


async def _closed_since(node: RehearsedNode, since: datetime, policy: Policy) -> bool:
    """Whether calls were refused from then on for the hour: a list that must wait for tomorrow has not ended."""
    for bound in policy.bounds:
        if isinstance(bound.rule.body, CallingWindow | ForbiddenHours):
            newest = await node.storage.statistics.refusals(node.house.campaign_id, bound.rule.rule_id, limit=1)
            if newest and newest[0].at >= since:
                return True
    return False


def _is_lost(lived: Lived) -> bool:
    """A person who was taken for a machine and hung up on."""
    fate = lived.fate
    taken = fate.behaviour is Behaviour.HUMAN and fate.heard_as is Behaviour.MACHINE
    return taken and lived.answered_s is not None and not lived.hung_up


def _is_machine_talk(lived: Lived) -> bool:
    return lived.fate.behaviour is Behaviour.MACHINE and lived.connected_s is not None


@contextmanager
def _quiet() -> Iterator[None]:
    """A day of a thousand calls warns of much that is of interest on a node only; errors are told as ever."""
    logger = logging.getLogger("dialer")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
