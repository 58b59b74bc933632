"""The SIP endpoint: sockets and the clock under the user agent core."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from dialer.config import SipConfig
from dialer.errors import ConfigError, TransportError, system_reason
from dialer.sip.calls import IncomingCall, SipCall
from dialer.sip.digest import DigestServer
from dialer.sip.events import Destination, InviteRequest, Sink, Transport, is_address
from dialer.sip.masking import masked
from dialer.sip.message import MessageError, Response, parse_message
from dialer.sip.registrar import Authenticator, Registrar, RegistrationChanged, SecretLookup
from dialer.sip.session import SDP
from dialer.sip.transport import Receiver, TcpTransport, UdpTransport
from dialer.sip.uri import SipUri
from dialer.sip.user_agent import LocalAddress, UserAgent

logger = logging.getLogger(__name__)

SHUTDOWN_S = 2.0
"""At the end, live calls get CANCEL or BYE and this long to answer."""
PORT_TRIES = 10
"""With port 0: how many ports are tried for one that is free over UDP and TCP alike."""
SWEEP_INTERVAL_S = 5.0
"""How often expired registrations are looked for."""
TIMER_SLACK_S = 0.001
"""uvloop cuts delays down to milliseconds; without slack it would wake us several times just before the deadline."""
OnMessage = Callable[[bool, bytes, Destination, float], None]
WILDCARD_HOSTS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - recognised, not bound


class SipEndpoint:
    """One node's SIP, used as `async with`.

    Args:
        is_trunk: whether requests from this address are heard; `Trunks.is_trunk` is meant for it.
        secrets_of: the accounts of collectors' phones; without it no phone can register.
        on_registration: hears of phones that come and go, in the loop's thread; returns at once.
        on_message: hears of every message as it passes (sent or not, bytes, peer, monotonic instant); returns at once.
    """

    def __init__(
        self,
        config: SipConfig,
        *,
        is_trunk: Callable[[Destination], bool],
        secrets_of: SecretLookup | None = None,
        on_registration: Callable[[RegistrationChanged], None] | None = None,
        on_message: OnMessage | None = None,
    ) -> None:
        self._config = config
        self._is_trunk = is_trunk
        self._secrets_of = secrets_of
        self._on_registration = on_registration
        self._on_message = on_message
        self._on_incoming: Callable[[IncomingCall], None] | None = None
        self._on_trunk_call: Callable[[IncomingCall], None] | None = None
        self._agent: UserAgent | None = None
        self._udp: UdpTransport | None = None
        self._tcp: TcpTransport | None = None
        self._stack = AsyncExitStack()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._sweeper: asyncio.TimerHandle | None = None
        self._closing = False
        self._idle = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Opens the sockets. Raises ConfigError naming host and port when one cannot be opened."""
        if self._config.host in WILDCARD_HOSTS and not self._config.advertised_host:
            raise ConfigError(f"no peer can answer to sip.host {self._config.host!r}; set sip.advertised_host")
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        try:
            addresses = await self._open_sockets(self._stack, tasks)
        except BaseException:
            await self._stack.aclose()
            raise
        self._agent = self._make_agent(addresses)
        self._sweep()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends every call (2 s at most), then closes the sockets."""
        self._closing = True
        try:
            await self._end_calls()
        finally:
            for handle in (self._timer, self._sweeper):
                if handle is not None:
                    handle.cancel()
            await self._stack.aclose()

    async def _open_sockets(self, stack: AsyncExitStack, tasks: asyncio.TaskGroup) -> dict[Transport, LocalAddress]:
        host, port = self._config.host, self._config.port
        for remaining in reversed(range(1 if port else PORT_TRIES)):
            try:
                await self._open_pair(tasks)
                break
            except OSError as error:
                self._close_sockets()
                if not remaining:
                    reason = f"cannot open SIP on {host}:{port}: {system_reason(error)}"
                    raise ConfigError(f"{reason}; set sip.host and sip.port to what is free") from error
        stack.callback(self._close_sockets)
        advertised = self._config.advertised_host or host
        opened = {Transport.UDP: self._udp, Transport.TCP: self._tcp}
        return {kind: LocalAddress(advertised, socket.local_port) for kind, socket in opened.items() if socket}

    async def _open_pair(self, tasks: asyncio.TaskGroup) -> None:
        """UDP and TCP on one port; where any will do, the one the kernel gave UDP may be taken for TCP (OSError)."""
        receiver = Receiver(self._receive, self._lost)
        host, port = self._config.host, self._config.port
        if "udp" in self._config.transports:
            self._udp = await UdpTransport.open(host, port, receiver)
            port = self._udp.local_port
        if "tcp" in self._config.transports:
            self._tcp = await TcpTransport.open(host, port, receiver, tasks)

    def _close_sockets(self) -> None:
        for transport in (self._udp, self._tcp):
            if transport is not None:
                transport.close()
        self._udp = self._tcp = None

    def _make_agent(self, addresses: dict[Transport, LocalAddress]) -> UserAgent:
        registrar = None
        if self._secrets_of is not None:
            server = DigestServer(self._config.realm, secrets.token_bytes(32), self._config.digest_algorithms)
            authenticator = Authenticator(server, self._secrets_of, _token)
            registrar = Registrar(authenticator, self._on_registration or _ignore)
        agent = UserAgent(
            self._transmit,
            addresses,
            _token,
            clock=time.monotonic,
            is_trunk=self._is_trunk,
            wake=self._arm,
            registrar=registrar,
        )
        if self._on_incoming is not None:
            agent.on_incoming(self._on_incoming)
        if self._on_trunk_call is not None:
            agent.on_trunk_call(self._on_trunk_call)
        return agent

    # what owners use

    @property
    def agent(self) -> UserAgent:
        """The core. Raises TransportError outside `async with`."""
        if self._agent is None:
            raise TransportError("the SIP endpoint is not open")
        return self._agent

    @property
    def registrar(self) -> Registrar | None:
        """The collectors' phones."""
        return self.agent.registrar

    def local_port(self, transport: Transport) -> int:
        """The port a transport was opened on. Raises TransportError when it is not open."""
        opened = self._udp if transport is Transport.UDP else self._tcp
        if opened is None:
            raise TransportError(f"SIP over {transport.value} is not open")
        return opened.local_port

    def invite(self, request: InviteRequest, sink: Sink) -> SipCall:
        """Places a call; returns when its INVITE was handed to the transport.

        Raises:
            TransportError: the transport is not open, the endpoint is closing, too many transactions are alive, or the
                destination is a name: those are resolved before (`TrunkMonitor`), never while a call is placed.
        """
        if self._closing:
            raise TransportError("the SIP endpoint is closing")
        if not is_address(request.destination.host):
            raise TransportError(f"{request.destination.host!r} is not an IP address")
        call = self.agent.invite(request, sink, time.monotonic())
        self._arm()
        return call

    def on_incoming(self, handler: Callable[[IncomingCall], None]) -> None:
        """Sets who takes calls from authenticated phones; called in the loop's thread."""
        self._on_incoming = handler
        if self._agent is not None:
            self._agent.on_incoming(handler)

    def on_trunk_call(self, handler: Callable[[IncomingCall], None]) -> None:
        """Sets who takes calls from trunks; without a handler they are refused with 480."""
        self._on_trunk_call = handler
        if self._agent is not None:
            self._agent.on_trunk_call(handler)

    async def options(self, target: SipUri, destination: Destination, timeout_s: float) -> int | None:
        """Asks a peer whether it is alive (RFC 3261 §11): the status of its answer, None without one.

        Raises:
            TransportError: the transport is not open, or too many transactions are alive.
        """
        response = await self.request("OPTIONS", target, destination, {"Accept": SDP}, timeout_s)
        return None if response is None else response.status

    async def request(
        self, method: str, target: SipUri, destination: Destination, headers: Mapping[str, str], timeout_s: float
    ) -> Response | None:
        """Sends a request that belongs to no call; its final response, None without one in time.

        `headers` win over ours (From, To, Contact). Raises TransportError as `options` does.
        """
        answered: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()

        def result(response: Response | None) -> None:
            if not answered.done():
                answered.set_result(response)

        self.agent.send_request(method, target, destination, headers, result, time.monotonic())
        self._arm()
        try:
            async with asyncio.timeout(timeout_s):
                return await answered
        except TimeoutError:
            return None

    # sockets

    def _transmit(self, data: bytes, destination: Destination) -> None:
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("sent", extra={"peer": str(destination), "sip": masked(data)})
        if self._on_message is not None:
            self._on_message(True, data, destination, time.monotonic())
        transport = self._udp if destination.transport is Transport.UDP else self._tcp
        if transport is not None:
            transport.send(data, destination)

    def _receive(self, data: bytes, source: Destination, stream: bool) -> None:
        """The edge of one message: nothing it holds may stop the socket."""
        if self._agent is None or not data.strip(b"\r\n\0 "):  # RFC 5626 §3.5 keep-alives, and what phones send as such
            return
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("received", extra={"peer": str(source), "sip": masked(data)})
        if self._on_message is not None:
            self._on_message(False, data, source, time.monotonic())
        try:
            self._agent.receive(parse_message(data, stream=stream), source, time.monotonic())
        except MessageError as error:
            logger.debug("broken message", extra={"peer": str(source), "error": error.reason})
            self._agent.receive_broken(error, source)
        except Exception:
            logger.exception("a SIP message could not be handled", extra={"peer": str(source)})
        self._arm()

    def _lost(self, destination: Destination) -> None:
        if self._agent is not None:
            self._agent.transport_failed(destination, time.monotonic())
            self._arm()

    # the clock

    def _arm(self) -> None:
        """Sees to it that the loop wakes us at the next deadline."""
        deadline = self.agent.next_deadline
        if deadline is None or (self._timer is not None and self._timer_at <= deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline
        delay_s = max(0.0, deadline - time.monotonic()) + TIMER_SLACK_S
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._fire)

    def _fire(self) -> None:
        self._timer = None
        try:
            self.agent.handle_timeout(time.monotonic())
        except Exception:
            logger.exception("a SIP timer could not be handled")
        self._arm()

    def _sweep(self) -> None:
        registrar = self.agent.registrar
        if registrar is not None:
            registrar.handle_timeout(time.monotonic())
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_INTERVAL_S, self._sweep)

    # the end

    async def _end_calls(self) -> None:
        """CANCEL or BYE for every live call, and a moment for the answers."""
        calls = self.agent.calls
        if not calls:
            return
        logger.info("ending live calls", extra={"action": "sip_shutdown", "n_calls": len(calls)})
        self.agent.on_idle(self._idle.set)
        for call in calls:
            call.hang_up("shutting down")
        try:
            async with asyncio.timeout(SHUTDOWN_S):
                await self._idle.wait()
        except TimeoutError:
            logger.warning("calls did not end in time", extra={"n_calls": len(self.agent.calls)})


def _token() -> str:
    """96 random bits in hex."""
    return secrets.token_hex(12)


def _ignore(change: RegistrationChanged) -> None:
    """Nobody wants to know."""
