"""A whole day of dialing on virtual time, through the code that runs in production.

Campaign loop, sessions, desk, calls, gate, storage and trunks are those of a node. Around them stand what a day is made
of: an event loop that jumps to its next timer (`virtual_time`), a database in memory (`dialer.storage.memory`), a
carrier that asks the fates (`rehearsal_carrier`) over lines without audio (`dialer.media.loopback_silent`), and
collectors (`rehearsal_collectors`). The same scenario and seed give the same day, but for its `cpu_s`.
"""

import asyncio
import gc
import logging
import math
import random
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from dialer.agents.sessions import AgentSessions
from dialer.calls.caller_ids import CallerIds
from dialer.calls.desk import AgentDesk
from dialer.calls.floor import CallFloor
from dialer.calls.services import CallServices
from dialer.calls.spool_guard import SpoolGuard
from dialer.campaigns.loop import CampaignManager
from dialer.campaigns.loop.paces import PacerOf
from dialer.campaigns.loop.running import pacer_of
from dialer.compliance.hours import CallingWindow, ForbiddenHours
from dialer.compliance.policy import Policy
from dialer.live import LiveBoard
from dialer.media.loopback_silent import HOST, SilentLoopback
from dialer.model.attempt import Attempt, AttemptFilter
from dialer.model.campaign import CampaignSettings
from dialer.model.verdict_sample import VerdictPhase
from dialer.progress.verdict import Verdict
from dialer.prompts.store import PromptStore
from dialer.simulator.day import Day
from dialer.simulator.fates import Fates
from dialer.simulator.people import Behaviour
from dialer.simulator.rehearsal_books import Books, Record
from dialer.simulator.rehearsal_carrier import FatedCarrier, Lived
from dialer.simulator.rehearsal_collectors import RehearsedCollector, Workplace
from dialer.simulator.rehearsal_house import NODE, FixedPolicy, House, Silence, build, rules_of, settings_of, trunk_of
from dialer.simulator.rehearsal_words import FatedEar
from dialer.simulator.scenario import Scenario
from dialer.simulator.virtual_time import VirtualClock, VirtualTimeLoop
from dialer.sip.trunks import Trunks
from dialer.storage import Storage
from dialer.storage.crypto import KEY_BYTES, Cipher
from dialer.storage.memory import MemoryDatabase

LOOK_S = 60.0
"""How often the floor is noted."""
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
    settings = settings_of(scenario, caller_ids)
    with _quiet(), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(_Rehearsal(scenario, seed, settings, pacer or pacer_of, began_cpu_s).live(policy))


class _Rehearsal:
    """One day, inside its loop."""

    def __init__(
        self, scenario: Scenario, seed: int, settings: CampaignSettings, pacer: PacerOf, began_cpu_s: float
    ) -> None:
        self._scenario = scenario
        self._seed = seed
        self._settings = settings
        self._pacer_of = pacer
        self._began_cpu_s = began_cpu_s
        self._fates = Fates(scenario, seed)

    async def live(self, policy: Policy) -> tuple[Day, list[Lived]]:
        loop = asyncio.get_running_loop()
        clock = VirtualClock(loop, self._scenario.begins)
        books = Books(self._scenario, clock.monotonic())
        async with AsyncExitStack() as stack:
            database = MemoryDatabase()
            storage = await stack.enter_async_context(Storage(database, Cipher(bytes(KEY_BYTES)), clock))
            await database.widen_indexes()
            house = await build(storage, self._scenario, self._fates, self._settings)
            gc.freeze()  # what is there now stays to the end: no collection need walk it
            media = SilentLoopback()
            carrier = FatedCarrier(media, self._fates, house.people)
            sessions = await stack.enter_async_context(AgentSessions(clock, storage.agents.record_change))
            sessions.listen(books.agent_changed)
            chance = random.Random(self._seed)  # noqa: S311 - a simulation
            trunks = Trunks([trunk_of(self._scenario)], clock, chance.random)
            services = CallServices(
                storage=storage,
                sip=carrier,
                media=media,
                trunks=trunks,
                agents=sessions,
                prompts=PromptStore(None, Silence()),
                policy=FixedPolicy(policy),
                caller_ids=CallerIds(storage.policies, clock),
                clock=clock,
                node=NODE,
                keep_recording=_not_recorded,
                keep_verdict=_not_heard,
                new_listening=FatedEar,
            )
            floor = await stack.enter_async_context(CallFloor(services))
            desk = await stack.enter_async_context(AgentDesk(floor, sessions, carrier, None, HOST))
            board = LiveBoard(clock)
            campaigns = await stack.enter_async_context(
                CampaignManager(floor, sessions, desk, trunks, board, _NoSpool(), pacer_of=self._pacer_of)
            )
            place = Workplace(self._scenario, clock, sessions, desk, carrier, house.campaign_id, books.machines.add)
            async with asyncio.TaskGroup() as tasks:
                at_work = [tasks.create_task(collector.work()) for collector in self._collectors(house, place)]
                await self._look_on(books, campaigns, house.campaign_id, clock)
                for work in at_work:
                    work.cancel()
            books.close(list(sessions), clock.monotonic())
            record = await _record(storage, house.campaign_id, clock, policy)
            day = books.day(
                record,
                seed=self._seed,
                lost=sum(_is_lost(lived) for lived in carrier.lived),
                machines_connected=sum(_is_machine_talk(lived) for lived in carrier.lived),
                cpu_s=time.process_time() - self._began_cpu_s,
            )
            return day, list(carrier.lived)  # what follows ends the calls that are up

    def _collectors(self, house: House, place: Workplace) -> list[RehearsedCollector]:
        shifts = [shift for shift in self._scenario.workforce.shifts for _ in range(shift.collectors)]
        return [
            RehearsedCollector(agent, shift, self._fates.of_workforce(f"collector {n}"), place)
            for n, (agent, shift) in enumerate(zip(house.agents, shifts, strict=True))
        ]

    async def _look_on(self, books: Books, campaigns: CampaignManager, campaign_id: int, clock: VirtualClock) -> None:
        """Until the day is over."""
        for look_s in _looks_s(self._scenario.length_s):
            await asyncio.sleep(look_s - clock.elapsed_s)
            books.look(await campaigns.status(campaign_id), clock.monotonic())


def _looks_s(length_s: float) -> list[float]:
    """When the floor is noted: each minute, and at the end of the day. Seconds since its beginning."""
    return [*(n * LOOK_S for n in range(1, math.ceil(length_s / LOOK_S))), length_s]


async def _record(storage: Storage, campaign_id: int, clock: VirtualClock, policy: Policy) -> Record:
    await storage.attempts.flush_marks()
    attempts = await storage.attempts.list(AttemptFilter(campaign_id=campaign_id), limit=_ALL)
    figures = await storage.statistics.campaign(campaign_id, clock.utcnow())
    entries = figures.entries
    nothing_left = entries.callable_now == entries.leased == entries.dialing == 0
    if nothing_left and attempts:
        last_at = max(attempt.reserved_at for attempt in attempts)
        nothing_left = not await _closed_since(storage, campaign_id, last_at, policy)
    return Record(attempts, figures.refusals, nothing_left)


async def _closed_since(storage: Storage, campaign_id: int, since: datetime, policy: Policy) -> bool:
    """Whether calls were refused from then on for the hour: a list that must wait for tomorrow has not ended."""
    for bound in policy.bounds:
        if isinstance(bound.rule.body, CallingWindow | ForbiddenHours):
            newest = await storage.statistics.refusals(campaign_id, bound.rule.rule_id, limit=1)
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


class _NoSpool(SpoolGuard):
    """Nothing is recorded, so no disk can be full."""

    def __init__(self) -> None:
        super().__init__(Path(), 0)

    async def refresh(self) -> None:
        """There is nothing to look at."""


def _not_recorded(recording_id: str, attempt: Attempt) -> None:
    """A line without audio leaves no recording."""


def _not_heard(attempt: Attempt, phase: VerdictPhase, verdict: Verdict, pcm: bytes, *, audio_from_ms: int = 0) -> None:
    """Nobody can listen to a verdict that no audio led to."""


@contextmanager
def _quiet() -> Iterator[None]:
    """A day of a thousand calls warns of much that is of interest on a node only; errors are told as ever.

    What was frozen for the collector of garbage (`gc.freeze`) is not afterwards.
    """
    logger = logging.getLogger("dialer")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        gc.unfreeze()
        logger.setLevel(level)
