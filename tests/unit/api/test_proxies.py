"""Whose word about the client's address is taken, and how far back."""

import pytest

from dialer.api.proxies import Proxies
from dialer.config import HttpConfig

HOUSE = Proxies(["10.1.0.0/16", "127.0.0.1", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),  # anybody can say anything
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["10.1.2.3, 203.0.113.9"], "203.0.113.9"),  # what stands before may be invented
        ("127.0.0.1", ["203.0.113.9, 10.1.2.3"], "203.0.113.9"),  # two proxies of ours
        ("127.0.0.1", ["203.0.113.9", "10.1.2.3"], "203.0.113.9"),  # in two headers
        ("127.0.0.1", ["10.1.2.3"], "10.1.2.3"),  # a client in the proxies' own network
        ("127.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("fd00::1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("::ffff:127.0.0.1", ["2001:db8::7"], "2001:db8::7"),  # a socket that hears both
        ("127.0.0.1", ["203.0.113.9, unknown"], "127.0.0.1"),
        ("127.0.0.1", [", ,"], "127.0.0.1"),
        ("", ["203.0.113.9"], ""),  # no address at all
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(peer: str, forwarded: list[str], client: str) -> None:
    assert HOUSE.client(peer, forwarded) == client


def test_without_proxies_nobody_is_believed() -> None:
    assert Proxies([]).client("127.0.0.1", ["203.0.113.9"]) == "127.0.0.1"


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        HttpConfig(trusted_proxies=("proxy.example",))
