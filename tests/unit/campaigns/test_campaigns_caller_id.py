"""Caller IDs: the same person sees the same number; caps and leavers move only whom they must."""

from dialer.campaigns.caller_id import choose_caller_id, usable

POOL = ("+862161000001", "+862161000002", "+861061000003", "+861061000004")
PEOPLE = [f"person-{n}" for n in range(400)]


def test_sticky_whatever_the_order_of_the_pool() -> None:
    assert all(choose_caller_id(POOL, person) == choose_caller_id(POOL[::-1], person) for person in PEOPLE)


def test_spreads_over_the_pool() -> None:
    counts = [sum(choose_caller_id(POOL, person) == number for person in PEOPLE) for number in POOL]
    assert min(counts) > 60


def test_a_number_that_leaves_moves_only_its_own() -> None:
    gone, rest = POOL[0], POOL[1:]
    for person in PEOPLE:
        before = choose_caller_id(POOL, person)
        assert before == gone or choose_caller_id(rest, person) == before


def test_prefers_the_area() -> None:
    assert all(choose_caller_id(POOL, person, area="+8610") in POOL[2:] for person in PEOPLE)
    assert all(choose_caller_id(POOL, person, area="+8699") in POOL for person in PEOPLE)


def test_an_empty_pool_shows_what_the_trunk_shows() -> None:
    assert choose_caller_id((), "person") == ""


def test_rests_at_the_daily_cap() -> None:
    assert usable(POOL, {POOL[0]: 100, POOL[1]: 99}, 100) == POOL[1:]
    assert usable(POOL, {}, 0) == ()
