"""baresip as a collector's phone: registering, answering, hanging up, calling, vanishing."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.sip.calls import IncomingCall
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import CallEvent, Destination, Ended, Failed, Provisional, Transport
from dialer.sip.sdp import answer, build_offer, negotiate
from tests.support.sip_peers import HOST, PEER_TIMEOUT_S, Baresip, Caller, Desk, PhoneAccount, invite_phone

pytestmark = pytest.mark.peer("baresip")

BOTH = pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])


def address(endpoint: SipEndpoint, transport: Transport = Transport.UDP) -> Destination:
    return Destination(transport, HOST, endpoint.local_port(transport))


@BOTH
async def test_phone_answers_and_we_hang_up(
    registrar_endpoint: SipEndpoint, desk: Desk, account: PhoneAccount, tmp_path: Path, transport: Transport
) -> None:
    caller = Caller()
    async with Baresip.running(tmp_path, account, address(registrar_endpoint, transport)):
        binding = await desk.comes(account.user)
        call = caller.place(registrar_endpoint, invite_phone(binding))
        answered = await caller.expect_answer()
        call.hang_up()
        ended = await caller.expect(Ended)
    assert binding.destination.transport is transport
    agreed = negotiate(build_offer(HOST, 40000), answered.sdp)
    assert agreed is not None
    assert (agreed.host, agreed.codec) == (HOST, "PCMA")
    assert not ended.by_remote


async def test_collector_hangs_up(
    registrar_endpoint: SipEndpoint, desk: Desk, account: PhoneAccount, tmp_path: Path
) -> None:
    caller = Caller()
    async with Baresip.running(tmp_path, account, address(registrar_endpoint)) as phone:
        caller.place(registrar_endpoint, invite_phone(await desk.comes(account.user)))
        await caller.expect_answer()
        await phone.command("hangup")
        ended = await caller.expect(Ended)
    assert ended.by_remote


async def test_phone_is_rung_in_vain(
    registrar_endpoint: SipEndpoint, desk: Desk, account: PhoneAccount, tmp_path: Path
) -> None:
    caller = Caller()
    manual = replace(account, answer_mode="manual")
    async with Baresip.running(tmp_path, manual, address(registrar_endpoint)):
        call = caller.place(registrar_endpoint, invite_phone(await desk.comes(account.user)))
        ringing = await caller.expect(Provisional)
        call.cancel()
        failed = await caller.expect(Failed)
    assert ringing.status == 180
    assert failed.rang


@BOTH
async def test_phone_that_is_switched_off_says_so(
    registrar_endpoint: SipEndpoint, desk: Desk, account: PhoneAccount, tmp_path: Path, transport: Transport
) -> None:
    async with Baresip.running(tmp_path, account, address(registrar_endpoint, transport)):
        await desk.comes(account.user)
    await desk.goes(account.user)


async def test_vanished_phone_does_not_answer(
    registrar_endpoint: SipEndpoint, desk: Desk, account: PhoneAccount, tmp_path: Path
) -> None:
    """Over UDP nobody tells us; the INVITE finds out, within the time we give a phone."""
    caller = Caller()
    async with Baresip.running(tmp_path, account, address(registrar_endpoint)) as phone:
        binding = await desk.comes(account.user)
        phone.kill()
        await phone.process.wait()
        caller.place(registrar_endpoint, invite_phone(binding, first_response_timeout_s=1.0))
        failed = await caller.expect(Failed)
    assert failed.no_response


async def test_vanished_phone_ends_its_connection(
    registrar_endpoint: SipEndpoint, desk: Desk, account: PhoneAccount, tmp_path: Path
) -> None:
    async with Baresip.running(tmp_path, account, address(registrar_endpoint, Transport.TCP)) as phone:
        await desk.comes(account.user)
        phone.kill()
        await desk.goes(account.user)


async def test_phone_that_vanishes_during_a_call(
    registrar_endpoint: SipEndpoint, desk: Desk, account: PhoneAccount, tmp_path: Path
) -> None:
    """Over TCP the BYE cannot leave: the call ends all the same."""
    caller = Caller()
    async with Baresip.running(tmp_path, account, address(registrar_endpoint, Transport.TCP)) as phone:
        call = caller.place(registrar_endpoint, invite_phone(await desk.comes(account.user)))
        await caller.expect_answer()
        phone.kill()
        await desk.goes(account.user)
        call.hang_up()
        await caller.expect(Ended)


async def test_wrong_password(
    registrar_endpoint: SipEndpoint, desk: Desk, account: PhoneAccount, tmp_path: Path
) -> None:
    wrong = replace(account, password="wrong")
    async with Baresip.running(tmp_path, wrong, address(registrar_endpoint)) as phone:
        await phone.says("403 Forbidden")
        assert phone.process.returncode is None
    assert not desk.registered


async def test_collector_calls_in(
    registrar_endpoint: SipEndpoint, desk: Desk, account: PhoneAccount, tmp_path: Path
) -> None:
    incoming: asyncio.Queue[IncomingCall] = asyncio.Queue()
    events: asyncio.Queue[CallEvent] = asyncio.Queue()
    registrar_endpoint.on_incoming(incoming.put_nowait)
    local = address(registrar_endpoint)
    async with Baresip.running(tmp_path, account, local) as phone:
        await desk.comes(account.user)
        await phone.command("dial", f"sip:100@{HOST}:{local.port}")
        async with asyncio.timeout(PEER_TIMEOUT_S):
            call = await incoming.get()
            answered = answer(call.sdp, HOST, 40000)
            assert answered is not None
            call.ringing()
            call.answer(answered[0], events.put_nowait)
            await phone.says("Call established")  # before it, baresip may take `hangup` for no call's
            await phone.command("hangup")
            ended = await events.get()
    assert (call.user, call.target.user) == (account.user, "100")
    assert isinstance(ended, Ended)
    assert ended.by_remote
