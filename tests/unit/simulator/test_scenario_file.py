"""Scenario files: short forms of writing, and a clear word for everything that makes no sense."""

from datetime import time
from pathlib import Path

import pytest

from dialer.errors import InputError
from dialer.model.campaign import CampaignMode
from dialer.simulator.scenario import Duration, Part, Shift
from dialer.simulator.scenario_file import read_scenario

SMALLEST = """
name = "a day"
begins = 2026-11-23T09:00:00+08:00
ends = 18:00:00
[workforce]
shifts = [{ collectors = 3 }]
"""


def read(tmp_path: Path, text: str) -> str:
    """What a file is told, without its name; "" when it is read."""
    path = tmp_path / "day.toml"
    path.write_text(text, encoding="utf-8")
    try:
        read_scenario(path)
    except InputError as error:
        return str(error).replace(f"{path}: ", "")
    return ""


def test_what_is_left_out_has_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "day.toml"
    path.write_text(SMALLEST, encoding="utf-8")
    scenario = read_scenario(path)
    assert scenario.workforce.shifts == (Shift(3, time(9), time(18)),)
    assert scenario.pace.mode is CampaignMode.PREDICTIVE
    assert scenario.length_s == 9 * 3600


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("200", Duration((Part(200.0),))),
        ("{ mean_s = 200, sigma = 0.8 }", Duration((Part(200.0, 0.8),))),
        ("{ mean_s = 9, most_s = 20 }", Duration((Part(9.0),), most_s=20.0)),
        (
            "[{ mean_s = 9, share = 0.2 }, { mean_s = 90, alpha = 2 }]",
            Duration((Part(9, share=0.2), Part(90, alpha=2))),
        ),
        ("{ parts = [{ mean_s = 9 }, { mean_s = 90 }], least_s = 2 }", Duration((Part(9), Part(90)), least_s=2)),
    ],
)
def test_durations_have_short_forms(written: str, meant: Duration, tmp_path: Path) -> None:
    path = tmp_path / "day.toml"
    path.write_text(f"{SMALLEST}wrap_up = {written}", encoding="utf-8")
    assert read_scenario(path).workforce.wrap_up == meant


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("[pase]", "pase: unknown key; did you mean 'pace'?"),
        ("[pace]\nabandon_targt = 0.03", "pace.abandon_targt: unknown key; did you mean 'abandon_target'?"),
        ("[pace]\nxyz = 1", "pace.xyz: unknown key; known here: mode, ratio,"),
        ("[pace]\nabandon_target = 0", "pace.abandon_target: is 0.0: the law allows 3 %"),
        ("[pace]\nabandon_target = 1", "write 0.001 to 0.03"),
        ("[pace]\nring_timeout_s = 10", "pace.ring_timeout_s: is 10.0: the law lets a phone ring"),
        ("[pace]\nmode = 'predictve'", "pace.mode: is 'predictve'; write one of 'progressive', 'predictive'"),
        ("[trunk]\nchannels = 0", "trunk.channels: is 0; write 1 to 10,000"),
        ("[trunk]\nchannels = 5.0", "trunk.channels: is 5.0; write a whole number"),
        ("[trunk]\nchannels = true", "trunk.channels: is True; write a whole number"),
        (f"[trunk]\nchannels = 0x{'f' * 9000}", "trunk.channels: is a number of thousands of digits; write a whole"),
        ("[trunk]\ncps = -1", "trunk.cps: is -1.0; write above 0 to 1,000"),
        ("[trunk]\ncps = nan", "trunk.cps: is nan; write above 0"),
        ("[trunk]\ncps = inf", "trunk.cps: is inf; write above 0"),
        ("[[segments]]\nanswered = 1.2", "segments.0.answered: is 1.2; write 0 to 1"),
        (
            "[[segments]]\nanswered = 0.9",
            "segments.0: answered, busy, powered_off, bad_number and congestion sum to 1.07",
        ),
        ("[[segments]]\n[[segments]]", "segments: their shares sum to 2; write shares that sum to 1"),
        ("[[segments]]\nby_hour = { 24 = 1 }", "segments.0.by_hour.24: is no hour of the day; write 0 to 23"),
        ("[[segments]]\nby_hour = { noon = 1 }", "segments.0.by_hour.noon: is 'noon'; write an hour of the day as key"),
        ("[[segments]]\nby_hour = { 9 = 1, 09 = 1 }", "segments.0.by_hour.09: is '09'; write each hour once"),
        ("[[segments]]\nby_hour = { 9 = 5 }", "segments.0.by_hour.9: 5 times 0.3 answered is no share of calls"),
        ("[[segments]]\ntalk = 0", "segments.0.talk.mean_s: is 0.0; write above 0 to 86,400"),
        ("[[segments]]\ntalk = 'long'", "segments.0.talk: is 'long'; write a number of seconds, a table"),
        ("[[segments]]\ntalk = []", "segments.0.talk: has no parts; write a number of seconds"),
        ("[[segments]]\ntalk = { sigma = 1 }", "segments.0.talk.mean_s: is missing; write a number"),
        (
            "[[segments]]\ntalk = { mean_s = 9, alpha = 1 }",
            "segments.0.talk.alpha: is 1.0: a tail with alpha of 1 or less",
        ),
        ("[[segments]]\ntalk = [{ mean_s = 9 }, { mean_s = 9, sigma = -1 }]", "segments.0.talk.1.sigma: is -1.0"),
        (
            "[[segments]]\ntalk = { mean_s = 9, least_s = 90, most_s = 30 }",
            "segments.0.talk.least_s: 90 is above most_s",
        ),
        ("[[segments]]\nname = ''", "segments.0.name: is ''; write 1 to 100 characters"),
        ("[[changes]]\nat = 8:00:00", "not valid TOML"),
        (
            "[[changes]]\nat = '8:00'",
            "changes.0.at: 08:00:00 is outside the day; write a time from 09:00:00 to 18:00:00",
        ),
        ("[[changes]]\nat = '8:00+02:00'", "changes.0.at: is '8:00+02:00'; write a time of day"),
        (
            "[[changes]]\nat = '10:00'\nanswered = 4",
            "changes.0.answered: with the changes before it 4 times 0.3 answered",
        ),
        ("[[workforce.breaks]]\nlength = 300", "workforce.breaks.0: is once a day or again and again; write either"),
        (
            "[[workforce.breaks]]\nat = '12:00'",
            "workforce.breaks.0.length: is missing; write a number of seconds, a table",
        ),
        ("[workforce.wrap_up]\nmean_s = 9\nmin_s = 1", "workforce.wrap_up.min_s: unknown key; did you mean 'mean_s'?"),
    ],
)
def test_nonsense_is_refused_with_what_to_write(extra: str, words: str, tmp_path: Path) -> None:
    assert words in read(tmp_path, f"{SMALLEST}{extra}\n")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("collectors = 3", "collectors = 0", "workforce.shifts.0.collectors: is 0; write 1 to 1,000"),
        (
            "{ collectors = 3 }",
            "",
            "workforce.shifts: there is no collector; write e.g. shifts = [{ collectors = 30 }]",
        ),
        ("{ collectors = 3 }", "3", "workforce.shifts.0: is 3; write a table"),
        ("[{ collectors = 3 }]", "3", "workforce.shifts: is 3; write an array, in [ ]"),
        ("= 3 }", "= 3, begins = '17:00', ends = '9:30' }", "workforce.shifts.0.ends: 09:30:00 is not after the shift"),
        ("= 3 }", "= 3, begins = '8:00' }", "workforce.shifts.0.begins: 08:00:00 is outside the day"),
        ("18:00:00", "08:00:00", "ends: 08:00:00 is not after the day begins (09:00:00); write a later time"),
        ("+08:00", "", "begins: 2026-11-23 09:00:00 has no zone; write its UTC offset, e.g. 2026-11-23T09:00:00+08:00"),
        (
            "2026-11-23T09:00:00+08:00",
            "2026-11-23",
            "begins: is datetime.date(2026, 11, 23); write a moment with its UTC",
        ),
        ("2026", "1026", "begins: is in 1026; write a day from 2000 to 2099"),
        ('"a day"', "7", "name: is 7; write a text in quotes"),
        (
            "[workforce]",
            "packs = ['cn-bank']\n[workforce]",
            "packs: is 'cn-bank': unknown pack; did you mean 'cn-bank-card'?",
        ),
        ("[workforce]", "packs = ['./x.yaml']\n[workforce]", "packs: is './x.yaml': "),
        ("[workforce]", "packs = []\n[workforce]", "packs: is empty, and without rules no call is allowed"),
        ("[workforce]", "[workforce", "not valid TOML"),
        ("[workforce]", f"deep = {'[' * 5000}", "not valid TOML"),
        (
            SMALLEST,
            "",
            "name: is missing; write a text in quotes\nbegins: is missing; write a moment with its UTC offset",
        ),
        (SMALLEST, "".join(f"k{n} = 1\n" for n in range(50)), "k0: unknown key"),
    ],
)
def test_a_day_that_cannot_be_is_refused(old: str, new: str, words: str, tmp_path: Path) -> None:
    told = read(tmp_path, SMALLEST.replace(old, new, 1))
    assert told.startswith(words), told
    assert len(told.splitlines()) <= 21


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "large.toml").write_bytes(b"#" * 2_000_000)
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    for name, words in (
        ("missing.toml", "cannot read the scenario: No such file"),
        ("", "cannot read the scenario: Is a directory"),
        ("nul\0.toml", "cannot read the scenario: "),
        ("large.toml", "is larger than 1,000,000 bytes"),
        ("latin.toml", "not valid TOML"),
    ):
        with pytest.raises(InputError, match=words):
            read_scenario(tmp_path / name)
