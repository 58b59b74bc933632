"""What a pack shows of the ledger: entries about its recordings, tied to a signed head without showing any others.

A *segment* is a run of one chain, from an entry to be shown up to a signed head behind it. Entries in between that are
about others are shown as their digest: the head's hash commits to it, and it says nothing about them. Where a stamped
head follows soon, the segment goes on to it; else to the next signed one.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

from dialer.storage.ledger_reading import LedgerReading
from recording.heads import SignedHead, key_id_of, public_pem
from recording.ledger import GENESIS, Entry
from recording.ledger_header import key_named_by

MOST_TO_A_STAMP = 5000
"""Entries a segment may have more for a time stamp: a shell follows a thousand in a few seconds."""
_SUBJECTS_AT_ONCE = 300


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of a chain. `before` is the hash of the entry before `first`, None where that is gone; `head` None: nothing
    behind these entries is signed yet."""

    chain: str
    first: int
    last: int
    before: str | None
    head: SignedHead | None
    shown: dict[int, Entry] = field(default_factory=dict)


async def segments_about(reading: LedgerReading, subjects: Sequence[str]) -> tuple[Segment, ...]:
    """The segments that show all entries about these subjects, chain by chain in order."""
    found: list[Segment] = []
    for entry in await _entries_about(reading, subjects):
        last = found[-1] if found else None
        if last is None or last.chain != entry.chain or last.last < entry.sequence:
            last = await _begin(reading, entry)
            found.append(last)
        last.shown[entry.sequence] = entry
    return tuple(found)


async def segment_lines(reading: LedgerReading, segment: Segment) -> AsyncIterator[bytes]:
    """A segment as text: where it begins, then a line for each entry: its place, the digest of its body, and whether
    the body is shown."""
    yield f"chain: {segment.chain}\nafter: {segment.first - 1} {segment.before or 'missing'}\n".encode()
    after = segment.first - 1
    while after < segment.last:
        page = await reading.entries(segment.chain, after, segment.last)
        if not page:
            return
        yield b"".join(_line(entry, shown=entry.sequence in segment.shown) for entry in page)
        after = page[-1].sequence


async def public_keys(reading: LedgerReading, heads: Iterable[SignedHead]) -> dict[str, bytes]:
    """The public keys that signed these heads, as PEM by their ids, as the chains themselves name them.

    Without those of a head or an entry that was changed: the check of the pack says so.
    """
    wanted = sorted({statement.key_id for head in heads if (statement := head.said) is not None})
    named = [key_named_by(entry) for entry in await _entries_about(reading, wanted)]
    return {key_id_of(key): public_pem(key) for key in named if key is not None}


async def _entries_about(reading: LedgerReading, subjects: Sequence[str]) -> list[Entry]:
    found: list[Entry] = []
    for start in range(0, len(subjects), _SUBJECTS_AT_ONCE):
        found += await reading.about(subjects[start : start + _SUBJECTS_AT_ONCE])
    return sorted(found, key=lambda entry: (entry.chain, entry.sequence))


async def _begin(reading: LedgerReading, entry: Entry) -> Segment:
    before = await _hash_before(reading, entry)
    found = await _head_behind(reading, entry)
    last, head = (entry.sequence, None) if found is None else found
    return Segment(entry.chain, entry.sequence, last, before, head)


async def _hash_before(reading: LedgerReading, entry: Entry) -> str | None:
    if entry.sequence == 1:
        return GENESIS.hex()
    found = await reading.entries(entry.chain, entry.sequence - 2, entry.sequence - 1)
    return found[0].hash.hex() if found else None


async def _head_behind(reading: LedgerReading, entry: Entry) -> tuple[int, SignedHead] | None:
    """A stamped head soon behind the entry, else the next signed one, with its place."""
    after = entry.sequence - 1
    near = await reading.signed(entry.chain, after, entry.sequence + MOST_TO_A_STAMP)
    stamped = next((found for found in near if found[1].stamp is not None), None)
    if stamped is not None:
        return stamped
    if near:
        return near[0]
    ends = {end.chain: end.last for end in await reading.ends()}
    far = await reading.signed(entry.chain, after, ends.get(entry.chain, 0), limit=1)
    return far[0] if far else None


def _line(entry: Entry, *, shown: bool) -> bytes:
    mark = " shown" if shown else ""
    return f"{entry.sequence} {hashlib.sha256(entry.body).hexdigest()}{mark}\n".encode()
