"""What a plan draws: who is worth listening to and why, whose turn it is, and that no hand can change it."""

from typing import Any

import pytest

from recording.review.assigning import Task, share_out
from recording.review.sampling import Candidate, Reason, ReasonKind, Risks, Rules, draw, reasons_for

ANY = Rules(per_collector=2)
RISKS = Risks(
    longer_than_s=600,
    shorter_than_s=10,
    silence_above=0.4,
    overtalk_above=0.2,
    outcomes=frozenset({"refused"}),
    dispositions=frozenset({"abandoned"}),
    case_statuses=frozenset({"complaint", "dispute"}),
    promise_codes=frozenset({"promise"}),
    promise_field="pay_date",
    words=("律师", "Sue"),
)
K = ReasonKind


def call(item: str, collector: int = 1, **said: object) -> Candidate:
    plain: dict[str, object] = {"item": item, "collector": collector, "duration_s": 60.0}
    return Candidate(**plain | said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ()),
        ({"duration_s": 600.0}, ()),  # as long as may be is not longer
        ({"duration_s": 734.2}, (Reason(K.LONG, "734 s"),)),
        ({"duration_s": 9.0}, (Reason(K.SHORT, "9 s"),)),
        ({"silence_share": 0.41}, (Reason(K.SILENCE, "41%"),)),
        ({"overtalk_share": 0.25, "outcome": "refused"}, (Reason(K.OVERTALK, "25%"), Reason(K.OUTCOME, "refused"))),
        ({"disposition": "abandoned"}, (Reason(K.DISPOSITION, "abandoned"),)),
        ({"case_statuses": ("dispute", "hold", "complaint")}, (Reason(K.CASE, "complaint"), Reason(K.CASE, "dispute"))),
        ({"broken_promise": "2026-12-01"}, (Reason(K.BROKEN_PROMISE, "2026-12-01"),)),
        ({"transcript": "我要找律师, I will sue you"}, (Reason(K.WORD, "律师"), Reason(K.WORD, "Sue"))),
        # Of an earlier call only what became of its case since then counts.
        ({"duration_s": 734.2, "of_period": False}, ()),
        ({"duration_s": 734.2, "of_period": False, "case_statuses": ("dispute",)}, (Reason(K.CASE, "dispute"),)),
    ],
)
def test_a_recording_is_worth_listening_to_for_reasons(said: dict[str, Any], expected: tuple[Reason, ...]) -> None:
    assert reasons_for(RISKS, call("a", **said)) == expected


def test_nothing_is_asked_for_unless_it_was_said() -> None:
    everything = call("a", duration_s=9999, outcome="refused", broken_promise="2026-12-01", case_statuses=("dispute",))
    assert reasons_for(Risks(), everything) == ()
    assert reasons_for(None, everything) == (Reason(K.RANDOM),)
    assert reasons_for(None, call("a", of_period=False)) == ()


def test_everybody_has_a_first_turn_before_anybody_has_a_second() -> None:
    candidates = [call(f"{collector}-{n}", collector) for collector in (1, 2, 3) for n in range(4)]
    drawing = draw(Rules(per_collector=3, quota=5), candidates, "seed", "2026-W48")
    turns = [one.candidate.collector for one in drawing.chosen]
    assert sorted(turns[:3]) == [1, 2, 3]
    assert (len(turns), len(set(turns[3:])), drawing.pool) == (5, 2, 12)


def test_more_reasons_come_first_and_the_lot_decides_among_equals() -> None:
    candidates = [call("long", duration_s=700), call("long-refused", duration_s=700, outcome="refused"), call("plain")]
    drawing = draw(Rules(per_collector=9, risks=RISKS), candidates, "seed", "2026-11-23")
    assert [one.candidate.item for one in drawing.chosen] == ["long-refused", "long"]
    assert drawing.pool == 2


def test_seed_and_period_decide_and_nothing_else() -> None:
    candidates = [call(f"r{n}") for n in range(40)]
    first = draw(ANY, candidates, "seed", "2026-W48")
    assert draw(ANY, candidates[::-1], "seed", "2026-W48") == first
    others = [draw(ANY, candidates, "seed", "2026-W49"), draw(ANY, candidates, "another", "2026-W48")]
    assert all(other.chosen != first.chosen and other.digest == first.digest for other in others)
    # Drawn once and for all: a change of the hash would draw other recordings when somebody repeats an old draw.
    assert [one.candidate.item for one in first.chosen] == ["r33", "r11"]


def test_too_short_a_call_is_not_drawn_and_none_is_counted_twice() -> None:
    assert draw(Rules(per_collector=1, min_duration_s=61), [call("a")], "s", "p").chosen == ()
    with pytest.raises(ValueError, match="twice"):
        draw(ANY, [call("a"), call("a")], "s", "p")


def test_work_goes_to_whoever_has_least_and_never_to_whose_call_it_is() -> None:
    shared = share_out([Task("a"), Task("b", barred=2), Task("c", hands=2)], {1: 2, 2: 0, 3: 1})
    assert shared == ((2,), (3,), (2, 3))
    assert share_out([Task("a", hands=2, barred=1)], {1: 0, 2: 5}) == ((2, None),)
    assert share_out([Task("a")], {}) == ((None,),)
