"""Secrets: how tokens, passwords and phone accounts are made and kept. Only hashes reach the storage."""

import asyncio
import hashlib
import secrets

from argon2 import PasswordHasher

from dialer.model.account import SipCredentials

TOKEN_PREFIX = "dlr_"  # noqa: S105 -- lets secret scanners recognise one
TOKEN_BYTES = 32
MIN_PASSWORD = 10
"""Characters."""

_hasher = PasswordHasher()


def new_token() -> str:
    """A token's secret: shown once, never stored."""
    return TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> str:
    """What is stored of a token. It holds 256 bits of chance, so a plain hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


async def hash_password(password: str) -> str:
    """argon2id, in a thread: it takes a quarter of a second of one core by design."""
    return await asyncio.to_thread(_hasher.hash, password)


def sip_credentials(user: str, realm: str, password: str) -> SipCredentials:
    """What a phone's log-in is checked against (RFC 7616 §3.4.2), instead of its password."""
    a1 = f"{user}:{realm}:{password}".encode()
    md5 = hashlib.md5(a1, usedforsecurity=False).hexdigest()  # many phones know nothing newer
    return SipCredentials(user, realm, md5, hashlib.sha256(a1).hexdigest())
