"""Secrets: how tokens, passwords and phone accounts are made and kept. Only hashes reach the storage."""

import asyncio
import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dialer.model.account import SipCredentials

TOKEN_PREFIX = "dlr_"  # noqa: S105 -- lets secret scanners recognise one
TOKEN_BYTES = 32
MIN_PASSWORD = 10
"""Characters."""

CHECKS_AT_ONCE = 2
"""Each takes 64 MB and a quarter of a second of a core; more log-ins wait for their turn."""

_hasher = PasswordHasher()
_NOBODYS = _hasher.hash(secrets.token_urlsafe(TOKEN_BYTES))
"""What an unknown log-in is checked against, so that it takes as long as a known one."""


def new_token() -> str:
    """A token's secret: shown once, never stored."""
    return TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> str:
    """What is stored of a token. It holds 256 bits of chance, so a plain hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


async def hash_password(password: str) -> str:
    """argon2id, in a thread: it takes a quarter of a second of one core by design."""
    return await asyncio.to_thread(_hasher.hash, password)


class PasswordCheck:
    """Checks passwords, a few at once. One per service, made inside its loop."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(CHECKS_AT_ONCE)

    async def fits(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the one that was hashed; None never is, and takes as long."""
        async with self._turns:
            return await asyncio.to_thread(_fits, password, password_hash or _NOBODYS)


def _fits(password: str, password_hash: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(password_hash: str) -> bool:
    """Whether it was made with weaker settings than today's."""
    return _hasher.check_needs_rehash(password_hash)


def sip_credentials(user: str, realm: str, password: str) -> SipCredentials:
    """What a phone's log-in is checked against (RFC 7616 §3.4.2), instead of its password."""
    a1 = f"{user}:{realm}:{password}".encode()
    md5 = hashlib.md5(a1, usedforsecurity=False).hexdigest()  # many phones know nothing newer
    return SipCredentials(user, realm, md5, hashlib.sha256(a1).hexdigest())
