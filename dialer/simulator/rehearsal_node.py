"""The node of a rehearsal: the parts of a node that call, entered in the order of their dependence, with other edges.

Its counterpart is `dialer.app`. What faces the outside there (disk, wire, audio, case system) is the scenario's here.
"""

import gc
import random
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from dialer.agents.sessions import AgentSessions
from dialer.calls.caller_ids import CallerIds
from dialer.calls.desk import AgentDesk
from dialer.calls.floor import CallFloor
from dialer.calls.services import CallServices
from dialer.calls.spool_guard import SpoolGuard
from dialer.campaigns.loop import CampaignManager
from dialer.campaigns.loop.paces import PacerOf
from dialer.compliance.policy import Policy
from dialer.live import LiveBoard
from dialer.media.loopback_silent import HOST, SilentLoopback
from dialer.model.attempt import Attempt
from dialer.model.verdict_sample import VerdictPhase
from dialer.progress.verdict import Verdict
from dialer.prompts.store import PromptStore
from dialer.simulator.fates import Fates
from dialer.simulator.rehearsal_carrier import FatedCarrier
from dialer.simulator.rehearsal_house import NODE, FixedPolicy, House, Silence, build, settings_of, trunk_of
from dialer.simulator.rehearsal_words import FatedEar
from dialer.simulator.scenario import Scenario
from dialer.simulator.virtual_time import VirtualClock
from dialer.sip.trunks import Trunks
from dialer.storage import Storage
from dialer.storage.crypto import KEY_BYTES, Cipher
from dialer.storage.memory import MemoryDatabase

TICK_S = 1.0
"""How often each campaign paces. Half as often as on a node: that is what most of an hour of a large floor costs, and
pacing is made for ticks up to this length (docs/pacing.md)."""


class RehearsedNode:
    """Used as `async with`, inside a loop on virtual time. Its parts are attributes once it is entered."""

    storage: Storage
    house: House
    carrier: FatedCarrier
    sessions: AgentSessions
    desk: AgentDesk
    campaigns: CampaignManager

    def __init__(
        self,
        scenario: Scenario,
        fates: Fates,
        clock: VirtualClock,
        policy: Policy,
        caller_ids: tuple[str, ...],
        pacer_of: PacerOf,
        chance: random.Random,
    ) -> None:
        """`chance` is production's: which trunk."""
        self.clock = clock
        self.fates = fates
        self._scenario = scenario
        self._policy = policy
        self._caller_ids = caller_ids
        self._pacer_of = pacer_of
        self._chance = chance
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._enter_storage(stack)
            await self._enter_calls(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def _enter_storage(self, stack: AsyncExitStack) -> None:
        database = MemoryDatabase()
        storage = Storage(database, Cipher(bytes(KEY_BYTES)), self.clock, TICK_S)
        self.storage = await stack.enter_async_context(storage)
        await database.fit_indexes()
        settings = settings_of(self._scenario, self._caller_ids)
        self.house = await build(self.storage, self._scenario, self.fates, settings)
        gc.freeze()  # what is there now stays to the end: no collection need walk it
        stack.callback(gc.unfreeze)

    async def _enter_calls(self, stack: AsyncExitStack) -> None:
        trunks = Trunks([trunk_of(self._scenario)], self.clock, self._chance.random)
        sessions = AgentSessions(self.clock, self.storage.agents.record_change)
        self.sessions = await stack.enter_async_context(sessions)
        floor = await stack.enter_async_context(CallFloor(self._services(trunks)))
        self.desk = await stack.enter_async_context(AgentDesk(floor, self.sessions, self.carrier, None, HOST))
        board = LiveBoard(self.clock)
        self.campaigns = await stack.enter_async_context(
            CampaignManager(
                floor, self.sessions, self.desk, trunks, board, _NoSpool(), pacer_of=self._pacer_of, tick_s=TICK_S
            )
        )

    def _services(self, trunks: Trunks) -> CallServices:
        media = SilentLoopback()
        self.carrier = FatedCarrier(media, self.fates, self.house.people)
        return CallServices(
            storage=self.storage,
            sip=self.carrier,
            media=media,
            trunks=trunks,
            agents=self.sessions,
            prompts=PromptStore(None, Silence()),
            policy=FixedPolicy(self._policy),
            caller_ids=CallerIds(self.storage.policies, self.clock),
            clock=self.clock,
            node=NODE,
            keep_recording=_not_recorded,
            keep_verdict=_not_heard,
            new_listening=FatedEar,
        )


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
