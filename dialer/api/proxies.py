"""Who asks, behind a proxy: only proxies that are configured are believed, each for the hop before it.

X-Forwarded-For grows to the right. It is read from there: past every proxy that is trusted, up to the first address
that is not; what stands before it may be anybody's invention.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Sequence

from aiohttp import web

FORWARDED_FOR = "X-Forwarded-For"
FORWARDED_PROTO = "X-Forwarded-Proto"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Proxies:
    """The proxies that are believed."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(network) for network in networks]

    def trusts(self, peer: str) -> bool:
        """Whether what this peer says of others is believed."""
        address = _address(peer)
        return address is not None and any(address in network for network in self._networks)

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """The address a request came from: `peer` sent it, with these X-Forwarded-For headers."""
        client = peer
        for said in reversed(",".join(forwarded).split(",")):
            if not self.trusts(client):
                break
            address = _address(said.strip())
            if address is None:  # an unreadable hop: the last proxy that was believed stands for it
                break
            client = str(address)
        return client

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Hands on a request with the client's own address, and with the scheme the client used."""
        peer = request.remote or ""
        if not self.trusts(peer):
            return await handler(request)
        client = self.client(peer, request.headers.getall(FORWARDED_FOR, []))
        said = ",".join(request.headers.getall(FORWARDED_PROTO, [])).rpartition(",")[2].strip().lower()
        scheme = said if said in ("http", "https") else request.scheme
        return await handler(request.clone(remote=client, scheme=scheme))


def _address(text: str) -> Address | None:
    """An address as proxies write it: with or without a port, IPv6 in brackets or not."""
    bare = text[1:].partition("]")[0] if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
