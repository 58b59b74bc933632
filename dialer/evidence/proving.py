"""Whether one recording is what was recorded: its row, its entries, the run of the chain that ties them to a signed
head, its key and its objects. What `dialer recordings verify` does for all, for the page of one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509 import Certificate

from dialer.config import Config
from dialer.evidence.object_check import ObjectCheck
from dialer.evidence.signing_key import own_keys
from dialer.evidence.time_stamping import trusted_authorities
from dialer.evidence.verification import Parts, check_recording
from dialer.storage.ledger_rows import LedgerRow
from recording.faults import Fault, Trouble
from recording.heads import Head, SignedHead, key_id_of
from recording.keys import KeyRing
from recording.ledger import Entry
from recording.ledger_check import LedgerCheck, Trust, add_all
from recording.ledger_header import key_named_by
from recording.objects import ObjectStore
from recording.stamps import StampError, check_stamp

MOST_ENTRIES = 20_000
"""Between two signed heads that are followed for one recording: as many as a node makes in hours without its key."""
AT_ONCE = 2
"""Each reads a recording whole, in threads that calls use, too; more wait for their turn."""


@dataclass(frozen=True, slots=True)
class Tie:
    """An entry about the recording, and the first signed head behind it.

    `signed_at`: None while nothing behind it is signed; `stamped_at`: by the authority's clock, where it was stamped.
    `trusted`: this node knows the key that signed as its own.
    """

    chain: str
    sequence: int
    kind: str
    at: datetime
    hash: str
    signed_at: datetime | None = None
    key_id: str = ""
    trusted: bool = False
    stamped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """What was found of one recording."""

    ties: tuple[Tie, ...]
    faults: tuple[Fault, ...]


class Prover:
    """One per node."""

    def __init__(self, storage: Parts, store: ObjectStore, keys: KeyRing, config: Config) -> None:
        self._reading, self._rows = storage.ledger_reading, storage.ledger_rows
        self._objects = ObjectCheck(store, keys)
        self._config = config
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def prove(self, recording_id: str) -> Proven | None:
        """Looks at everything; None: there is no such recording. Raises StoreAwayError, StorageError, ConfigError."""
        row = await self._rows.get(recording_id)
        if row is None:
            return None
        async with self._turns:
            return await self._proven(row)

    # ---- inside

    async def _proven(self, row: LedgerRow) -> Proven:
        recording_id = row.recording_id
        believed = await asyncio.to_thread(self._believed)
        entries = await self._reading.about([recording_id])
        faults: list[Fault] = []
        ties = [await self._tie(entry, believed, faults) for entry in entries]
        faults += await check_recording(self._objects, row, entries)
        return Proven(tuple(ties), tuple(dict.fromkeys(faults)))

    def _believed(self) -> "_Believed":
        return _Believed(own_keys(self._config), trusted_authorities(self._config.evidence))

    async def _tie(self, entry: Entry, believed: "_Believed", faults: list[Fault]) -> Tie:
        """Follows the chain from the signed head before an entry to the one behind it."""
        tie = Tie(entry.chain, entry.sequence, entry.kind, entry.at, entry.hash.hex())
        behind = await self._reading.signed(entry.chain, entry.sequence - 1, entry.sequence + MOST_ENTRIES, limit=1)
        signed = behind[0][1] if behind else None
        statement = None if signed is None else signed.said
        anchor = await self._anchor(entry, believed)
        keys = await self._keys(believed, () if statement is None else (statement.key_id,))
        check = LedgerCheck(Trust(keys, frozenset()), anchors=() if anchor is None else (anchor,))
        if signed is not None:
            check.sign(signed)
        if anchor is not None or entry.sequence <= MOST_ENTRIES:
            await self._follow(check, entry.chain, 0 if anchor is None else anchor.sequence, _end(behind, entry))
        report = await asyncio.to_thread(check.finish)
        faults += report.faults
        if signed is None or statement is None or not report.well:
            return tie
        stamped_at = await asyncio.to_thread(_stamped_at, signed, believed, faults, f"{entry.chain}:{behind[0][0]}")
        return replace(
            tie,
            signed_at=statement.signed_at,
            key_id=statement.key_id,
            trusted=statement.key_id in believed.keys,
            stamped_at=stamped_at,
        )

    async def _anchor(self, entry: Entry, believed: "_Believed") -> Head | None:
        """The last head before the entry that the key it names signed."""
        found = await self._reading.newest_at(entry.chain, entry.sequence - 1)
        statement = None if found is None else found[1].said
        if found is None or statement is None:
            return None
        keys = await self._keys(believed, (statement.key_id,))
        key = keys.get(statement.key_id)
        return statement.head if key is not None and found[1].is_by(key) else None

    async def _keys(self, believed: "_Believed", key_ids: Sequence[str]) -> dict[str, Ed25519PublicKey]:
        """This node's keys, and what the chains themselves name by these ids."""
        keys = dict(believed.keys)
        for entry in await self._reading.about([key_id for key_id in key_ids if key_id not in keys]):
            named = key_named_by(entry)
            if named is not None:
                keys[key_id_of(named)] = named
        return keys

    async def _follow(self, check: LedgerCheck, chain: str, after: int, until: int) -> None:
        while entries := await self._reading.entries(chain, after, until):
            await asyncio.to_thread(add_all, check, entries)
            after = entries[-1].sequence


@dataclass(frozen=True, slots=True)
class _Believed:
    keys: Mapping[str, Ed25519PublicKey]
    authorities: tuple[Certificate, ...]


def _end(behind: Sequence[tuple[int, SignedHead]], entry: Entry) -> int:
    return behind[0][0] if behind else entry.sequence


def _stamped_at(signed: SignedHead, believed: _Believed, faults: list[Fault], place: str) -> datetime | None:
    """The authority's time; None: it was not stamped, or nobody here can tell."""
    if signed.stamp is None or not believed.authorities:
        return None
    try:
        return check_stamp(signed.stamp, signed.stamped, believed.authorities).at
    except StampError as error:
        faults.append(Fault(Trouble.BAD_STAMP, place, str(error)))
        return None
