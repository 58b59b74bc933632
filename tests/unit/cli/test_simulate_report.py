"""What is made of simulated days: sentences, tables, records and pictures, from days made by hand."""

import json
import re
import struct
from dataclasses import fields, replace
from datetime import time
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from dialer.cli.simulate_plot import draw
from dialer.cli.simulate_report import by_mode, meaning, print_report, record
from dialer.cli.simulate_runs import Request, chosen_modes
from dialer.errors import InputError
from dialer.simulator.baselines import BASELINES
from dialer.simulator.day import Day, Hour, Moment
from dialer.simulator.scenario_file import scenario_of

DOCS = Path(__file__).parents[3] / "docs" / "simulating.md"
SCENARIO = scenario_of(
    {
        "name": "一天 $x^2$",
        "begins": "2026-11-23T09:30:00+08:00",
        "ends": time(11, 30),
        "workforce": {"shifts": [{"collectors": 10}]},
    }
)
HOURS = (
    Hour(9, placed=400, live=120, abandoned=2, talk_s=9000, wrap_s=1500, staffed_s=18000),
    Hour(10, placed=800, live=240, abandoned=9, talk_s=20000, wrap_s=3000, staffed_s=36000),
    Hour(11, placed=100, live=40, abandoned=4),  # too few live answers for a worst hour
)
MOMENTS = tuple(
    Moment(at_s, 2, 6, 1, 1, ringing=12, waiting=0, period_live=int(at_s / 18), period_abandoned=int(at_s / 700))
    for at_s in range(0, 7200, 60)
)
DAY = Day(
    "一天 $x^2$",
    "predictive",
    seed=1,
    length_s=7200,
    placed=1300,
    answered=500,
    live=400,
    connected=390,
    abandoned=10,
    lost=5,
    machines_connected=20,
    talk_s=43200.0,
    wrap_s=10800.0,
    staffed_s=72000.0,
    collector_waits_s=tuple(float(n) for n in range(1, 102)),
    person_waits_s=(0.0,) * 90 + (1.0,) * 10,
    contacts=2000,
    contacts_tried=1000,
    contacts_reached=200,
    refused={"calling_hours": 12, "attempts_per_day": 30},
    hours=HOURS,
    moments=MOMENTS,
    worst_share=0.029,
)
ONE_TO_ONE = replace(DAY, mode="progressive 1:1", talk_s=28800.0, abandoned=0, contacts_reached=140, finished_s=3600.0)


def test_a_record_holds_the_day_and_what_is_computed_from_it() -> None:
    found = record(DAY, SCENARIO)
    assert json.loads(json.dumps(found)) == found
    assert found["utilisation"] == 0.6
    assert found["occupancy"] == 0.75
    assert found["bound"] == 0.8
    assert found["abandoned_share"] == 0.025
    assert found["worst_hour"] == 9 / 240
    assert (found["collector_wait_median_s"], found["collector_wait_p90_s"]) == (51.0, 91.0)
    assert (found["contacts_per_hour"], found["attempts_per_contact"]) == (10.0, 1.3)
    assert {field.name for field in fields(Hour)} == set(found["hours"][0])
    left_out = {"collector_waits_s", "person_waits_s", "moments", "course"}
    assert {field.name for field in fields(Day)} - left_out <= set(found)


def test_every_field_of_a_record_is_documented() -> None:
    described = set(re.findall(r"^\| `(\w+)`", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(record(DAY, SCENARIO)) <= described


def test_figures_that_a_day_is_too_small_for_are_left_open() -> None:
    nothing = record(Day("none", "predictive", 1, 900.0), SCENARIO)
    for key in ("worst_hour", "worst_share", "person_wait_p90_s", "contacts_per_hour", "attempts_per_contact"):
        assert nothing[key] is None


def test_sentences_say_what_the_figures_mean() -> None:
    worse = replace(DAY, seed=2, abandoned=13)
    assert meaning(SCENARIO, by_mode([DAY, worse, ONE_TO_ONE, replace(ONE_TO_ONE, seed=2)])) == [
        "predictive: collectors talk 60.0% of their time, of 80.0% if nobody ever waited; "
        "2.88% of live answers are abandoned, 3.25% in the worst run (limit 3.00%)",
        "that is 20.0 points more talk than progressive 1:1, and 60 more contacts reached",
        "over the limit of 3.00%: predictive in 1 of 2",
    ]


def test_small_and_empty_days_are_not_taken_for_more_than_they_are() -> None:
    assert "fewer than 200 live answers" in meaning(SCENARIO, by_mode([replace(DAY, live=199)]))[-1]
    assert meaning(SCENARIO, by_mode([replace(DAY, placed=0)]))[0].startswith("not one call was placed")


def test_the_report_fits_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    days = [replace(DAY, mode=mode, seed=seed) for mode in ("predictive", *BASELINES) for seed in (1, 2)]
    print_report(SCENARIO, [*days, ONE_TO_ONE])
    shown = capsys.readouterr().out
    for words in ("means of 2 runs", "51.0 / 91.0", "10:30", "attempts_per_day 30, calling_hours 12"):
        assert words in shown


def test_modes_are_chosen_once_each() -> None:
    request = Request(SCENARIO, ("power", "ratio 2", "power"), compare=True, seeds=range(1))
    assert chosen_modes(request) == ("power", "ratio 2", *(name for name in BASELINES if name != "ratio 2"))
    assert chosen_modes(replace(request, modes=(), compare=False)) == ("predictive",)
    with pytest.raises(InputError, match="--mode 'adept tapered': unknown mode; did you mean 'adapt tapered'"):
        chosen_modes(replace(request, modes=("adept tapered",)))


@pytest.mark.parametrize(
    "days",
    [
        [Day("nothing happened", "predictive", 1, 7200.0), DAY],
        [DAY, ONE_TO_ONE, replace(DAY, mode="ratio 3", abandoned=60)],
    ],
    ids=["one mode", "several modes"],
)
def test_pictures_show_something(days: list[Day], tmp_path: Path) -> None:
    draw(SCENARIO, days, tmp_path / "new" / "day.png")
    content = (tmp_path / "new" / "day.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">I", content[16:20]) == (1200,)
    pixels = np.asarray(image.imread(tmp_path / "new" / "day.png"))
    assert 0.1 < np.mean(pixels[..., :3].min(axis=-1) < 0.95) < 0.9
