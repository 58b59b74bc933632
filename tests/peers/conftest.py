"""An endpoint of ours on free ports, for tests against real peers."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from dialer.config import SipConfig
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.registrar import secrets_from_passwords
from tests.support.sip_peers import HOST, Desk, PhoneAccount

REALM = "dialer"


@pytest_asyncio.fixture
async def endpoint() -> AsyncIterator[SipEndpoint]:
    """UDP and TCP on loopback; every peer on loopback is a trunk."""
    config = SipConfig(host=HOST, port=0)
    async with SipEndpoint(config, is_trunk=lambda peer: peer.host == HOST) as opened:
        yield opened


@pytest.fixture
def account() -> PhoneAccount:
    """The one phone that may register."""
    return PhoneAccount()


@pytest.fixture
def desk() -> Desk:
    """What `registrar_endpoint` tells about phones."""
    return Desk()


@pytest_asyncio.fixture
async def registrar_endpoint(desk: Desk, account: PhoneAccount) -> AsyncIterator[SipEndpoint]:
    """An endpoint without trunks where `account` may register."""
    passwords = {account.user: account.password}
    async with SipEndpoint(
        SipConfig(host=HOST, port=0, realm=REALM),
        is_trunk=lambda peer: False,
        secrets_of=secrets_from_passwords(REALM, passwords.get),
        on_registration=desk.hear,
    ) as opened:
        yield opened
