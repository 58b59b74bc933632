"""The far side of the attempt benchmark, in a process of its own: refuses or answers every call at once, without audio.

Prints its port, then serves until its input ends. Numbers that end in 0 are answered, all others are busy.
"""

import asyncio
import sys

from dialer.config import SipConfig
from dialer.sip.calls import IncomingCall
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import CallEvent, Transport
from dialer.sip.sdp import build_offer

MEDIA_PORT = 39998
"""Nobody listens there: what is measured is the way to the bridge, not the audio."""


def take(incoming: IncomingCall) -> None:
    """One call."""
    if not incoming.target.user_text.endswith("0"):
        incoming.ringing()
        incoming.reject(486)
        return
    incoming.answer(build_offer("127.0.0.1", MEDIA_PORT, ("PCMA",)), ignore)


def ignore(_: CallEvent) -> None:
    """The caller decides."""


async def serve() -> None:
    """Until the parent closes the pipe."""
    config = SipConfig(host="127.0.0.1", port=0, transports=("udp",))
    async with SipEndpoint(config, is_trunk=lambda peer: True) as endpoint:
        endpoint.on_trunk_call(take)
        print(endpoint.local_port(Transport.UDP), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
