"""Who listens in on which collector of this node, and how: monitor, whisper, barge.

The listener hears with the own phone, over all calls of the collector's session, until one of them stops it: the
listener, the end of the session, the end of the listener's phone. Every beginning, change and end is in the audit log,
and so is every call that is heard: whose call it was is what a person asks later.

The live topic `listening/ID` says who listens to the collector, for those who supervise. The collector's own record
says that somebody does only where the house tells.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from dialer.agents.sessions import AgentChanged, AgentSessions
from dialer.calls.screens import IN_TALK
from dialer.clock import Clock
from dialer.config_supervision import SupervisionConfig
from dialer.errors import DialerError, MediaError, StorageError
from dialer.live import LiveData
from dialer.media.interface import Leg, ListenMode, MediaPort
from dialer.model.account import AuditEntry
from dialer.model.agent import AgentState

logger = logging.getLogger(__name__)

MAX_UNRECORDED = 1000
"""Audit entries that may wait for a slow database; beyond it they are only logged."""
RECORD_LIMIT_S = 10.0


class ListeningError(DialerError):
    """Nobody can listen in like that now."""


class Phone(Protocol):
    """A listener's phone."""

    @property
    def leg(self) -> Leg: ...

    @property
    def is_connected(self) -> bool: ...


class Phones(Protocol):
    """The phones of this node, by account."""

    def find(self, account_id: int) -> Phone | None: ...

    def listen(self, ended: Callable[[int], None]) -> None:
        """Calls `ended` with the account of every phone that is given up."""
        ...


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who asks to listen; `actor` and `remote` are how the audit log names them."""

    account_id: int
    actor: str
    remote: str = ""


@dataclass(frozen=True, slots=True)
class ListeningIn:
    """Somebody who listens in on a collector."""

    agent_id: int
    listener: Listener
    mode: ListenMode
    since: datetime


@dataclass(eq=False, slots=True)
class _Beginning:
    """What will be heard as soon as it is on record, unless it is forbidden meanwhile."""

    listening: ListeningIn
    forbidden: bool = False


class ListeningDesk:
    """Used as `async with`, inside the sessions and the phones it joins."""

    def __init__(
        self,
        media: MediaPort,
        sessions: AgentSessions,
        phones: Phones,
        record: Callable[[AuditEntry], Awaitable[None]],
        clock: Clock,
        config: SupervisionConfig,
        tell: Callable[[str, LiveData | None], None] = lambda topic, data: None,
        refresh: Callable[[int], None] = lambda agent_id: None,
    ) -> None:
        """`record` adds to the audit log, `tell` takes a live topic's newest value, `refresh` shows a desk anew."""
        self._media = media
        self._sessions = sessions
        self._phones = phones
        self._record = record
        self._clock = clock
        self._config = config
        self._tell = tell
        self._refresh = refresh
        self._listening: dict[int, ListeningIn] = {}  # by the listener's account
        self._beginning: list[_Beginning] = []
        self._unrecorded: asyncio.Queue[AuditEntry] = asyncio.Queue(MAX_UNRECORDED)
        self._tasks = asyncio.TaskGroup()
        self._writer: asyncio.Task[None] | None = None
        sessions.listen(self._on_change)
        phones.listen(self._on_phone_ended)

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._writer = self._tasks.create_task(self._write(), name="audit of listening in")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for listening in tuple(self._listening.values()):
            self._end(listening, "the service stops")
        if self._writer is not None:
            self._writer.cancel()
        await self._tasks.__aexit__(None, None, None)
        while not self._unrecorded.empty():
            await self._store(self._unrecorded.get_nowait())

    def all(self) -> tuple[ListeningIn, ...]:
        """Who listens now, by collector."""
        return tuple(sorted(self._listening.values(), key=lambda listening: (listening.agent_id, listening.since)))

    def find(self, account_id: int) -> ListeningIn | None:
        """To whom somebody listens."""
        return self._listening.get(account_id)

    async def start(self, listener: Listener, agent_id: int, mode: ListenMode) -> ListeningIn:
        """Listens to this collector from now on, and to nobody else; on record before anything is heard.

        Raises ListeningError, AgentStateError (not logged in here), StorageError (then nothing changed).
        """
        before = self._listening.get(listener.account_id)
        if before is not None and before.agent_id == agent_id:
            return await self.change(listener, agent_id, mode)
        return await self._begin("listening.start", before, ListeningIn(agent_id, listener, mode, self._clock.utcnow()))

    async def change(self, listener: Listener, agent_id: int, mode: ListenMode) -> ListeningIn:
        """Listens in another way; on record before. Raises as `start`, ListeningError: does not listen."""
        listening = self._of(listener, agent_id)
        if listening.mode is mode:
            return listening
        return await self._begin("listening.change", listening, replace(listening, mode=mode))

    async def stop(self, listener: Listener, agent_id: int) -> None:
        """Listens no longer. Raises ListeningError: does not listen to this collector."""
        self._end(self._of(listener, agent_id), "asked to")

    def forbid(self, account_id: int, cause: str) -> None:
        """Ends what somebody hears who may not any more; no error when it is nothing."""
        self.review(lambda listening: listening.listener.account_id != account_id, cause)

    def review(self, may: Callable[[ListeningIn], bool], cause: str) -> None:
        """Ends what is heard, or is about to be, and may not be any more."""
        for beginning in self._beginning:
            beginning.forbidden = beginning.forbidden or not may(beginning.listening)
        for listening in tuple(self._listening.values()):
            if not may(listening):
                self._end(listening, cause)

    # ---- inside

    def _of(self, listener: Listener, agent_id: int) -> ListeningIn:
        listening = self._listening.get(listener.account_id)
        if listening is None or listening.agent_id != agent_id:
            raise ListeningError("you do not listen to this collector")
        return listening

    async def _begin(self, action: str, before: ListeningIn | None, listening: ListeningIn) -> ListeningIn:
        self._legs(listening)
        beginning = _Beginning(listening)
        self._beginning.append(beginning)
        try:
            async with asyncio.timeout(RECORD_LIMIT_S):
                await self._record(self._entry(action, listening, listening.mode.value))
        except TimeoutError as error:
            raise StorageError from error
        finally:
            self._beginning.remove(beginning)
        try:
            self._join(before, beginning)
        except DialerError as error:
            self._record_later(self._entry("listening.stop", listening, str(error)))
            raise
        if before is not None and before.agent_id != listening.agent_id:
            self._over(before, f"listens to agent/{listening.agent_id} now")
        self._listening[listening.listener.account_id] = listening
        self._publish(listening.agent_id)
        return listening

    def _join(self, before: ListeningIn | None, beginning: _Beginning) -> None:
        listening = beginning.listening
        if self._listening.get(listening.listener.account_id) is not before:
            raise ListeningError("something else was asked for meanwhile")
        if beginning.forbidden:
            raise ListeningError("you may not listen any more")
        ear, heard = self._legs(listening)
        try:
            self._media.listen_in(ear, heard, listening.mode)
        except MediaError as error:
            raise ListeningError(str(error)) from error

    def _legs(self, listening: ListeningIn) -> tuple[Leg, Leg]:
        """The listener's and the collector's. Raises ListeningError, AgentStateError: it cannot be now."""
        if listening.mode.value not in self._config.listening:
            raise ListeningError(f"this house allows no {listening.mode.value}")
        account_id, session = listening.listener.account_id, self._sessions.get(listening.agent_id)
        if self._sessions.find(account_id) is not None:
            raise ListeningError("your phone is a collector's at the moment: log out there first")
        phone = self._phones.find(account_id)
        if phone is None or not phone.is_connected:
            raise ListeningError("your phone is not connected")
        return phone.leg, session.line.leg

    def _end(self, listening: ListeningIn, cause: str) -> None:
        phone = self._phones.find(listening.listener.account_id)
        if phone is not None:
            self._media.stop_listening(phone.leg)
        self._over(listening, cause)

    def _over(self, listening: ListeningIn, cause: str) -> None:
        del self._listening[listening.listener.account_id]
        self._publish(listening.agent_id)
        self._record_later(self._entry("listening.stop", listening, cause))

    def _on_change(self, changed: AgentChanged) -> None:
        session, transition = changed.session, changed.transition
        for listening in self._listeners_of(session.agent_id):
            if transition.new is AgentState.OFFLINE:
                self._end(listening, "the collector left")
            elif transition.new is AgentState.TALKING and transition.old is not AgentState.HOLD:
                self._record_later(self._entry("listening.call", listening, listening.mode.value))

    def _on_phone_ended(self, account_id: int) -> None:
        self.forbid(account_id, "the listener's phone is gone")

    def _listeners_of(self, agent_id: int) -> tuple[ListeningIn, ...]:
        return tuple(listening for listening in self.all() if listening.agent_id == agent_id)

    def _publish(self, agent_id: int) -> None:
        listeners = self._listeners_of(agent_id)
        shown = [
            {"account_id": one.listener.account_id, "name": one.listener.actor, "mode": one.mode, "since": one.since}
            for one in listeners
        ]
        self._tell(f"listening/{agent_id}", {"agent_id": agent_id, "listeners": shown} if shown else None)
        session = self._sessions.find(agent_id)
        if session is not None and self._config.tell_collectors:
            session.listened = tuple(sorted({one.mode.value for one in listeners}))
            self._refresh(agent_id)

    def _entry(self, action: str, listening: ListeningIn, detail: str) -> AuditEntry:
        session = self._sessions.find(listening.agent_id)
        talk = session.call if session is not None and session.state in IN_TALK else None
        subject = f"agent/{listening.agent_id}" if talk is None else f"attempt/{talk.attempt_id}"
        words = detail if talk is None else f"{detail}, agent/{listening.agent_id}"
        listener = listening.listener
        return AuditEntry(self._clock.utcnow(), listener.actor, action, subject, words, listener.remote)

    def _record_later(self, entry: AuditEntry) -> None:
        try:
            self._unrecorded.put_nowait(entry)
        except asyncio.QueueFull:
            self._lose(entry)

    async def _write(self) -> None:
        while True:
            await self._store(await self._unrecorded.get())

    async def _store(self, entry: AuditEntry) -> None:
        try:
            async with asyncio.timeout(RECORD_LIMIT_S):
                await self._record(entry)
        except (StorageError, TimeoutError):
            self._lose(entry)

    def _lose(self, entry: AuditEntry) -> None:
        facts = {"action": entry.action, "subject": entry.subject, "detail": entry.detail}
        logger.error("listening in not put on record: the database does not answer", extra=facts)
