"""Signatures of webhooks, per Standard Webhooks 1.0: HMAC-SHA-256 over `id.timestamp.body`, one per secret in force.

Several secrets at once are how they are rotated: a receiver accepts a message when any signature fits any of its own.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from dialer.errors import ConfigError

SECRET_PREFIX = "whsec_"  # noqa: S105 -- the spec's marker of a base64 secret, not a secret
VERSION = "v1"
TOLERANCE_S = 300.0
"""How far a receiver lets the timestamp be from its own clock."""


def secret_key(secret: str) -> bytes:
    """The key bytes of a secret as configured: base64 behind `whsec_`, anything else as it stands.

    Raises:
        ConfigError: what follows `whsec_` is not base64.
    """
    if not secret.startswith(SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ConfigError("webhooks.secrets: after whsec_ there must be base64; copy the whole secret again") from error


def sign(event_id: str, at: datetime, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """The three headers of one message sent at `at`; signatures in the order of `keys`."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(event_id, timestamp, body, key) for key in keys),
    }


def verify(headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], now: datetime) -> bool:
    """Whether a message is genuine and fresh, as a receiver decides it."""
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdigit() or abs(int(timestamp) - now.timestamp()) > TOLERANCE_S:
        return False
    ours = [_signature(headers.get("webhook-id", ""), timestamp, body, key) for key in keys]
    theirs = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(mine.encode(), other.encode()) for mine in ours for other in theirs)


def _signature(event_id: str, timestamp: str, body: bytes, key: bytes) -> str:
    digest = hmac.new(key, b".".join((event_id.encode(), timestamp.encode(), body)), hashlib.sha256).digest()
    return f"{VERSION},{base64.b64encode(digest).decode()}"
