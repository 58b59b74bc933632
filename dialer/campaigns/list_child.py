"""The reading process: a request on stdin, messages on stdout (`list_process` starts it and ends it).

It runs behind everything else on the machine and within a limit of memory. It ends when nobody listens any more.
"""

import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from dialer.campaigns.list_messages import Failed, Finished, Headers, Message, Opened, Opening, decode_request, encode
from dialer.campaigns.list_process import LENGTH
from dialer.campaigns.list_reading import ListReading
from dialer.errors import InputError

NICENESS = 10
"""Below the service: signalling and media come first."""
MAX_MEMORY_BYTES = 1 << 30
PROGRESS_STEP = 0.01


class _Speaker:
    """Sends messages; while a file is being opened, not more than a hundred."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._told = 0.0

    def say(self, message: Message) -> None:
        data = encode(message)
        self._out.write(LENGTH.pack(len(data)) + data)
        self._out.flush()

    def opening(self, fraction: float) -> None:
        if fraction >= self._told + PROGRESS_STEP:
            self._told = fraction
            self.say(Opening(fraction))

    def headers(self, headers: Sequence[str]) -> None:
        self.say(Headers(tuple(headers)))


def main() -> None:
    """Reads the list asked for; whatever goes wrong is the last message."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    speaker = _Speaker(sys.stdout.buffer)
    try:
        _read(speaker)
        last: Message = Finished()
    except InputError as error:
        last = Failed(str(error), file_is_wrong=True)
    except MemoryError:
        last = Failed("the list needs too much memory; split it, or save it as CSV", file_is_wrong=True)
    except BrokenPipeError:
        os._exit(1)  # the service has gone; an orderly end would try to flush once more
    except Exception as error:
        last = Failed(place_of(error), file_is_wrong=False)
    speaker.say(last)


def _read(speaker: _Speaker) -> None:
    request = decode_request(sys.stdin.buffer.read())
    with ListReading(request, speaker.opening, speaker.headers) as reading:
        speaker.say(Opened(reading.columns))
        for piece in reading.pieces():
            speaker.say(piece)


def place_of(error: Exception) -> str:
    """Kind and place of a mistake of ours; not its words, which may hold what stood in a cell."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" in {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    return f"{type(error).__name__}{place}"


if __name__ == "__main__":
    main()
