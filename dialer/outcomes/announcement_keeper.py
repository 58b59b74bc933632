"""The library of announcements as this node knows it, and what its calls heard that is not in it.

The library is read again whenever it changed, on whichever node; what comes in unknown waits in a bounded queue for one
task that listens to it once more with the library of the moment, and stores it. No call waits for either.
"""

import asyncio
import logging
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from dialer.clock import Clock
from dialer.errors import StorageError
from dialer.model.announcement import UnknownHeard
from dialer.model.attempt import Attempt, Settlement
from dialer.outcomes import verdict_audio
from dialer.outcomes.backlog import Backlog
from dialer.progress.announcements import AnnouncementLibrary, AnnouncementMatcher, matches_in
from dialer.progress.clusters import nearest
from dialer.progress.fingerprint import LEAST_ACTIVE_MS, Fingerprint, fingerprint_of
from dialer.storage.announcements import Announcements, Version

logger = logging.getLogger(__name__)

POLL_S = 3.0
"""How often the library's version is read."""
READ_LIMIT_S = 40.0
"""For reading the library or keeping one announcement: longer than the database itself takes to give up."""
MAX_WAITING = 64
"""Announcements that may wait to be kept: 12 MB of audio at most. The oldest gives way; it will be heard again."""
CLOSE_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    heard: UnknownHeard
    pcm: bytes


class AnnouncementKeeper:
    """`async with` object of one node; entering reads the library (StorageError)."""

    def __init__(self, announcements: Announcements, clock: Clock) -> None:
        self._announcements = announcements
        self._clock = clock
        self.library = AnnouncementLibrary()
        self._version: Version | None = None
        self._backlog: Backlog[_Waiting] = Backlog(MAX_WAITING)
        self._tasks = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._follow()
        await self._tasks.__aenter__()
        self._running = [
            self._tasks.create_task(self._keep_all(), name="unknown announcements"),
            self._tasks.create_task(self._follow_always(), name="library of announcements"),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        keeping, following = self._running
        self._backlog.close()
        following.cancel()
        await asyncio.wait([keeping], timeout=CLOSE_LIMIT_S)
        keeping.cancel()
        await self._tasks.__aexit__(None, None, None)

    def matcher(self) -> AnnouncementMatcher | None:
        """A matcher over the library as it is now; None while it is empty."""
        return self.library.matcher() if self.library.entries else None

    def keep_unknown(self, attempt: Attempt, end: Settlement, pcm: bytes) -> None:
        """Takes what was not recognised (int16, 8 kHz, mono), and how its call ended; returns at once."""
        now = self._clock.utcnow()
        heard = UnknownHeard(attempt.attempt_id, attempt.campaign_id, now, end.trunk, end.cause.sip_status or 0)
        self._backlog.put(_Waiting(heard, pcm))

    # ---- the library

    async def _follow_always(self) -> None:
        is_troubled = False
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await self._follow()
                is_troubled = False
            except (StorageError, TimeoutError):  # what is known stays known; the next turn asks again
                if not is_troubled:
                    logger.exception("the library of announcements was not read", extra={"action": "announcements"})
                is_troubled = True

    async def _follow(self) -> None:
        async with asyncio.timeout(READ_LIMIT_S):
            if await self._announcements.version() == self._version:
                return
            version, entries = await self._announcements.known()
            self.library = await asyncio.to_thread(AnnouncementLibrary, entries)
            self._version = version
        logger.info("announcements known", extra={"action": "announcements", "n": len(entries)})

    # ---- what is not in it

    async def _keep_all(self) -> None:
        while (waiting := await self._backlog.next()) is not None:
            try:
                async with asyncio.timeout(READ_LIMIT_S):
                    await self._keep_one(waiting)
            except Exception:  # the edge of one announcement: whatever is wrong with it, the others go on
                facts = {"action": "announcements", "attempt_id": waiting.heard.attempt_id}
                logger.exception("an unknown announcement is not kept", extra=facts)
                await self._backlog.pause(POLL_S)

    async def _keep_one(self, waiting: _Waiting) -> None:
        fingerprint = await asyncio.to_thread(_unless_known, self.library, waiting.pcm)
        if fingerprint is not None:
            audio = await asyncio.to_thread(verdict_audio.wav_of, waiting.pcm)
            await self._announcements.keep_unknown(waiting.heard, fingerprint, audio)


def _unless_known(library: AnnouncementLibrary, pcm: bytes) -> Fingerprint | None:
    """The fingerprint of what is worth a name; None: too short, or known by now, if only as far as the call lasted."""
    fingerprint = fingerprint_of(pcm)
    if fingerprint.active_ms < LEAST_ACTIVE_MS or any(match.certain for match in matches_in(library, pcm)):
        return None
    known = ((entry.announcement_id, entry.fingerprint) for entry in library.entries)
    return fingerprint if nearest(fingerprint, known) is None else None
