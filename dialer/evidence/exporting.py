"""Recordings handed out as Opus: encoded in processes at low priority, few at a time, nothing of them in a file."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from dialer.errors import DialerError
from recording.errors import RecordingError

MAX_ENCODERS = 2
MAX_WAITING = 8
"""More than that many exports are refused until one is done."""
PIECE_BYTES = 1 << 16
ENCODE_TIMEOUT_S = 120.0
"""Longest wait for the next piece of Opus: a process at low priority on a busy machine."""

T = TypeVar("T")


class ExportingBusyError(DialerError):
    """Too many exports wait for their turn; try again in a minute."""


class Encoders:
    """The processes of a node."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(MAX_ENCODERS)
        self._n_waiting = 0

    @asynccontextmanager
    async def opus(self, pcm: AsyncIterator[bytes], n_channels: int) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """The pieces of an Ogg Opus file of PCM (int16, 8 kHz). Leaving ends the process, wherever it is.

        Raises ExportingBusyError, RecordingError (it failed, or hangs) and what reading `pcm` raises.
        """
        async with self._turn(), _encoder(n_channels) as encoding, asyncio.TaskGroup() as tasks:
            feeding = tasks.create_task(encoding.feed(pcm), name="opus feed")
            try:
                yield encoding.pieces()
            finally:
                feeding.cancel()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._n_waiting >= MAX_WAITING:
            raise ExportingBusyError
        self._n_waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._n_waiting -= 1
        try:
            yield
        finally:
            self._turns.release()


@asynccontextmanager
async def _encoder(n_channels: int) -> AsyncIterator["_Encoding"]:
    arguments = (sys.executable, "-m", "recording.encoding", str(n_channels))
    process = await asyncio.create_subprocess_exec(*arguments, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    try:
        yield _Encoding(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class _Encoding:
    """One process at work. What fails at one end is told at the other, so that nobody takes half a file for whole."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._failure: Exception | None = None

    async def feed(self, pcm: AsyncIterator[bytes]) -> None:
        """Gives the process all it is to encode."""
        stdin = self._process.stdin
        if stdin is None:
            raise RecordingError("the encoding process has no standard input")
        try:
            async for piece in pcm:
                stdin.write(piece)
                await stdin.drain()
        except (RecordingError, TimeoutError, ConnectionError) as error:
            self._failure = error
        finally:
            stdin.close()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """What the process makes of it. Raises RecordingError, and what reading the samples raised."""
        stdout = self._process.stdout
        if stdout is None:
            raise RecordingError("the encoding process has no standard output")
        try:
            while piece := await _within_time(stdout.read(PIECE_BYTES)):
                yield piece
            code = await _within_time(self._process.wait())
        except TimeoutError as error:
            raise RecordingError(f"no Opus came for {ENCODE_TIMEOUT_S:.0f} s; the export was ended") from error
        if self._failure is not None:
            raise self._failure
        if code != 0:
            raise RecordingError(f"the encoding process ended with exit code {code}")


async def _within_time(answer: Awaitable[T]) -> T:
    async with asyncio.timeout(ENCODE_TIMEOUT_S):
        return await answer
