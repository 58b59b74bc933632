"""Walks the ledger's chains entry by entry, with their signed heads, their stamps and what they say of other chains."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography.x509 import Certificate

from dialer.evidence.row_check import MADE, was_deleted
from dialer.storage.ledger_reading import ChainEnd, LedgerReading
from dialer.storage.ledger_rows import LedgerRows
from recording.faults import Trouble
from recording.heads import Head, SignedHead
from recording.ledger import Entry
from recording.ledger_check import LedgerCheck, Report, Trust
from recording.ledger_header import EntryHeader, Place
from recording.stamps import StampError, check_stamp

T = TypeVar("T")

ASKED = 500
"""Places or ids asked for at a time: as many as every database takes in one question."""


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What a walk believes: whose signatures count, which heads are known from elsewhere, whose stamps count."""

    trust: Trust
    noted: tuple[Head, ...] = ()
    authorities: tuple[Certificate, ...] = ()


@dataclass(slots=True)
class Walked:
    """How much was seen. `stamped_until`: the newest instant an authority vouched for, by its own clock."""

    entries: int = 0
    heads: int = 0
    stamps: int = 0
    unchecked_stamps: int = 0
    stamped_until: datetime | None = None


class ChainWalk:
    """One walk over all chains, or over their parts since an instant."""

    def __init__(
        self, reading: LedgerReading, rows: LedgerRows, witnesses: Witnesses, on_progress: Callable[[int], None]
    ) -> None:
        """`on_progress` hears how many entries were seen, now and then."""
        self._reading = reading
        self._rows = rows
        self._witnesses = witnesses
        self._on_progress = on_progress
        self.seen = Walked()

    async def run(self, since: datetime | None, signed_until: datetime) -> Report:
        """Walks; entries from before `signed_until` should be signed. Raises StorageError."""
        # In this order: what is signed by now is entered by then, and a node at work makes no fault.
        newest = await self._reading.newest_signed()
        ends = await self._reading.ends()
        starts = {end.chain: await self._start(end, since) for end in ends}
        anchors = [start for start in starts.values() if start is not None]
        check = LedgerCheck(self._witnesses.trust, self._witnesses.noted, anchors)
        for end in ends:
            reached = await self._chain(check, end, starts[end.chain])
            await self._beyond(check, end.chain, reached, newest.get(end.chain, 0))
        for chain in newest.keys() - {end.chain for end in ends}:
            await self._beyond(check, chain, 0, newest[chain])
        return check.finish([end.head for end in ends if end.head is not None], signed_until)

    async def _start(self, end: ChainEnd, since: datetime | None) -> Head | None:
        """The signed head that the walk begins after: the last before `since` that a trusted key signed.

        A head noted elsewhere is never left behind: what it vouches for is walked.
        """
        first = None if since is None else await self._reading.first_since(end.chain, since)
        if since is None:
            return None
        before = end.last if first is None else first - 1
        noted = [head.sequence for head in self._witnesses.noted if head.chain == end.chain]
        signed = await self._reading.newest_at(end.chain, min([before, *noted]))
        return None if signed is None else self._vouched(signed[1], end.chain)

    def _vouched(self, signed: SignedHead, chain: str) -> Head | None:
        statement = signed.said
        if statement is None:
            return None
        key = self._witnesses.trust.keys.get(statement.key_id)
        return statement.head if key is not None and signed.is_by(key) and statement.head.chain == chain else None

    async def _chain(self, check: LedgerCheck, end: ChainEnd, start: Head | None) -> int:
        """Walks one chain; says how far it reaches."""
        after = 0 if start is None else start.sequence
        last = end.last if end.head is None else end.head.sequence
        if end.last > last:
            words = f"entry {end.last} stands after the chain's head, entry {last}"
            check.faults.add(Trouble.INSERTED, f"{end.chain}:{end.last}", words)
        while entries := await self._reading.entries(end.chain, after, last):
            signed = await self._signed(end.chain, after, entries[-1].sequence)
            headers = await asyncio.to_thread(self._add, check, end.chain, signed, entries)
            await self._tied(check, headers)
            await self._on_record(check, headers)
            self.seen.entries += len(entries)
            self._on_progress(self.seen.entries)
            after = entries[-1].sequence
        return after

    async def _beyond(self, check: LedgerCheck, chain: str, after: int, newest: int) -> None:
        """Signed heads of entries that are not there any more."""
        self._add(check, chain, await self._signed(chain, after, newest), ())

    async def _signed(self, chain: str, after: int, until: int) -> list[tuple[int, SignedHead]]:
        signed: list[tuple[int, SignedHead]] = []
        while more := await self._reading.signed(chain, after, until):
            signed += more
            after = more[-1][0]
        return signed

    def _add(
        self, check: LedgerCheck, chain: str, signed: Iterable[tuple[int, SignedHead]], entries: Iterable[Entry]
    ) -> list[EntryHeader]:
        """Runs in a thread: a page takes some hundredths of a second."""
        for sequence, one in signed:
            self.seen.heads += 1
            statement = check.sign(one)
            if statement is None:
                continue
            if (statement.head.chain, statement.head.sequence) != (chain, sequence):
                words = f"here stands the signed head of {statement.head.chain}:{statement.head.sequence}"
                check.faults.add(Trouble.BAD_SIGNATURE, f"{chain}:{sequence}", words)
            if one.stamp is not None:
                self._stamp(check, statement.head, one, one.stamp)
        return [header for entry in entries if (header := check.add(entry)) is not None]

    def _stamp(self, check: LedgerCheck, head: Head, signed: SignedHead, stamp: bytes) -> None:
        if not self._witnesses.authorities:
            self.seen.unchecked_stamps += 1
            return
        try:
            said = check_stamp(stamp, signed.stamped, self._witnesses.authorities)
        except StampError as error:
            check.faults.add(Trouble.BAD_STAMP, f"{head.chain}:{head.sequence}", str(error))
            return
        self.seen.stamps += 1
        self.seen.stamped_until = max(said.at, self.seen.stamped_until or said.at)

    async def _tied(self, check: LedgerCheck, headers: Iterable[EntryHeader]) -> None:
        """Whether the chains of proofs still hold what entries say of them."""
        ties = [(header, place) for header in headers for place in _places(header)]
        for part in _parts(ties):
            links = await self._reading.proof_links(list({(place.chain, place.sequence) for _, place in part}))
            for header, place in part:
                link = links.get((place.chain, place.sequence))
                if link is None or link.hash != place.hash:
                    now = "is not there any more" if link is None else f"has the hash {link.hash} now"
                    words = f"link {place.chain}:{place.sequence} of the proofs, by this entry {place.hash}, {now}"
                    check.faults.add(Trouble.PROOFS_DIFFER, f"{header.chain}:{header.sequence}", words)

    async def _on_record(self, check: LedgerCheck, headers: Iterable[EntryHeader]) -> None:
        """Whether every recording entered is still on record, or its deletion is."""
        ids = list(dict.fromkeys(header.subject for header in headers if header.kind in MADE))
        for part in _parts(ids):
            known = await self._rows.names(part)
            for recording_id in part:
                if recording_id not in known and not was_deleted(await self._reading.about([recording_id])):
                    words = "the ledger has an entry of the recording, but the database has neither row nor deletion"
                    check.faults.add(Trouble.ROW_MISSING, recording_id, words)


def _places(header: EntryHeader) -> tuple[Place, ...]:
    return header.heads if header.proof is None else (*header.heads, header.proof)


def _parts(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[first : first + ASKED] for first in range(0, len(items), ASKED))
