"""Writes the ledger into a folder as it stands there, for a check with public tools alone.

A folder per chain: `entries.jsonl`, the bodies of its entries line by line in their order, and its newest signed head
and its newest stamped one, as `heads/SEQUENCE.txt`, `.sig` and `.tsr`. Nothing in it is a name or a phone number.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from dialer.storage.ledger_reading import LedgerReading
from recording.heads import SignedHead
from recording.ledger import Entry


async def export_ledger(reading: LedgerReading, folder: Path) -> int:
    """Writes all chains; says how many entries. Raises StorageError, OSError (also when the folder is there)."""
    await asyncio.to_thread(folder.mkdir, parents=True)
    signed = await reading.newest_signed()
    last = {end.chain: end.last for end in await reading.ends()}
    n = 0
    for chain in sorted(signed.keys() | last.keys()):
        place = folder / quote(chain, safe="")
        await _export_heads(reading, chain, signed.get(chain, 0), place / "heads")
        n += await _export_entries(reading, chain, last.get(chain, 0), place / "entries.jsonl")
    return n


async def _export_heads(reading: LedgerReading, chain: str, newest: int, folder: Path) -> None:
    """Whether there are entries for them or not: that is for the check to say."""
    await asyncio.to_thread(folder.mkdir, parents=True)
    for stamped in (True, False):
        found = await reading.newest_at(chain, newest, stamped=stamped)
        if found is not None:
            await asyncio.to_thread(_write_head, folder / str(found[0]), found[1])


async def _export_entries(reading: LedgerReading, chain: str, last: int, path: Path) -> int:
    n = after = 0
    stream = await asyncio.to_thread(path.open, "wb")
    try:
        while entries := await reading.entries(chain, after, last):
            await asyncio.to_thread(_write_entries, stream, entries)
            n, after = n + len(entries), entries[-1].sequence
    finally:
        await asyncio.to_thread(stream.close)
    return n


def _write_head(path: Path, signed: SignedHead) -> None:
    path.with_suffix(".txt").write_bytes(signed.statement)
    path.with_suffix(".sig").write_bytes(signed.signature)
    if signed.stamp is not None:
        path.with_suffix(".tsr").write_bytes(signed.stamp)


def _write_entries(stream: BinaryIO, entries: Sequence[Entry]) -> None:
    stream.writelines(entry.body + b"\n" for entry in entries)
