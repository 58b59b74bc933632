"""Any change, removal, insertion or swap in a chain of the ledger is found, whatever was made anew after it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from recording.heads import SignedHead
from recording.ledger import Entry, EntryKind
from tests.support.ledgers import Ledger, altered, check_ledger, make_ledger, rehash

ledgers = st.builds(make_ledger, st.integers(1, 9), st.integers(1, 4))
facts = st.dictionaries(st.text(max_size=8).map("fact-{}".format), st.integers() | st.text(max_size=9), min_size=1)


def _at(data: st.DataObject, ledger: Ledger) -> int:
    return data.draw(st.integers(0, len(ledger.entries) - 1))


def _is_found(ledger: Ledger, entries: list[Entry], signed: tuple[SignedHead, ...] | None = None) -> bool:
    return not check_ledger(entries, ledger.signed if signed is None else signed, ledger.head).well


@given(ledgers)
def test_an_untouched_ledger_is_well(ledger: Ledger) -> None:
    assert not _is_found(ledger, list(ledger.entries))


@given(ledgers, st.data())
def test_any_changed_byte_or_column_is_found(ledger: Ledger, data: st.DataObject) -> None:
    entries = list(ledger.entries)
    at = _at(data, ledger)
    entry = entries[at]
    flip = data.draw(st.integers(1, 255))

    def flipped(value: bytes) -> bytes:
        place = data.draw(st.integers(0, len(value) - 1))
        return value[:place] + bytes([value[place] ^ flip]) + value[place + 1 :]

    changes: list[Callable[[], Entry]] = [
        lambda: altered(entry, body=flipped(entry.body)),
        lambda: altered(entry, hash=flipped(entry.hash)),
        lambda: altered(entry, subject=entry.subject + "x"),
        lambda: altered(entry, at=entry.at + timedelta(microseconds=flip)),
        lambda: altered(entry, kind=EntryKind.TOMBSTONE),
        lambda: altered(entry, sequence=entry.sequence + flip),
        lambda: altered(entry, chain="node2"),
    ]
    entries[at] = data.draw(st.sampled_from(changes))()
    assert _is_found(ledger, entries)


@given(ledgers, facts, st.booleans(), st.data())
def test_an_entry_made_anew_is_found(
    ledger: Ledger, said: dict[str, object], onwards: bool, data: st.DataObject
) -> None:
    """With a right hash, for itself alone or with all that follow."""
    entries = list(ledger.entries)
    at = _at(data, ledger)
    made = list(rehash([*entries[:at], altered(entries[at], facts=said), *entries[at + 1 :]]))
    assert _is_found(ledger, made if onwards else [*entries[:at], made[at], *entries[at + 1 :]])


@given(ledgers, st.booleans(), st.data())
def test_removed_entries_are_found(ledger: Ledger, anew: bool, data: st.DataObject) -> None:
    first, last = sorted((_at(data, ledger), _at(data, ledger)))
    left = [*ledger.entries[:first], *ledger.entries[last + 1 :]]
    assert _is_found(ledger, list(rehash(left)) if anew else left)


@given(ledgers, st.booleans(), st.data())
def test_an_entry_put_in_is_found(ledger: Ledger, anew: bool, data: st.DataObject) -> None:
    entries = list(ledger.entries)
    at = _at(data, ledger)
    entries.insert(at, replace(entries[_at(data, ledger)], sequence=at + 1))
    later = [replace(entry, sequence=place) for place, entry in enumerate(entries, start=1)]
    assert _is_found(ledger, list(rehash(later)) if anew else later)


@given(ledgers, st.booleans(), st.booleans(), st.data())
def test_swapped_entries_are_found(ledger: Ledger, in_place: bool, anew: bool, data: st.DataObject) -> None:
    entries = list(ledger.entries)
    a, b = _at(data, ledger), _at(data, ledger)
    assume(a != b)
    entries[a], entries[b] = entries[b], entries[a]
    if in_place:  # the rows keep their numbers, their contents change places
        entries = [replace(entry, sequence=place) for place, entry in enumerate(entries, start=1)]
    assert _is_found(ledger, list(rehash(entries)) if anew else entries)


@given(ledgers, st.data())
def test_any_changed_byte_of_a_signed_head_is_found(ledger: Ledger, data: st.DataObject) -> None:
    which = data.draw(st.integers(0, len(ledger.signed) - 1))
    one = ledger.signed[which]
    place = data.draw(st.integers(0, len(one.stamped) - 1))
    text = bytearray(one.stamped)
    text[place] ^= data.draw(st.integers(1, 255))
    forged = SignedHead(bytes(text[:-64]), bytes(text[-64:]))
    assert _is_found(ledger, list(ledger.entries), (*ledger.signed[:which], forged, *ledger.signed[which + 1 :]))
