"""The peer's faults in SIP messages. Our own are `dialer.errors.LocalProtocolError`."""

from dialer.errors import RemoteProtocolError


class ParseError(RemoteProtocolError):
    """Bytes from the network are not a SIP message we can act upon.

    `status_hint` is the response a stateless server may give (400, 416, 505, 513). For an answerable request
    `dialer.sip.message.stateless_answer` builds that response.
    """

    def __init__(self, reason: str, status_hint: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status_hint = status_hint
