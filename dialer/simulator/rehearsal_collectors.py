"""The collectors of a rehearsal: each comes, takes calls, writes wrap-ups, goes on breaks and home as the day has it.

They act on the same sessions and desk as people at their screens; only their phones are legs without audio.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dialer.agents.sessions import AgentSession, AgentSessions
from dialer.agents.state import AgentEvent
from dialer.calls.desk import AgentDesk
from dialer.clock import Clock
from dialer.media.interface import Leg, LegEvent, MediaPort
from dialer.model.agent import Agent, AgentState
from dialer.model.campaign import DispositionCode, DispositionForm
from dialer.model.outcome import WrapUp
from dialer.simulator.fates import MACHINE_TALK_S, MACHINE_WRAP_S, Fate, draw
from dialer.simulator.people import Behaviour
from dialer.simulator.rehearsal_carrier import FatedCarrier
from dialer.simulator.scenario import Break, Scenario, Shift

PREVIEW_S = 8.0
"""A look at a previewed case."""
CALL_AGAIN_AFTER = timedelta(days=1)
PROMISED, CALL_AGAIN, MACHINE = "promised", "call_again", "machine"
FORM = DispositionForm(
    (
        DispositionCode(PROMISED, "promised to pay", right_party=True, final=True),
        DispositionCode(CALL_AGAIN, "is to be called again", right_party=True, callback=True),
        DispositionCode(MACHINE, "a machine", not_a_conversation=True),
    )
)
"""What the collectors fill in. Who is to be called again is, on another day."""


class SilentPhone:
    """A collector's phone: a `PhoneLine` on a leg without audio."""

    def __init__(self, media: MediaPort) -> None:
        self._leg = media.open_leg(sink=_unheard)

    @property
    def leg(self) -> Leg:
        """Its media leg."""
        return self._leg

    def close(self, reason: str) -> None:
        """Hangs up."""
        self._leg.close()


@dataclass(frozen=True, slots=True)
class Workplace:
    """What every collector of the day works with. `on_machine` hears the ids of attempts that were a machine's."""

    scenario: Scenario
    clock: Clock
    sessions: AgentSessions
    desk: AgentDesk
    carrier: FatedCarrier
    campaign_id: int
    on_machine: Callable[[int], None]


class RehearsedCollector:
    """One collector. `work` lasts from the beginning of the shift until the log-out."""

    def __init__(self, agent: Agent, shift: Shift, chance: random.Random, place: Workplace) -> None:
        self._agent = agent
        self._shift = shift
        self._chance = chance
        self._place = place
        self._changed = asyncio.Event()
        self._talked_to: Fate | None = None
        self._break_s: float | None = None

    @property
    def agent_id(self) -> int:
        return self._agent.agent_id

    def state_changed(self) -> None:
        """Somebody ended, or began, a state of this collector."""
        self._changed.set()

    async def work(self) -> None:
        """The shift; over at once where it ended before the day begins."""
        scenario = self._place.scenario
        begins_s, ends_s = scenario.seconds_at(self._shift.begins), scenario.seconds_at(self._shift.ends)
        if ends_s <= 0:
            return
        await asyncio.sleep(max(begins_s, 0.0))
        self._log_in()
        loop = asyncio.get_running_loop()
        loop.call_later(ends_s - max(begins_s, 0.0), self._log_out)
        for kind in scenario.workforce.breaks:
            if self._chance.random() < kind.share:
                self._plan_break(kind)
        while (session := self._session()) is not None:
            if not await self._changes_within(self._stays_s(session)):
                await self._act(session)

    # ---- from one state to the next

    def _stays_s(self, session: AgentSession) -> float | None:
        """How long the collector stays in this state; None: until somebody else ends it."""
        match session.state:
            case AgentState.TALKING:
                call = self._place.carrier.on_line_with(session.line.leg.local_port)
                self._talked_to = None if call is None else call.fate
                return MACHINE_TALK_S if self._is_with_machine else None
            case AgentState.WRAPUP:
                return MACHINE_WRAP_S if self._is_with_machine else self._draw_wrap_up()
            case AgentState.PREVIEW:
                return PREVIEW_S
            case AgentState.BREAK:
                return self._break_s
            case _:
                return None

    async def _act(self, session: AgentSession) -> None:
        """What the collector does when the time in a state is over."""
        match session.state:
            case AgentState.TALKING:
                await self._place.desk.hang_up(self._agent.agent_id)
            case AgentState.WRAPUP:
                await self._wrap_up(session)
            case AgentState.PREVIEW:
                await self._place.desk.preview_dial(self._agent.agent_id)
            case AgentState.BREAK:
                self._break_s = None
                self._apply(AgentEvent.READY, "back from the break")

    async def _changes_within(self, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True

    @property
    def _is_with_machine(self) -> bool:
        return self._talked_to is not None and self._talked_to.behaviour is Behaviour.MACHINE

    def _draw_wrap_up(self) -> float:
        return draw(self._place.scenario.workforce.wrap_up, self._chance)

    async def _wrap_up(self, session: AgentSession) -> None:
        attempt_id = session.last_attempt_id
        if attempt_id is None:
            return
        fate, now = self._talked_to, self._place.clock.utcnow()
        self._talked_to = None
        code = PROMISED if fate is not None and fate.promises else CALL_AGAIN
        if fate is not None and fate.behaviour is Behaviour.MACHINE:
            code = MACHINE
            self._place.on_machine(attempt_id)
        await self._place.desk.wrap_up(_form(attempt_id, self._agent.agent_id, code, now))

    # ---- coming, pausing, going

    def _log_in(self) -> None:
        sessions, phone = self._place.sessions, SilentPhone(self._place.carrier.media)
        sessions.open(self._agent, phone, (self._place.campaign_id,), "logged in")
        self._apply(AgentEvent.READY, "ready")

    def _log_out(self) -> None:
        if self._session() is not None:
            self._apply(AgentEvent.LOG_OUT, "logged out")

    def _plan_break(self, kind: Break) -> None:
        """The next break of a kind: at about its time of day, or again after about its interval."""
        if kind.every_min is not None:
            delay_s = self._chance.expovariate(1 / (kind.every_min * 60))
        elif kind.at is not None:
            spread_s = self._chance.uniform(-0.5, 0.5) * kind.spread_min * 60
            now = self._place.clock.utcnow()
            elapsed_s = (now - self._place.scenario.begins).total_seconds()
            delay_s = self._place.scenario.seconds_at(kind.at) + spread_s - elapsed_s
        else:
            return
        if delay_s >= 0:
            asyncio.get_running_loop().call_later(delay_s, self._want_break, kind)

    def _want_break(self, kind: Break) -> None:
        """Asked for while busy, it comes after the wrap-up."""
        session = self._session()
        if session is None:
            return
        if kind.every_min is not None:
            self._plan_break(kind)
        if session.machine.pending is None and session.state is not AgentState.BREAK:
            self._break_s = draw(kind.length, self._chance)
            self._apply(AgentEvent.PAUSE, "break")

    def _apply(self, event: AgentEvent, cause: str) -> None:
        chosen = AgentState.BREAK if event is AgentEvent.PAUSE else None
        self._place.sessions.apply(self._place.sessions.get(self._agent.agent_id), event, cause, chosen=chosen)

    def _session(self) -> AgentSession | None:
        return self._place.sessions.find(self._agent.agent_id)


def _form(attempt_id: int, agent_id: int, code: str, now: datetime) -> WrapUp:
    callback_at = now + CALL_AGAIN_AFTER if code == CALL_AGAIN else None
    return WrapUp(attempt_id, agent_id, code, now, {}, callback_at)


def _unheard(_: LegEvent) -> None:
    """A robot hears nothing."""
