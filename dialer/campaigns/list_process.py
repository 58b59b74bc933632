"""Starts, hears and ends the process that reads a list (`list_child`).

Reading takes the processor for minutes; in a thread of the service it would hold the interpreter's lock against the
event loop, and SIP with it. The child is at most a few messages ahead: it stops while nobody takes them.
"""

import asyncio
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast

from dialer.campaigns.list_messages import Failed, Message, ReadRequest, decode, encode_request
from dialer.errors import DialerError, InputError

LENGTH: Final = struct.Struct("!I")
"""Stands before each message: its length in bytes."""
MAX_MESSAGE_BYTES = 64 << 20
READ_AHEAD_BYTES = 1 << 18
START_TIMEOUT_S = 20.0
MESSAGE_TIMEOUT_S = 120.0
"""Longest wait for the next message; opening a file of gigabytes takes a part of it."""
END_TIMEOUT_S = 10.0


class ReadingProcess:
    """What the reading process says."""

    def __init__(self, out: asyncio.StreamReader) -> None:
        self._out = out

    async def next(self) -> Message:
        """The next message. InputError: the file cannot be used; DialerError: the process failed, died or hangs."""
        try:
            async with asyncio.timeout(MESSAGE_TIMEOUT_S):
                (length,) = LENGTH.unpack(await self._out.readexactly(LENGTH.size))
                if length > MAX_MESSAGE_BYTES:
                    raise InputError("the rows of the list are too long; leave out columns that are not needed")
                message = decode(await self._out.readexactly(length))
        except TimeoutError as error:
            raise DialerError(f"reading the list made no progress for {MESSAGE_TIMEOUT_S:g} s") from error
        except asyncio.IncompleteReadError as error:
            raise DialerError("the process that reads the list was ended") from error
        if isinstance(message, Failed):
            raise _error(message)
        return message


def _error(failed: Failed) -> DialerError:
    if failed.file_is_wrong:
        return InputError(failed.reason)
    return DialerError(f"the process that reads the list failed: {failed.reason}")


@asynccontextmanager
async def reading_process(request: ReadRequest) -> AsyncIterator[ReadingProcess]:
    """Runs the reading process; it is gone when the block ends, however that is."""
    async with asyncio.timeout(START_TIMEOUT_S):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "dialer.campaigns.list_child"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=READ_AHEAD_BYTES,
            start_new_session=True,  # an interrupt from the terminal is for us; we end the child
        )
    try:
        await _ask(process, request)
        yield ReadingProcess(cast("asyncio.StreamReader", process.stdout))
    finally:
        await asyncio.shield(end_process(process))


async def _ask(process: Process, request: ReadRequest) -> None:
    stdin = cast("asyncio.StreamWriter", process.stdin)  # a pipe, as asked for
    try:
        stdin.write(encode_request(request))
        async with asyncio.timeout(START_TIMEOUT_S):
            await stdin.drain()
    except ConnectionError as error:
        raise DialerError("the process that reads the list did not start") from error
    finally:
        stdin.close()


async def end_process(process: Process) -> None:
    """Ends a child whose output is a pipe, and waits until it is gone."""
    if process.returncode is None:
        process.kill()
    async with asyncio.timeout(END_TIMEOUT_S):
        await process.communicate()  # takes what is on the way, too: a full pipe would keep `wait` waiting
