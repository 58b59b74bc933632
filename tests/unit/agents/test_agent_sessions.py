"""Who is reserved for whom: no collector twice, no person forgotten, and a lost phone is told to its call."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dialer.agents.sessions import AgentSession, AgentSessions
from dialer.agents.state import AgentEvent, AgentStateError
from dialer.clock import SystemClock
from dialer.config import MediaConfig
from dialer.media.interface import Leg
from dialer.media.loopback import LoopbackEngine
from dialer.model.agent import Agent, AgentState, AgentStateChange

CAMPAIGN = 1


@dataclass
class Line:
    """A leg that is simply there."""

    leg: Leg
    closed_for: str = ""

    def close(self, reason: str) -> None:
        self.closed_for = reason


@dataclass(eq=False)
class Call:
    """A call that remembers what its collector's session told it."""

    attempt_id: int = 10
    campaign_id: int = CAMPAIGN
    told: list[str] = field(default_factory=list)

    def collector_came(self, agent_id: int) -> None:
        self.told.append(f"came {agent_id}")

    def collector_hung_up(self) -> None:
        self.told.append("hung up")

    def collector_lost(self, cause: str) -> None:
        self.told.append(f"lost: {cause}")


async def ignore(_: AgentStateChange) -> None:
    """The database is elsewhere."""


@pytest.fixture
async def sessions() -> AgentSessions:
    return AgentSessions(SystemClock(), ignore)


def ready(sessions: AgentSessions, agent_id: int, skills: str = "") -> AgentSession:
    leg = LoopbackEngine(MediaConfig(), Path("unused")).open_leg(sink=lambda event: None)
    agent = Agent(agent_id, f"a{agent_id}", "", frozenset(skills.split()))
    session = sessions.open(agent, Line(leg), [CAMPAIGN], "logged in")
    sessions.apply(session, AgentEvent.READY, "ready")
    return session


async def test_the_longest_idle_is_reserved_once(sessions: AgentSessions) -> None:
    ready(sessions, 1)
    ready(sessions, 2)
    assert [sessions.claim(Call(), ()) for _ in range(3)] == [1, 2, None]


async def test_who_waits_is_served_first_come_first_served(sessions: AgentSessions) -> None:
    first, second = Call(), Call()
    sessions.wait(first, ())
    sessions.wait(second, ())
    ready(sessions, 1)
    assert (first.told, second.told) == (["came 1"], [])
    sessions.forget(second)
    assert ready(sessions, 2).state is AgentState.READY
    assert second.told == []


async def test_nobody_is_given_to_a_collector_who_is_not_heard(sessions: AgentSessions) -> None:
    """A browser that reloads: its collector keeps the place in the queue, and serves who waited meanwhile."""
    first, waiting = Call(), Call(11)
    reloading = ready(sessions, 1)
    ready(sessions, 2)
    sessions.reach(1, False)
    assert sessions.claim(first, ()) == 2
    sessions.wait(waiting, ())
    assert reloading.state is AgentState.READY
    sessions.reach(1, True)
    assert (waiting.told, reloading.state) == (["came 1"], AgentState.RESERVED)


async def test_skills_are_kept_in_the_queue(sessions: AgentSessions) -> None:
    cantonese = Call()
    sessions.wait(cantonese, ["yue"])
    assert ready(sessions, 1).state is AgentState.READY
    assert ready(sessions, 2, "yue").state is AgentState.RESERVED
    assert cantonese.told == ["came 2"]


async def test_a_talk_goes_through_wrap_up(sessions: AgentSessions) -> None:
    session, call = ready(sessions, 1), Call()
    sessions.claim(call, ())
    assert sessions.connect(1, call) is session.line.leg
    sessions.talk_ended(1, call, "the person hung up", 60.0)
    assert (session.state, session.call, session.last_attempt_id) == (AgentState.WRAPUP, None, 10)
    sessions.talk_ended(1, call, "again", 60.0)  # told twice changes nothing


async def test_a_talk_with_nobody_has_no_wrap_up(sessions: AgentSessions) -> None:
    """The collector is ready at once, or in the break that was asked for, and serves the next who waits."""
    session, call, next_call = ready(sessions, 1), Call(), Call(11)
    sessions.claim(call, ())
    sessions.connect(1, call)
    sessions.wait(next_call, ())
    sessions.release(1, call, "the call was taken back: machine")
    assert next_call.told == ["came 1"]
    assert session.state is AgentState.RESERVED
    sessions.connect(1, next_call)
    sessions.apply(session, AgentEvent.PAUSE, "lunch", chosen=AgentState.BREAK)
    sessions.apply(session, AgentEvent.HOLD, "hold")
    sessions.release(1, next_call, "the call was taken back: fax")
    assert (session.state, session.call) == (AgentState.BREAK, None)


async def test_a_lost_phone_is_told_to_its_call(sessions: AgentSessions) -> None:
    session, call = ready(sessions, 1), Call()
    sessions.claim(call, ())
    sessions.lose(1, "no audio from the phone")
    sessions.lose(1, "again")
    assert call.told == ["lost: no audio from the phone"]
    assert sessions.find(1) is None
    assert isinstance(session.line, Line)
    assert session.line.closed_for == "no audio from the phone"
    with pytest.raises(AgentStateError):
        sessions.connect(1, call)


async def test_a_call_that_came_to_nothing_frees_its_collector_only(sessions: AgentSessions) -> None:
    session, call = ready(sessions, 1), Call()
    sessions.claim(call, ())
    sessions.release(1, Call(), "another call")
    assert session.call is call
    sessions.release(1, call, "busy")
    assert sessions.get(1).state is AgentState.READY


async def test_only_the_reserved_call_is_connected(sessions: AgentSessions) -> None:
    ready(sessions, 1)
    sessions.claim(Call(), ())
    with pytest.raises(AgentStateError, match="not reserved"):
        sessions.connect(1, Call())


async def test_a_phone_connected_again_replaces_its_session(sessions: AgentSessions) -> None:
    old, call = ready(sessions, 1), Call()
    sessions.claim(call, ())
    new = ready(sessions, 1)
    assert sessions.get(1) is new
    assert new is not old
    assert call.told == ["lost: the phone was connected again"]
