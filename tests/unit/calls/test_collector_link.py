"""A call's tie to its collector: nobody stays reserved for a call that does not ask any more."""

from pathlib import Path

import pytest

from dialer.agents.sessions import AgentSession, AgentSessions
from dialer.agents.state import AgentEvent
from dialer.calls.call_audio import CallAudio
from dialer.calls.collector_link import CollectorLink
from dialer.calls.signals import Signal
from dialer.clock import SystemClock
from dialer.config import MediaConfig
from dialer.media.interface import Leg
from dialer.media.loopback import LoopbackEngine
from dialer.model.agent import Agent, AgentState, AgentStateChange


class Line:
    """A leg that is simply there."""

    def __init__(self, leg: Leg) -> None:
        self.leg = leg

    def close(self, reason: str) -> None:
        """Nothing hangs on it."""


class Floor:
    """One call, its link, and collectors who are ready."""

    attempt_id, campaign_id = 10, 1

    def __init__(self, folder: Path) -> None:
        self.told: list[Signal] = []
        self.media = LoopbackEngine(MediaConfig(), folder)
        self.sessions = AgentSessions(SystemClock(), self._store)
        self.link = CollectorLink(self.sessions, self, self.told.append, (), 60.0)
        self.audio = CallAudio(self.media, self.told.append, lambda digit: None)

    async def _store(self, _: AgentStateChange) -> None:
        """The database is elsewhere."""

    def ready(self, agent_id: int) -> AgentSession:
        line = Line(self.media.open_leg(sink=lambda event: None))
        session = self.sessions.open(Agent(agent_id, "a", ""), line, [self.campaign_id], "logged in")
        self.sessions.apply(session, AgentEvent.READY, "ready")
        return session

    def collector_came(self, agent_id: int) -> None:
        self.link.came(agent_id)

    def collector_hung_up(self) -> None:
        """Nobody does."""

    def collector_lost(self, cause: str) -> None:
        """The machine has tests of its own."""


def state_of(session: AgentSession) -> AgentState:
    """Now: it changes under the test."""
    return session.state


@pytest.fixture
async def floor(tmp_path: Path) -> Floor:
    return Floor(tmp_path)


async def test_who_came_too_late_is_free_again(floor: Floor) -> None:
    """The person spoke on, or hung up, while the collector's coming was on its way."""
    session = floor.ready(7)
    floor.link.find()
    assert (state_of(session), floor.told[-1].agent_id) == (AgentState.RESERVED, 7)
    floor.link.forget()
    assert state_of(session) is AgentState.READY
    assert not floor.link.holds(7)
    floor.link.find()
    floor.link.bridge(7, floor.audio)
    floor.link.forget()
    assert state_of(session) is AgentState.TALKING


async def test_whoever_takes_over_is_let_go_unbridged(floor: Floor) -> None:
    """The first collector vanished, the second was reserved, the person hung up: there was no talk to end."""
    floor.ready(7)
    floor.link.find()
    floor.link.bridge(7, floor.audio)
    floor.sessions.lose(7, "no audio from the phone")
    floor.link.find()
    session = floor.ready(8)
    assert state_of(session) is AgentState.RESERVED
    floor.link.close()
    assert state_of(session) is AgentState.READY


async def test_a_call_taken_back_leaves_its_collector_ready(floor: Floor) -> None:
    session = floor.ready(7)
    causes: list[str] = []
    floor.sessions.listen(lambda changed: causes.append(changed.transition.cause))
    floor.link.find()
    floor.link.bridge(7, floor.audio)
    floor.link.take_back(7, floor.audio, "the call was taken back: machine")
    assert (state_of(session), session.call) == (AgentState.READY, None)
    assert causes[-1] == "the call was taken back: machine"
    floor.link.close()
    assert state_of(session) is AgentState.READY
