"""An endpoint of ours on a free port, for tests against real peers."""

from collections.abc import AsyncIterator

import pytest_asyncio

from dialer.config import SipConfig
from dialer.sip.endpoint import SipEndpoint
from tests.support.sip_peers import HOST


@pytest_asyncio.fixture
async def endpoint() -> AsyncIterator[SipEndpoint]:
    """UDP and TCP on loopback; every peer on loopback is a trunk."""
    config = SipConfig(host=HOST, port=0)
    async with SipEndpoint(config, is_trunk=lambda peer: peer.host == HOST) as opened:
        yield opened
