"""Dialogs (RFC 3261 §12): the relation of two user agents that an INVITE's 1xx with a tag, or its 2xx, makes.

A forked INVITE makes several, one for each tag of the far side. A dialog knows where its requests go (remote target and
route set) and in which order requests may come (CSeq). What the requests mean is `dialer.sip.session`'s.
"""

from dataclasses import dataclass, replace
from enum import Enum

from dialer.sip.header_map import Headers
from dialer.sip.headers import NameAddr
from dialer.sip.message import Request, Response
from dialer.sip.uri import SipUri

MAX_FORWARDS = "70"  # RFC 3261 §8.1.1.6


class Order(str, Enum):
    """How a request's CSeq stands to those before it (RFC 3261 §12.2.2)."""

    NEXT = "next"
    OUT_OF_ORDER = "out of order"


@dataclass(slots=True)
class Dialog:
    """One dialog; `local` and `remote` are our and their From/To values with tags, `routes` Route values in order.

    `early_sdp` is what the peer described before its answer, which may then come without a description (RFC 3262 §5).
    """

    call_id: str
    local: str
    remote: str
    remote_tag: str
    remote_target: SipUri
    routes: tuple[NameAddr, ...]
    remote_cseq: int | None = None
    confirmed: bool = False
    last_rseq: int | None = None
    early_sdp: str = ""

    @classmethod
    def from_response(cls, invite: Request, response: Response) -> "Dialog":
        """The caller's side, from a 1xx with a tag or a 2xx (§12.1.2)."""
        contacts = response.contacts
        return cls(
            call_id=invite.call_id,
            local=invite.headers.get("From") or "",
            remote=response.headers.get("To") or "",
            remote_tag=response.to.tag,
            remote_target=contacts[0].uri if contacts else invite.uri,
            routes=tuple(reversed(response.record_routes)),
            confirmed=response.status >= 200,
        )

    @classmethod
    def from_invite(cls, invite: Request, local_tag: str) -> "Dialog":
        """The callee's side (§12.1.1)."""
        contacts = invite.contacts
        return cls(
            call_id=invite.call_id,
            local=str(invite.to.with_tag(local_tag)),
            remote=invite.headers.get("From") or "",
            remote_tag=invite.from_.tag,
            remote_target=contacts[0].uri if contacts else invite.from_.uri,
            routes=tuple(invite.record_routes),
            remote_cseq=invite.cseq.number,
        )

    def confirm(self, response: Response) -> None:
        """A 2xx arrived for an early dialog: route set and target are taken from it anew (§13.2.2.4)."""
        self.confirmed = True
        self.remote = response.headers.get("To") or self.remote
        self.routes = tuple(reversed(response.record_routes))
        self.refresh_target(response)

    def refresh_target(self, message: Request | Response) -> None:
        """Takes a new remote target from a re-INVITE, an UPDATE or the 2xx to one (§12.2.1.2, §12.2.2)."""
        contacts = message.contacts
        if contacts:
            self.remote_target = contacts[0].uri

    def receive(self, request: Request) -> Order:
        """Checks the order of a request and remembers it. ACK and CANCEL are not to be asked about (§12.2.2)."""
        number = request.cseq.number
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return Order.OUT_OF_ORDER
        self.remote_cseq = number
        return Order.NEXT

    def request(self, method: str, cseq: int, via: str, body: bytes = b"") -> Request:
        """A request inside this dialog (§12.2.1.1), a strict first route honoured."""
        uri, routes = self._request_line()
        headers = Headers()
        headers.add("Via", via)
        headers.add("Max-Forwards", MAX_FORWARDS)
        for route in routes:
            headers.add("Route", str(route))
        headers.add("From", self.local)
        headers.add("To", self.remote)
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{cseq} {method}")
        return Request(method, uri, headers, body)

    @property
    def next_hop(self) -> SipUri:
        """The URI a request of this dialog is sent to: the first route, else the remote target (§8.1.2)."""
        return self.routes[0].uri if self.routes else self.remote_target

    def _request_line(self) -> tuple[SipUri, tuple[NameAddr, ...]]:
        target = replace(self.remote_target, headers="")
        if not self.routes or self.routes[0].uri.param("lr") is not None:
            return target, self.routes
        return self.routes[0].uri, (*self.routes[1:], NameAddr(target))  # a strict router (RFC 2543) is first
