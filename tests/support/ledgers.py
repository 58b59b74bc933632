"""Chains of the ledger as values: entries, their signed heads, and the keys that signed them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording.heads import Head, SignedHead, by_id, key_id_of, read_statement, sign_head
from recording.ledger import GENESIS, Entry, EntryKind, make_entry, signing_key_facts
from recording.ledger_check import LedgerCheck, Report, Trust

T0 = datetime(2026, 11, 23, 2, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


@dataclass(frozen=True, slots=True)
class Ledger:
    """One chain with its signed heads."""

    entries: tuple[Entry, ...]
    signed: tuple[SignedHead, ...]

    @property
    def head(self) -> Head:
        """Where it ends."""
        last = self.entries[-1]
        return Head(last.chain, last.sequence, last.hash.hex())


def make_ledger(
    n: int, every: int = 3, chain: str = "node1", key: Ed25519PrivateKey = KEY, facts: dict[str, Any] | None = None
) -> Ledger:
    """A chain of a signing key and `n` recordings, signed after every few entries and at its end."""
    entries: list[Entry] = []
    for number in range(n + 1):
        kind = EntryKind.RECORDING if number else EntryKind.SIGNING_KEY
        said = facts or {"sha256": "ab" * 32} if number else signing_key_facts(key.public_key(), "")
        previous = entries[-1].hash if entries else GENESIS
        subject = f"rec-{number}" if number else key_id_of(key.public_key())
        at = T0 + timedelta(seconds=number)
        entries.append(make_entry(chain, number + 1, previous, kind, subject, at, said))
    return Ledger(tuple(entries), signed_heads(entries, every, key))


def signed_heads(entries: Sequence[Entry], every: int, key: Ed25519PrivateKey) -> tuple[SignedHead, ...]:
    """The heads of every few entries and of the last, signed."""
    places = [entry for entry in entries if entry.sequence % every == 0 or entry is entries[-1]]
    return tuple(
        sign_head(key, Head(entry.chain, entry.sequence, entry.hash.hex()), entry.at + timedelta(seconds=1))
        for entry in places
    )


def rehash(entries: Sequence[Entry], *, renumber: bool = True) -> tuple[Entry, ...]:
    """What someone who can write the whole chain makes of altered entries: one that holds in itself."""
    made: list[Entry] = []
    for place, entry in enumerate(entries, start=1):
        known = ("v", "chain", "sequence", "kind", "subject", "at")
        facts = {name: value for name, value in json.loads(entry.body).items() if name not in known}
        previous = made[-1].hash if made else GENESIS
        sequence = place if renumber else entry.sequence
        made.append(make_entry(entry.chain, sequence, previous, EntryKind(entry.kind), entry.subject, entry.at, facts))
    return tuple(made)


def altered(entry: Entry, **said: Any) -> Entry:
    """The entry with other columns, or, as `facts`, other content beside its old hash."""
    facts = said.pop("facts", None)
    if facts is not None:
        said["body"] = json.dumps(json.loads(entry.body) | facts, separators=(",", ":"), sort_keys=True).encode()
    return replace(entry, **said)


def check_ledger(
    entries: Sequence[Entry],
    signed: Sequence[SignedHead],
    head: Head | None,
    *,
    keys: Sequence[Ed25519PrivateKey] = (KEY,),
    noted: Sequence[Head] = (),
    bound: frozenset[str] | None = None,
) -> Report:
    """What the check says of a chain; `head` is what the source says its end is."""
    trust = Trust(by_id(key.public_key() for key in keys), bound)
    check = LedgerCheck(trust, noted)
    for one in signed:
        check.sign(one)
    for entry in entries:
        check.add(entry)
    return check.finish(None if head is None else [head], signed_until=T0 + timedelta(days=1))


def place_of(signed: SignedHead) -> int:
    """The entry a signed head is of."""
    return read_statement(signed.statement).head.sequence
