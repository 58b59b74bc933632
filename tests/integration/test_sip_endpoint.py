"""Two endpoints on loopback sockets: a phone-like one that calls, and one with a registrar that is called."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from dialer.config import SipConfig
from dialer.errors import ConfigError, TransportError
from dialer.sip.calls import IncomingCall
from dialer.sip.digest import DigestClient
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import Answered, CallEvent, Destination, Ended, Failed, InviteRequest, Transport
from dialer.sip.registrar import RegistrationChanged, secrets_from_passwords
from dialer.sip.transport import Receiver, TcpTransport
from dialer.sip.uri import SipUri

OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
ANSWER = OFFER.replace("4000", "6000")
WAIT_S = 20.0
HOST = "127.0.0.1"


@dataclass
class Owner:
    """Keeps what it hears, and waits for more."""

    events: list[CallEvent] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: CallEvent) -> None:
        self.events.append(event)
        self.changed.set()

    async def wait_for(self, kind: type[CallEvent]) -> CallEvent:
        async with asyncio.timeout(WAIT_S):
            while True:
                for event in self.events:
                    if isinstance(event, kind):
                        return event
                self.changed.clear()
                await self.changed.wait()


@dataclass
class Pair:
    """`phone` calls `desk`; the account is anna's."""

    phone: SipEndpoint
    desk: SipEndpoint
    transport: Transport
    calls: asyncio.Queue[IncomingCall]
    registrations: asyncio.Queue[RegistrationChanged]

    @property
    def address(self) -> Destination:
        return Destination(self.transport, HOST, self.desk.local_port(self.transport))

    async def register(self, expires: str = "300", address: Destination | None = None) -> int:
        """Registers anna's phone; the status."""
        headers = {"From": "<sip:anna@desk>;tag=r", "To": "<sip:anna@desk>", "Expires": expires}
        target = SipUri.build("", "desk")
        address = address or self.address
        first = await self.phone.request("REGISTER", target, address, headers, WAIT_S)
        assert first is not None
        client = DigestClient("anna", "pw", lambda: "cnonce")
        answer = client.answer(first.www_authenticate, "REGISTER", str(target))
        headers["Authorization"] = str(answer)
        second = await self.phone.request("REGISTER", target, address, headers, WAIT_S)
        assert second is not None
        return second.status

    def request(self, destination: Destination | None = None, **kwargs: object) -> InviteRequest:
        target = SipUri.build("100", HOST, self.address.port)
        from_uri = SipUri.build("anna", "desk")
        fields: dict[str, object] = {"username": "anna", "password": "pw", "sdp": OFFER} | kwargs
        return InviteRequest(target=target, destination=destination or self.address, from_uri=from_uri, **fields)  # type: ignore[arg-type]

    async def take(self) -> IncomingCall:
        async with asyncio.timeout(WAIT_S):
            return await self.calls.get()


def nobody(peer: Destination) -> bool:
    """No address is a trunk's."""
    return False


@asynccontextmanager
async def open_pair(transport: Transport) -> AsyncIterator[Pair]:
    registrations: asyncio.Queue[RegistrationChanged] = asyncio.Queue()
    calls: asyncio.Queue[IncomingCall] = asyncio.Queue()
    config = SipConfig(host=HOST, port=0)
    secrets = secrets_from_passwords(config.realm, {"anna": "pw"}.get)
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(
            SipEndpoint(config, is_trunk=nobody, secrets_of=secrets, on_registration=registrations.put_nowait)
        )
        ports = {desk.local_port(each) for each in Transport}
        phone = await stack.enter_async_context(SipEndpoint(config, is_trunk=lambda peer: peer.port in ports))
        desk.on_incoming(calls.put_nowait)
        yield Pair(phone, desk, transport, calls, registrations)


@pytest.mark.parametrize("transport", list(Transport))
async def test_register_call_answer_hang_up(transport: Transport) -> None:
    async with open_pair(transport) as pair:
        assert await pair.register() == 200
        caller, callee = Owner(), Owner()
        pair.phone.invite(pair.request(), caller)
        incoming = await pair.take()
        assert (incoming.user, incoming.sdp) == ("anna", OFFER)
        incoming.ringing()
        call = incoming.answer(ANSWER, callee)
        assert await caller.wait_for(Answered) == Answered(ANSWER)
        call.hang_up()
        ended = await caller.wait_for(Ended)
        assert isinstance(ended, Ended)
        assert ended.by_remote


@pytest.mark.parametrize("transport", list(Transport))
async def test_the_desk_calls_a_registered_phone(transport: Transport) -> None:
    async with open_pair(transport) as pair:
        await pair.register()
        registrar = pair.desk.registrar
        assert registrar is not None
        binding = registrar.binding("anna")
        assert binding is not None
        owner = Owner()
        request = InviteRequest(
            target=binding.target,
            destination=binding.destination,
            from_uri=SipUri.build("desk", HOST),
            sdp=OFFER,
        )
        pair.desk.invite(request, owner)
        failed = await owner.wait_for(Failed)  # it was reached, and takes no calls
        assert isinstance(failed, Failed)
        assert failed.cause.sip_status == 480


async def test_closing_ends_live_calls() -> None:
    async with open_pair(Transport.UDP) as pair:
        await pair.register()
        caller, callee, ringing = Owner(), Owner(), Owner()
        pair.phone.invite(pair.request(), caller)
        (await pair.take()).answer(ANSWER, callee)
        await caller.wait_for(Answered)
        pair.phone.invite(pair.request(), ringing)
        waiting = await pair.take()
        gone = Owner()
        waiting.listen(gone)
        waiting.ringing()
        await pair.phone.__aexit__(None, None, None)
        assert isinstance(await callee.wait_for(Ended), Ended)
        assert isinstance(await gone.wait_for(Failed), Failed)
        with pytest.raises(TransportError, match="closing"):
            pair.phone.invite(pair.request(), caller)


async def test_broken_bytes_stop_nothing() -> None:
    async with open_pair(Transport.UDP) as pair:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
            for data in (b"\0" * 900, b"INVITE", b"\r\n\r\n", b"SIP/2.0 999 x\r\n\r\n", b"\xff" * 3000, b""):
                noise.sendto(data, (HOST, pair.address.port))
        assert await pair.register() == 200


async def test_a_broken_stream_is_closed_and_others_live() -> None:
    async with open_pair(Transport.TCP) as pair:
        reader, writer = await asyncio.open_connection(HOST, pair.address.port)
        writer.write(b"\r\n\r\n")
        async with asyncio.timeout(WAIT_S):
            assert await reader.readexactly(2) == b"\r\n"  # RFC 5626 keep-alive
            writer.write(b"OPTIONS sip:a SIP/2.0\r\nContent-Length: x\r\n\r\n")
            assert await reader.read() == b""
        writer.close()
        assert await pair.register() == 200


async def test_a_phone_whose_connection_is_lost_is_gone() -> None:
    async with open_pair(Transport.TCP) as pair:
        await pair.register()
        await pair.phone.__aexit__(None, None, None)
        async with asyncio.timeout(WAIT_S):
            assert (await pair.registrations.get()).binding is not None
            assert await pair.registrations.get() == RegistrationChanged("anna", None)


async def test_nobody_listens_over_tcp() -> None:
    async with open_pair(Transport.TCP) as pair:
        with socket.socket() as unused:
            unused.bind((HOST, 0))
            owner = Owner()
            pair.phone.invite(pair.request(Destination(Transport.TCP, HOST, unused.getsockname()[1])), owner)
            failed = await owner.wait_for(Failed)
        assert isinstance(failed, Failed)
        assert (failed.cause.sip_status, failed.no_response) == (503, True)


async def test_nobody_answers_over_udp() -> None:
    async with open_pair(Transport.UDP) as pair:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind((HOST, 0))
            owner = Owner()
            address = Destination(Transport.UDP, HOST, deaf.getsockname()[1])
            request = pair.request(address, first_response_timeout_s=0.3)
            pair.phone.invite(request, owner)
            failed = await owner.wait_for(Failed)
        assert isinstance(failed, Failed)
        assert failed.no_response


async def test_a_port_in_use_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot open SIP on {HOST}:{port}"):
            async with SipEndpoint(SipConfig(host=HOST, port=port), is_trunk=nobody):
                pass


async def test_a_wildcard_address_needs_an_advertised_one() -> None:
    with pytest.raises(ConfigError, match="advertised_host"):
        async with SipEndpoint(SipConfig(host="0.0.0.0", port=0), is_trunk=nobody):
            pass


async def test_any_port_is_one_that_is_free_over_udp_and_tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel gives UDP a number that somebody holds over TCP: another one is tried."""
    real, taken = TcpTransport.open, [socket.socket()]
    tried: list[int] = []

    async def first_is_taken(host: str, port: int, receiver: Receiver, tasks: asyncio.TaskGroup) -> TcpTransport:
        tried.append(port)
        if len(tried) == 1:
            taken[0].bind((host, port))
            taken[0].listen()
        return await real(host, port, receiver, tasks)

    monkeypatch.setattr(TcpTransport, "open", first_is_taken)
    with taken[0]:
        config = SipConfig(host="127.0.0.1", port=0)
        async with SipEndpoint(config, is_trunk=lambda source: True) as endpoint:
            ports = {endpoint.local_port(Transport.UDP), endpoint.local_port(Transport.TCP)}
    assert len(tried) >= 2  # more where others on this machine were faster
    assert ports == {tried[-1]}
