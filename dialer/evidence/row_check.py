"""Whether a recording's row and its entries in the ledger say the same. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from dialer.model.recording import RecordingState
from dialer.storage.ledger_rows import LedgerRow
from recording.faults import Fault, Trouble
from recording.ledger import Entry, EntryKind, recording_facts

MADE = (EntryKind.RECORDING, EntryKind.DERIVED)
_SAID_ONCE = ("sha256", "size_bytes", "sealed_sha256", "sealed_bytes")
"""What a tombstone repeats of the recording."""


def check_row(row: LedgerRow, entries: Sequence[Entry]) -> list[Fault]:
    """What is wrong with a recording's row, its key and its state, by the entries about it, each chain's in order."""
    made = [entry for entry in entries if entry.kind in MADE]
    tombstones = [entry for entry in entries if entry.kind == EntryKind.TOMBSTONE]
    if not made:
        words = "the recording is in the database, but the ledger has no entry of it"
        return [Fault(Trouble.NO_ENTRY, row.recording_id, words)]
    newest = _facts(made[-1])
    return [
        *_replaced(row, made),
        *_differences(row, made[-1], newest),
        *_deletion(row, newest, tombstones),
        *_key(row),
    ]


def was_deleted(entries: Iterable[Entry]) -> bool:
    """Whether the ledger says that the recording was deleted."""
    return any(entry.kind == EntryKind.TOMBSTONE for entry in entries)


def _replaced(row: LedgerRow, made: Sequence[Entry]) -> Iterator[Fault]:
    """A spool that is finalised once more, after a crash, gives the same file, sealed under another key."""
    first = _facts(made[0]).get("sha256")
    for entry in made[1:]:
        said = _facts(entry).get("sha256")
        if said != first:
            words = f"by entry {entry.chain}:{entry.sequence} its SHA-256 is {said}, by the first one {first}"
            yield Fault(Trouble.AUDIO_REPLACED, row.recording_id, words)


def _differences(row: LedgerRow, entry: Entry, facts: Mapping[str, Any]) -> Iterator[Fault]:
    """A deleted recording's row has forgotten its marks."""
    stored = recording_facts(row.said)
    if row.state == RecordingState.DELETED.value:
        del stored["marks_sha256"]
    differing = [name for name, value in stored.items() if not _same(value, facts.get(name))]
    if differing:
        words = f"{', '.join(differing)} in the recording's row: not as entry {entry.chain}:{entry.sequence} says"
        yield Fault(Trouble.ROW_DIFFERS, row.recording_id, words)


def _deletion(row: LedgerRow, facts: Mapping[str, Any], tombstones: Sequence[Entry]) -> Iterator[Fault]:
    deleted = row.state == RecordingState.DELETED.value
    if deleted and not tombstones:
        yield Fault(Trouble.DELETION_DIFFERS, row.recording_id, "the row says deleted, but the ledger has no tombstone")
    if tombstones and not deleted:
        words = f"the ledger has a tombstone, but the row says {row.state}"
        yield Fault(Trouble.DELETION_DIFFERS, row.recording_id, words)
    for tombstone in tombstones:
        said = _facts(tombstone)
        if any(said.get(name) != facts.get(name) for name in _SAID_ONCE):
            words = f"tombstone {tombstone.chain}:{tombstone.sequence} is of other audio than the recording's entry"
            yield Fault(Trouble.DELETION_DIFFERS, row.recording_id, words)


def _key(row: LedgerRow) -> Iterator[Fault]:
    deleted = row.state == RecordingState.DELETED.value
    if deleted and row.key is not None:
        yield Fault(Trouble.KEY_NOT_DESTROYED, row.recording_id, "the recording is deleted, but its key is still there")
    if not deleted and row.key is None:
        yield Fault(Trouble.KEY_MISSING, row.recording_id, "there is no key on record that opens the recording")


def _facts(entry: Entry) -> dict[str, Any]:
    """What an entry says; nothing when it cannot be read, which its chain's check tells."""
    try:
        facts = msgspec.json.decode(entry.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _same(stored: Any, said: Any) -> bool:
    if isinstance(stored, datetime):
        try:
            return datetime.fromisoformat(said) == stored
        except (TypeError, ValueError):
            return False
    return bool(stored == said)
