"""Has a node's recordings transcribed beside everything else, one at a time, where a program for it is named.

What is to be done stands in the node's ledger: recordings in the order in which they came, and what was made of them.
So a restart goes on where it was left. A recording whose transcription fails is not tried again by itself.
"""

import asyncio
import logging
from datetime import timedelta
from types import TracebackType
from typing import Self

from dialer.clock import Clock
from dialer.evidence.transcribing import Transcripts
from dialer.model.recording import RecordingState
from dialer.storage import Storage
from recording.ledger import Entry, EntryKind

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 30.0
LOOKS_BACK = timedelta(days=3)
"""At the start; what is older and was never transcribed stays so unless somebody asks for it."""
MAX_WAITING = 10_000
"""Beyond it the oldest are given up: a program that slow never catches up."""


class TranscriptRunner:
    """`async with` object of one node."""

    def __init__(self, storage: Storage, transcripts: Transcripts, node: str, clock: Clock) -> None:
        self._storage = storage
        self._transcripts = transcripts
        self._node = node
        self._clock = clock
        self._read_to: int | None = None
        self._waiting: dict[str, None] = {}
        self._tasks = asyncio.TaskGroup()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._running = self._tasks.create_task(self._run(), name="transcripts")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running is not None:
            self._running.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def look(self) -> None:
        """Transcribes all that came since the last look."""
        await self._read_on()
        while self._waiting:
            recording_id = next(iter(self._waiting))
            del self._waiting[recording_id]
            await self._transcribe(recording_id)
            await self._read_on()

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # the edge of one look: the next one asks again
                logger.exception("recordings were not transcribed", extra={"action": "transcribe"})
            await asyncio.sleep(LOOK_EVERY_S)

    async def _transcribe(self, recording_id: str) -> None:
        facts = {"action": "transcribe", "recording_id": recording_id}
        try:
            info = await self._storage.recordings.get(recording_id)
            if info is not None and info.state is RecordingState.KEPT:
                await self._transcripts.make(info)
        except Exception:  # the edge of one recording: the others go on
            logger.exception("a recording was not transcribed", extra=facts)

    async def _read_on(self) -> None:
        reading = self._storage.ledger_reading
        if self._read_to is None:
            first = await reading.first_since(self._node, self._clock.utcnow() - LOOKS_BACK)
            if first is None:
                return
            self._read_to = first - 1
        last = {end.chain: end.last for end in await reading.ends()}.get(self._node, 0)
        while self._read_to < last:
            entries = await reading.entries(self._node, self._read_to, last)
            if not entries:
                return
            for entry in entries:
                self._note(entry)
            self._read_to = entries[-1].sequence
        while len(self._waiting) > MAX_WAITING:
            given_up = next(iter(self._waiting))
            del self._waiting[given_up]
            logger.error("too many recordings wait for their transcript; one was given up", extra={"id": given_up})

    def _note(self, entry: Entry) -> None:
        if entry.kind == EntryKind.RECORDING:
            self._waiting[entry.subject] = None
        elif entry.kind == EntryKind.TRANSCRIPT:
            self._waiting.pop(entry.subject, None)
