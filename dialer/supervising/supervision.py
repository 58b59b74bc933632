"""All that supervisors look at, as one object: put together by the composition root, used by the API."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self

from dialer.agents.sessions import AgentSession
from dialer.clock import Clock
from dialer.compliance.policy import Policy
from dialer.live import LiveBoard
from dialer.model.figures import Contacts, Tally
from dialer.sip.ladder_book import LadderBook
from dialer.storage import Storage
from dialer.supervising.alarm_keeper import AlarmKeeper
from dialer.supervising.caller_id_book import CallerIdBook
from dialer.supervising.definitions import VERSION, contact_figures, figures_of
from dialer.supervising.figure_book import FigureBook
from dialer.supervising.what_if import WhatIf

logger = logging.getLogger(__name__)

TELL_EVERY_S = 5.0
TELL_LIMIT_S = 60.0
HOUSE = "house"


@dataclass(frozen=True, slots=True)
class House:
    """What of the node supervision is built on. `destinations` are those of outcomes, by name."""

    storage: Storage
    board: LiveBoard
    clock: Clock
    policy: Callable[[datetime], Policy]
    node: str
    ladders: LadderBook
    sessions: Iterable[AgentSession] = ()
    destinations: tuple[str, ...] = ()


@dataclass(slots=True)
class Supervision:
    """One per node, used as `async with`: then the alarms are watched and today's figures told to the live board."""

    house: House
    figures: FigureBook = field(init=False)
    alarms: AlarmKeeper = field(init=False)
    what_if: WhatIf = field(init=False)
    caller_ids: CallerIdBook = field(init=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack, init=False)
    _told: frozenset[str] = field(default=frozenset(), init=False)

    def __post_init__(self) -> None:
        house = self.house
        self.figures = FigureBook(house.storage, house.clock, lambda: house.policy(house.clock.utcnow()).house_zone)
        self.alarms = AlarmKeeper(house.storage, house.board, house.clock, house.policy, house.node, house.destinations)
        self.what_if = WhatIf(house.clock)
        self.caller_ids = CallerIdBook(house.storage, house.clock, house.policy)

    @property
    def ladders(self) -> LadderBook:
        """The messages of recent calls."""
        return self.house.ladders

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.alarms)
            await stack.enter_async_context(self.what_if)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            telling = tasks.create_task(self._tell_always(), name="today's figures")
            stack.callback(telling.cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _tell_always(self) -> None:
        """The edge of one telling: whatever fails is logged, and tried again."""
        while True:
            try:
                async with asyncio.timeout(TELL_LIMIT_S):
                    await self.tell()
            except Exception:
                logger.exception("today's figures were not read", extra={"action": "figures"})
            await asyncio.sleep(TELL_EVERY_S)

    async def tell(self) -> None:
        """Puts today's figures on the live board: `today/house`, and `today/ID` of each campaign that has any."""
        found, contacts = await self.figures.day(), await self.figures.contacts()
        by_campaign = found.by_campaign()
        told = {
            f"today/{campaign_id}": figures_of(tally) | contact_figures(contacts.get(campaign_id, Contacts()))
            for campaign_id, tally in by_campaign.items()
        }
        told[f"today/{HOUSE}"] = figures_of(sum(by_campaign.values(), start=Tally()))
        for topic, figures in told.items():
            about = {"version": VERSION, "day": found.day.isoformat(), "read_at": found.read_at.isoformat()}
            self.house.board.publish(topic, about | figures)
        for topic in self._told - told.keys():  # of yesterday
            self.house.board.publish(topic, None)
        self._told = frozenset(told)
