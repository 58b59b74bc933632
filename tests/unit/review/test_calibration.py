"""Agreement of scorers: Krippendorff's own example, and a report checked by hand."""

from fractions import Fraction

import pytest

from recording.review.calibration import DOES_NOT_APPLY, NOT_ASKED, Scoring, alpha, compare
from recording.review.scoring import score
from tests.support.scorecards import GOOD, SMALL

# K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example C: four observers, twelve units.
LITERATURE = [
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
]
LEADER, LI, WANG = 1, 2, 3


def _units(rows: list[str]) -> list[list[Fraction]]:
    columns = zip(*(row.split() for row in rows), strict=True)
    return [[Fraction(value) for value in column if value != "."] for column in columns]


@pytest.mark.parametrize(("interval", "expected"), [(False, 0.743), (True, 0.849)])
def test_alpha_of_the_example_in_the_literature(interval: bool, expected: float) -> None:
    found = alpha(_units(LITERATURE), interval=interval)
    assert found is not None
    assert round(float(found), 3) == expected


def test_alpha_knows_where_it_knows_nothing() -> None:
    assert alpha([], interval=False) is None
    assert alpha([["a"], ["b"]], interval=False) is None  # nobody answered twice
    assert alpha([["a", "a"], ["a", "a"]], interval=False) is None  # no variety
    assert alpha([["a", "a"], ["b", "b"]], interval=False) == 1
    assert alpha([["a", "b"], ["b", "a"]], interval=False) == Fraction(-1, 2)


def _scorings() -> list[Scoring]:
    return [
        Scoring(LEADER, "r1", GOOD),
        Scoring(LI, "r1", GOOD | {"facts": "wrong"}),
        Scoring(WANG, "r1", GOOD),
        Scoring(LEADER, "r2", GOOD | {"threats": "yes"}),
        Scoring(LI, "r2", GOOD | {"who": "other", "tone": None}),
        Scoring(WANG, "r2", GOOD | {"threats": "yes", "tone": "3"}),
    ]


def test_a_report_by_hand() -> None:
    report = compare(SMALL, _scorings(), LEADER)
    questions = {one.key: one for one in report.questions}
    facts = questions["facts"]
    assert (facts.answers, facts.off_reference) == ({"right": 5, "wrong": 1}, 1)
    assert facts.agreement == pytest.approx(4 / 6)
    assert questions["identity"].answers == {"yes": 5, NOT_ASKED: 1}
    assert questions["tone"].answers == {"5": 4, DOES_NOT_APPLY: 1, "3": 1}
    assert questions["remarks"].alpha is None
    assert report.score_spread_bp == 10_000
    leader, li, wang = report.scorers
    assert (leader.bias_bp, leader.spread_bp, leader.agreement) == (None, None, None)
    assert (li.scores, li.bias_bp) == ({"r1": 5000, "r2": 10_000}, (-5000 + 10_000) // 2)
    assert (li.fatal_missed, li.fatal_alone) == (1, 0)
    assert (wang.bias_bp, wang.fatal_missed) == (0, 0)
    assert wang.agreement == pytest.approx(11 / 12)
    assert wang.spread_bp == 1500  # of ten differences one is -1/2: variance 1/40 - 1/400
    assert report.alpha is not None
    assert report.agreement is not None


def test_without_a_leader_nobody_is_held_against_one() -> None:
    for leader in (None, 99):
        report = compare(SMALL, _scorings(), leader)
        assert {one.bias_bp for one in report.scorers} == {None}
        assert {one.off_reference for one in report.questions} == {0}


def test_who_agrees_in_everything_has_no_variance() -> None:
    report = compare(SMALL, [Scoring(who, "r", GOOD) for who in (LEADER, LI)], LEADER)
    assert (report.agreement, report.score_spread_bp) == (1.0, 0)
    assert score(SMALL, GOOD).basis_points == 10_000
    (_, li) = report.scorers
    assert (li.bias_bp, li.spread_bp, li.agreement) == (0, 0, 1.0)
    assert compare(SMALL, [], None).agreement is None
