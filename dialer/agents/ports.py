"""What collectors and calls need of signalling, in as few words as possible; the SIP endpoint satisfies it."""

from collections.abc import Callable
from typing import Protocol

from dialer.sip.events import CallEvent, InviteRequest


class CallPort(Protocol):
    """One call we placed or accepted."""

    @property
    def call_id(self) -> str:
        """Its Call-ID, for logs."""
        ...

    def cancel(self) -> None:
        """Ends the call before its answer; `Failed` follows, also where a 200 crosses the CANCEL."""
        ...

    def hang_up(self, reason: str = "") -> None:
        """Ends the answered call with a BYE."""
        ...


class SipPort(Protocol):
    """Who can place a call."""

    def invite(self, request: InviteRequest, sink: Callable[[CallEvent], None]) -> CallPort:
        """Hands an INVITE to the transport. Raises TransportError when none left the host."""
        ...
