"""pyVoIP as a collector's phone: another digest (no qop), another idea of SIP."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import Ended, Transport
from dialer.sip.sdp import build_offer, negotiate
from tests.support.path_ports import free_ports
from tests.support.sip_peers import HOST, Caller, Desk, PhoneAccount, invite_phone, running

SCRIPT = Path(__file__).with_name("pyvoip_phone.py")


@asynccontextmanager
async def phone(
    endpoint: SipEndpoint, account: PhoneAccount, folder: Path, hang_up_after_s: float
) -> AsyncIterator[None]:
    """A running phone that hangs up by itself after a while."""
    ports = [str(free_ports()), str(endpoint.local_port(Transport.UDP))]
    command = [sys.executable, str(SCRIPT), HOST, *ports, account.user, account.password, str(hang_up_after_s)]
    async with running(*command, cwd=folder):
        yield


async def test_phone_answers_and_we_hang_up(
    registrar_endpoint: SipEndpoint, desk: Desk, account: PhoneAccount, tmp_path: Path
) -> None:
    caller = Caller()
    async with phone(registrar_endpoint, account, tmp_path, hang_up_after_s=60.0):
        call = caller.place(registrar_endpoint, invite_phone(await desk.comes(account.user)))
        answered = await caller.expect_answer()
        call.hang_up()
        ended = await caller.expect(Ended)
    agreed = negotiate(build_offer(HOST, 40000), answered.sdp)
    assert agreed is not None
    assert agreed.host == HOST
    assert not ended.by_remote


async def test_collector_hangs_up(
    registrar_endpoint: SipEndpoint, desk: Desk, account: PhoneAccount, tmp_path: Path
) -> None:
    caller = Caller()
    async with phone(registrar_endpoint, account, tmp_path, hang_up_after_s=0.1):
        caller.place(registrar_endpoint, invite_phone(await desk.comes(account.user)))
        await caller.expect_answer()
        ended = await caller.expect(Ended)
    assert ended.by_remote
