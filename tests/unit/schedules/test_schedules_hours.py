"""Hours as values: what can be said, what is refused and in which words."""

import pytest

from schedules.hours import Days, Forbidden, Span, Window, clock, minute_of_day

SHANGHAI = "Asia/Shanghai"
MORNING, AFTERNOON, NIGHT = Span(540, 720), Span(840, 1080), Span(1200, 120)
NONE: tuple[Span, ...] = ()


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), ("09:30", 570), ("24:00", 1440)])
def test_minute_of_day(text: str, minutes: int) -> None:
    assert minute_of_day(text) == minutes
    assert clock(minutes) == text


@pytest.mark.parametrize("text", ["", "9:00", "09.00", "09:60", "24:01", "ab:cd", "+1:00", "09:0", "٠٩:٠٠"])
def test_not_a_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        minute_of_day(text)


@pytest.mark.parametrize("bounds", [(600, 600), (1440, 600), (600, 0), (-1, 5), (600, 1441)])
def test_impossible_hours(bounds: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"^hours"):
        Span(*bounds)
    with pytest.raises(ValueError, match=r"^forbidden hours"):
        Forbidden(SHANGHAI, *bounds)


def test_a_span_over_midnight_ends_on_the_next_day() -> None:
    assert NIGHT.over_midnight
    assert NIGHT.end_minute == 1560
    assert not MORNING.over_midnight
    assert Span(0, 1440).end_minute == 1440
    assert Forbidden(SHANGHAI, 1320, 480).end_minute == 1920
    assert str(NIGHT) == "20:00-02:00"


def test_the_same_window_is_equal_and_hashes_alike() -> None:
    one = Window.daily(SHANGHAI, [MORNING, AFTERNOON], Days.WORKDAYS, make_up_workdays=True, must_end_by=1100)
    other = Window(SHANGHAI, ((MORNING, AFTERNOON),) * 7, Days.WORKDAYS, True, 1100)
    assert one == other
    assert hash(one) == hash(other)
    assert one != Window.daily(SHANGHAI, [MORNING])
    assert one.hours(0) == "09:00-12:00, 14:00-18:00"


def test_the_same_hours_by_another_clock() -> None:
    window = Window.daily(SHANGHAI, [MORNING], must_end_by=730)
    assert window.in_zone(SHANGHAI) is window
    moved = window.in_zone("Asia/Kolkata")
    assert moved == Window.daily("Asia/Kolkata", [MORNING], must_end_by=730)
    assert window.in_zone("Asia/Kolkata") is moved


@pytest.mark.parametrize(
    ("week", "must_end_by", "words"),
    [
        (((MORNING,),) * 6, None, "seven days"),
        ((NONE,) * 7, None, "at least one span"),
        (((MORNING, Span(700, 800)), *[NONE] * 6), None, "Monday: 11:40-13:20 begins before 09:00-12:00 ends"),
        ((NONE, (AFTERNOON, MORNING), *[NONE] * 5), None, "Tuesday: 09:00-12:00 begins before 14:00-18:00 ends"),
        (((NIGHT, Span(1300, 1400)), *[NONE] * 6), None, "Monday: 21:40-23:20 begins before 20:00-02:00 ends"),
        (((NIGHT,), (Span(60, 90),), *[NONE] * 5), None, "Tuesday: 01:00-01:30 begins before Monday's 20:00-02:00"),
        (((Span(60, 90),), *[NONE] * 5, (NIGHT,)), None, "Monday: 01:00-01:30 begins before Sunday's 20:00-02:00"),
        (((MORNING,), (AFTERNOON,), *[NONE] * 5), 1000, "Tuesday: ringing must end by 16:40, before 14:00-18:00 ends"),
        (((NIGHT,), *[NONE] * 6), 60, "Monday: ringing must end by 01:00, before 20:00-02:00 ends"),
        (((MORNING,), *[NONE] * 6), 1441, "Monday: ringing must end by 24:01"),
    ],
)
def test_impossible_windows(week: tuple[tuple[Span, ...], ...], must_end_by: int | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Window(SHANGHAI, week, must_end_by_minute=must_end_by)


@pytest.mark.parametrize(
    "spans",
    [(MORNING, Span(720, 800)), (Span(120, 1200), NIGHT), (Span(0, 1440),), (Span(601, 600),)],
)
def test_spans_may_touch(spans: tuple[Span, ...]) -> None:
    assert Window.daily(SHANGHAI, spans).week[0] == spans
