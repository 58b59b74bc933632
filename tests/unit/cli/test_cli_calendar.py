"""`dialer calendar`: shows, checks and adds years; refuses what a package only guesses; writes all or nothing."""

import re
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dialer.cli import main as cli
from dialer.errors import ConfigError, InputError
from schedules.calendar import DayKind, load_calendar


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli.app, ["calendar", *arguments], catch_exceptions=False)
    assert done.exit_code in (0, 1), done.output
    return done.output


@pytest.mark.parametrize("command", ["show", "check", "import"])
def test_every_command_explains_itself(command: str) -> None:
    assert "Usage:" in run(command, "--help")


def test_show_lists_days_with_names() -> None:
    shown = run("show", "cn-workdays", "--year", "2026")
    assert "国庆节" in shown
    assert "2026-10-10" in shown
    assert "2025-10-08" not in shown
    assert "国办发明电〔2025〕7号" in shown


def test_check_reads_all_of_ours() -> None:
    checked = run("check")
    assert re.search(r"us-federal\W+2024-01-01\W+2028-12-31\W+55\W+0", checked)
    assert "in-gazetted" in checked


def test_check_has_an_exit_code(tmp_path: Path) -> None:
    file = tmp_path / "cal.yaml"
    ended = "calendar: x\nnotice: n\ncomplete_from: 2020-02-01\ncomplete_through: 2020-03-01\nholidays: []\n"
    file.write_text(ended + "make_up_workdays: []\n", encoding="utf-8")
    done = CliRunner().invoke(cli.app, ["calendar", "check", str(file)])
    assert done.exit_code == 1
    assert "has ended" in done.output
    lasting = ended.replace("2020-03-01", "2299-12-31").replace("[]", f"[{', '.join(workdays(2021, 2299))}]", 1)
    file.write_text(lasting + "make_up_workdays: []\n", encoding="utf-8")
    assert CliRunner().invoke(cli.app, ["calendar", "check", str(file)]).exit_code == 0


def workdays(first: int, last: int) -> list[str]:
    """One week day in October of each year."""
    days = ([date(year, 10, day) for day in range(1, 4)] for year in range(first, last + 1))
    return [next(str(day) for day in three if day.weekday() < 5) for three in days]


def test_a_broken_calendar_is_a_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "cal.yaml"
    file.write_text("calendar: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"cal\.yaml:1: "):
        run("check", str(file))
    with pytest.raises(ConfigError, match="cannot read"):
        run("show", "nowhere")


def test_import_without_a_file_only_shows() -> None:
    shown = run("import", "us", "--years", "2028-2029")
    assert "2029-11-12" in shown
    assert "Veterans Day" in shown
    assert "complete: 2024-01-01 to 2028-12-31 becomes 2024-01-01 to 2029-12-31" in shown
    assert "nothing was written" in shown


def test_import_of_what_is_known_changes_nothing() -> None:
    assert "no day changes" in run("import", "CN", "--years", "2024,2025,2026", "--from", "holidays")
    assert "no day changes" in run("import", "CN", "--years", "2025")


def test_import_into_a_new_file_keeps_the_years_before(tmp_path: Path) -> None:
    file = tmp_path / "us.yaml"
    assert "wrote " in run("import", "US", "--years", "2029", "--into", str(file))
    ours, new = load_calendar("us-federal"), load_calendar(str(file))
    assert ours.holidays < new.holidays
    assert new.complete_through.year == 2029
    assert new.complete[-1].source.startswith("holidays ")
    assert [path.name for path in tmp_path.iterdir()] == ["us.yaml"]


def test_import_into_a_file_keeps_its_head_and_shows_what_goes(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "# kept by hand\ncalendar: mine\nregion: CN\nnotice: n\ncomplete_from: 2025-01-01\n"
        "complete_through: 2025-12-31\nholidays: [2025-10-01, 2025-12-24]\nmake_up_workdays: [2025-10-12]\n",
        encoding="utf-8",
    )
    shown = run("import", "CN", "--years", "2025-2026", "--into", str(file))
    assert re.search(r"- day off\W+2025-12-24", shown)
    assert re.search(r"- make-up workday\W+2025-10-12", shown)
    assert re.search(r"\+ make-up workday\W+2026-10-10", shown)
    assert "complete: 2025-01-01 to 2025-12-31 becomes 2025-01-01 to 2026-12-31" in shown
    assert file.read_text(encoding="utf-8").startswith("# kept by hand\ncalendar: mine\n")


def test_import_of_a_country_without_a_calendar_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "sct.yaml"
    shown = run("import", "GB-SCT", "--years", "2026", "--into", str(file))
    assert "against no calendar of ours" in shown
    assert "complete: nothing becomes 2026-01-01 to 2026-12-31" in shown
    calendar = load_calendar(str(file))
    assert (calendar.name, calendar.region) == ("gb-sct-workdays", "GB-SCT")
    assert set(map(calendar.kind, calendar.holidays)) == {DayKind.HOLIDAY}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("CN", "--years", "2027"), "does not know 2027"),
        (("CN", "--years", "2027", "--from", "holidays"), "only the statutory days of 2027"),
        (("IN", "--years", "2027"), "only estimates days of 2027"),
        (("ZZ", "--years", "2026"), "does not know ZZ"),
        (("US", "--years", "2031"), "neither gap nor overlap"),
        (("US", "--years", "next"), "write 2027, 2027-2028 or 2027,2029"),
        (("US", "--years", "2027-"), "write 2027, 2027-2028 or 2027,2029"),
        (("US", "--years", "2029-2027"), "the earlier first"),
        (("US", "--years", "20270"), "from 1900 to 2200"),
        (("US", "--years", "2029", "--into", "/nowhere/us.yaml"), "cannot write the file"),
    ],
)
def test_refusals(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        run("import", *arguments)
