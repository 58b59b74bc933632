"""Hearing recordings: opened, decoded and slowed down in threads of their own, a piece at a time.

A listener is sent what they take and no more: the next piece is made when the one before is gone, so that an hour of
audio costs no more memory than a minute, and a listener who stops ends the work.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self, TypeVar

from dialer.errors import DialerError
from dialer.evidence.listening import Listenings
from dialer.model.recording import RecordingInfo
from recording.decoding import AudioReader, Side
from recording.errors import RecordingError
from recording.playback import Content, FlacContent, SpedContent, WavContent
from recording.sealing import SealedFile, SealedReader
from recording.spool import RATE_HZ

logger = logging.getLogger(__name__)

THREADS = 4
MAX_LISTENERS = 32
"""At once on a node; each holds a decoder and a piece of audio, some 2 MB."""
MAX_OF_ONE = 8
"""Of these one person or program may hold: whoever stops reading without leaving keeps nobody else from listening."""
STEP_TIMEOUT_S = 30.0
"""Longest wait for the store to give the next piece."""

T = TypeVar("T")


class PlayingBusyError(DialerError):
    """As many listen at once as this node allows, or allows one of them; try again in a moment."""


class Opens(Protocol):
    """Who has the store and the keys: `RecordingKeeper`. Raises RecordingError."""

    async def open(self, recording: RecordingInfo) -> SealedReader: ...

    async def open_peaks(self, recording: RecordingInfo) -> SealedReader: ...


@dataclass(frozen=True, slots=True)
class Form:
    """How a recording is heard. FLAC is the file as it is; WAV is made of it; another speed begins at `from_ms`."""

    container: Literal["flac", "wav"] = "flac"
    side: Side = Side.BOTH
    speed: float = 1.0
    from_ms: int = 0

    @property
    def in_ranges(self) -> bool:
        """Whether any part of it may be asked for."""
        return self.speed == 1.0

    def __str__(self) -> str:
        said = f"{self.container}, {self.side.value}"
        return said if self.in_ranges else f"{said}, speed {self.speed:g} from {self.from_ms} ms"


class Player:
    """`async with` object; one per node. `listenings`: what its audit log says of them."""

    def __init__(self, keeper: Opens) -> None:
        self._keeper = keeper
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="playing")
        self._listeners: Counter[str] = Counter()
        self.listenings = Listenings()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._threads.shutdown)

    @property
    def n_listeners(self) -> int:
        """At this moment."""
        return self._listeners.total()

    @asynccontextmanager
    async def listening(self, who: str) -> AsyncIterator[None]:
        """The place of one listener. Raises PlayingBusyError when all are taken, or too many by this one."""
        if self.n_listeners >= MAX_LISTENERS or self._listeners[who] >= MAX_OF_ONE:
            raise PlayingBusyError
        self._listeners[who] += 1
        try:
            yield
        finally:
            self._listeners[who] -= 1
            self._listeners += Counter()  # forgets those who have none

    async def open(self, info: RecordingInfo) -> SealedReader:
        """The sealed FLAC file. Raises RecordingError, which is in the log already."""
        with _alarmed(info):
            return await self._keeper.open(info)

    async def peaks(self, info: RecordingInfo) -> bytes:
        """The waveform, as `recording.peaks` describes it. Raises RecordingError."""
        with _alarmed(info):
            reader = await self._keeper.open_peaks(info)
            return await self.in_thread(lambda: reader.read(0, reader.size))

    async def content(self, info: RecordingInfo, form: Form) -> Content:
        """What a listener is sent. Raises RecordingError."""
        reader = await self.open(info)
        if form.container == "flac":
            return FlacContent(reader)
        audio = await self.audio(info, reader)
        if form.speed == 1.0:
            return WavContent(audio, form.side)
        return SpedContent(audio, form.side, form.speed, form.from_ms * RATE_HZ // 1000)

    async def audio(self, info: RecordingInfo, reader: SealedReader) -> AudioReader:
        """The samples of an opened recording. Raises RecordingError."""
        with _alarmed(info):
            return await self.in_thread(lambda: AudioReader(SealedFile(reader)))

    async def pieces(self, info: RecordingInfo, made: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
        """The pieces of a content, each made when it is asked for. Raises RecordingError."""
        with _alarmed(info):
            while (piece := await self.in_thread(lambda: next(made, None))) is not None:
                yield piece

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Raises TimeoutError. A work that nobody waits for any more ends by itself; what it reads lives as long."""
        async with asyncio.timeout(STEP_TIMEOUT_S):
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)


@contextmanager
def _alarmed(info: RecordingInfo) -> Iterator[None]:
    """What cannot be opened or read as it was sealed is somebody's business at once."""
    try:
        yield
    except RecordingError as error:
        facts = {"action": "recording_broken", "recording_id": info.recording_id, "error": str(error)}
        logger.error("a recording cannot be opened", extra=facts)
        raise
