"""Keeps a node's alarms: looks every few seconds, knows since when each lasts and who has seen it, and tells the board.

An acknowledgement lasts as long as its alarm, and no longer than the service runs: trouble that comes back is new.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Self

from dialer.clock import Clock
from dialer.compliance.policy import Policy
from dialer.errors import DialerError, StorageError
from dialer.live import LiveBoard
from dialer.storage import Storage
from dialer.supervising.alarm import Alarm, Facts, RunsOut, Severity
from dialer.supervising.alarms import RUNS_OUT_WITHIN_DAYS, alarms_of

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
LOOK_LIMIT_S = 10.0
READ_LIMIT_S = LOOK_LIMIT_S / 2
"""The database is given so long: one that hangs must neither hide itself nor the other troubles."""
TOPIC = "alarms"


@dataclass(frozen=True, slots=True)
class Standing:
    """An alarm that lasts. `seen_by`: who has acknowledged it; "": nobody."""

    alarm: Alarm
    since: datetime
    seen_by: str = ""
    seen_at: datetime | None = None


class AlarmKeeper:
    """One per node, used as `async with`."""

    def __init__(
        self,
        storage: Storage,
        board: LiveBoard,
        clock: Clock,
        policy: Callable[[datetime], Policy],
        node: str,
        destinations: tuple[str, ...] = (),
    ) -> None:
        self._storage = storage
        self._board = board
        self._clock = clock
        self._policy = policy
        self._node = node
        self._destinations = destinations
        self._standing: dict[str, Standing] = {}
        self._is_told = False
        self._clock_offset_s = self._wall_less_monotonic_s()
        self._tasks = asyncio.TaskGroup()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._task = self._tasks.create_task(self._run(), name="alarm keeper")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
        await self._tasks.__aexit__(None, None, None)

    @property
    def standing(self) -> tuple[Standing, ...]:
        """What lasts now, the gravest first."""
        return tuple(self._standing.values())

    def acknowledge(self, key: str, actor: str) -> Standing | None:
        """Somebody has seen it; None: it does not last any more. A second time names who came last."""
        known = self._standing.get(key)
        if known is None:
            return None
        self._standing[key] = replace(known, seen_by=actor, seen_at=self._clock.utcnow())
        self._publish()
        return self._standing[key]

    async def look(self) -> None:
        """Looks now."""
        found = alarms_of(await self._facts())
        now = self._clock.utcnow()
        before, self._standing = self._standing, {}
        for alarm in found:
            known = before.get(alarm.key)
            self._standing[alarm.key] = Standing(alarm, now) if known is None else replace(known, alarm=alarm)
            if known is None:
                facts = {"action": "alarm", "code": alarm.code, "subject": alarm.subject}
                logger.warning("alarm: %s", alarm.words.en, extra=facts)
        for key in before.keys() - self._standing.keys():
            logger.info("an alarm is over", extra={"action": "alarm_over", "key": key})
        if before != self._standing or not self._is_told:  # a page may hold what an earlier process told
            self._publish()

    async def _run(self) -> None:
        """The edge of one look: whatever fails is logged, and looked at again."""
        while True:
            try:
                async with asyncio.timeout(LOOK_LIMIT_S):
                    await self.look()
            except Exception:
                logger.exception("the alarms were not looked at", extra={"action": "alarms"})
            await asyncio.sleep(LOOK_EVERY_S)

    async def _facts(self) -> Facts:
        problem, waiting, dead = "", {}, {}
        try:
            async with asyncio.timeout(READ_LIMIT_S):
                waiting, dead = await self._storage.outbox.undelivered(), await self._storage.outbox.dead()
        except StorageError as error:
            problem = str(error)
        except TimeoutError:
            problem = f"nothing within {READ_LIMIT_S:g} s"
        return Facts(
            topics=self._board.snapshot(),
            waiting=self._configured(waiting),
            dead=self._configured(dead),
            runs_out=self._runs_out(),
            clock_step_s=self._wall_less_monotonic_s() - self._clock_offset_s,
            node=self._node,
            storage_problem=problem,
        )

    def _configured(self, counts: Mapping[str, int]) -> dict[str, int]:
        """What waits for a destination that is configured no more is nobody's trouble."""
        return {name: n for name, n in counts.items() if name in self._destinations}

    def _runs_out(self) -> tuple[RunsOut, ...]:
        now = self._clock.utcnow()
        try:
            policy = self._policy(now)
        except DialerError:
            return ()
        today = policy.house_day(now)
        last_days = {("pack", name): last_day for name, last_day in policy.last_days.items()}
        for pack in policy.packs:
            if pack.calendar is not None:
                last_days["calendar", pack.calendar.name] = pack.calendar.complete_through
        left = {key: (last - today).days for key, last in last_days.items()}
        return tuple(
            RunsOut(kind, name, last_days[kind, name], days)
            for (kind, name), days in left.items()
            if days <= RUNS_OUT_WITHIN_DAYS
        )

    def _publish(self) -> None:
        counts = {grade.value: sum(each.alarm.severity is grade for each in self.standing) for grade in Severity}
        self._is_told = True
        self._board.publish(TOPIC, counts | {"items": [as_data(each) for each in self.standing]})

    def _wall_less_monotonic_s(self) -> float:
        return self._clock.utcnow().timestamp() - self._clock.monotonic()


def as_data(standing: Standing) -> dict[str, object]:
    """An alarm as it is told; `words` and `advice` in both languages."""
    alarm = standing.alarm
    return {
        "key": alarm.key,
        "code": alarm.code,
        "subject": alarm.subject,
        "severity": alarm.severity.value,
        "words": {"en": alarm.words.en, "zh": alarm.words.zh},
        "advice": {"en": alarm.advice.en, "zh": alarm.advice.zh},
        "since": standing.since.isoformat(),
        "seen_by": standing.seen_by,
        "seen_at": standing.seen_at and standing.seen_at.isoformat(),
    }
