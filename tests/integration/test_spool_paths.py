"""The engine and the guard of its disks together: a path that goes away, and comes back."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from dialer.calls import spool_guard
from dialer.calls.spool_guard import SpoolGuard
from dialer.clock import SystemClock
from dialer.config import MediaConfig
from dialer.live import LiveBoard
from dialer.media.engine import MediaEngine
from dialer.media.interface import Leg
from dialer.metrics import Metrics
from recording.spool import HEADER_BYTES

WAIT_S = 5.0


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "first", tmp_path / "second"


@pytest.fixture
async def media(paths: tuple[Path, Path]) -> AsyncIterator[MediaEngine]:
    async with MediaEngine(MediaConfig(port_min=24_900, port_max=24_999, workers=1), *paths) as engine:
        yield engine


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110  a file has no event
            await asyncio.sleep(0.02)


def begun(path: Path) -> bool:
    return path.exists() and path.stat().st_size >= HEADER_BYTES


async def recorded(media: MediaEngine, recording_id: str, path: Path) -> Leg:
    """A leg whose recording begins in that file."""
    leg = media.open_leg(sink=lambda _: None)
    leg.start_recording(recording_id)
    await until(lambda: begun(path / f"{recording_id}.spool"))
    return leg


async def test_nobody_else_may_look_into_a_spool(media: MediaEngine, paths: tuple[Path, Path]) -> None:
    modes = await asyncio.to_thread(lambda: [path.stat().st_mode & 0o777 for path in paths])
    assert modes == [0o700, 0o700]


async def test_a_path_that_went_away_is_left_and_used_again_once_it_is_back(
    media: MediaEngine, paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spool_guard, "REFRESH_S", 0.0)
    first, second = paths
    board = LiveBoard(SystemClock())
    metrics = Metrics(board)

    def tell(data: Mapping[str, object]) -> None:
        board.publish("spool/node1", data)

    guard = SpoolGuard(first, 0, second_dir=second, writer=media, tell=tell)
    await guard.refresh()
    assert (guard.obstacle, guard.alarm) == ("", "")
    await recorded(media, "one", first)
    await asyncio.to_thread(shutil.rmtree, first)
    await recorded(media, "two", second)
    assert "two.spool: No such file" in media.spool_figures().problems[0]
    with caplog.at_level(logging.INFO, logger=spool_guard.__name__):
        for _ in range(3):
            await guard.refresh()
        assert guard.obstacle == ""
        assert "cannot be read" in guard.alarm
        await recorded(media, "three", second)
        await asyncio.to_thread(first.mkdir)
        await guard.refresh()
    assert guard.alarm == ""
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.INFO]
    await recorded(media, "four", first)
    metrics.observe({}, {})
    text = (await asyncio.to_thread(metrics.exposition)).decode()
    assert 'dialer_spool_first_well{id="node1"} 1.0' in text
    assert 'dialer_spool_not_durable_ms{id="node1"}' in text
