"""The phones in people's browsers: one media leg for each account on this node, which outlives the page.

A page connects by an offer, and so it does again after a reload or in another network: the leg, its bridge and its
session stay meanwhile, for the grace that `browser_presence` keeps. Another page of the same account takes the phone
over. A collector's session uses the phone as its line; supervisors have none.
"""

import asyncio
import logging
from collections.abc import Callable
from enum import Enum
from types import TracebackType
from typing import Self

from dialer.agents.browser_presence import Presence
from dialer.agents.phone import PhoneError
from dialer.agents.sessions import AgentChanged, AgentSession, AgentSessions
from dialer.agents.state import PAUSED
from dialer.clock import Clock
from dialer.errors import MediaError
from dialer.media.interface import BrowserConnected, BrowserLeg, BrowserLost, LegEvent, MediaPort
from dialer.model.agent import AgentState

logger = logging.getLogger(__name__)

IN_CALL = (AgentState.RESERVED, AgentState.TALKING, AgentState.HOLD)
UNDISTURBED = (*PAUSED, AgentState.WRAPUP)
"""States in which no call can come out of the blue, so that a collector may listen to an echo."""


class PhoneNotice(str, Enum):
    """What a page hears of its phone."""

    CONNECTED = "connected"
    LOST = "lost"
    TAKEN = "taken"
    """Another page has the phone now."""
    ENDED = "ended"
    """It was given up; the next offer begins a new one."""


Page = Callable[[PhoneNotice], None]
"""A page's ear, called in the loop's thread; it returns at once."""


class BrowserPhone:
    """One person's phone, and the `PhoneLine` of their session."""

    def __init__(self, account_id: int, media: MediaPort, sink: Callable[[LegEvent], None], presence: Presence) -> None:
        """Opens the leg. Raises MediaError."""
        self.account_id = account_id
        self.presence = presence
        self.page: Page | None = None
        self.echoes = False
        self._leg = media.open_browser_leg(sink=sink)

    @property
    def leg(self) -> BrowserLeg:
        """The media leg."""
        return self._leg

    @property
    def is_connected(self) -> bool:
        """Whether its audio is connected."""
        return self.presence.is_heard

    def tell(self, notice: PhoneNotice) -> None:
        """Tells the page, if there is one."""
        if self.page is not None:
            self.page(notice)

    def echo(self, is_on: bool) -> None:
        """Has the person hear themselves, or not any more; asking twice is no error."""
        if is_on is self.echoes:
            return
        self.echoes = is_on
        if is_on:
            self._leg.start_echo()
        else:
            self._leg.stop_echo()

    def close(self, reason: str) -> None:
        """The session is over and lets go of it; the phone stays for the next one."""
        self._leg.stop_play()


class BrowserPhones:
    """Every browser phone of this node; `async with` runs its clockwork."""

    def __init__(self, media: MediaPort, sessions: AgentSessions, clock: Clock, grace_s: float) -> None:
        self._media = media
        self._sessions = sessions
        self._clock = clock
        self._grace_s = grace_s
        self._phones: dict[int, BrowserPhone] = {}
        self._listeners: list[Callable[[int], None]] = []
        self._changed = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._watcher: asyncio.Task[None] | None = None
        sessions.listen(self._on_session)

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._watcher = self._tasks.create_task(self._watch(), name="browser phones")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
        await self._tasks.__aexit__(None, None, None)
        for phone in tuple(self._phones.values()):
            self._end(phone, "the service stops")

    def listen(self, ended: Callable[[int], None]) -> None:
        """Calls `ended` with the account of every phone that is given up, in the loop's thread; it returns at once."""
        self._listeners.append(ended)

    def find(self, account_id: int) -> BrowserPhone | None:
        """The person's phone, connected or coming back."""
        return self._phones.get(account_id)

    def connect(self, account_id: int, offer: str, page: Page) -> str:
        """Connects the page's browser, anew if need be; another page that held the phone hears TAKEN.

        Returns the SDP answer. Raises MediaError: the offer cannot be used, or no port is left.
        """
        known = self._phones.get(account_id)
        phone = known or self._open(account_id)
        try:
            answer = phone.leg.accept(offer)
        except MediaError:
            if known is None:
                self._end(phone, "its offer cannot be used")
            raise
        if phone.page != page:  # a bound method is a new object each time, but equal
            phone.tell(PhoneNotice.TAKEN)
            phone.page = page
        phone.echo(False)  # of a page that was left in a self-test
        now = self._clock.monotonic()
        phone.presence.audio(False, now, in_call=self._is_in_call(phone))
        phone.presence.page(True, now)
        self._note(phone)
        return answer

    def leave(self, account_id: int, page: Page) -> None:
        """The page is gone; no error when it did not hold the phone."""
        phone = self._phones.get(account_id)
        if phone is not None and phone.page == page:
            phone.page = None
            phone.echo(False)
            phone.presence.page(False, self._clock.monotonic())
            self._note(phone)

    def echo(self, account_id: int, is_on: bool) -> None:
        """Lets the person hear themselves. Raises PhoneError: the phone is not connected, or a call may come."""
        phone = self._phones.get(account_id)
        if phone is None:
            raise PhoneError("the phone is not connected")
        session = self._session_of(phone)
        if is_on and session is not None and session.state not in UNDISTURBED:
            raise PhoneError("a call may come at any moment: take a break first")
        phone.echo(is_on)

    # ---- inside

    def _open(self, account_id: int) -> BrowserPhone:
        def hear(event: LegEvent) -> None:
            phone = self._phones.get(account_id)
            if phone is None or not isinstance(event, BrowserConnected | BrowserLost):
                return
            is_heard = isinstance(event, BrowserConnected)
            if is_heard is not phone.is_connected:  # a connection that another offer replaced was lost before
                self._hear(phone, is_heard)

        presence = Presence(self._grace_s, self._clock.monotonic())
        phone = self._phones[account_id] = BrowserPhone(account_id, self._media, hear, presence)
        return phone

    def _hear(self, phone: BrowserPhone, is_heard: bool) -> None:
        facts = {"action": "browser_phone", "account_id": phone.account_id, "connected": is_heard}
        logger.info("browser phone", extra=facts)
        phone.presence.audio(is_heard, self._clock.monotonic(), in_call=self._is_in_call(phone))
        self._note(phone)
        phone.tell(PhoneNotice.CONNECTED if is_heard else PhoneNotice.LOST)

    def _note(self, phone: BrowserPhone) -> None:
        if self._session_of(phone) is not None:
            self._sessions.reach(phone.account_id, phone.presence.is_here)
        self._changed.set()

    def _end(self, phone: BrowserPhone, cause: str) -> None:
        del self._phones[phone.account_id]
        logger.info(
            "browser phone ended",
            extra={"action": "browser_phone_ended", "account_id": phone.account_id, "cause": cause},
        )
        if self._session_of(phone) is not None:
            self._sessions.lose(phone.account_id, cause)
        phone.leg.close()
        phone.tell(PhoneNotice.ENDED)
        for listener in self._listeners:
            listener(phone.account_id)

    def _session_of(self, phone: BrowserPhone) -> AgentSession | None:
        session = self._sessions.find(phone.account_id)
        return session if session is not None and session.line is phone else None

    def _is_in_call(self, phone: BrowserPhone) -> bool:
        session = self._session_of(phone)
        return session is not None and session.call is not None

    def _on_session(self, changed: AgentChanged) -> None:
        phone = self._phones.get(changed.session.agent_id)
        if phone is None or changed.session.line is not phone:
            return
        if changed.session.state not in (*UNDISTURBED, AgentState.OFFLINE):
            phone.echo(False)
        if changed.transition.old in IN_CALL and changed.session.call is None:
            phone.presence.call_over(changed.at)
            self._changed.set()

    async def _watch(self) -> None:
        """Gives up phones whose grace is over."""
        while True:
            await self._wait_for_due()
            now = self._clock.monotonic()
            for phone in tuple(self._phones.values()):
                due_at = phone.presence.due_at(self._is_in_call(phone))
                if due_at is not None and due_at <= now:
                    self._end(phone, phone.presence.cause())

    async def _wait_for_due(self) -> None:
        """Until the next grace is over, or something changes that may bring one forward."""
        dues = [phone.presence.due_at(self._is_in_call(phone)) for phone in self._phones.values()]
        due_at = min((due for due in dues if due is not None), default=None)
        self._changed.clear()
        try:
            async with asyncio.timeout(None if due_at is None else max(due_at - self._clock.monotonic(), 0.0)):
                await self._changed.wait()
        except TimeoutError:
            pass
