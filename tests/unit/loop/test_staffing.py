"""Collectors of several campaigns are lent to one at a time."""

from hypothesis import given
from hypothesis import strategies as st

from dialer.campaigns.loop.staffing import Collector, Demand, lend

NONE: frozenset[str] = frozenset()


def demand(campaign_id: int, *, wants: bool = True, skills: frozenset[str] = NONE) -> Demand:
    return Demand(campaign_id, skills, wants)


def test_a_ready_collector_goes_to_the_first_campaign_with_work() -> None:
    both = Collector(1, frozenset({10, 20}), NONE)
    assert lend([both], [demand(20), demand(10)]) == {10: {1}, 20: frozenset()}
    assert lend([both], [demand(20), demand(10, wants=False)]) == {10: frozenset(), 20: {1}}


def test_where_no_campaign_has_work_the_first_one_shows_the_collector() -> None:
    both = Collector(1, frozenset({10, 20}), NONE)
    assert lend([both], [demand(10, wants=False), demand(20, wants=False)]) == {10: {1}, 20: frozenset()}


def test_a_busy_collector_belongs_to_the_campaign_of_the_call() -> None:
    busy = Collector(1, frozenset({10, 20}), NONE, busy_for=20)
    assert lend([busy], [demand(10), demand(20)])[20] == {1}
    assert lend([busy], [demand(10)])[10] == {1}  # its campaign runs no more


def test_a_campaign_does_not_count_on_who_lacks_its_skills() -> None:
    plain = Collector(1, frozenset({10, 20}), frozenset({"zh"}))
    needs = frozenset({"zh", "cantonese"})
    assert lend([plain], [demand(10, skills=needs), demand(20)]) == {10: frozenset(), 20: {1}}
    assert lend([plain], [demand(10, skills=needs)]) == {10: frozenset()}


@given(
    st.lists(
        st.tuples(
            st.frozensets(st.integers(1, 5)), st.frozensets(st.sampled_from("ab")), st.none() | st.integers(1, 5)
        ),
        max_size=12,
    ),
    st.dictionaries(st.integers(1, 5), st.tuples(st.frozensets(st.sampled_from("ab")), st.booleans())),
)
def test_nobody_is_lent_twice(
    people: list[tuple[frozenset[int], frozenset[str], int | None]], campaigns: dict[int, tuple[frozenset[str], bool]]
) -> None:
    collectors = [Collector(number, *person) for number, person in enumerate(people)]
    staff = lend(collectors, [Demand(number, *campaign) for number, campaign in campaigns.items()])
    lent = [agent_id for agent_ids in staff.values() for agent_id in agent_ids]
    assert len(lent) == len(set(lent))
    assert set(staff) == set(campaigns)
