"""Reports: what counts, whose it is, in which week, and how sure it is; and files that a spreadsheet cannot run."""

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dialer.model.means import mean_interval, t_95
from dialer.model.quality_figures import Answered, Coverage, DrawnBy, Scored
from dialer.quality.csv_files import Cell, csv_of
from dialer.quality.reports import By, Drawn, question_report, report

ZONE = ZoneInfo("Asia/Shanghai")
SUNDAY_NIGHT = datetime(2026, 11, 22, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai


def scored(evaluation_id: int, **said: object) -> Scored:
    plain: dict[str, object] = {
        "evaluation_id": evaluation_id,
        "called_at": SUNDAY_NIGHT,
        "collector_id": 7,
        "team": "a",
        "campaign_id": 1,
        "scorer_id": 3,
        "scorecard_id": 1,
        "counts": True,
        "score_bp": 8000,
        "passed": True,
        "fatal": False,
        "disputed": False,
        "changed": False,
        "drawn": DrawnBy.RANDOM,
    }
    return Scored(**plain | said)  # type: ignore[arg-type]


def test_a_line_says_how_many_how_good_and_how_sure() -> None:
    values = [(10000, True), (9000, True), (8000, True), (7000, False), (0, False), (None, None)]
    lines = report(
        By.COLLECTOR,
        [scored(n, score_bp=score, passed=passed, fatal=score == 0) for n, (score, passed) in enumerate(values)],
        [Coverage(collector_id=7, team="a", campaign_id=1, calls=40, given_out=6, done=6)],
        ZONE,
    )
    (line,) = lines
    assert (line.key, line.week, line.evaluations, line.fatal) == ("7", "", 6, 1)
    assert (line.score.n, line.score.mean) == (5, 68.0)
    # 68 ± 2.776 · 39.62 / √5, cut at the ends of the scale
    assert (round(line.score.low, 1), line.score.high) == (18.8, 100.0)
    assert (line.passed.hits, line.passed.n, line.passed.share) == (3, 5, 0.6)
    assert 0.2 < line.passed.low < 0.6 < line.passed.high < 0.9
    assert line.drawn == Drawn(calls=40, given_out=6, done=6)


def test_of_few_nothing_is_said_and_a_collector_without_a_score_has_a_line() -> None:
    coverage = [Coverage(collector_id=n, team="", campaign_id=1, calls=9) for n in (7, 10)]
    few, none = report(By.COLLECTOR, [scored(n) for n in range(4)], coverage, ZONE)
    assert (few.score.mean, few.score.low, few.score.high) == (80.0, 0.0, 100.0)
    assert (none.key, none.evaluations, none.score.mean, none.passed.share) == ("10", 0, None, None)


def test_a_call_belongs_to_the_week_in_which_it_was_made() -> None:
    both = [scored(1), scored(2, called_at=SUNDAY_NIGHT + timedelta(minutes=1), score_bp=6000)]
    lines = report(By.TEAM, both, (), ZONE, weekly=True)
    assert [(line.key, line.week, line.score.mean) for line in lines] == [
        ("a", "", 70.0),
        ("a", "2026-W47", 80.0),
        ("a", "2026-W48", 60.0),
    ]


def test_a_comparison_counts_for_its_scorer_alone() -> None:
    both = [scored(1), scored(2, scorer_id=11, counts=False, disputed=True, changed=True)]
    assert [line.evaluations for line in report(By.CAMPAIGN, both, (), ZONE)] == [1]
    coverage = [Coverage(collector_id=7, team="", campaign_id=1, calls=9)]
    lines = report(By.SCORER, both, coverage, ZONE)
    assert [(line.key, line.evaluations, line.disputed, line.changed) for line in lines] == [
        ("3", 1, 0, 0),
        ("11", 1, 1, 1),
    ]


def test_a_question_that_did_not_apply_is_asked_and_has_no_points() -> None:
    one = scored(1)
    answers = [
        Answered(one, "tone", 5000, False),
        Answered(one, "tone", None, False),
        Answered(one, "threats", 0, True),
    ]
    threats, tone = question_report(answers, ZONE)
    assert (threats.question, threats.fatal, threats.points.mean) == ("threats", 1, 0.0)
    assert (tone.asked, tone.points.n, tone.points.mean) == (2, 1, 50.0)
    assert [line.week for line in question_report(answers, ZONE, weekly=True)] == ["", "2026-W47"] * 2


@pytest.mark.parametrize(
    ("freedom", "expected"),
    [(4, 2.776445), (10, 2.228139), (19, 2.093024), (20, 2.085963), (30, 2.042272), (100, 1.983972), (10**6, 1.959966)],
)
def test_students_quantile_is_that_of_the_tables(freedom: int, expected: float) -> None:
    assert t_95(freedom) == pytest.approx(expected, abs=6e-4)


def test_a_mean_of_equal_values_is_sure_of_itself() -> None:
    interval = mean_interval([80.0] * 5, 0, 100)
    assert (interval.low, interval.high) == (80.0, 80.0)


FULL_WIDTH = "\N{FULLWIDTH EQUALS SIGN}1+1"
"""Excel for Chinese takes it for a formula, too."""


def test_a_file_holds_text_that_no_spreadsheet_runs() -> None:
    texts: list[Cell] = ["=1+1", "+86", "-x", "@SUM(A1)", "\tx", "\rx", '张三, "a"\n', FULL_WIDTH, -1.5, None]
    written = csv_of(["名", "n"], [[text, n] for n, text in enumerate(texts)])
    assert written.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(io.StringIO(written.decode("utf-8-sig"), newline=""))
    assert head == ["名", "n"]
    assert [row[0] for row in rows] == [
        "'=1+1",
        "'+86",
        "'-x",
        "'@SUM(A1)",
        "'\tx",
        "'\rx",
        '张三, "a"\n',
        f"'{FULL_WIDTH}",
        "-1.5",
        "",
    ]
