"""Any single change, removal, insertion or swap in a chain of proofs is found."""

import json
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dialer.compliance.proof import GENESIS, Link, ProofKind, make_link
from dialer.compliance.proof_chain import Head, Report, verify_chain

Pairs = list[tuple[str, bytes]]

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12)
# Names of a link's own keys would not be facts.
contents = st.dictionaries(st.text(max_size=8).map("fact-{}".format), scalars, max_size=4)


@st.composite
def chains(draw: st.DrawFn) -> list[Link]:
    links: list[Link] = []
    for sequence, facts in enumerate(draw(st.lists(contents, min_size=2, max_size=12)), start=1):
        previous = links[-1].hash if links else GENESIS
        links.append(make_link("node1", sequence, previous, draw(st.sampled_from(ProofKind)), facts))
    return links


def _pairs(links: list[Link]) -> Pairs:
    return [(link.hash.hex(), link.body) for link in links]


def _check(pairs: Pairs, links: list[Link]) -> Report:
    return verify_chain(pairs, [Head("node1", len(links), links[-1].hash.hex())])


def _found(report: Report) -> bool:
    return not (report.well and report.complete)


@given(chains())
def test_an_untouched_chain_is_well(links: list[Link]) -> None:
    assert not _found(_check(_pairs(links), links))


@given(chains(), st.data())
def test_any_changed_byte_is_found(links: list[Link], data: st.DataObject) -> None:
    pairs = _pairs(links)
    at = data.draw(st.integers(0, len(pairs) - 1))
    body = bytearray(pairs[at][1])
    byte = data.draw(st.integers(0, len(body) - 1))
    body[byte] ^= data.draw(st.integers(1, 255))
    pairs[at] = (pairs[at][0], bytes(body))
    assert _found(_check(pairs, links))


@given(chains(), st.data())
def test_any_rewritten_link_is_found(links: list[Link], data: st.DataObject) -> None:
    """With a right hash beside it, and whatever it says of itself."""
    pairs = _pairs(links)
    at = data.draw(st.integers(0, len(pairs) - 1))
    forged: dict[str, Any] = json.loads(pairs[at][1]) | data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "sequence": st.integers(1, 20),
                "kind": st.sampled_from([kind.value for kind in ProofKind]),
                "previous": st.binary(min_size=32, max_size=32).map(bytes.hex),
                "fact-": scalars,
            },
        )
    )
    if forged == json.loads(pairs[at][1]):
        return
    previous = bytes.fromhex(forged.pop("previous"))
    facts = {name: value for name, value in forged.items() if name not in ("v", "chain", "sequence", "kind")}
    link = make_link("node1", forged["sequence"], previous, ProofKind(forged["kind"]), facts)
    pairs[at] = (link.hash.hex(), link.body)
    assert _found(_check(pairs, links))


@given(chains(), st.data())
def test_any_removed_link_is_found(links: list[Link], data: st.DataObject) -> None:
    pairs = _pairs(links)
    del pairs[data.draw(st.integers(0, len(pairs) - 1))]
    assert _found(_check(pairs, links))


@given(chains(), contents, st.data())
def test_any_inserted_link_is_found(links: list[Link], facts: dict[str, Any], data: st.DataObject) -> None:
    pairs = _pairs(links)
    at = data.draw(st.integers(0, len(pairs)))
    previous = links[at - 1].hash if at else GENESIS
    link = make_link("node1", data.draw(st.integers(1, 20)), previous, ProofKind.REFUSED, facts)
    assume((at, link.sequence) != (len(links), len(links) + 1))  # that is how a chain grows
    pairs.insert(at, (link.hash.hex(), link.body))
    assert _found(_check(pairs, links))


@settings(max_examples=200)
@given(chains(), st.data())
def test_any_swap_is_found(links: list[Link], data: st.DataObject) -> None:
    pairs = _pairs(links)
    a, b = data.draw(st.lists(st.integers(0, len(pairs) - 1), min_size=2, max_size=2, unique=True))
    pairs[a], pairs[b] = pairs[b], pairs[a]
    assert _found(_check(pairs, links))
