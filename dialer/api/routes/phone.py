"""The WebSocket of a browser's phone: hello and goodbye are those of `dialer.api.sockets`.

After the hello the page is welcomed, makes an offer and is answered; its audio goes past this socket. From then on it
hears whether its audio is connected, and every two seconds how good the line is. What is said is in
`dialer.api.phone_messages`; the phone itself outlives this socket (`dialer.agents.browser_phones`).
"""

import asyncio
import contextlib
from dataclasses import asdict

from aiohttp import WSMessage, WSMsgType, web
from pydantic import BaseModel, ValidationError

from dialer.agents.browser_phones import BrowserPhones, PhoneNotice
from dialer.agents.line_quality import quality_between
from dialer.agents.phone import PhoneError
from dialer.api import phone_messages as said
from dialer.api.ice import ice_servers
from dialer.api.routing import SERVICES
from dialer.api.sockets import SEND_TIMEOUT_S, Visit, refuse, visit
from dialer.clock import Clock
from dialer.errors import MediaError

PATH = "/v1/phone"
OPERATION = "phone.connect"
MAX_PHONES = 1000
MAX_OF_ONE = 8
"""Pages of one person, of which one has the phone: each offer costs about a millisecond."""
STATS_EVERY_S = 2.0
MAX_UNSENT = 64
"""Messages that wait for a slow page; more are thrown away, and it is cut off after `SEND_TIMEOUT_S`."""


async def connect(request: web.Request) -> web.StreamResponse:
    """One page's phone, from its hello to its goodbye."""
    async with visit(
        request, OPERATION, max_open=MAX_PHONES, max_of_one=MAX_OF_ONE, max_message_bytes=said.MAX_MESSAGE_BYTES
    ) as visitor:
        principal = visitor.principal
        if principal is not None and principal.account_id is not None:
            await _Page(visitor, principal.account_id).serve()
        elif principal is not None:
            await refuse(visitor.socket, b"a phone belongs to an account")
    return visitor.socket


class _Page:
    """One page that holds, or held, its person's phone."""

    def __init__(self, visitor: Visit, account_id: int) -> None:
        services = visitor.request.app[SERVICES]
        self._visitor = visitor
        self._account_id = account_id
        self._phones: BrowserPhones = services.browser_phones
        self._clock: Clock = services.clock
        self._config = services.config.phones
        self._limit = said.MessageLimit()
        self._unsent: asyncio.Queue[BaseModel] = asyncio.Queue(MAX_UNSENT)

    async def serve(self) -> None:
        """Talks with the page until one of the two ends it; the phone stays for its grace."""
        servers = ice_servers(self._config.ice_servers, self._account_id, self._clock.utcnow())
        self._say(
            said.PhoneWelcome(account_id=self._account_id, ice_servers=servers, reconnect_s=self._config.reconnect_s)
        )
        try:
            # Whoever ends first, the page by leaving or the sender by failing, ends the other.
            async with asyncio.TaskGroup() as tasks:
                work = (self._send(), self._measure(), self._visitor.keep_checking())
                others = [tasks.create_task(part) for part in work]
                await self._listen()
                for task in others:
                    task.cancel()
        finally:
            self._phones.leave(self._account_id, self._hear)

    async def _listen(self) -> None:
        socket = self._visitor.socket
        async for message in socket:
            if not self._limit.allows(self._clock.monotonic()):
                await refuse(socket, b"too many messages")
                return
            self._take(message)

    def _take(self, message: WSMessage) -> None:
        try:
            asked = said.FROM_PAGE.validate_json(message.data if message.type is WSMsgType.TEXT else b"")
        except ValidationError:
            self._refuse(said.PhoneTrouble.BAD_MESSAGE, "send an offer or an echo, as JSON text")
            return
        try:
            if isinstance(asked, said.PhoneEcho):
                self._phones.echo(self._account_id, asked.on)
            else:
                answer = self._phones.connect(self._account_id, asked.sdp, self._hear)
                self._say(said.PhoneAnswer(sdp=answer))
        except MediaError as error:
            self._refuse(said.PhoneTrouble.UNUSABLE_OFFER, str(error))
        except PhoneError as error:
            self._refuse(said.PhoneTrouble.BUSY, str(error))

    def _hear(self, notice: PhoneNotice) -> None:
        """What the phone tells the page that holds it."""
        match notice:
            case PhoneNotice.CONNECTED | PhoneNotice.LOST:
                self._say(said.PhoneState(connected=notice is PhoneNotice.CONNECTED))
            case PhoneNotice.TAKEN:
                self._say(said.PhoneTaken())
            case PhoneNotice.ENDED:
                self._refuse(said.PhoneTrouble.ENDED, "the phone was given up")

    def _refuse(self, reason: said.PhoneTrouble, detail: str) -> None:
        self._say(said.PhoneProblem(reason=reason, detail=detail))

    def _say(self, message: BaseModel) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._unsent.put_nowait(message)

    async def _send(self) -> None:
        """Sends what is to be said until the page is gone, or has lost the phone to another."""
        socket, message = self._visitor.socket, None
        with contextlib.suppress(ConnectionError, TimeoutError):
            while not isinstance(message, said.PhoneTaken):
                message = await self._unsent.get()
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await socket.send_str(message.model_dump_json())
        await socket.close()

    async def _measure(self) -> None:
        """Tells how good the line is, again and again while audio is connected."""
        before = None
        while True:
            await asyncio.sleep(STATS_EVERY_S)
            phone = self._phones.find(self._account_id)
            if phone is None or not phone.is_connected or phone.page != self._hear:
                before = None
                continue
            stats = phone.leg.stats()
            if before is not None:
                self._say(said.PhoneStats(**asdict(quality_between(before, stats))))
            before = stats
