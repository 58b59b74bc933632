"""One reading is for everybody; hours that are over for long are read again but seldom."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dialer.clock import Clock
from dialer.compliance.policy import Policy
from dialer.model.figures import CampaignHour
from dialer.storage import Storage
from dialer.storage.figures import Figures, PromiseCodes
from dialer.supervising.figure_book import REFRESH_S, SETTLED_REFRESH_S, FigureBook
from tests.support.policy import bank_policy
from tests.support.schema import make_sqlite
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign

NOON = MONDAY + 120 * MINUTE + timedelta(hours=1)  # 13:00 in Shanghai
SHANGHAI = ZoneInfo("Asia/Shanghai")


class Hand(Clock):
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.s = 0.0

    def monotonic(self) -> float:
        return self.s

    def utcnow(self) -> datetime:
        return NOON + timedelta(seconds=self.s)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    make_sqlite(tmp_path / "dialer.db")
    async with open_storage(f"sqlite:///{tmp_path / 'dialer.db'}") as opened:
        yield opened


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many hours each reading of the database was of."""
    read: list[int] = []
    hours = Figures.hours

    async def noted(
        self: Figures, bounds: tuple[datetime, ...], promises: PromiseCodes, campaign_id: int | None = None
    ) -> tuple[CampaignHour, ...]:
        read.append(len(bounds) - 1)
        return await hours(self, bounds, promises, campaign_id)

    monkeypatch.setattr(Figures, "hours", noted)
    return read


async def test_the_newest_hours_are_read_often_the_others_seldom(
    storage: Storage, policy: Policy, readings: list[int]
) -> None:
    campaign_id = await run_campaign(storage, contacts(3))
    dialing = Dialing(storage, policy)
    first, second, _ = await dialing.claim(campaign_id, 3)
    await dialing.reserve(dialing.reservation(first), MONDAY)
    clock = Hand()
    book = FigureBook(storage, clock, lambda: SHANGHAI)
    day = await book.day()
    assert await book.day() is day
    assert readings == [11, 13], "11:00 was over two hours ago"
    await dialing.reserve(dialing.reservation(second), NOON)
    clock.s += REFRESH_S
    day = await book.day()
    assert readings == [11, 13, 13]
    assert [tally.dials for tally in day.by_hour(campaign_id)] == [0] * 10 + [1, 0, 0, 1] + [0] * 10
    assert day.by_campaign()[campaign_id].dials == 2
    clock.s = SETTLED_REFRESH_S
    await book.day()
    assert readings == [11, 13, 13, 11, 13]


async def test_a_day_that_is_over_is_read_once(storage: Storage, readings: list[int]) -> None:
    clock = Hand()
    book = FigureBook(storage, clock, lambda: SHANGHAI)
    sunday = book.today - timedelta(days=1)
    for clock.s in (0.0, REFRESH_S, 10 * REFRESH_S):
        assert (await book.day(sunday)).by_campaign() == {}
    assert readings == [24]
