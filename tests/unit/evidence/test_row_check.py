"""A recording's row beside its entries: made once more of the same spool it is the same, of another it is told."""

from dataclasses import asdict

from dialer.evidence.row_check import check_row
from dialer.model.recording import WrappedKey
from dialer.storage.ledger_rows import LedgerRow
from recording.faults import Trouble
from recording.ledger import GENESIS, Entry, EntryKind, make_entry, recording_facts
from tests.support.recordings import new_recording
from tests.support.storage import MONDAY

SAME, OTHER = "a" * 64, "b" * 64


def made(sha256: str, sealed_sha256: str) -> tuple[LedgerRow, Entry]:
    """The recording as it was put on record with this content, under some key."""
    recording = new_recording("node1-1", 1, MONDAY, sha256=sha256, sealed_sha256=sealed_sha256)
    said = asdict(recording) | {"campaign_id": 1, "case_ref": "case-1"}
    entry = make_entry("node1", 1, GENESIS, EntryKind.RECORDING, "node1-1", MONDAY, recording_facts(said))
    return LedgerRow("node1-1", said, "kept", WrappedKey("kek", b"wrapped")), entry


def test_a_recording_that_was_made_once_more_is_the_same() -> None:
    (_, first), (row, again) = made(SAME, "1" * 64), made(SAME, "2" * 64)
    assert check_row(row, [first, again]) == []


def test_another_recording_in_its_place_is_told() -> None:
    (_, first), (row, planted) = made(SAME, "1" * 64), made(OTHER, "2" * 64)
    (fault,) = check_row(row, [first, planted])
    assert (fault.trouble, OTHER in fault.words, SAME in fault.words) == (Trouble.AUDIO_REPLACED, True, True)
