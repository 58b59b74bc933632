"""Building calendar files from packages: what they know is taken, what they guess is refused, a difference is exact."""

import sys
from datetime import date

import pytest

from schedules.calendar import DayKind, WorkCalendar, load_calendar, parse_calendar
from schedules.documents import DocumentError, parse_document
from schedules.importing import (
    Difference,
    ImportedYear,
    ImportingError,
    Package,
    difference,
    import_year,
    merged,
    region_of,
)

SATURDAY_AND_SUNDAY = frozenset({5, 6})


def year(number: int, *days: str, make_up: str = "", region: str = "CN") -> ImportedYear:
    made_up = {date.fromisoformat(make_up): ""} if make_up else {}
    holidays = {date.fromisoformat(day): f"holiday of {day}" for day in days}
    return ImportedYear(region, number, SATURDAY_AND_SUNDAY, holidays, made_up, f"a package of {number}")


def parsed(text: str) -> WorkCalendar:
    return parse_calendar(parse_document(text, "f"))


@pytest.mark.parametrize("number", [2024, 2025, 2026])
@pytest.mark.parametrize("package", list(Package))
def test_both_packages_give_our_chinese_calendar(package: Package, number: int) -> None:
    ours = load_calendar("cn-workdays")
    found = import_year("CN", number, package)
    assert set(found.holidays) == {day for day in ours.holidays if day.year == number}
    assert set(found.make_up_workdays) == {day for day in ours.make_up_workdays if day.year == number}
    assert found.source.startswith(f"{package.value} ")


def test_names_are_in_the_language_of_the_country() -> None:
    assert import_year("CN", 2026).holidays[date(2026, 10, 1)] == "国庆节"
    assert import_year("CN", 2026, Package.HOLIDAYS).holidays[date(2026, 10, 1)] == "国庆节"
    assert import_year("GB-ENG", 2026).holidays[date(2026, 4, 3)] == "Good Friday"


def test_parts_of_a_country_have_their_own_days() -> None:
    scottish, english = import_year("GB-SCT", 2026), import_year("GB-ENG", 2026)
    assert date(2026, 1, 2) in scottish.holidays
    assert date(2026, 1, 2) not in english.holidays
    assert (scottish.region, english.region) == ("GB-SCT", "GB-EAW") == (region_of("GB-SCT"), region_of("GB-WLS"))


@pytest.mark.parametrize(
    ("region", "number", "package", "words"),
    [
        ("CN", 2027, None, "does not know 2027 yet"),
        ("CN", 2027, Package.HOLIDAYS, "only the statutory days of 2027 for CN"),
        ("IN", 2027, None, "only estimates days of 2027 for IN: 2027-03-10"),
        ("US", 2026, Package.CHINESECALENDAR, "knows only CN, not US"),
        ("ZZ", 2026, None, "does not know ZZ"),
        ("US-ZZ", 2026, None, "does not know US-ZZ"),
        ("US", 1700, None, "has no holiday in 1700"),
    ],
)
def test_what_a_package_does_not_know_is_refused(region: str, number: int, package: Package | None, words: str) -> None:
    with pytest.raises(ImportingError, match=words):
        import_year(region, number, package)


@pytest.mark.parametrize(
    ("module", "region", "words"),
    [("holidays", "US", "the package holidays is missing"), ("chinese_calendar", "CN", "chinesecalendar is missing")],
)
def test_a_missing_package_says_how_to_get_it(
    module: str, region: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportingError, match=words + r".*dialer\[calendars\]"):
        import_year(region, 2026)


def test_a_new_calendar() -> None:
    text = merged(None, [year(2026, "2026-10-01", make_up="2026-10-10"), year(2027, "2027-10-01")], "# mine")
    assert text.startswith("# mine\ncalendar: cn-workdays\nregion: CN\n")
    found = parsed(text)
    assert [(part.first, part.last, part.source) for part in found.complete] == [
        (date(2026, 1, 1), date(2026, 12, 31), "a package of 2026"),
        (date(2027, 1, 1), date(2027, 12, 31), "a package of 2027"),
    ]
    assert found.names == {date(2026, 10, 1): "holiday of 2026-10-01", date(2027, 10, 1): "holiday of 2027-10-01"}
    assert found.kind(date(2026, 10, 10)) is DayKind.MAKE_UP_WORKDAY
    assert found.weekend == SATURDAY_AND_SUNDAY


BEFORE = """\
calendar: mine
notice: "by hand: mine"
weekend: [sat, sun]
complete:
  - {from: 2025-03-01, through: 2027-06-30, source: "a notice, of 2025"}
holidays: [{date: 2025-10-01, name: "a day: off"}, 2026-10-01, 2026-12-24, {date: 2027-01-01, name: New Year}]
make_up_workdays: [2025-10-11, 2026-10-10]
"""


def test_an_imported_year_takes_the_place_of_what_was_there() -> None:
    before = parsed(BEFORE)
    after = parsed(merged(before, [year(2026, "2026-10-01", "2026-10-02")]))
    assert (after.name, after.notice, after.region) == ("mine", "by hand: mine", "CN")
    assert [(part.first, part.last, part.source) for part in after.complete] == [
        (date(2025, 3, 1), date(2025, 12, 31), "a notice, of 2025"),
        (date(2026, 1, 1), date(2026, 12, 31), "a package of 2026"),
        (date(2027, 1, 1), date(2027, 6, 30), "a notice, of 2025"),
    ]
    assert after.names[date(2025, 10, 1)] == "a day: off"
    assert difference(before, after) == Difference(
        added_holidays={date(2026, 10, 2): "holiday of 2026-10-02"},
        removed_holidays={date(2026, 12, 24): ""},
        added_make_up_workdays={},
        removed_make_up_workdays={date(2026, 10, 10): ""},
        complete_before=(date(2025, 3, 1), date(2027, 6, 30)),
        complete_after=(date(2025, 3, 1), date(2027, 6, 30)),
    )


def test_the_year_in_which_a_calendar_ends_is_completed() -> None:
    before = parsed(BEFORE)
    after = parsed(merged(before, [year(2027, "2027-01-01", "2027-10-01")]))
    assert after.complete_through == date(2027, 12, 31)
    assert [part.first for part in after.complete] == [date(2025, 3, 1), date(2027, 1, 1)]


def test_a_name_that_was_there_stays_where_the_package_has_none() -> None:
    before = parsed(BEFORE)
    nameless = ImportedYear("CN", 2027, SATURDAY_AND_SUNDAY, {date(2027, 1, 1): ""}, {}, "p")
    assert parsed(merged(before, [nameless])).names[date(2027, 1, 1)] == "New Year"


def test_what_does_not_fit_is_refused() -> None:
    ours = load_calendar("us-federal")
    with pytest.raises(ImportingError, match="is a calendar of US, not of CN"):
        merged(ours, [year(2029, "2029-10-01")])
    with pytest.raises(DocumentError, match="begins on 2030-01-01 but the range before ends on 2028-12-31"):
        merged(ours, [year(2030, "2030-10-01", region="US")])


def test_a_year_again_changes_nothing() -> None:
    ours = load_calendar("us-federal")
    again = parsed(merged(ours, [import_year("US", number) for number in (2024, 2028)]))
    found = difference(ours, again)
    assert found.changes_nothing
    assert not difference(None, ours).changes_nothing
    assert difference(None, ours).complete_before is None
