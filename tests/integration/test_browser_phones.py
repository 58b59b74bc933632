"""Phones in browsers over the loopback twin: what outlives a page, who takes a phone over, and when it is given up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dialer.agents.browser_phones import BrowserPhone, BrowserPhones, PhoneNotice
from dialer.agents.browser_presence import NO_AUDIO, NO_PAGE
from dialer.agents.phone import PhoneError
from dialer.agents.sessions import AgentSession, AgentSessions
from dialer.agents.state import AgentEvent
from dialer.clock import SystemClock
from dialer.config import MediaConfig
from dialer.errors import MediaError
from dialer.media.loopback import LoopbackEngine
from dialer.media.loopback_browser import LoopbackBrowserLeg
from dialer.model.agent import Agent, AgentState, AgentStateChange
from tests.support.sip_peers import wait_until

OFFER = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 8 0\r\n"
VIDEO = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
ME = 7
LONG_S = 60.0
SHORT_S = 0.05


@dataclass(eq=False)
class Call:
    """A call that remembers how it lost its collector."""

    attempt_id: int = 10
    campaign_id: int = 1
    lost_by: list[str] = field(default_factory=list)

    def collector_came(self, agent_id: int) -> None:
        """Not asked for here."""

    def collector_hung_up(self) -> None:
        """Not asked for here."""

    def collector_lost(self, cause: str) -> None:
        self.lost_by.append(cause)


@dataclass
class Desk:
    """The node's part around the phones."""

    media: LoopbackEngine
    sessions: AgentSessions
    phones: BrowserPhones
    changes: list[AgentStateChange]

    def pass_time(self) -> None:
        self.media.advance(0.02)

    def connect(self, page: list[PhoneNotice], offer: str = OFFER) -> BrowserPhone:
        """A page connects, and its audio comes."""
        self.phones.connect(ME, offer, page.append)
        self.pass_time()
        phone = self.phones.find(ME)
        assert phone is not None
        return phone

    def work(self, phone: BrowserPhone) -> AgentSession:
        """The shift begins on the phone."""
        session = self.sessions.open(Agent(ME, "li", "", frozenset()), phone, [1], "logged in")
        self.sessions.apply(session, AgentEvent.READY, "ready")
        return session

    def lose(self, phone: BrowserPhone) -> None:
        """The browser's audio is gone."""
        assert isinstance(phone.leg, LoopbackBrowserLeg)
        phone.leg.lose()
        self.pass_time()

    async def ended(self) -> None:
        await wait_until(lambda: self.phones.find(ME) is None, "the phone is given up")


@asynccontextmanager
async def desk(folder: Path, grace_s: float = LONG_S) -> AsyncIterator[Desk]:
    changes: list[AgentStateChange] = []

    async def keep(change: AgentStateChange) -> None:
        changes.append(change)

    clock = SystemClock()
    async with (
        LoopbackEngine(MediaConfig(), folder) as media,
        AgentSessions(clock, keep) as sessions,
        BrowserPhones(media, sessions, clock, grace_s) as phones,
    ):
        yield Desk(media, sessions, phones, changes)


async def test_a_reload_keeps_leg_session_and_call(tmp_path: Path) -> None:
    async with desk(tmp_path) as house:
        old: list[PhoneNotice] = []
        phone = house.connect(old)
        session, call = house.work(phone), Call()
        house.sessions.claim(call, ())
        leg = house.sessions.connect(ME, call)
        house.lose(phone)
        house.phones.leave(ME, old.append)
        assert (session.reachable, session.state) == (False, AgentState.TALKING)
        new: list[PhoneNotice] = []
        assert house.connect(new) is phone
        assert (phone.leg, session.reachable, session.call, call.lost_by) == (leg, True, call, [])
        assert (old, new) == ([PhoneNotice.CONNECTED, PhoneNotice.LOST], [PhoneNotice.CONNECTED])


async def test_nobody_is_given_to_a_collector_whose_browser_reloads(tmp_path: Path) -> None:
    async with desk(tmp_path) as house:
        old: list[PhoneNotice] = []
        phone = house.connect(old)
        house.work(phone)
        house.phones.leave(ME, old.append)  # without the page there is no case on the screen
        assert house.sessions.claim(Call(), ()) is None
        house.lose(phone)
        assert house.sessions.claim(Call(), ()) is None
        house.connect([])
        assert house.sessions.claim(Call(), ()) == ME


async def test_another_page_takes_the_phone_over(tmp_path: Path) -> None:
    async with desk(tmp_path) as house:
        first: list[PhoneNotice] = []
        second: list[PhoneNotice] = []
        phone = house.connect(first)
        assert house.connect(second) is phone
        house.phones.leave(ME, first.append)  # too late: it is not its phone any more
        assert phone.page == second.append
        assert (first, second) == ([PhoneNotice.CONNECTED, PhoneNotice.TAKEN], [PhoneNotice.CONNECTED])


async def test_a_phone_that_does_not_come_back_loses_the_talk(tmp_path: Path) -> None:
    async with desk(tmp_path, SHORT_S) as house:
        page: list[PhoneNotice] = []
        given_up: list[int] = []
        house.phones.listen(given_up.append)
        phone, call = house.connect(page), Call()
        house.work(phone)
        house.sessions.claim(call, ())
        house.sessions.connect(ME, call)
        house.lose(phone)
        await house.ended()
        assert given_up == [ME]
        assert (call.lost_by, house.sessions.find(ME), page[-1]) == ([NO_AUDIO], None, PhoneNotice.ENDED)
        assert house.connect(page) is not phone, "the next offer begins a new phone"


async def test_a_page_that_went_away_cuts_no_talk(tmp_path: Path) -> None:
    """Its log-in ended in mid-talk: the grace begins when the talk is over."""
    async with desk(tmp_path, SHORT_S) as house:
        page: list[PhoneNotice] = []
        phone, call = house.connect(page), Call()
        session = house.work(phone)
        house.sessions.claim(call, ())
        house.sessions.connect(ME, call)
        house.phones.leave(ME, page.append)
        await asyncio.sleep(2 * SHORT_S)
        assert (session.state, house.phones.find(ME)) == (AgentState.TALKING, phone)
        house.sessions.talk_ended(ME, call, "the person hung up", 60.0)
        await house.ended()
        assert call.lost_by == []
        await wait_until(lambda: bool(house.changes) and house.changes[-1].new is AgentState.OFFLINE, "it is stored")
        assert house.changes[-1].cause == NO_PAGE


async def test_a_page_that_comes_back_late_in_a_talk_cuts_nothing(tmp_path: Path) -> None:
    """It was away for longer than a grace; its new offer begins another."""
    async with desk(tmp_path, SHORT_S) as house:
        page: list[PhoneNotice] = []
        phone, call = house.connect(page), Call()
        house.work(phone)
        house.sessions.claim(call, ())
        house.sessions.connect(ME, call)
        house.phones.leave(ME, page.append)
        await asyncio.sleep(2 * SHORT_S)
        back_at = SystemClock().monotonic()
        house.phones.connect(ME, OFFER, page.append)
        due_at = phone.presence.due_at(in_call=True)
        assert due_at is not None
        assert due_at >= back_at + SHORT_S, "not given up at once"


async def test_the_end_of_a_shift_leaves_the_phone(tmp_path: Path) -> None:
    async with desk(tmp_path) as house:
        phone = house.connect([])
        session = house.work(phone)
        house.sessions.apply(session, AgentEvent.LOG_OUT, "logged out")
        assert house.sessions.find(ME) is None
        assert house.phones.find(ME) is phone
        assert phone.is_connected


async def test_an_unusable_offer_opens_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as house:
        page: list[PhoneNotice] = []
        with pytest.raises(MediaError):
            house.phones.connect(ME, VIDEO, page.append)
        assert house.phones.find(ME) is None
        phone = house.connect(page)
        with pytest.raises(MediaError):
            house.phones.connect(ME, VIDEO, page.append)
        assert house.phones.find(ME) is phone
        assert phone.is_connected


async def test_an_echo_ends_with_its_page(tmp_path: Path) -> None:
    """A reload in mid-test: whoever comes back must not go on hearing themselves."""
    async with desk(tmp_path) as house:
        old: list[PhoneNotice] = []
        phone = house.connect(old)
        house.phones.echo(ME, True)
        house.connect([])
        assert not phone.echoes, "another page took it over"
        last: list[PhoneNotice] = []
        house.connect(last)
        house.phones.echo(ME, True)
        house.phones.leave(ME, last.append)
        assert not phone.echoes


async def test_an_echo_only_while_no_call_can_come(tmp_path: Path) -> None:
    async with desk(tmp_path) as house:
        with pytest.raises(PhoneError):
            house.phones.echo(ME, True)
        phone = house.connect([])
        house.phones.echo(ME, True)
        session = house.work(phone)
        assert not phone.echoes, "being ready ends it"
        with pytest.raises(PhoneError):
            house.phones.echo(ME, True)
        house.sessions.apply(session, AgentEvent.PAUSE, "lunch", chosen=AgentState.BREAK)
        house.phones.echo(ME, True)
        assert phone.echoes


async def test_the_end_of_the_service_ends_phones(tmp_path: Path) -> None:
    page: list[PhoneNotice] = []
    async with desk(tmp_path) as house:
        house.work(house.connect(page))
    assert page[-1] is PhoneNotice.ENDED
    assert house.changes[-1].cause == "the service stops"
