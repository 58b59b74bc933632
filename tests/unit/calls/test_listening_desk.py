"""Who listens in on whom: what ends it, who is told, and that all of it is on record with the call that was heard."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dialer.agents.state import AgentStateError
from dialer.calls.listening_in import Listener, ListeningError
from dialer.calls.screens import Screens
from dialer.clock import SystemClock
from dialer.config_supervision import SupervisionConfig
from dialer.errors import StorageError
from dialer.live import LiveData
from dialer.media.interface import MAX_LISTENERS, ListenMode
from dialer.model.account import AuditEntry
from tests.support.listening import ListeningRoom, open_listening_room

AGENT, OTHER_AGENT, ANNA, BEN = 1, 2, 50, 51
FIRST, SECOND = 700, 701
ANNA_ASKS, BEN_ASKS = Listener(ANNA, "anna (supervisor)", "127.0.0.1"), Listener(BEN, "ben (supervisor)")
MONITOR, WHISPER, BARGE = ListenMode


@dataclass
class Books:
    """What is on record, and what the live topics say."""

    entries: list[AuditEntry] = field(default_factory=list)
    topics: dict[str, LiveData | None] = field(default_factory=dict)
    refreshed: list[int] = field(default_factory=list)
    is_broken: bool = False
    meanwhile: Callable[[], None] | None = None
    """Happens once while an entry is written."""

    async def record(self, entry: AuditEntry) -> None:
        if self.is_broken:
            raise StorageError
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        self.entries.append(entry)

    def told(self) -> list[tuple[str, str, str]]:
        """The entries in short, and forgets them."""
        told = [(entry.action, entry.subject, entry.detail) for entry in self.entries]
        self.entries.clear()
        return told


@dataclass
class Scene:
    """Two collectors, and two who may listen."""

    room: ListeningRoom
    books: Books
    stack: AsyncExitStack

    def listens(self, account_id: int) -> bool:
        """Whether that phone listens, as the engine has it."""
        return any(leg.leg_id == self.room.phones.phones[account_id].leg.leg_id for leg in self.room.media.listeners)

    async def close(self) -> None:
        """What waits for the record is there afterwards."""
        await self.stack.aclose()


async def scene_of(folder: Path, config: SupervisionConfig) -> Scene:
    stack, books = AsyncExitStack(), Books()
    opened = open_listening_room(
        folder, books.record, books.topics.__setitem__, books.refreshed.append, SystemClock(), config
    )
    room = await stack.enter_async_context(opened)
    for agent_id in (AGENT, OTHER_AGENT):
        room.log_in(agent_id)
    for account_id in (ANNA, BEN):
        room.phones.connect(account_id)
    return Scene(room, books, stack)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    opened = await scene_of(tmp_path, SupervisionConfig())
    yield opened
    await opened.close()


async def test_every_step_and_every_call_heard_is_on_record(scene: Scene) -> None:
    room, desk = scene.room, scene.room.desk
    talk = room.talk(AGENT, FIRST)
    await desk.start(ANNA_ASKS, AGENT, MONITOR)
    assert scene.listens(ANNA)
    await desk.change(ANNA_ASKS, AGENT, WHISPER)
    await desk.change(ANNA_ASKS, AGENT, WHISPER)
    assert [entry.actor for entry in scene.books.entries] == ["anna (supervisor)"] * 2
    room.hang_up(AGENT, talk)
    room.talk(AGENT, SECOND)
    await desk.stop(ANNA_ASKS, AGENT)
    assert not scene.listens(ANNA)
    await scene.close()
    assert scene.books.told() == [
        ("listening.start", f"attempt/{FIRST}", f"monitor, agent/{AGENT}"),
        ("listening.change", f"attempt/{FIRST}", f"whisper, agent/{AGENT}"),
        ("listening.call", f"attempt/{SECOND}", f"whisper, agent/{AGENT}"),
        ("listening.stop", f"attempt/{SECOND}", f"asked to, agent/{AGENT}"),
    ]


async def test_who_listens_to_another_leaves_the_first(scene: Scene) -> None:
    desk = scene.room.desk
    await desk.start(ANNA_ASKS, AGENT, BARGE)
    await desk.start(ANNA_ASKS, OTHER_AGENT, MONITOR)
    await desk.start(BEN_ASKS, OTHER_AGENT, MONITOR)
    await desk.start(BEN_ASKS, OTHER_AGENT, WHISPER)  # asked for twice: the mode changes
    listening = [(one.agent_id, one.listener, one.mode) for one in desk.all()]
    assert listening == [(OTHER_AGENT, ANNA_ASKS, MONITOR), (OTHER_AGENT, BEN_ASKS, WHISPER)]
    assert scene.books.topics[f"listening/{AGENT}"] is None
    shown = scene.books.topics[f"listening/{OTHER_AGENT}"]
    assert shown is not None
    assert [one["account_id"] for one in shown["listeners"]] == [ANNA, BEN]  # type: ignore[attr-defined]
    assert scene.room.sessions.get(OTHER_AGENT).listened == (), "collectors are not told"
    assert not scene.books.refreshed


@pytest.mark.parametrize("cause", ["the collector left", "the listener's phone is gone", "the service stops"])
async def test_it_ends_with_whom_it_needs(scene: Scene, cause: str) -> None:
    room, desk = scene.room, scene.room.desk
    await desk.start(ANNA_ASKS, AGENT, MONITOR)
    if cause == "the collector left":
        room.sessions.lose(AGENT, "gone")
        assert not scene.listens(ANNA)
    elif cause == "the listener's phone is gone":
        room.phones.end(BEN)
        assert desk.find(ANNA) is not None
        room.phones.end(ANNA)
    await scene.close()
    assert desk.all() == ()
    assert scene.books.told()[-1] == ("listening.stop", f"agent/{AGENT}", cause)
    assert scene.books.topics[f"listening/{AGENT}"] is None


async def test_nobody_listens_without_a_record(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.books.is_broken = True
    with pytest.raises(StorageError):
        await scene.room.desk.start(ANNA_ASKS, AGENT, MONITOR)
    assert scene.room.desk.all() == ()
    assert not scene.listens(ANNA)
    scene.books.is_broken = False
    await scene.room.desk.start(ANNA_ASKS, AGENT, MONITOR)
    scene.books.is_broken = True
    await scene.close()
    assert "listening in not put on record" in caplog.text


async def test_what_was_asked_for_meanwhile_wins(scene: Scene) -> None:
    room, desk = scene.room, scene.room.desk

    def leave() -> None:
        room.sessions.lose(AGENT, "gone")

    scene.books.meanwhile = leave
    with pytest.raises(AgentStateError):
        await desk.start(ANNA_ASKS, AGENT, MONITOR)
    await desk.start(ANNA_ASKS, OTHER_AGENT, MONITOR)
    scene.books.meanwhile = lambda: room.phones.end(ANNA)
    with pytest.raises(ListeningError, match="meanwhile"):
        await desk.change(ANNA_ASKS, OTHER_AGENT, BARGE)
    assert desk.all() == ()
    await scene.close()
    actions = Counter(action for action, _, _ in scene.books.told())
    assert actions == {"listening.start": 2, "listening.change": 1, "listening.stop": 3}


async def test_what_is_forbidden_while_it_is_put_on_record_is_not_heard(scene: Scene) -> None:
    room, desk = scene.room, scene.room.desk
    scene.books.meanwhile = lambda: desk.forbid(BEN, "of somebody else")
    await desk.start(ANNA_ASKS, AGENT, MONITOR)
    await desk.stop(ANNA_ASKS, AGENT)
    scene.books.meanwhile = lambda: desk.forbid(ANNA, "logged out by ada")
    with pytest.raises(ListeningError, match="may not listen any more"):
        await desk.start(ANNA_ASKS, AGENT, MONITOR)
    assert (desk.all(), scene.listens(ANNA)) == ((), False)
    await desk.start(ANNA_ASKS, AGENT, MONITOR)
    assert scene.listens(ANNA), "another time is another time"
    desk.review(lambda one: one.agent_id != AGENT, "is of another team now")
    assert (desk.all(), scene.listens(ANNA)) == ((), False)
    assert room.sessions.find(AGENT) is not None


async def test_what_cannot_be_is_refused(scene: Scene) -> None:
    room, desk = scene.room, scene.room.desk
    with pytest.raises(ListeningError, match="do not listen"):
        await desk.change(ANNA_ASKS, AGENT, MONITOR)
    with pytest.raises(ListeningError, match="do not listen"):
        await desk.stop(ANNA_ASKS, AGENT)
    with pytest.raises(AgentStateError, match="not logged in"):
        await desk.start(ANNA_ASKS, 99, MONITOR)
    with pytest.raises(ListeningError, match="a collector's"):
        await desk.start(Listener(OTHER_AGENT, "x"), AGENT, MONITOR)
    room.phones.phones[ANNA].is_connected = False
    for account_id in (ANNA, 99):
        with pytest.raises(ListeningError, match="not connected"):
            await desk.start(Listener(account_id, "x"), AGENT, MONITOR)
    for account_id in range(100, 100 + MAX_LISTENERS):
        room.phones.connect(account_id)
        await desk.start(Listener(account_id, "x"), AGENT, MONITOR)
    with pytest.raises(ListeningError, match="as many"):
        await desk.start(BEN_ASKS, AGENT, MONITOR)
    assert desk.find(BEN) is None


async def test_a_house_allows_less_and_tells_collectors(tmp_path: Path) -> None:
    config = SupervisionConfig(listening=("monitor",), tell_collectors=True)
    scene = await scene_of(tmp_path, config)
    desk = scene.room.desk
    with pytest.raises(ListeningError, match="allows no whisper"):
        await desk.start(ANNA_ASKS, AGENT, WHISPER)
    await desk.start(ANNA_ASKS, AGENT, MONITOR)
    with pytest.raises(ListeningError, match="allows no barge"):
        await desk.change(ANNA_ASKS, AGENT, BARGE)
    session = scene.room.sessions.get(AGENT)
    shown = Screens().live_data(session, SystemClock())
    assert shown is not None
    assert (shown["listened"], session.listened) == (["monitor"], ("monitor",))
    await desk.stop(ANNA_ASKS, AGENT)
    assert session.listened == ()
    assert scene.books.refreshed == [AGENT, AGENT]
    await scene.close()
