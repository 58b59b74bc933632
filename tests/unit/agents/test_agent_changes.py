"""What is stored of a collector's changes names the call they are about."""

from dataclasses import dataclass, field
from typing import cast

from dialer.agents.sessions import AgentSessions, PhoneLine
from dialer.agents.state import AgentEvent
from dialer.clock import SystemClock
from dialer.media.interface import Leg
from dialer.model.agent import Agent, AgentState, AgentStateChange


@dataclass
class QuietLine:
    leg: Leg = field(default_factory=lambda: cast("Leg", None))

    def close(self, reason: str) -> None: ...


@dataclass
class SomeCall:
    attempt_id: int
    campaign_id: int = 3
    lost: list[str] = field(default_factory=list)

    def collector_came(self, agent_id: int) -> None: ...

    def collector_hung_up(self) -> None: ...

    def collector_lost(self, cause: str) -> None:
        self.lost.append(cause)


async def _nowhere(change: AgentStateChange) -> None: ...


def ready_sessions() -> AgentSessions:
    sessions = AgentSessions(SystemClock(), _nowhere)
    line: PhoneLine = QuietLine()
    session = sessions.open(Agent(7, "li", "Li"), line, (3,), "test")
    sessions.apply(session, AgentEvent.READY, "ready")
    return sessions


def stored(sessions: AgentSessions) -> list[tuple[AgentState, int | None]]:
    changes = [sessions._unstored.get_nowait() for _ in range(sessions._unstored.qsize())]
    return [(change.new, change.attempt_id) for change in changes]


async def test_a_reservation_is_stored_with_its_own_call() -> None:
    sessions = ready_sessions()
    first, second = SomeCall(11), SomeCall(12)
    for call in (first, second):
        assert sessions.claim(call, ()) == 7
        sessions.connect(7, call)
        sessions.talk_ended(7, call, "the talk ended", 60.0)
        sessions.apply(sessions.get(7), AgentEvent.WRAPPED, "wrapped up")
    changes = [change for change in stored(sessions) if change[0] in (AgentState.RESERVED, AgentState.TALKING)]
    assert changes == [
        (AgentState.RESERVED, 11),
        (AgentState.TALKING, 11),
        (AgentState.RESERVED, 12),
        (AgentState.TALKING, 12),
    ]


async def test_one_break_after_another_is_stored_with_its_cause() -> None:
    sessions = ready_sessions()
    for code in ("lunch", "lunch", "meeting"):
        sessions.apply(sessions.get(7), AgentEvent.PAUSE, code, chosen=AgentState.BREAK)
    changes = [sessions._unstored.get_nowait() for _ in range(sessions._unstored.qsize())]
    causes = [(change.old, change.cause) for change in changes if change.new is AgentState.BREAK]
    assert causes == [(AgentState.READY, "lunch"), (AgentState.BREAK, "meeting")]


async def test_a_call_that_is_not_reserved_yet_has_no_id() -> None:
    sessions = ready_sessions()
    sessions.dedicate(7, SomeCall(0), "dialed by hand")
    assert stored(sessions)[-1] == (AgentState.RESERVED, None)


async def test_one_ready_collector_is_promised_once() -> None:
    sessions = ready_sessions()
    first, second = SomeCall(11), SomeCall(12)
    assert (sessions.claim(first, ()), sessions.claim(second, ())) == (7, None)
    sessions.wait(second, ())
    sessions.release(7, first, "the call came to nothing")
    assert sessions.get(7).call is second
    sessions.lose(7, "the phone vanished")
    assert (first.lost, second.lost) == ([], ["the phone vanished"])
