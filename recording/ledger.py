"""The ledger: a hash chain that holds what must not change unnoticed. Pure.

An entry's body is canonical JSON; its digest is the SHA-256 of the body. The hash of an entry is the SHA-256 of the
text `PREVIOUS:DIGEST`, both in lower-case hex, so that a chain can be followed with public tools, and so that entries
about others can be shown as their digest alone. What a chain by itself cannot show is that its newest entries were cut
off: for that, signed heads are kept elsewhere.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recording.heads import key_id_of

PROOFS_SUBJECT = "proofs"
"""What entries about the chains of proofs are about."""
GENESIS = bytes(32)
"""What the first entry of a chain follows."""
VERSION = 1


class EntryKind(str, Enum):
    """What an entry records."""

    RECORDING = "recording"
    DERIVED = "derived"
    """A redaction made from a recording: a recording of its own."""
    TRANSCRIPT = "transcript"
    """What a program wrote down of a recording; it lies sealed beside it and goes with its key."""
    TOMBSTONE = "tombstone"
    """A recording's key was destroyed: what was deleted, why, by whom and allowed by whom."""
    HOLD = "hold"
    HOLD_LIFTED = "hold_lifted"
    PROOFS = "proofs"
    """Where the chains of proofs of calls stood: it ties every attempt and refusal before it to this ledger."""
    SIGNING_KEY = "signing_key"
    """The key that signs this chain's heads from here on."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `kind` is an EntryKind's value, or whatever somebody put there; `subject` is what it is about: a
    recording's id, a hold's, a key's, "proofs".
    """

    chain: str
    sequence: int
    at: datetime
    kind: str
    subject: str
    body: bytes
    hash: bytes


def make_entry(
    chain: str,
    sequence: int,
    previous: bytes,
    kind: EntryKind,
    subject: str,
    at: datetime,
    facts: Mapping[str, Any],
) -> Entry:
    """The entry that follows the one with the hash `previous`; `facts` are what JSON can hold. `at` is aware."""
    body = msgspec.json.encode(
        {
            "v": VERSION,
            "chain": chain,
            "sequence": sequence,
            "kind": kind.value,
            "subject": subject,
            "at": at,
            **facts,
        },
        order="deterministic",
    )
    return Entry(chain, sequence, at, kind.value, subject, body, entry_hash(previous, hashlib.sha256(body).digest()))


def signing_key_facts(key: Ed25519PublicKey, replaces: str) -> dict[str, str]:
    """What a SIGNING_KEY entry says: the key (32 raw bytes, hex), its id, and the id of the one before ("": none)."""
    return {"key_id": key_id_of(key), "public_key": key.public_bytes_raw().hex(), "replaces": replaces}


RECORDING_FACTS = (
    "recording_id",
    "attempt_id",
    "campaign_id",
    "case_ref",
    "node",
    "parent_id",
    "started_at",
    "duration_s",
    "path",
    "peaks_path",
    "sha256",
    "size_bytes",
    "sealed_sha256",
    "sealed_bytes",
    "lost_ms",
    "truncated",
    "far_share",
    "near_share",
    "silence_share",
    "overtalk_share",
)
"""What an entry says of its recording as it is; `marks` go in as their SHA-256."""


def recording_facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a RECORDING or DERIVED entry says of a recording with these columns.

    Of the marks only their digest stays for ever: what happened in a call when can be forgotten with the recording.
    """
    marks_sha256 = hashlib.sha256(row["marks"]).hexdigest()
    return {**{name: row[name] for name in RECORDING_FACTS}, "marks_sha256": marks_sha256}


def entry_hash(previous: bytes, digest: bytes) -> bytes:
    """What the chain comes to with an entry whose body has this digest."""
    return hashlib.sha256(f"{previous.hex()}:{digest.hex()}".encode()).digest()
