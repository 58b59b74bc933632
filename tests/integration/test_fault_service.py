"""Faults around a running service: silent trunks, no room for recordings, a case system that is away, being told to
end. Each is explained where a supervisor looks, and costs nothing but time.
"""

import asyncio
import os
import shutil
import socket
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from dialer.api.client import ApiClient
from dialer.calls.spool_guard import MB
from dialer.media.engine import MediaEngine
from dialer.model.attempt import AttemptState, Disposition, HangupSide
from dialer.model.outcome import EventType
from dialer.simulator.people import Behaviour, Mixture
from dialer.simulator.voices import load_voices
from tests.support.service import HOST, Table, free_ports
from tests.support.service_evidence import read_books, wall
from tests.support.service_house import FORM, ServiceHouse, add_campaign, make_house, status
from tests.support.service_world import World, open_carriers, open_phones, robots_at_work

VOICES = load_voices()
SERVICE_MEDIA, WORLD_MEDIA = (29_500, 29_699), (29_700, 29_899)
TOWN, BUSY_TOWN = "town", "busy-town"
ENDS = (EventType.ATTEMPT_SETTLED, EventType.ATTEMPT_UNKNOWN)
BUSY = Mixture(shares={Behaviour.BUSY: 1.0}, ring_s=(0.1, 0.2))
TALKATIVE = Mixture(shares={Behaviour.HUMAN: 1.0}, ring_s=(0.1, 0.2), talk_s=(60.0, 60.0), patience_s=(60.0, 60.0))
REMINDER: dict[str, Any] = {
    "mode": "reminder",
    "ring_timeout_s": 15,
    "amd": "off",
    "max_reminder_channels": 2,
    "retries": {"busy": {"delay_s": 3600, "max_attempts": 1}},
    "form": FORM,
}
TALKS = REMINDER | {"mode": "progressive"}
WAIT_S = 60.0
FIRST_RESPONSE_S = 0.5

pytestmark = pytest.mark.timeout(180)


@asynccontextmanager
async def opened(
    house: ServiceHouse, mixtures: dict[str, Mixture]
) -> AsyncIterator[tuple[World, MediaEngine, ApiClient]]:
    """The world around the house, and a supervisor at its API."""
    async with open_carriers(house, VOICES, mixtures, WORLD_MEDIA, 1) as (world, engine), house.api() as api:
        yield world, engine, api


async def reached(look: Callable[[], Awaitable[Any]], what: str) -> Any:
    """The first answer that is true; what was seen last is in the failure."""
    until = time.monotonic() + WAIT_S
    while not (seen := await look()):
        assert time.monotonic() < until, f"did not happen in {WAIT_S:.0f} s: {what}"
        await asyncio.sleep(0.1)
    return seen


async def attempts(api: ApiClient, **query: str) -> list[Mapping[str, Any]]:
    items: list[Mapping[str, Any]] = (await api.send("GET", "/v1/attempts", query=query))["items"]
    return items


async def settled(api: ApiClient, count: int) -> list[Mapping[str, Any]]:
    """The settled attempts, once there are so many."""

    async def look() -> list[Mapping[str, Any]]:
        found = await attempts(api, state="settled")
        return found if len(found) >= count else []

    found: list[Mapping[str, Any]] = await reached(look, f"{count} attempts are settled")
    return found


async def limited_by(api: ApiClient, campaign_id: int, words: str) -> str:
    """What limits the campaign, once it says these words."""

    async def look() -> str:
        said = str((await status(api, campaign_id))["limiting"])
        return said if words in said else ""

    return str(await reached(look, f"the campaign says {words!r}"))


# ---- trunks that do not answer


@pytest.fixture
def silent_port() -> Iterator[socket.socket]:
    """A port at which INVITEs arrive and nobody answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.setblocking(False)
        silent.bind((HOST, free_ports(1)[0]))
        yield silent


def invites_at(silent: socket.socket) -> int:
    """How many different calls arrived there (INVITEs are repeated)."""
    call_ids: set[str] = set()
    while True:
        try:
            lines = silent.recv(65_535).decode().split("\r\n")
        except BlockingIOError:
            return len(call_ids)
        if lines[0].startswith("INVITE"):
            call_ids.add(next(line for line in lines if line.lower().startswith("call-id:")))


async def test_the_next_trunk_takes_over_under_the_same_reservation(tmp_path: Path, silent_port: socket.socket) -> None:
    house = await make_house(tmp_path, SERVICE_MEDIA, {TOWN: {"priority": 1}})
    house.tables["trunks"] = [*_trunks(house), _silent(silent_port)]
    async with opened(house, {TOWN: BUSY}) as (world, _, api), house.service() as service:
        await service.up(house.url)
        await add_campaign(api, "calls", ["13900000001", "13900000002"], REMINDER)
        found = await settled(api, 2)
        assert {(item["trunk"], item["disposition"]) for item in found} == {(TOWN, "busy")}
        assert len(await attempts(api)) == 2
        assert Counter(call.number for call in world.calls) == {"+8613900000001": 1, "+8613900000002": 1}
        assert invites_at(silent_port) > 0


async def test_without_another_trunk_the_slot_is_given_back(tmp_path: Path, silent_port: socket.socket) -> None:
    house = await make_house(tmp_path, SERVICE_MEDIA, {TOWN: {}})
    house.tables["trunks"] = [_silent(silent_port)]
    async with house.api() as api, house.service() as service:
        await service.up(house.url)
        again = REMINDER | {"retries": {"trunk_congestion": {"delay_s": 0, "max_attempts": 20}}}
        campaign_id = await add_campaign(api, "calls", ["13900000001"], again)
        found = await settled(api, 2)
        assert {item["disposition"] for item in found} == {"trunk_congestion"}
        latest = await api.get(f"/v1/attempts/{found[0]['attempt_id']}")
        (cap,) = [rule for rule in latest["decision"]["rules"] if rule["rule"] == "cn.unreached"]
        assert cap["used"] == 0
        assert "(silent)" in await limited_by(api, campaign_id, "no trunk answers")


def _trunks(house: ServiceHouse) -> Sequence[Table]:
    trunks = house.tables["trunks"]
    assert not isinstance(trunks, Mapping)
    return trunks


def _silent(silent: socket.socket) -> Table:
    port = silent.getsockname()[1]
    return {"name": "silent", "host": HOST, "port": port, "first_response_timeout_s": FIRST_RESPONSE_S}


# ---- no room for recordings


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A folder on a file system that few others write to."""
    home = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="dialer-", dir=home))
    yield folder
    shutil.rmtree(folder)


async def test_no_room_for_recordings_stops_new_calls_and_nothing_else(small_disk: Path) -> None:
    free = shutil.disk_usage(small_disk).free
    margin = min(48 * MB, free // 4)
    house = await make_house(small_disk, SERVICE_MEDIA, {TOWN: {}}, n_robots=1)
    low, high = SERVICE_MEDIA
    house.tables["media"] = {"port_min": low, "port_max": high, "spool_min_free_mb": (free - margin) // MB}
    async with opened(house, {TOWN: TALKATIVE}) as (world, engine, api), house.service() as service:
        await service.up(house.url)
        async with open_phones(house, world, engine, VOICES):
            campaign_id = await add_campaign(api, "calls", [f"139{index:08}" for index in range(20)], TALKS)
            async with robots_at_work(house, [campaign_id], 1):
                await reached(lambda: attempts(api, state="connected"), "a talk")
                ballast = small_disk / "ballast"
                await asyncio.to_thread(_fill, ballast, 2 * margin)
                said = await limited_by(api, campaign_id, "free for recordings")
                assert "media.spool_min_free_mb" in said
                # The collector is free for the next person, and nobody is called.
                await api.post(f"/v1/agents/{house.robots[0].agent_id}/hang-up")
                await settled(api, 1)
                placed = len(world.calls)
                await reached(lambda: _agents(api, campaign_id, "ready"), "the collector is ready again")
                await asyncio.sleep(2.0)  # four turns of the campaign's loop
                assert len(world.calls) == placed
                assert (await status(api, campaign_id))["state"] == "running"
                await asyncio.to_thread(ballast.unlink)
                await reached(lambda: _later(world, placed), "dialing goes on by itself")
                await reached(lambda: attempts(api, state="connected"), "another talk")


async def test_a_database_that_cannot_grow_stops_new_calls_and_loses_nothing(tmp_path: Path) -> None:
    trunks: dict[str, Table] = {TOWN: {}, BUSY_TOWN: {"group": BUSY_TOWN}}
    house = await make_house(tmp_path, SERVICE_MEDIA, trunks, n_robots=1)
    async with opened(house, {TOWN: TALKATIVE, BUSY_TOWN: BUSY}) as (world, engine, api):
        async with house.service() as service:
            await service.up(house.url)
            async with open_phones(house, world, engine, VOICES):
                talks = await add_campaign(api, "talks", ["13900000001"], TALKS)
                async with robots_at_work(house, [talks], 1):
                    (talk,) = await reached(lambda: attempts(api, state="connected"), "a talk")
                    numbers = [f"138{index:08}" for index in range(60)]
                    campaign_id = await add_campaign(api, "calls", numbers, REMINDER | {"trunk_group": BUSY_TOWN})
                    await settled(api, 2)
                    service.limit_files(_largest(house.data_dir))
                    await limited_by(api, campaign_id, "disk")
                    placed = len(world.carriers[BUSY_TOWN].calls)
                    assert world.carriers[TOWN].calls[0].ended_at is None
                    async with house.api(house.robots[0].token) as own:
                        await own.post(f"/v1/agents/{house.robots[0].agent_id}/hang-up")
                    await asyncio.sleep(5.0)  # longer than a few tries to settle it
                    assert len(world.carriers[BUSY_TOWN].calls) <= placed + 1  # one may have been reserved before
                    service.limit_files(None)
                    await reached(lambda: _later(world, placed + 3), "dialing goes on by itself")
                    await reached(lambda: _is_settled(api, talk["attempt_id"]), "the talk is settled")
            await service.kill()
        async with house.service() as service:  # what could not be settled then is not forgotten
            await service.up(house.url)
            service.tell_to_end()
            assert await service.ended() == 0
    async with await asyncio.to_thread(house.storage) as storage:
        books = await read_books(storage)
    assert {attempt.state for attempt in books.attempts} <= {AttemptState.SETTLED, AttemptState.UNKNOWN}
    told = Counter(event.data["attempt_id"] for event in books.events if event.type in ENDS)
    assert told == Counter([attempt.attempt_id for attempt in books.attempts])
    seen = Counter(call.number for call in world.calls)
    assert seen <= Counter(books.number_of(attempt) for attempt in books.attempts)


def _largest(folder: Path) -> int:
    """So large is the largest file of the database: its log of changes cannot take another one."""
    return max(path.stat().st_size for path in folder.glob("dialer.db*"))


async def _is_settled(api: ApiClient, attempt_id: int) -> bool:
    return bool((await api.get(f"/v1/attempts/{attempt_id}"))["disposition"] == "connected")


def _fill(path: Path, size: int) -> None:
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)


async def _agents(api: ApiClient, campaign_id: int, state: str) -> int:
    return int((await status(api, campaign_id))["agents"].get(state, 0))


async def _later(world: World, placed: int) -> bool:
    return len(world.calls) > placed


# ---- a case system that is away


@asynccontextmanager
async def receiver(port: int, status_code: int, taken: list[Mapping[str, Any]]) -> AsyncIterator[None]:
    """Answers every event with `status_code`, and keeps it."""

    async def take(request: web.Request) -> web.Response:
        taken.append(msgspec.json.decode(await request.read()))
        return web.Response(status=status_code)

    application = web.Application()
    application.router.add_post("/events", take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        yield
    finally:
        await runner.cleanup()


async def test_a_case_system_that_is_away_hears_everything_later(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    webhook = {"url": f"http://{HOST}:{port}/events", "secrets": ["whsec_c2VydmljZS1mYXVsdHMtc2VjcmV0LTAwMDE="]}
    house = await make_house(tmp_path, SERVICE_MEDIA, {TOWN: {}}, more={"webhooks": [webhook]})
    refused: list[Mapping[str, Any]] = []
    taken: list[Mapping[str, Any]] = []
    async with opened(house, {TOWN: BUSY}) as (_, _, api), house.service() as service:
        await service.up(house.url)
        await add_campaign(api, "calls", [f"139{index:08}" for index in range(6)], REMINDER)
        await settled(api, 3)  # nobody listens at all: calls go on
        async with receiver(port, 503, refused):
            await settled(api, 6)
            await reached(lambda: _any(refused), "an event was offered and refused")
        assert sum(item["waiting"] for item in (await api.get("/v1/outbox"))["items"]) > 0
        async with receiver(port, 204, taken):
            await reached(lambda: _nothing_waits(api), "everything was told")
        service.tell_to_end()
        assert await service.ended() == 0
    async with await asyncio.to_thread(house.storage) as storage:
        books = await read_books(storage)
    ids = list(dict.fromkeys(event["id"] for event in taken))
    assert set(ids) == {event.event_id for event in books.events}
    told = Counter(event["data"]["attempt_id"] for event in taken if event["type"] == EventType.ATTEMPT_SETTLED.value)
    assert set(told) == {attempt.attempt_id for attempt in books.attempts}


async def _any(events: Sequence[Mapping[str, Any]]) -> bool:
    return bool(events)


async def _nothing_waits(api: ApiClient) -> bool:
    return not sum(item["waiting"] for item in (await api.get("/v1/outbox"))["items"])


# ---- being told to end


async def test_sigterm_lets_calls_end_then_ends_them_in_order(tmp_path: Path) -> None:
    house = await make_house(tmp_path, SERVICE_MEDIA, {TOWN: {}}, n_robots=2)
    async with opened(house, {TOWN: TALKATIVE}) as (world, engine, api), house.service() as service:
        await service.up(house.url)
        async with open_phones(house, world, engine, VOICES):
            campaign_id = await add_campaign(api, "calls", [f"139{index:08}" for index in range(8)], TALKS)
            async with robots_at_work(house, [campaign_id], 1):
                await reached(lambda: _two_talk(api), "two talks")
                service.tell_to_end()
                told_at, told_wall = time.monotonic(), time.time()
                assert await service.ended() == 0
        assert "Traceback" not in service.said()
        late = [call for call in world.calls if call.invited_at > told_at + 5.0]
        assert late == []
        assert all(call.ended_at is not None for call in world.calls)
    async with await asyncio.to_thread(house.storage) as storage:
        books = await read_books(storage)
    assert {attempt.state for attempt in books.attempts} <= {AttemptState.SETTLED, AttemptState.RELEASED}
    talks = [attempt for attempt in books.attempts if attempt.disposition is Disposition.CONNECTED]
    assert {attempt.hangup_side for attempt in talks} == {HangupSide.US}
    assert len(talks) == 2
    for talk in talks:
        recording = books.recording_of(talk)
        assert recording is not None
        assert not recording.truncated
        # The talk went on for a while after the signal, and all of it is there.
        assert wall(recording.started_at) + recording.duration_s > told_wall + 5.0


async def _two_talk(api: ApiClient) -> bool:
    return len(await attempts(api, state="connected")) == 2
