"""The collectors of this node: their sessions, who is ready, and who waits for one of them.

A session lives from log-in (or from the phone's own call to the shift line) to OFFLINE. It holds the state machine,
the nailed-up leg and the call at hand. Every change of state is stored with its cause, in order, by one writer task,
and told to the listeners at once.

Waiting persons are served first come, first served, the moment somebody becomes READY. READY is left in the same loop
turn in which a collector is claimed, so that no collector is ever promised twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from dialer.agents.routing import ReadyAgent, longest_idle, serves
from dialer.agents.state import AgentEvent, AgentMachine, AgentStateError, Transition
from dialer.clock import Clock
from dialer.errors import StorageError
from dialer.media.interface import Leg
from dialer.model.agent import Agent, AgentState, AgentStateChange

logger = logging.getLogger(__name__)

MAX_UNSTORED_CHANGES = 10_000
"""Changes of state that may wait for a slow database; beyond it the oldest are kept and new ones only logged."""
STORE_LIMIT_S = 10.0


class PhoneLine(Protocol):
    """A collector's nailed-up leg."""

    @property
    def leg(self) -> Leg:
        """Its media leg."""
        ...

    def close(self, reason: str) -> None:
        """The session lets go of it: a telephone is hung up, a browser stays. Closing twice is no error."""
        ...


class CallHandle(Protocol):
    """A call as its collector's session sees it."""

    @property
    def attempt_id(self) -> int: ...

    @property
    def campaign_id(self) -> int: ...

    def collector_came(self, agent_id: int) -> None:
        """This collector is reserved for the waiting person."""
        ...

    def collector_hung_up(self) -> None:
        """The collector ended the talk, or gave up before it began."""
        ...

    def collector_lost(self, cause: str) -> None:
        """The collector's leg is gone."""
        ...


@dataclass(slots=True)
class AgentSession:
    """One collector at work. `call` is the call at hand; `last_attempt_id` the one a wrap-up is for.

    Not `reachable`: the line is there, but nobody would be heard on it at the moment. `listened`: how somebody listens
    in, as far as the collector may know it.
    """

    agent: Agent
    machine: AgentMachine
    line: PhoneLine
    campaign_ids: frozenset[int] = frozenset()
    call: CallHandle | None = None
    last_attempt_id: int | None = None
    last_campaign_id: int | None = None
    reachable: bool = True
    listened: tuple[str, ...] = ()
    closing: bool = False

    @property
    def agent_id(self) -> int:
        return self.agent.agent_id

    @property
    def state(self) -> AgentState:
        return self.machine.state

    @property
    def is_ready(self) -> bool:
        """Whether a person may be given to the collector now."""
        return self.state is AgentState.READY and self.reachable

    @property
    def busy_for(self) -> int | None:
        """The campaign of the call at hand, or of the one being wrapped up."""
        if self.call is not None:
            return self.call.campaign_id
        return self.last_campaign_id if self.state is AgentState.WRAPUP else None


@dataclass(frozen=True, slots=True)
class AgentChanged:
    """A change of state, as listeners hear it, the session in its new state. `at` is monotonic seconds."""

    session: AgentSession
    transition: Transition
    at: float


@dataclass(slots=True)
class _Waiting:
    call: CallHandle
    skills: frozenset[str]


Listener = Callable[[AgentChanged], None]
StoreChange = Callable[[AgentStateChange], Awaitable[None]]


@dataclass(slots=True)
class AgentSessions:
    """Every session of this node; `async with` runs its clockwork and its writer."""

    clock: Clock
    store_change: StoreChange
    _sessions: dict[int, AgentSession] = field(default_factory=dict)  # in the order of their ids
    _waiting: list[_Waiting] = field(default_factory=list)
    _listeners: list[Listener] = field(default_factory=list)
    _unstored: asyncio.Queue[AgentStateChange] = field(default_factory=lambda: asyncio.Queue(MAX_UNSTORED_CHANGES))
    _tasks: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    _clockwork: list[asyncio.Task[None]] = field(default_factory=list)
    _limit_set: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._clockwork = [self._tasks.create_task(self._watch_limits()), self._tasks.create_task(self._write())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in list(self._sessions.values()):
            self.lose(session.agent_id, "the service stops")
        for task in self._clockwork:
            task.cancel()
        await self._tasks.__aexit__(None, None, None)
        while not self._unstored.empty():
            await self._store(self._unstored.get_nowait())

    # ---- who is there

    def listen(self, listener: Listener) -> None:
        """Calls `listener` at every change of state, in the loop's thread; it must return at once."""
        self._listeners.append(listener)

    def find(self, agent_id: int) -> AgentSession | None:
        """The session, None while the collector is offline."""
        return self._sessions.get(agent_id)

    def get(self, agent_id: int) -> AgentSession:
        """The session. Raises AgentStateError while the collector is offline."""
        session = self._sessions.get(agent_id)
        if session is None:
            raise AgentStateError("the collector is not logged in on this node")
        return session

    def __iter__(self) -> Iterator[AgentSession]:
        return iter(tuple(self._sessions.values()))

    def of_campaign(self, campaign_id: int) -> tuple[AgentSession, ...]:
        """Sessions logged in for a campaign, in order of agent id."""
        return tuple([session for session in self._sessions.values() if campaign_id in session.campaign_ids])

    # ---- coming and going

    def open(self, agent: Agent, line: PhoneLine, campaign_ids: Collection[int], cause: str) -> AgentSession:
        """A phone's leg is up: the session begins in AUX. An older session of the same collector is lost first."""
        if agent.agent_id in self._sessions:
            self.lose(agent.agent_id, "the phone was connected again")
        session = AgentSession(
            agent, AgentMachine(agent.agent_id, self.clock.monotonic()), line, frozenset(campaign_ids)
        )
        self._sessions = dict(sorted((self._sessions | {agent.agent_id: session}).items()))
        self.apply(session, AgentEvent.PHONE_UP, cause)
        return session

    def lose(self, agent_id: int, cause: str) -> None:
        """The leg is gone, or is taken away: OFFLINE, and the call at hand is told."""
        session = self._sessions.get(agent_id)
        if session is None or session.closing:
            return
        session.closing = True
        call, session.call = session.call, None
        self.apply(session, AgentEvent.PHONE_LOST, cause)
        if call is not None:
            call.collector_lost(cause)

    def reach(self, agent_id: int, is_reachable: bool) -> None:
        """A line is heard again, or is not for a moment: meanwhile nobody new is given to its collector."""
        session = self.get(agent_id)
        session.reachable = is_reachable
        if session.is_ready:
            self._serve_waiting(session)

    def apply(
        self,
        session: AgentSession,
        event: AgentEvent,
        cause: str,
        *,
        chosen: AgentState | None = None,
        limit_s: float | None = None,
    ) -> None:
        """Applies one event to a collector. Raises AgentStateError when the state does not allow it."""
        now = self.clock.monotonic()
        transition = session.machine.handle(event, now, cause=cause, chosen=chosen, limit_s=limit_s)
        if transition is not None:
            self._changed(session, transition, now)

    # ---- reserving

    def claim(self, call: CallHandle, skills: Collection[str]) -> int | None:
        """Reserves the longest-ready collector for a person who is there now; None: nobody is ready."""
        agent_id = self._longest_ready(call, skills)
        if agent_id is not None:
            self._reserve(self._sessions[agent_id], call, AgentEvent.RESERVE, "a person answered")
        return agent_id

    def wait(self, call: CallHandle, skills: Collection[str]) -> None:
        """Queues a person; `collector_came` is called as soon as somebody is ready."""
        self._waiting.append(_Waiting(call, frozenset(skills)))

    def forget(self, call: CallHandle) -> None:
        """Takes a person out of the queue; no error when it is not in it."""
        self._waiting = [waiting for waiting in self._waiting if waiting.call is not call]

    def dedicate(self, agent_id: int, call: CallHandle, cause: str) -> None:
        """Reserves this collector before the INVITE of a call. Raises AgentStateError."""
        self._reserve(self.get(agent_id), call, AgentEvent.DIAL, cause)

    def dedicate_any(self, call: CallHandle, skills: Collection[str], cause: str) -> int | None:
        """Reserves the longest-ready collector before the INVITE of a call; None: nobody is ready."""
        agent_id = self._longest_ready(call, skills)
        if agent_id is not None:
            self.dedicate(agent_id, call, cause)
        return agent_id

    def release(self, agent_id: int, call: CallHandle, cause: str) -> None:
        """Frees a collector whose call came to nothing; no error when that collector left meanwhile."""
        session = self._sessions.get(agent_id)
        if session is None or session.call is not call:
            return
        session.call = None
        if session.machine.allows(AgentEvent.RELEASE):
            self.apply(session, AgentEvent.RELEASE, cause)

    def connect(self, agent_id: int, call: CallHandle) -> Leg:
        """The reserved collector talks from now on. Returns the leg. Raises AgentStateError when the collector left."""
        session = self.get(agent_id)
        if session.call is not call:
            raise AgentStateError("the collector is not reserved for this call")
        session.last_attempt_id, session.last_campaign_id = call.attempt_id, call.campaign_id
        self.apply(session, AgentEvent.CONNECT, "connected")
        return session.line.leg

    def talk_ended(self, agent_id: int, call: CallHandle, cause: str, wrap_up_limit_s: float) -> None:
        """The talk is over: wrap-up begins; no error when the collector left meanwhile."""
        session = self._sessions.get(agent_id)
        if session is None or session.call is not call:
            return
        session.call = None
        self.apply(session, AgentEvent.TALK_ENDED, cause, limit_s=wrap_up_limit_s)

    def _longest_ready(self, call: CallHandle, skills: Collection[str]) -> int | None:
        ready = (
            ReadyAgent(session.agent_id, session.machine.since, session.agent.skills, session.campaign_ids)
            for session in self._sessions.values()
            if session.is_ready
        )
        return longest_idle(ready, call.campaign_id, skills)

    def _reserve(self, session: AgentSession, call: CallHandle, event: AgentEvent, cause: str) -> None:
        """The call is set first: listeners and the record must not take the change for the call before."""
        before, session.call = session.call, call
        try:
            self.apply(session, event, cause)
        except AgentStateError:
            session.call = before
            raise

    # ---- inside

    def _changed(self, session: AgentSession, transition: Transition, now: float) -> None:
        logger.info(
            "agent state",
            extra={
                "action": "agent_state",
                "agent_id": session.agent_id,
                "old": transition.old.value,
                "new": transition.new.value,
                "cause": transition.cause,
            },
        )
        self._keep(session, transition)
        if session.machine.next_deadline is not None:
            self._limit_set.set()
        if transition.new is AgentState.OFFLINE:
            self._sessions.pop(session.agent_id, None)
            session.line.close(transition.cause)
        for listener in self._listeners:
            listener(AgentChanged(session, transition, now))
        if session.is_ready:
            self._serve_waiting(session)

    def _serve_waiting(self, session: AgentSession) -> None:
        ready = ReadyAgent(session.agent_id, session.machine.since, session.agent.skills, session.campaign_ids)
        for waiting in self._waiting:
            if serves(ready, waiting.call.campaign_id, waiting.skills):
                self._waiting.remove(waiting)
                self._reserve(session, waiting.call, AgentEvent.RESERVE, "a person waits")
                waiting.call.collector_came(session.agent_id)
                return

    def _keep(self, session: AgentSession, transition: Transition) -> None:
        call = session.call
        change = AgentStateChange(
            session.agent_id,
            self.clock.utcnow(),
            transition.old,
            transition.new,
            transition.cause,
            call.campaign_id if call else session.last_campaign_id,
            (call.attempt_id or None) if call else session.last_attempt_id,
        )
        try:
            self._unstored.put_nowait(change)
        except asyncio.QueueFull:
            logger.error("agent state not stored: the database is too slow", extra={"agent_id": session.agent_id})

    async def _watch_limits(self) -> None:
        """Ends wrap-ups and previews at their limits."""
        while True:
            await self._wait_for_limit()
            now = self.clock.monotonic()
            for session in [s for s in self._sessions.values() if s.machine.next_deadline is not None]:
                transition = session.machine.handle_timeout(now)
                if transition is not None:
                    self._changed(session, transition, now)

    async def _wait_for_limit(self) -> None:
        """Until the next limit, or one is set that may come before it."""
        limits = [s.machine.next_deadline for s in self._sessions.values() if s.machine.next_deadline is not None]
        delay_s = max(min(limits) - self.clock.monotonic(), 0.0) if limits else None
        self._limit_set.clear()
        try:
            async with asyncio.timeout(delay_s):
                await self._limit_set.wait()
        except TimeoutError:
            pass

    async def _write(self) -> None:
        while True:
            await self._store(await self._unstored.get())

    async def _store(self, change: AgentStateChange) -> None:
        try:
            async with asyncio.timeout(STORE_LIMIT_S):
                await self.store_change(change)
        except (StorageError, TimeoutError):
            logger.exception("agent state not stored", extra={"agent_id": change.agent_id})
