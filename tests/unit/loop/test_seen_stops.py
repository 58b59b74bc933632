"""Which stops a node has seen: ids may appear out of their order, and each is taken once."""

from hypothesis import given
from hypothesis import strategies as st

from dialer.campaigns.loop.stop_watch import GAP_LIFE_S, MAX_GAPS, SeenStops


def test_what_was_there_before_is_not_waited_for_twice() -> None:
    seen = SeenStops(0, 0.0)
    assert (seen.after, list(seen.missing)) == (0, [])
    seen = SeenStops(4, 0.0)
    assert (seen.after, list(seen.missing)) == (4, [1, 2, 3])
    for stop_id in (1, 3):
        seen.take(stop_id, 0.0)
    assert list(seen.missing) == [2]


def test_a_gap_is_looked_for_until_no_transaction_can_fill_it() -> None:
    seen = SeenStops(10, -2 * GAP_LIFE_S)
    seen.forget(0.0)
    assert list(seen.missing) == []
    seen.take(13, 1.0)
    assert (seen.after, list(seen.missing)) == (13, [11, 12])
    seen.take(12, 2.0)
    assert (seen.after, list(seen.missing)) == (13, [11])
    seen.forget(1.0 + GAP_LIFE_S - 0.1)
    assert list(seen.missing) == [11]
    seen.forget(1.0 + GAP_LIFE_S)
    assert list(seen.missing) == []


def test_gaps_have_a_limit() -> None:
    seen = SeenStops(5000, 0.0)
    assert len(seen.missing) < MAX_GAPS + 1
    seen.take(50_000, 1.0)
    assert len(seen.missing) <= 2 * MAX_GAPS
    seen.forget(2.0)
    assert len(seen.missing) == MAX_GAPS
    assert seen.missing[-1] == 49_999, "the newest are kept"


@given(st.permutations(range(1, 40)), st.lists(st.integers(0, 5), min_size=39, max_size=39))
def test_every_stop_is_found_once_whatever_the_order_of_commits(order: list[int], batches: list[int]) -> None:
    """Ids become visible in `order`, some at a time; each reading asks for what is above, and for what is missing."""
    seen, visible, found = SeenStops(0, 0.0), set[int](), list[int]()
    rest = list(order)
    for batch in [*batches, len(rest)]:
        visible.update(rest[:batch])
        del rest[:batch]
        after, missing = seen.after, seen.missing
        for stop_id in sorted(stop_id for stop_id in visible if stop_id > after or stop_id in missing):
            found.append(stop_id)
            seen.take(stop_id, 0.0)
    assert sorted(found) == sorted(order)
