"""Where recordings may be written, and what is said when they may not: real directories, an engine's figures."""

import asyncio
import errno
import logging
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.calls import spool_guard
from dialer.calls.spool_guard import FAR_BEHIND_S, SpoolGuard
from dialer.media.interface import SpoolFigures

ALWAYS, NEVER = 0, 10**12
"""Of free MB: what every disk has, and none."""


class Writer:
    """An engine's face towards the guard."""

    def __init__(self, n_paths: int) -> None:
        self.figures = SpoolFigures(problems=("",) * n_paths)
        self.preferred = 0

    def spool_figures(self) -> SpoolFigures:
        return self.figures

    def prefer_spool(self, index: int) -> None:
        self.preferred = index

    def trust_spool(self, index: int) -> None:
        problems = list(self.figures.problems)
        problems[index] = ""
        self.figures = replace(self.figures, problems=tuple(problems))


def refuse(_: int) -> None:
    """A disk that keeps nothing."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


class House:
    """A guard that looks whenever it is asked to."""

    def __init__(self, first: Path, second: Path | None, min_free_mb: int = ALWAYS) -> None:
        self.writer = Writer(1 if second is None else 2)
        self.told: list[Mapping[str, object]] = []
        self.guard = SpoolGuard(first, min_free_mb, second_dir=second, writer=self.writer, tell=self.told.append)

    async def look(self) -> tuple[str, str]:
        await self.guard.refresh()
        return self.guard.obstacle, self.guard.alarm


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_guard, "REFRESH_S", 0.0)


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    return first, second


async def test_a_disk_with_room_is_no_obstacle(paths: tuple[Path, Path]) -> None:
    house = House(*paths)
    assert await house.look() == ("", "")
    assert house.writer.preferred == 0
    assert house.told[0]["first_well"] == house.told[0]["second_well"] == 1
    assert house.told[0]["not_durable_ms"] == 0


async def test_without_room_and_without_a_second_path_no_call_is_made(paths: tuple[Path, Path]) -> None:
    obstacle, alarm = await House(paths[0], None, NEVER).look()
    assert "media.spool_min_free_mb" in obstacle
    assert alarm == ""


async def test_a_path_that_is_gone_is_told(tmp_path: Path, paths: tuple[Path, Path]) -> None:
    assert "cannot be read" in (await House(tmp_path / "gone", None).look())[0]
    house = House(tmp_path / "gone", paths[1])
    obstacle, alarm = await house.look()
    assert (obstacle, house.writer.preferred) == ("", 1)
    assert "cannot be read" in alarm


async def test_new_recordings_begin_on_the_second_path_until_the_first_works_again(
    paths: tuple[Path, Path], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(*paths)
    house.writer.figures = replace(house.writer.figures, problems=("first: it burns", ""))
    with monkeypatch.context() as broken, caplog.at_level(logging.INFO):
        broken.setattr(os, "fsync", refuse)
        for _ in range(3):
            obstacle, alarm = await house.look()
        assert (obstacle, alarm) == ("", "first: it burns")
        assert house.writer.preferred == 1
    told = [record for record in caplog.records if record.name == spool_guard.__name__]
    assert [record.levelno for record in told] == [logging.ERROR], "once, not at every look"
    assert (await house.look())[1] == alarm, "the disk is not asked again so soon"
    monkeypatch.setattr(spool_guard, "PROBE_EVERY_S", 0.0)
    assert await house.look() == ("", "")
    assert house.writer.preferred == 0


async def test_what_works_again_is_trusted(paths: tuple[Path, Path]) -> None:
    house = House(*paths)
    house.writer.figures = replace(house.writer.figures, problems=("", "second: a cable was loose"))
    assert await house.look() == ("", "")
    assert house.writer.figures.problems == ("", "")
    assert list(paths[1].iterdir()) == [], "the probe leaves nothing behind"


async def test_a_second_path_that_is_gone_is_an_alarm_only(paths: tuple[Path, Path], tmp_path: Path) -> None:
    house = House(paths[0], tmp_path / "gone")
    obstacle, alarm = await house.look()
    assert obstacle == ""
    assert alarm.startswith("the second path: ")
    assert house.writer.preferred == 0


async def test_a_slow_disk_is_an_alarm_and_one_far_behind_an_obstacle(
    paths: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    house = House(paths[0], None)
    house.writer.figures = replace(house.writer.figures, longest_not_durable_s=2.5)
    obstacle, alarm = await house.look()
    assert obstacle == ""
    assert "2.5 s of audio" in alarm
    house.writer.figures = replace(
        house.writer.figures, longest_not_durable_s=FAR_BEHIND_S + 1, not_durable_s=FAR_BEHIND_S + 1
    )
    obstacle, alarm = await house.look()
    assert "11.0 s of audio" in obstacle
    assert alarm == ""
    house.writer.figures = SpoolFigures()
    with caplog.at_level(logging.INFO):
        assert await house.look() == ("", "")
    assert "as they should be again" in caplog.text


@pytest.mark.allow_blocking
async def test_a_disk_that_does_not_answer_holds_nobody_up(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that answers late is not well by that, when the engine has found it broken meanwhile."""
    monkeypatch.setattr(spool_guard, "LOOK_TIMEOUT_S", 0.5)
    answers = asyncio.Event()
    loop = asyncio.get_running_loop()
    held: list[object] = []
    usage = shutil.disk_usage

    def hang(path: Path) -> object:
        if path == paths[0]:
            held.append(path)
            asyncio.run_coroutine_threadsafe(answers.wait(), loop).result(timeout=30.0)
        return usage(path)

    monkeypatch.setattr(shutil, "disk_usage", hang)
    house = House(*paths)
    for _ in range(2):
        obstacle, alarm = await house.look()
        assert (obstacle, house.writer.preferred) == ("", 1)
        assert "does not answer" in alarm
    assert len(held) == 1, "one look at a time"
    house.writer.figures = replace(house.writer.figures, problems=("first: it burns", ""))
    answers.set()
    until = time.monotonic() + 30.0
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", refuse)
        while await house.look() != ("", "first: it burns"):
            assert time.monotonic() < until
            assert house.writer.figures.problems[0], "nothing was probed yet"
            await asyncio.sleep(0.01)
    monkeypatch.setattr(spool_guard, "PROBE_EVERY_S", 0.0)
    while await house.look() != ("", ""):
        assert time.monotonic() < until
        await asyncio.sleep(0.01)
    assert house.writer.preferred == 0
