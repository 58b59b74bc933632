"""Draws, whatever is drawn from: no quota is exceeded, nobody passed over, and a late recording moves nobody else."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from recording.review.assigning import Task, share_out
from recording.review.sampling import Candidate, Drawing, Risks, Rules, draw

RISKS = Risks(longer_than_s=50, outcomes=frozenset({"refused"}), case_statuses=frozenset({"complaint"}))


@st.composite
def calls(draws: st.DrawFn) -> list[Candidate]:
    return [
        Candidate(
            item=f"r{n}",
            collector=draws(st.integers(1, 4)),
            duration_s=draws(st.sampled_from((5.0, 40.0, 60.0))),
            outcome=draws(st.sampled_from(("", "refused"))),
            of_period=draws(st.booleans()),
            case_statuses=draws(st.sampled_from(((), ("complaint",)))),
        )
        for n in range(draws(st.integers(0, 25)))
    ]


rules = st.builds(
    Rules,
    per_collector=st.integers(1, 5),
    quota=st.none() | st.integers(0, 12),
    min_duration_s=st.sampled_from((0.0, 30.0)),
    risks=st.sampled_from((None, RISKS)),
)


def items(drawing: Drawing) -> list[str]:
    return [one.candidate.item for one in drawing.chosen]


@given(calls(), rules, st.text(max_size=4))
def test_a_draw_keeps_to_its_numbers_and_says_why(candidates: list[Candidate], wanted: Rules, seed: str) -> None:
    drawing = draw(wanted, candidates, seed, "p")
    assert len(set(items(drawing))) == len(drawing.chosen) <= drawing.pool <= len(candidates)
    assert wanted.quota is None or len(drawing.chosen) <= wanted.quota
    per_collector = Counter(one.candidate.collector for one in drawing.chosen)
    assert max(per_collector.values(), default=0) <= wanted.per_collector
    assert all(one.reasons and one.candidate.duration_s >= wanted.min_duration_s for one in drawing.chosen)


@given(calls(), rules)
def test_nobody_gets_two_more_than_somebody_who_has_something_left(candidates: list[Candidate], wanted: Rules) -> None:
    got = Counter(one.candidate.collector for one in draw(wanted, candidates, "s", "p").chosen)
    everything = Rules(per_collector=99, min_duration_s=wanted.min_duration_s, risks=wanted.risks)
    could = Counter(one.candidate.collector for one in draw(everything, candidates, "s", "p").chosen)
    left = [got[collector] for collector, n in could.items() if n > got[collector]]
    assert not left or max(got.values(), default=0) - min(left) <= 1


@given(calls(), rules, st.randoms(use_true_random=False))
def test_it_is_the_same_in_whatever_order_they_come(candidates: list[Candidate], wanted: Rules, chance: object) -> None:
    shuffled = list(candidates)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert draw(wanted, shuffled, "s", "p") == draw(wanted, candidates, "s", "p")


@given(calls(), rules)
def test_one_that_comes_late_takes_a_place_and_moves_nobody_else(candidates: list[Candidate], wanted: Rules) -> None:
    if not candidates:
        return
    late = candidates[-1].item
    before = set(items(draw(wanted, candidates[:-1], "s", "p")))
    after = set(items(draw(wanted, candidates, "s", "p")))
    assert after - before <= {late}
    assert len(before - after) <= len(after - before)


@given(
    st.lists(st.builds(Task, st.text("ab", max_size=6), st.integers(1, 2), st.none() | st.integers(1, 3)), max_size=20),
    st.dictionaries(st.integers(1, 5), st.integers(0, 3)),
)
def test_work_is_shared_evenly_by_people_who_may_have_it(tasks: list[Task], loads: dict[int, int]) -> None:
    shared = share_out(tasks, loads)
    after = Counter(loads)
    for task, people in zip(tasks, shared, strict=True):
        named = [person for person in people if person is not None]
        may = set(loads) - {task.barred}
        assert len(people) == task.hands
        assert len(set(named)) == len(named) == min(task.hands, len(may))
        assert set(named) <= may
        rest = may - set(named)
        assert not named or not rest or max(after[person] for person in named) <= min(after[person] for person in rest)
        after.update(named)
