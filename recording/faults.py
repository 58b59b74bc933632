"""What can be wrong with recordings and their ledger: the kinds of faults, what each means, and what to do. Pure."""

from dataclasses import dataclass
from enum import Enum

MAX_FAULTS = 1000
"""Faults kept with their words; beyond that they are only counted."""


class Trouble(str, Enum):
    """The kinds of faults."""

    UNREADABLE = "unreadable"
    ALTERED = "altered"
    BROKEN = "broken"
    MISSING = "missing"
    INSERTED = "inserted"
    REORDERED = "reordered"
    CUT_OFF = "cut_off"
    REWRITTEN = "rewritten"
    BAD_SIGNATURE = "bad_signature"
    OTHER_KEY = "other_key"
    UNSIGNED = "unsigned"
    BAD_STAMP = "bad_stamp"
    PROOFS_DIFFER = "proofs_differ"
    ROW_DIFFERS = "row_differs"
    ROW_MISSING = "row_missing"
    NO_ENTRY = "no_entry"
    DELETION_DIFFERS = "deletion_differs"
    KEY_MISSING = "key_missing"
    KEY_NOT_DESTROYED = "key_not_destroyed"
    AUDIO_MISSING = "audio_missing"
    AUDIO_ALTERED = "audio_altered"
    AUDIO_REPLACED = "audio_replaced"
    AUDIO_UNKNOWN = "audio_unknown"


@dataclass(frozen=True, slots=True)
class Advice:
    """What a kind of fault means, and what to do about it."""

    meaning: str
    action: str


_NOT_WHAT_WAS_WRITTEN = "the ledger in the database is not what the node wrote"
_COMPARE = (
    "keep the database as it is, compare it with backups and with heads noted elsewhere, and find out who wrote to it"
)
_RESTORE = "restore the object from a copy of the store and check again; keep the damaged one"

ADVICE: dict[Trouble, Advice] = {
    Trouble.UNREADABLE: Advice("an entry's content was replaced or damaged", _COMPARE),
    Trouble.ALTERED: Advice(f"{_NOT_WHAT_WAS_WRITTEN}: this entry was changed afterwards", _COMPARE),
    Trouble.BROKEN: Advice(f"{_NOT_WHAT_WAS_WRITTEN}: entries around this place were exchanged", _COMPARE),
    Trouble.MISSING: Advice(f"{_NOT_WHAT_WAS_WRITTEN}: entries were removed", _COMPARE),
    Trouble.INSERTED: Advice(f"{_NOT_WHAT_WAS_WRITTEN}: an entry was put in", _COMPARE),
    Trouble.REORDERED: Advice(f"{_NOT_WHAT_WAS_WRITTEN}: entries changed places", _COMPARE),
    Trouble.CUT_OFF: Advice("the newest entries were removed, or an old backup was put back", _COMPARE),
    Trouble.REWRITTEN: Advice("the chain was made anew after this head was signed or noted", _COMPARE),
    Trouble.BAD_SIGNATURE: Advice("this head was not signed by the key it names, or was changed afterwards", _COMPARE),
    Trouble.OTHER_KEY: Advice(
        "someone signed with another key: the node's key was changed, or the chain was made anew by someone else",
        "if the house changed the key then, give the old and the new public key with --key; if not, treat it as forged",
    ),
    Trouble.UNSIGNED: Advice(
        "signatures were removed, or the node ended without its last signature and has not run since",
        "start the node, which signs what follows on its last signature and refuses what does not; then check again",
    ),
    Trouble.BAD_STAMP: Advice(
        "the time stamp was exchanged or is of an authority that is not trusted here; the signature stands by itself",
        "compare evidence.tsa_certificate with the authority's; ask the authority about the stamp",
    ),
    Trouble.PROOFS_DIFFER: Advice(
        "the proofs of calls were changed, removed or made anew after this entry", "run `dialer proof verify`"
    ),
    Trouble.ROW_DIFFERS: Advice(
        "the recording's row was changed after it was entered in the ledger",
        "believe the entry; find out who wrote to the database",
    ),
    Trouble.ROW_MISSING: Advice("the recording was removed from the database without a deletion on record", _COMPARE),
    Trouble.NO_ENTRY: Advice("the recording was put into the database past the ledger, or its entry removed", _COMPARE),
    Trouble.DELETION_DIFFERS: Advice(
        "a deletion and its record do not agree: one of them was made by hand",
        "look for the deletion in the audit log; restore the row or the key from a backup",
    ),
    Trouble.KEY_MISSING: Advice(
        "the recording cannot be opened any more, though nobody deleted it",
        "put the key-encryption key back (recordings.old_keys), or the row of the key from a backup",
    ),
    Trouble.KEY_NOT_DESTROYED: Advice(
        "a deleted recording can still be opened", "run the deletion again; look for backups of its key"
    ),
    Trouble.AUDIO_MISSING: Advice("the recording's object was removed from the store", _RESTORE),
    Trouble.AUDIO_ALTERED: Advice("the recording's object was changed or exchanged for another", _RESTORE),
    Trouble.AUDIO_REPLACED: Advice(
        "the recording was put on record once more with other audio: a spool that is not the call's was left for it",
        "take the audio of the first entry from a copy of the store, and find out who could write to the spool",
    ),
    Trouble.AUDIO_UNKNOWN: Advice(
        "someone put it there, or a recording is stored whose row the database has not taken yet",
        "if the node runs and its log shows no waiting recording, move the object away and find out who wrote it",
    ),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: the kind, where, and what, in words.

    `place` names it for people: CHAIN:SEQUENCE, a chain, a recording, an object of the store.
    """

    trouble: Trouble
    place: str
    words: str

    @property
    def advice(self) -> Advice:
        """What it means, and what to do."""
        return ADVICE[self.trouble]


class Faults:
    """Collects faults: the first ones with their words, all of them by number."""

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self.n = 0

    def add(self, trouble: Trouble, place: str, words: str) -> None:
        """One more."""
        self.n += 1
        if len(self.found) < MAX_FAULTS:
            self.found.append(Fault(trouble, place, words))
