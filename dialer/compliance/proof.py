"""Proofs: links of a hash chain, each the canonical JSON of what was asked, read and answered. Pure.

A link's hash is the SHA-256 of its body; the body names its chain, its place in it and the hash of the link before. So
a changed, missing, inserted or re-ordered link breaks the chain at that place. What a chain alone cannot show is that
its newest links were cut off: for that, a head noted elsewhere is compared.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

GENESIS = bytes(32)
"""What the first link of a chain names as the one before."""
VERSION = 1


class ProofKind(str, Enum):
    """What a link records: the gate's two answers, an attempt's ends, and which packs are in force."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    RELEASED = "released"
    SETTLED = "settled"
    UNKNOWN = "unknown"
    RECONCILED = "reconciled"
    WRAP_UP = "wrap_up"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Link:
    """One link: `body` is what `hash` covers."""

    chain: str
    sequence: int
    body: bytes
    hash: bytes


def make_link(chain: str, sequence: int, previous: bytes, kind: ProofKind, facts: Mapping[str, Any]) -> Link:
    """The link that follows the one with the hash `previous`; `facts` are what JSON can hold, dataclasses included."""
    body = msgspec.json.encode(
        {
            "v": VERSION,
            "chain": chain,
            "sequence": sequence,
            "previous": previous.hex(),
            "kind": kind.value,
            **facts,
        },
        order="deterministic",
    )
    return Link(chain, sequence, body, hashlib.sha256(body).digest())
