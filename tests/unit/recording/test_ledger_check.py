"""Every way to tamper with a chain has its name."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from recording.faults import ADVICE, Trouble
from recording.heads import Head, SignedHead
from recording.ledger import Entry, EntryKind
from recording.ledger_check import LedgerCheck, Report, Trust
from tests.support.ledgers import KEY, OTHER_KEY, altered, check_ledger, make_ledger, rehash, signed_heads

Entries = tuple[Entry, ...]
LEDGER = make_ledger(9)


def _troubles(report: Report) -> set[Trouble]:
    return {fault.trouble for fault in report.faults}


def test_a_clean_chain_has_no_fault() -> None:
    report = check_ledger(LEDGER.entries, LEDGER.signed, LEDGER.head, noted=[LEDGER.head])
    assert report.well
    assert report.vouched
    (chain,) = report.chains
    assert (chain.entries, chain.last, chain.signed, chain.head) == (10, 10, 10, LEDGER.head.hash)


def _swapped(entries: Entries) -> Entries:
    a, b = entries[4], entries[5]
    return (*entries[:4], replace(b, sequence=a.sequence), replace(a, sequence=b.sequence), *entries[6:])


def _inserted(entries: Entries) -> Entries:
    """As SQL can do it: the rows after it get the next numbers."""
    later = [replace(entry, sequence=entry.sequence + 1) for entry in entries[5:]]
    return (*entries[:5], replace(entries[4], sequence=6), *later)


@pytest.mark.parametrize(
    ("tamper", "trouble", "places"),
    [
        (lambda e: (*e[:4], altered(e[4], facts={"sha256": "cd" * 32}), *e[5:]), Trouble.ALTERED, {5}),
        (lambda e: (*e[:4], altered(e[4], hash=bytes(32)), *e[5:]), Trouble.ALTERED, {5}),
        (lambda e: (*e[:4], altered(e[4], subject="rec-x"), *e[5:]), Trouble.ALTERED, {5}),
        (lambda e: (*e[:4], altered(e[4], kind=EntryKind.HOLD), *e[5:]), Trouble.ALTERED, {5}),
        (lambda e: (*e[:4], altered(e[4], at=e[5].at), *e[5:]), Trouble.ALTERED, {5}),
        (lambda e: (*e[:4], altered(e[4], body=b"{"), *e[5:]), Trouble.UNREADABLE, {5}),
        (lambda e: (*e[:4], *e[5:]), Trouble.MISSING, {5}),
        (lambda e: (*e[:4], *e[7:]), Trouble.MISSING, {5}),
        (_swapped, Trouble.REORDERED, {5, 6}),
        (lambda e: (*e[:4], e[5], e[4], *e[6:]), Trouble.REORDERED, {5}),
        (lambda e: (*e[:5], *e[4:]), Trouble.INSERTED, {5}),
        (_inserted, Trouble.REORDERED, {6, 7, 8, 9, 10, 11}),
        (lambda e: e[:7], Trouble.CUT_OFF, set()),
        (lambda e: rehash((*e[:4], *e[5:])), Trouble.REWRITTEN, {6, 9}),
        (lambda e: (*e[:4], *rehash(e)[4:5], *e[5:]), None, set()),
    ],
)
def test_every_tampering_is_named(
    tamper: Callable[[Entries], Entries], trouble: Trouble | None, places: set[int]
) -> None:
    report = check_ledger(tamper(LEDGER.entries), LEDGER.signed, LEDGER.head)
    if trouble is None:
        assert report.well
        return
    assert trouble in _troubles(report)
    told = {fault.place for fault in report.faults if fault.trouble is trouble}
    assert {f"node1:{place}" for place in places} <= told
    assert all(ADVICE[fault.trouble].action for fault in report.faults)


def test_one_change_is_told_once() -> None:
    """What follows a changed entry is not at fault, and neither is what follows two that changed places."""
    one = (*LEDGER.entries[:4], altered(LEDGER.entries[4], facts={"sha256": "cd" * 32}), *LEDGER.entries[5:])
    assert check_ledger(one, LEDGER.signed, LEDGER.head).n_faults == 1
    unsigned = [signed for signed in LEDGER.signed if b"sequence: 6\n" not in signed.statement]
    assert check_ledger(_swapped(LEDGER.entries), unsigned, LEDGER.head).n_faults == 2


def test_a_chain_made_anew_and_signed_by_another_key_is_found() -> None:
    forged = make_ledger(9, key=OTHER_KEY)
    report = check_ledger(forged.entries, forged.signed, forged.head)
    assert _troubles(report) == {Trouble.OTHER_KEY}
    # Whoever trusts nobody hears at least that nobody vouches for it.
    report = check_ledger(forged.entries, forged.signed, forged.head, keys=(), bound=frozenset())
    assert report.well
    assert not report.vouched


def test_a_key_that_the_chain_does_not_name_is_found() -> None:
    signed = signed_heads(LEDGER.entries, 3, OTHER_KEY)
    assert Trouble.OTHER_KEY in _troubles(check_ledger(LEDGER.entries, signed, LEDGER.head, keys=(KEY, OTHER_KEY)))
    report = check_ledger(LEDGER.entries, signed, LEDGER.head, keys=(), bound=frozenset())
    assert _troubles(report) == {Trouble.OTHER_KEY, Trouble.UNSIGNED}


def test_a_key_after_a_trusted_one_must_be_trusted_even_where_none_need_be() -> None:
    signed = (*LEDGER.signed[:-1], signed_heads(LEDGER.entries, 3, OTHER_KEY)[-1])
    assert Trouble.OTHER_KEY in _troubles(check_ledger(LEDGER.entries, signed, LEDGER.head, bound=frozenset()))


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, signature=bytes(64)),
        lambda one: replace(one, statement=one.statement.replace(b"T02:", b"T01:")),
        lambda one: replace(one, statement=b"dialer ledger head\n"),
    ],
)
def test_a_signature_that_is_none_is_found(change: Callable[[SignedHead], SignedHead]) -> None:
    signed = (change(LEDGER.signed[0]), *LEDGER.signed[1:])
    assert Trouble.BAD_SIGNATURE in _troubles(check_ledger(LEDGER.entries, signed, LEDGER.head))


def test_removed_signatures_are_found() -> None:
    assert _troubles(check_ledger(LEDGER.entries, (), LEDGER.head)) == {Trouble.UNSIGNED}
    assert _troubles(check_ledger(LEDGER.entries, LEDGER.signed[:-1], LEDGER.head)) == {Trouble.UNSIGNED}


def test_a_cut_tail_is_found_by_a_signed_or_a_noted_head_alone() -> None:
    cut = LEDGER.entries[:6]
    end = Head("node1", 6, cut[-1].hash.hex())
    assert Trouble.CUT_OFF in _troubles(check_ledger(cut, LEDGER.signed, end))
    assert check_ledger(cut, LEDGER.signed[:2], end).well
    assert _troubles(check_ledger(cut, LEDGER.signed[:2], end, noted=[LEDGER.head])) == {Trouble.CUT_OFF}


def test_a_rewritten_chain_signed_by_the_right_key_contradicts_a_note() -> None:
    forged = rehash((*LEDGER.entries[:4], *LEDGER.entries[5:]))
    end = Head("node1", 9, forged[-1].hash.hex())
    signed = signed_heads(forged, 3, KEY)
    assert check_ledger(forged, signed, end).well
    noted = Head("node1", 7, LEDGER.entries[6].hash.hex())
    assert _troubles(check_ledger(forged, signed, end, noted=[noted])) == {Trouble.REWRITTEN}


def test_a_whole_chain_that_is_gone_or_that_nobody_knows_is_found() -> None:
    assert _troubles(check_ledger((), (), LEDGER.head)) == {Trouble.CUT_OFF}
    check = LedgerCheck(Trust({}, frozenset()))
    check.add(LEDGER.entries[0])
    assert _troubles(check.finish([])) == {Trouble.INSERTED}


def test_a_part_is_checked_from_what_vouches_for_its_beginning() -> None:
    def check(anchor: Head, noted: tuple[Head, ...] = ()) -> Report:
        part = LedgerCheck(Trust({}, frozenset()), noted, [anchor])
        for entry in LEDGER.entries[4:]:
            part.add(entry)
        return part.finish([LEDGER.head])

    anchor = Head("node1", 4, LEDGER.entries[3].hash.hex())
    assert check(anchor, (anchor,)).well
    assert _troubles(check(replace(anchor, hash="00" * 32))) == {Trouble.ALTERED}
    assert _troubles(check(anchor, (replace(anchor, hash="00" * 32),))) == {Trouble.REWRITTEN}


def test_entries_of_others_are_followed_by_their_digests() -> None:
    check = LedgerCheck(Trust({}, frozenset()))
    for entry in LEDGER.entries:
        check.add_digest("node1", entry.sequence, hashlib.sha256(entry.body).digest(), entry.hash)
    assert check.finish([LEDGER.head]).well


def test_a_key_entry_whose_key_is_not_the_one_it_names_is_found() -> None:
    first = altered(LEDGER.entries[0], facts={"public_key": OTHER_KEY.public_key().public_bytes_raw().hex()})
    report = check_ledger((first, *LEDGER.entries[1:]), LEDGER.signed, LEDGER.head)
    assert Trouble.UNREADABLE in _troubles(report)
