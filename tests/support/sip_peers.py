"""Real SIP peers in processes of their own, SIPp as a carrier and phones: how tests start, drive and end them."""

import asyncio
import contextlib
import json
import os
import signal
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

from dialer.sip.calls import SipCall
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import Answered, CallEvent, Destination, InviteRequest, Provisional, Transport
from dialer.sip.registrar import Binding, RegistrationChanged
from dialer.sip.sdp import build_offer
from dialer.sip.uri import SipUri
from tests.support.path_ports import free_ports

HOST = "127.0.0.1"
SCENARIOS = Path(__file__).parents[1] / "peers" / "scenarios"
PEER_TIMEOUT_S = 20.0
"""How long a peer may take for its whole part."""
END_TIMEOUT_S = 5.0
POLL_S = 0.02
LISTENING = "0A"
"""The state of a TCP socket in /proc/net/tcp."""

E = TypeVar("E", bound=CallEvent)


def is_bound(port: int, kind: socket.SocketKind) -> bool:
    """Whether some process holds the port, by the kernel's tables: trying it out could snatch it from the peer."""
    is_udp = kind is socket.SOCK_DGRAM
    _, *lines = Path("/proc/net/udp" if is_udp else "/proc/net/tcp").read_text(encoding="ascii").splitlines()
    sockets = (line.split() for line in lines)
    return any(fields[1].endswith(f":{port:04X}") and (is_udp or fields[3] == LISTENING) for fields in sockets)


async def wait_until(ready: Callable[[], bool], what: str, timeout_s: float = PEER_TIMEOUT_S) -> None:
    """Waits for something a peer does; AssertionError naming it when it does not come."""
    try:
        async with asyncio.timeout(timeout_s):
            while not ready():  # noqa: ASYNC110 - a peer in another process sets no event
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise AssertionError(f"did not happen in {timeout_s} s: {what}") from None


@asynccontextmanager
async def running(*command: str, cwd: Path, environment: Mapping[str, str] | None = None) -> AsyncIterator[Process]:
    """A program with its output in `cwd`/output.log and an idle standard input, ended by its own pid at the end."""
    with (cwd / "output.log").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
        )
    try:
        yield process
    finally:
        await end(process)


async def end(process: Process) -> None:
    """SIGTERM, then SIGKILL, to a process of ours that still runs."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_TIMEOUT_S):
                await process.wait()


class Sipp:
    """One SIPp that plays one scenario, for one call or several."""

    def __init__(self, process: Process, port: int, transport: Transport, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self.destination = Destination(transport, HOST, port)

    @classmethod
    @asynccontextmanager
    async def play(
        cls,
        scenario: str,
        folder: Path,
        *,
        transport: Transport = Transport.UDP,
        fill: Mapping[str, str] | None = None,
        calls: int = 1,
    ) -> "AsyncIterator[Sipp]":
        """Starts SIPp and waits until it listens. `fill` replaces `@name@` in the scenario."""
        kind = socket.SOCK_DGRAM if transport is Transport.UDP else socket.SOCK_STREAM
        port = free_ports()
        script = (SCENARIOS / f"{scenario}.xml").read_text(encoding="utf-8")
        for name, value in (fill or {}).items():
            script = script.replace(f"@{name}@", value)
        (folder / "scenario.xml").write_text(script, encoding="utf-8")
        command = [
            *("sipp", "-sf", "scenario.xml", "-i", HOST, "-p", str(port), "-nostdin"),
            *("-t", "u1" if transport is Transport.UDP else "t1", "-m", str(calls)),
            *("-timeout", f"{PEER_TIMEOUT_S:.0f}s", "-timeout_error", "-recv_timeout", "15000"),
            *("-trace_err", "-error_file", "errors.log", "-trace_msg", "-message_file", "messages.log"),
        ]
        async with running(*command, cwd=folder) as process:
            await wait_until(lambda: is_bound(port, kind) or process.returncode is not None, "SIPp listens")
            yield cls(process, port, transport, folder)

    async def succeeded(self) -> None:
        """Waits for the end of the scenario; AssertionError with SIPp's own words when it went otherwise."""
        async with asyncio.timeout(PEER_TIMEOUT_S + END_TIMEOUT_S):
            code = await self._process.wait()
        if code:
            raise AssertionError(f"SIPp ended with {code}\n{self._read('errors.log')}\n{self._read('messages.log')}")

    def count_received(self, start: str) -> int:
        """How many messages with this beginning of their first line SIPp has received."""
        chunks = self._read("messages.log").split("message received [")[1:]
        return sum(chunk.partition("\n\n")[2].startswith(start) for chunk in chunks)

    def _read(self, name: str) -> str:
        path = self._folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


class Caller:
    """An owner of one call: collects its events and waits for them."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[CallEvent] = asyncio.Queue()
        self.call: SipCall | None = None

    def place(self, endpoint: SipEndpoint, request: InviteRequest) -> SipCall:
        """Places the call."""
        self.call = endpoint.invite(request, self._events.put_nowait)
        return self.call

    async def expect(self, kind: type[E]) -> E:
        """The next event, which must be of this kind."""
        async with asyncio.timeout(PEER_TIMEOUT_S):
            event = await self._events.get()
        assert isinstance(event, kind), event
        return event

    async def expect_answer(self) -> Answered:
        """The answer, after any ringing."""
        async with asyncio.timeout(PEER_TIMEOUT_S):
            while isinstance(event := await self._events.get(), Provisional):
                pass
        assert isinstance(event, Answered), event
        return event

    async def see_through(self) -> None:
        """Waits for the end of the call, hanging up when it is answered."""
        async with asyncio.timeout(PEER_TIMEOUT_S):
            while isinstance(event := await self._events.get(), Provisional | Answered):
                if isinstance(event, Answered) and self.call is not None:
                    self.call.hang_up()

    @property
    def is_quiet(self) -> bool:
        """No event waits to be looked at."""
        return self._events.empty()


def invite_to(destination: Destination, **changes: object) -> InviteRequest:
    """An INVITE to a made-up number at a peer."""
    request = InviteRequest(
        target=SipUri.build("013800138000", destination.host, destination.port, transport=destination.transport.value),
        destination=destination,
        from_uri=SipUri.build("01088886666", "dialer.example"),
        sdp=build_offer(HOST, 40000),
    )
    return replace(request, **changes)  # type: ignore[arg-type]


class Relay(asyncio.DatagramProtocol):
    """A UDP hop between us and one peer; `copies(to_peer, number)` says how often a datagram goes on: 0 loses it.

    Datagrams are numbered from 0 in each direction. What the peer's Contact attracts goes past the hop.
    """

    def __init__(self, peer: Destination, copies: Callable[[bool, int], int]) -> None:
        self._peer = (peer.host, peer.port)
        self._copies = copies
        self._client: tuple[str, int] | None = None
        self._counts = {True: 0, False: 0}
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    @asynccontextmanager
    async def before(cls, peer: Destination, copies: Callable[[bool, int], int]) -> AsyncIterator[Destination]:
        """Opens the hop; gives the address to send to."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: cls(peer, copies), local_addr=(HOST, 0))
        try:
            yield Destination(Transport.UDP, HOST, transport.get_extra_info("sockname")[1])
        finally:
            transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Called by the loop."""
        to_peer = addr != self._peer
        if to_peer:
            self._client = addr
        number = self._counts[to_peer]
        self._counts[to_peer] += 1
        target = self._peer if to_peer else self._client
        for _ in range(self._copies(to_peer, number)):
            if target is not None and self._transport is not None:
                self._transport.sendto(data, target)


class Baresip:
    """One baresip with one account at our registrar, no audio hardware; driven over its control port.

    `folder` holds its log.
    """

    def __init__(self, process: Process, control_port: int, folder: Path) -> None:
        self.process = process
        self._control_port = control_port
        self.folder = folder

    @classmethod
    @asynccontextmanager
    async def running(cls, folder: Path, account: "PhoneAccount", registrar: Destination) -> "AsyncIterator[Baresip]":
        """Starts baresip and waits until it can be driven; it registers by itself."""
        sip_port, control_port = free_ports(), free_ports()
        (folder / "config").write_text(_BARESIP_CONFIG.format(host=HOST, sip=sip_port, control=control_port))
        address = f"sip:{account.user}@{registrar.host}:{registrar.port};transport={registrar.transport.value}"
        options = f"auth_user={account.user};auth_pass={account.password};answermode={account.answer_mode};regint=60"
        (folder / "accounts").write_text(f"<{address}>;{options}\n")
        (folder / "contacts").touch()
        async with running("baresip", "-f", ".", "-s", "-v", cwd=folder) as process:
            await wait_until(lambda: is_bound(control_port, socket.SOCK_STREAM), "baresip listens for commands")
            yield cls(process, control_port, folder)

    async def says(self, words: str) -> None:
        """Waits until its log holds `words`."""
        log = self.folder / "output.log"
        await wait_until(lambda: words in log.read_text(errors="replace"), f"baresip says {words!r}")

    async def command(self, name: str, params: str = "") -> None:
        """Has baresip do something (`dial`, `hangup`, …); netstrings with JSON, as its module ctrl_tcp reads."""
        text = json.dumps({"command": name, "params": params})
        async with asyncio.timeout(END_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(HOST, self._control_port)
            writer.write(f"{len(text)}:{text},".encode())
            await reader.read(1)
            writer.close()
            await writer.wait_closed()

    def kill(self) -> None:
        """Takes its power away: no BYE, no unregistration."""
        self.process.kill()


_BARESIP_CONFIG = """
sip_listen {host}:{sip}
net_interface {host}
ctrl_tcp_listen {host}:{control}
audio_player aubridge,loop
audio_source aubridge,loop
audio_alert aubridge,loop
module_path /usr/lib/baresip/modules
module g711.so
module aubridge.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
"""


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """How a collector's phone logs in and what it does with calls."""

    user: str = "desk1"
    password: str = "s3cret"
    answer_mode: str = "auto"


class Desk:
    """Hears what becomes of the phones at one endpoint."""

    def __init__(self) -> None:
        self.registered: dict[str, Binding] = {}

    def hear(self, change: RegistrationChanged) -> None:
        """The endpoint's `on_registration`."""
        if change.binding is None:
            self.registered.pop(change.user, None)
        else:
            self.registered[change.user] = change.binding

    async def comes(self, user: str) -> Binding:
        """Waits until a phone is registered."""
        await wait_until(lambda: user in self.registered, f"{user} registers")
        return self.registered[user]

    async def goes(self, user: str) -> None:
        """Waits until a phone is no longer registered."""
        await wait_until(lambda: user not in self.registered, f"{user} is gone")


def invite_phone(binding: Binding, **changes: object) -> InviteRequest:
    """An INVITE to a registered phone."""
    return invite_to(binding.destination, target=binding.target, **changes)
