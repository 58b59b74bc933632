"""A call that cannot be recorded is not made: watches the paths where recordings are spooled.

With a second path, new recordings begin there while the first one is short of space or has failed, and that is an
alarm: calls go on, and somebody must act. Where no path is left, it is an obstacle: no new call.
"""

import asyncio
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from dialer.media.interface import SpoolFigures

logger = logging.getLogger(__name__)

MB = 1_000_000
REFRESH_S = 2.0
LOOK_TIMEOUT_S = 1.0
"""A disk that does not answer a look must not hold up the campaigns; the look goes on, no other one begins."""
PROBE_EVERY_S = 10.0
PROBE_BYTES = 64 * 1024
MOST_NOT_DURABLE_S = 1.0
"""What a power cut may cost."""
FAR_BEHIND_S = 10.0
"""Audio that has waited for so long for the disk: recordings begin to fail."""
_PATHS = ("first", "second")


class SpoolWriter(Protocol):
    """What the media engine says of its disks, and is told about them."""

    def spool_figures(self) -> SpoolFigures: ...

    def prefer_spool(self, index: int) -> None: ...

    def trust_spool(self, index: int) -> None: ...


class State(Enum):
    """What was found on a path."""

    WELL = "well"
    SHORT = "short of space"
    FAILED = "failed"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class _Look:
    state: State
    reason: str = ""
    free_mb: int = 0


class SpoolGuard:
    """`obstacle` is "" while recordings can be written, `alarm` while all is as it should be.

    `refresh` is called often and looks seldom; `tell` is given what was found, for the live board.
    """

    def __init__(
        self,
        spool_dir: Path,
        min_free_mb: int,
        *,
        second_dir: Path | None = None,
        writer: SpoolWriter | None = None,
        tell: Callable[[Mapping[str, object]], None] = lambda _: None,
    ) -> None:
        self._paths = [_Path(path, min_free_mb) for path in (spool_dir, second_dir) if path is not None]
        self._writer = writer
        self._tell = tell
        self._looked_at: float | None = None
        self._said: tuple[State, ...] = (State.WELL,) * (len(self._paths) + 1)
        self.obstacle = ""
        self.alarm = ""

    async def refresh(self) -> None:
        """Looks at the disks when the last look is old."""
        now = asyncio.get_running_loop().time()
        if self._looked_at is not None and now - self._looked_at < REFRESH_S:
            return
        self._looked_at = now
        figures = SpoolFigures() if self._writer is None else self._writer.spool_figures()
        problems = (*figures.problems, "", "")
        looks = [await path.look(problem) for path, problem in zip(self._paths, problems, strict=False)]
        self._settle(looks, problems)
        self._judge(looks, figures)
        self._tell(_numbers(looks, figures) | {"obstacle": self.obstacle, "alarm": self.alarm})

    def _settle(self, looks: Sequence[_Look], problems: Sequence[str]) -> None:
        """Tells the engine where to write."""
        if self._writer is None:
            return
        for index, look in enumerate(looks):
            if problems[index] and look.state is State.WELL:
                self._writer.trust_spool(index)
        well = [index for index, look in enumerate(looks) if look.state is State.WELL]
        self._writer.prefer_spool(well[0] if well else 0)

    def _judge(self, looks: Sequence[_Look], figures: SpoolFigures) -> None:
        reasons = [look.reason if index == 0 else f"the second path: {look.reason}" for index, look in enumerate(looks)]
        bad = [reason for reason, look in zip(reasons, looks, strict=True) if look.state is not State.WELL]
        lag = _lag(figures)
        # with two paths the engine itself leaves one that is so far behind
        is_over = len(bad) == len(looks) or (len(looks) == 1 and figures.not_durable_s > FAR_BEHIND_S)
        told = "; ".join([*bad, *([lag.reason] if lag.reason else [])])
        self.obstacle, self.alarm = (told, "") if is_over else ("", told)
        self._log(tuple(look.state for look in (*looks, lag)), told)

    def _log(self, states: tuple[State, ...], told: str) -> None:
        """Once for every change; numbers that go up and down are none."""
        if states == self._said:
            return
        self._said = states
        facts = {"action": "spool", "states": [state.value for state in states]}
        if not told:
            logger.info("recordings are written as they should be again", extra=facts)
        elif self.obstacle:
            logger.error("no new calls, they could not be recorded: %s", told, extra=facts)
        else:
            logger.error("recordings are at risk: %s", told, extra=facts)


class _Path:
    """One spool directory."""

    def __init__(self, directory: Path, min_free_mb: int) -> None:
        self._directory = directory
        self._min_free_mb = min_free_mb
        self._looking: asyncio.Future[_Look] | None = None
        self._problem = ""
        """What the look under way was told."""
        self._probed_at = -PROBE_EVERY_S

    async def look(self, problem: str) -> _Look:
        """What is to be said of it; `problem` is the engine's, which only a probe that succeeds can clear."""
        loop = asyncio.get_running_loop()
        if self._looking is None:
            self._problem = problem
            self._looking = loop.run_in_executor(None, self._see, problem, loop.time())
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                seen = await asyncio.shield(self._looking)
        except TimeoutError:
            return _Look(State.FAILED, f"{self._directory} does not answer")
        self._looking = None
        if seen.state is State.WELL and problem not in ("", self._problem):
            return _Look(State.FAILED, problem, seen.free_mb)  # it came up meanwhile: nothing was probed for it
        return seen

    def _see(self, problem: str, now: float) -> _Look:
        try:
            free_mb = shutil.disk_usage(self._directory).free // MB
        except OSError as error:
            return _Look(State.FAILED, f"the spool directory cannot be read: {error.strerror}")
        if free_mb < self._min_free_mb:
            wanted = f"{self._min_free_mb} are needed (media.spool_min_free_mb)"
            return _Look(State.SHORT, f"only {free_mb} MB are free for recordings, {wanted}", free_mb)
        if problem and not self._works_again(now):
            return _Look(State.FAILED, problem, free_mb)
        return _Look(State.WELL, free_mb=free_mb)

    def _works_again(self, now: float) -> bool:
        """Whether the disk keeps what it is given; asked seldom."""
        if now - self._probed_at < PROBE_EVERY_S:
            return False
        self._probed_at = now
        try:
            with tempfile.NamedTemporaryFile(dir=self._directory, prefix=".probe-") as probe:
                probe.write(bytes(PROBE_BYTES))
                probe.flush()
                os.fsync(probe.fileno())
        except OSError:
            return False
        return True


def _lag(figures: SpoolFigures) -> _Look:
    longest_s = figures.longest_not_durable_s
    if longest_s <= MOST_NOT_DURABLE_S:
        return _Look(State.WELL)
    reason = f"the disk is slow: a power cut would have cost {longest_s:.1f} s of audio"
    return _Look(State.BEHIND, reason)


def _numbers(looks: Sequence[_Look], figures: SpoolFigures) -> dict[str, object]:
    """Free space in MB, times in ms; what is a number is a metric, too."""
    free = {f"{name}_free_mb": look.free_mb for name, look in zip(_PATHS, looks, strict=False)}
    wells = {f"{name}_well": int(look.state is State.WELL) for name, look in zip(_PATHS, looks, strict=False)}
    lag = {
        "not_durable_ms": round(figures.not_durable_s * 1000),
        "longest_not_durable_ms": round(figures.longest_not_durable_s * 1000),
    }
    return {**free, **wells, **lag, "moved": figures.moved}
