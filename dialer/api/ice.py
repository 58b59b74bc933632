"""Which STUN and TURN servers a browser is told of, with credentials that TURN servers take. Pure.

A TURN server that shares a secret with us takes a user name that says until when it holds, and as its password the
HMAC of that name: nothing that lasts leaves the house (draft-uberti-behave-turn-rest-00 §2.2, as coturn does it).
"""

import base64
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import BaseModel

from dialer.config_phones import IceServerConfig

LASTS = timedelta(hours=24)
"""Longer than any shift: a relay is refreshed with the credentials that opened it."""


class IceServer(BaseModel):
    """A STUN or TURN server, as `RTCPeerConnection` takes it."""

    urls: list[str]
    username: str = ""
    credential: str = ""


def ice_servers(configs: Iterable[IceServerConfig], account_id: int, now: datetime) -> list[IceServer]:
    """The servers for one person's browser."""
    return [_server(config, account_id, now) for config in configs]


def _server(config: IceServerConfig, account_id: int, now: datetime) -> IceServer:
    urls = list(config.urls)
    if not config.shared_secret:
        return IceServer(urls=urls, username=config.username, credential=config.credential)
    username = f"{int((now + LASTS).timestamp())}:{account_id}"
    digest = hmac.digest(config.shared_secret.encode(), username.encode(), "sha1")  # the scheme's; not ours to choose
    return IceServer(urls=urls, username=username, credential=base64.b64encode(digest).decode())
