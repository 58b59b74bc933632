"""Periods by the calendar: one that covers another never ends before it, and a verdict never breaks its own bounds."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from recording.retention import NOTHING, Period, Standing, Terms, judge

periods = st.builds(Period, st.integers(0, 30), st.integers(0, 900))
days = st.dates(date(1999, 1, 1), date(2150, 12, 31))
terms = st.builds(
    Terms,
    st.just("rules"),
    st.sampled_from(["Asia/Shanghai", "America/New_York"]),
    periods,
    periods,
    periods | st.none(),
)


@given(periods, periods, days)
def test_a_period_that_covers_another_never_ends_before_it(one: Period, other: Period, first: date) -> None:
    if one.covers(other):
        assert one.last_day(first) >= other.last_day(first)


@given(periods.filter(lambda period: period != NOTHING))
def test_a_period_reads_as_it_is_written(period: Period) -> None:
    assert Period.parse(str(period)) == period


@given(st.lists(terms, min_size=1, max_size=4), days, st.integers(0, 20_000))
def test_nothing_goes_within_any_minimum(several: list[Terms], day: date, later: int) -> None:
    ended = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    now = ended + timedelta(days=later)
    verdict = judge(ended, several, [], now)
    within = any(now < each.until(each.law_min, ended) for each in several)
    assert (verdict.standing is Standing.MUST_STAY) is within
    if verdict.standing is Standing.OVERDUE:
        assert verdict.gone_by is not None
        assert verdict.gone_by <= now
