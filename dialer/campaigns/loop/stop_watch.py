"""Stops that other nodes were told: this node's calls to the same person, case or number end as well.

Whoever stops something writes it into the database in the same transaction; this watch looks there several times a
second. An id is given before its transaction commits, so a lower one may appear after a higher one: the gaps that a
reading leaves are looked for again until no transaction can still be under way that holds one.
"""

import asyncio
import logging
from datetime import timedelta
from types import TracebackType
from typing import Self

from dialer.calls.floor import CallFloor
from dialer.campaigns.loop.complaints import Complaints
from dialer.errors import StorageError

logger = logging.getLogger(__name__)

POLL_S = 0.15
"""How often the stops are read: a ringing call is to end within half a second of the word."""
READ_LIMIT_S = 2.0
"""A reading that hangs longer is given up and begun anew."""
GAP_LIFE_S = 60.0
"""So long is a missing id looked for: longer than any transaction lasts (`ANSWER_TIMEOUT_S` of the database)."""
MAX_GAPS = 200
"""Missing ids remembered at most; the oldest are forgotten first."""
KEPT = timedelta(hours=1)
"""How long a stop stays readable: longer than any node is without its database and still dials."""
SWEEP_S = 600.0


class SeenStops:
    """Which ids were seen, and which lower ones may still appear. Pure."""

    def __init__(self, newest: int, now: float) -> None:
        """Begins after `newest`, the highest id known at `now` (s); what is missing just below it may still come."""
        self.after = newest
        self._gaps = dict.fromkeys(range(max(newest - MAX_GAPS, 0) + 1, newest), now + GAP_LIFE_S)

    @property
    def missing(self) -> tuple[int, ...]:
        """Ids below `after` that were not seen yet."""
        return tuple(self._gaps)

    def take(self, stop_id: int, now: float) -> None:
        """Notes an id that was read at `now`."""
        if stop_id <= self.after:
            self._gaps.pop(stop_id, None)
            return
        skipped = range(max(self.after + 1, stop_id - MAX_GAPS), stop_id)
        self._gaps.update(dict.fromkeys(skipped, now + GAP_LIFE_S))
        self.after = stop_id

    def forget(self, now: float) -> None:
        """Gives up the gaps that no transaction can fill any more."""
        kept = [(stop_id, until) for stop_id, until in self._gaps.items() if until > now]
        self._gaps = dict(kept[-MAX_GAPS:])


class StopWatch:
    """Used as `async with`, inside the floor. Where no other node can be, it only removes what is old."""

    def __init__(self, floor: CallFloor) -> None:
        self._floor = floor
        self._storage = floor.services.storage
        self._clock = floor.services.clock
        self._complaints = Complaints(self._clock)
        self._tasks = asyncio.TaskGroup()
        self._watching: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        seen = await self._begin() if self._storage.is_shared else None
        await self._tasks.__aenter__()
        self._watching.append(self._tasks.create_task(self._sweep_for_ever(), name="stops swept"))
        if seen is not None:
            self._watching.append(self._tasks.create_task(self._watch_for_ever(seen), name="stops watched"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._watching:
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def _begin(self) -> SeenStops:
        """What was said before this node had a call concerns none of its calls."""
        seen = SeenStops(await self._storage.stops.newest(), self._clock.monotonic())
        await self._read(seen)
        return seen

    async def _watch_for_ever(self, seen: SeenStops) -> None:
        while True:
            try:
                async with asyncio.timeout(READ_LIMIT_S):
                    await self._read(seen)
            except (StorageError, TimeoutError) as error:
                self._complaints.say("stops", "stops not read", error, action="stops")
            await asyncio.sleep(POLL_S)

    async def _read(self, seen: SeenStops) -> None:
        for stop_id, stop in await self._storage.stops.unseen(seen.after, seen.missing):
            seen.take(stop_id, self._clock.monotonic())
            told = self._floor.stop(
                stop.reason, person_ref=stop.person_ref, case_ref=stop.case_ref, number_index=stop.number_index
            )
            if told:
                logger.info("a stop ended calls", extra={"action": "stop", "stop_id": stop_id, "calls": told})
        seen.forget(self._clock.monotonic())

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await self._storage.stops.remove_before(self._clock.utcnow() - KEPT)
            except StorageError as error:
                self._complaints.say("sweep", "old stops not removed", error, action="stops")
            await asyncio.sleep(SWEEP_S)
