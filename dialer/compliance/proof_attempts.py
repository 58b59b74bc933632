"""Attempts beside their proofs: each has a link that allowed it, and such a link has its attempt. Pure.

A chain cannot show that the row of an attempt was deleted, nor that one was put there; so an export says which attempts
are stored, and the check compares them with those that its links allowed.
"""

import hashlib
from collections.abc import Iterator

import msgspec

_MODULUS = 1 << 256


class StoredAttempts(msgspec.Struct, frozen=True):
    """The stored attempts of one node: of those that the exported links allowed, how many and their digest.

    `unproved` have no link that allowed them, `gone` are allowed by a link and not stored: the first of each.
    """

    node: str
    count: int
    digest: str
    unproved: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()


class AttemptSet:
    """Numbers of attempts, in whatever order they come: how many, and the sum of their SHA-256 modulo 2^256."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, attempt_id: int) -> None:
        """One more; its hash is of the decimal digits."""
        self.count += 1
        self._sum = (self._sum + int.from_bytes(hashlib.sha256(str(attempt_id).encode()).digest())) % _MODULUS

    @property
    def digest(self) -> str:
        """The sum, as 64 hexadecimal digits."""
        return f"{self._sum:064x}"


def differing(stored: StoredAttempts, allowed: AttemptSet) -> Iterator[tuple[int | None, str]]:
    """What is wrong with the attempts of a node, in words, each with the attempt where one can be named."""
    for attempt_id in stored.unproved:
        yield attempt_id, "the attempt is stored, but no link allowed it: its links were removed, or it was put there"
    for attempt_id in stored.gone:
        yield attempt_id, "a link allowed the attempt, but it is not stored: it was removed"
    if not stored.gone and (stored.count, stored.digest) != (allowed.count, allowed.digest):
        told = f"its links here allowed {allowed.count} attempts, by the source {stored.count} of them are stored"
        yield None, f"{told}; where the numbers agree, they are of other attempts"
