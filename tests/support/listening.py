"""Listening in over the twin: collectors with legs that are simply there, and phones for those who listen."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dialer.agents.sessions import AgentSession, AgentSessions
from dialer.agents.state import AgentEvent
from dialer.calls.listening_in import ListeningDesk
from dialer.clock import Clock
from dialer.config import MediaConfig
from dialer.config_supervision import SupervisionConfig
from dialer.live import LiveData
from dialer.media.interface import Leg
from dialer.media.loopback import LoopbackEngine
from dialer.model.account import AuditEntry
from dialer.model.agent import Agent


@dataclass
class HeldPhone:
    """A phone that is a leg of the twin."""

    leg: Leg
    is_connected: bool = True


@dataclass
class HeldPhones:
    """Phones that come and go as a test says."""

    media: LoopbackEngine
    phones: dict[int, HeldPhone] = field(default_factory=dict)
    listeners: list[Callable[[int], None]] = field(default_factory=list)

    def find(self, account_id: int) -> HeldPhone | None:
        return self.phones.get(account_id)

    def listen(self, ended: Callable[[int], None]) -> None:
        self.listeners.append(ended)

    def connect(self, account_id: int) -> HeldPhone:
        phone = self.phones[account_id] = HeldPhone(self.media.open_leg(sink=lambda event: None))
        return phone

    def end(self, account_id: int) -> None:
        self.phones.pop(account_id).leg.close()
        for listener in self.listeners:
            listener(account_id)


@dataclass
class Line:
    """A collector's leg."""

    leg: Leg

    def close(self, reason: str) -> None:
        self.leg.close()


@dataclass(eq=False)
class Talk:
    """A call that a collector is in."""

    attempt_id: int
    campaign_id: int = 1

    def collector_came(self, agent_id: int) -> None: ...
    def collector_hung_up(self) -> None: ...
    def collector_lost(self, cause: str) -> None: ...


@dataclass
class AtWork:
    """Collectors at work on the twin."""

    media: LoopbackEngine
    sessions: AgentSessions

    def log_in(self, agent_id: int) -> AgentSession:
        """A collector who is ready."""
        leg = self.media.open_leg(sink=lambda event: None)
        session = self.sessions.open(Agent(agent_id, f"a{agent_id}", "", frozenset()), Line(leg), [1], "logged in")
        self.sessions.apply(session, AgentEvent.READY, "ready")
        return session

    def talk(self, agent_id: int, attempt_id: int) -> Talk:
        """The next call of a ready collector."""
        talk = Talk(attempt_id)
        self.sessions.dedicate(agent_id, talk, "a call")
        self.sessions.connect(agent_id, talk)
        return talk

    def hang_up(self, agent_id: int, talk: Talk) -> None:
        """The call is over, and wrapped up."""
        self.sessions.talk_ended(agent_id, talk, "over", 30.0)
        self.sessions.apply(self.sessions.get(agent_id), AgentEvent.WRAPPED, "done")


@dataclass
class ListeningRoom(AtWork):
    """A desk for listeners, with its collectors and phones."""

    phones: HeldPhones
    desk: ListeningDesk


@asynccontextmanager
async def open_listening_room(
    folder: Path,
    record: Callable[[AuditEntry], Awaitable[None]],
    tell: Callable[[str, LiveData | None], None],
    refresh: Callable[[int], None],
    clock: Clock,
    config: SupervisionConfig,
) -> AsyncIterator[ListeningRoom]:
    """The room over an audit log and live topics; nothing of the collectors' states is stored."""
    async with LoopbackEngine(MediaConfig(), folder / "listening") as media:
        phones = HeldPhones(media)

        async def ignore(_: object) -> None:
            """Other tests look at what is stored of it."""

        async with (
            AgentSessions(clock, ignore) as sessions,
            ListeningDesk(media, sessions, phones, record, clock, config, tell, refresh) as desk,
        ):
            yield ListeningRoom(media, sessions, phones, desk)
