"""Chains of proofs: what is wrong is found, named and placed."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from dialer.compliance.proof import GENESIS, Link, ProofKind, make_link
from dialer.compliance.proof_chain import (
    MAX_FAULTS,
    WHOLE,
    ChainCheck,
    Extent,
    Head,
    Report,
    Trouble,
    verify_chain,
)

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
Pairs = list[tuple[str, bytes]]


def chain_of(n: int, name: str = "node1") -> list[Link]:
    links: list[Link] = []
    for sequence in range(1, n + 1):
        previous = links[-1].hash if links else GENESIS
        facts = {"at": AT, "attempt_id": 100 + sequence}
        links.append(make_link(name, sequence, previous, ProofKind.SETTLED, facts))
    return links


def pairs_of(links: list[Link]) -> Pairs:
    return [(link.hash.hex(), link.body) for link in links]


def head_of(link: Link) -> Head:
    return Head(link.chain, link.sequence, link.hash.hex())


def test_a_whole_chain_is_well_and_complete() -> None:
    links = chain_of(5)
    report = verify_chain(pairs_of(links), [head_of(links[-1])])
    assert report.well
    assert report.complete
    (chain,) = report.chains
    assert (chain.chain, chain.links, chain.first, chain.last) == ("node1", 5, 1, 5)
    assert chain.head == links[-1].hash.hex()


def test_two_chains_may_be_mixed() -> None:
    ours, theirs = pairs_of(chain_of(3)), pairs_of(chain_of(3, "node2"))
    mixed = [pair for both in zip(ours, theirs, strict=True) for pair in both]
    report = verify_chain(mixed)
    assert report.well
    assert [chain.chain for chain in report.chains] == ["node1", "node2"]


def _change(pairs: Pairs) -> None:
    pairs[2] = (pairs[2][0], pairs[2][1].replace(b'"attempt_id":103', b'"attempt_id":999'))


def _rewrite(pairs: Pairs) -> None:
    """Changed with its own hash: the next link tells."""
    forged = make_link("node1", 3, bytes.fromhex(pairs[1][0]), ProofKind.SETTLED, {"attempt_id": 999})
    pairs[2] = (forged.hash.hex(), forged.body)


def _remove(pairs: Pairs) -> None:
    del pairs[2]


def _remove_many(pairs: Pairs) -> None:
    del pairs[1:4]


def _swap(pairs: Pairs) -> None:
    pairs[2], pairs[3] = pairs[3], pairs[2]


def _first_last(pairs: Pairs) -> None:
    pairs.append(pairs.pop(0))


def _twice(pairs: Pairs) -> None:
    pairs.insert(3, pairs[2])


def _garble(pairs: Pairs) -> None:
    pairs[2] = (pairs[2][0], b"{not json")


def _false_beginning(pairs: Pairs) -> None:
    forged = make_link("node1", 1, b"\1" * 32, ProofKind.SETTLED, {"attempt_id": 101})
    pairs[0] = (forged.hash.hex(), forged.body)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (_change, [(Trouble.CHANGED, 3, 999)]),
        (_rewrite, [(Trouble.BROKEN, 4, 104)]),
        (_remove, [(Trouble.MISSING, 3, None)]),
        (_remove_many, [(Trouble.MISSING, 2, None)]),
        (_swap, [(Trouble.REORDERED, 3, 103)]),
        (_first_last, [(Trouble.REORDERED, 1, 101)]),
        (_twice, [(Trouble.INSERTED, 3, 103)]),
        (_garble, [(Trouble.UNREADABLE, None, None), (Trouble.MISSING, 3, None)]),
        (_false_beginning, [(Trouble.BROKEN, 1, 101), (Trouble.BROKEN, 2, 102)]),
    ],
)
def test_damage_is_found_where_it_is(
    damage: Callable[[Pairs], None], found: list[tuple[Trouble, int | None, int | None]]
) -> None:
    pairs = pairs_of(chain_of(6))
    damage(pairs)
    report = verify_chain(pairs)
    assert [(fault.trouble, fault.sequence, fault.attempt_id) for fault in report.faults] == found
    assert report.n_faults == len(found)
    assert all(fault.words for fault in report.faults)


def test_what_is_missing_is_counted() -> None:
    pairs = pairs_of(chain_of(6))
    del pairs[1:4]
    (fault,) = verify_chain(pairs).faults
    assert fault.words == "links 2 to 4 are missing"


def test_a_gap_is_filled_by_late_links_of_its_middle() -> None:
    pairs = pairs_of(chain_of(6))
    report = verify_chain([pairs[0], pairs[4], pairs[2], pairs[5]])
    assert [(fault.trouble, fault.sequence) for fault in report.faults] == [
        (Trouble.MISSING, 2),
        (Trouble.REORDERED, 3),
        (Trouble.MISSING, 4),
    ]


def test_a_cut_tail_is_found_against_a_noted_head_only() -> None:
    links = chain_of(6)
    cut = pairs_of(links[:4])
    assert verify_chain(cut).well
    (fault,) = verify_chain(cut, [head_of(links[-1])]).faults
    assert (fault.trouble, fault.sequence) == (Trouble.CUT_OFF, 4)


def test_a_rewritten_chain_is_found_against_a_noted_head() -> None:
    links = chain_of(6)
    for noted in (links[5], links[3]):
        other = Head("node1", noted.sequence, "00" * 32)
        (fault,) = verify_chain(pairs_of(links), [other]).faults
        assert (fault.trouble, fault.sequence) == (Trouble.OTHER_HEAD, noted.sequence)


def test_a_noted_chain_that_is_not_here_is_a_fault() -> None:
    (fault,) = verify_chain(pairs_of(chain_of(2)), [Head("node9", 3, "00" * 32)]).faults
    assert (fault.trouble, fault.chain) == (Trouble.CUT_OFF, "node9")


def test_a_part_from_the_middle_is_not_complete_unless_a_noted_head_closes_it() -> None:
    links = chain_of(6)
    part = pairs_of(links[3:])
    open_report = verify_chain(part)
    assert open_report.well
    assert not open_report.complete
    assert verify_chain(part, [head_of(links[2])]).complete
    assert verify_chain(part, [head_of(links[0])]).well, "a head before what is here can be compared with nothing"
    (fault,) = verify_chain(part, [Head("node1", 3, "00" * 32)]).faults
    assert fault.trouble is Trouble.OTHER_HEAD


def test_heads_of_the_source_are_compared() -> None:
    links = chain_of(4)
    head = head_of(links[3])

    def checked(n: int, heads: list[Head], extent: Extent = WHOLE, noted: tuple[Head, ...] = ()) -> Report:
        check = ChainCheck(noted)
        for stated, body in pairs_of(links[:n]):
            check.add(stated, body)
        return check.finish(heads, extent)

    def troubles(report: Report) -> list[tuple[Trouble, str]]:
        return [(fault.trouble, fault.chain) for fault in report.faults]

    assert troubles(checked(4, [head])) == []
    assert troubles(checked(3, [head])) == [(Trouble.CUT_OFF, "node1")]
    early = checked(3, [head], Extent(until=True))
    assert (early.well, early.complete) == (True, False)
    assert troubles(checked(4, [])) == [(Trouble.INSERTED, "node1")]
    assert troubles(checked(0, [head])) == [(Trouble.CUT_OFF, "node1")]
    quiet = checked(0, [head], Extent(since=True))
    assert (quiet.well, quiet.complete) == (True, False)
    known = checked(0, [head], Extent(had=frozenset({("node1", 4)})), (head,))
    assert (known.well, known.complete) == (True, True), "nothing new since the caller had it all"
    older = Head("node1", 3, "00" * 32)
    assert checked(0, [head], Extent(since=True), (older,)).well
    newer = Head("node1", 5, "00" * 32)
    assert troubles(checked(0, [head], Extent(since=True), (newer,))) == [(Trouble.CUT_OFF, "node1")]


def test_another_version_is_not_read_as_this_one() -> None:
    link = chain_of(1)[0]
    newer = link.body.replace(b'"v":1', b'"v":2')
    (fault,) = verify_chain([(link.hash.hex(), newer)]).faults
    assert fault.trouble is Trouble.UNREADABLE


def test_faults_are_kept_up_to_a_number_and_all_counted() -> None:
    check = ChainCheck()
    for _ in range(MAX_FAULTS + 5):
        check.add("", b"nothing")
    report = check.finish()
    assert (report.n_faults, len(report.faults)) == (MAX_FAULTS + 5, MAX_FAULTS)
