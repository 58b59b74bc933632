"""Scenario files: what is written reads back as the same, and no edit of a file gives anything but words."""

import string
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.errors import InputError
from dialer.simulator.scenario import (
    Break,
    CallList,
    Change,
    Detection,
    Duration,
    Pace,
    Part,
    Scenario,
    Segment,
    Shift,
    Trunk,
    Wander,
    Workforce,
)
from dialer.simulator.scenario_checks import RANGES, problems_of
from dialer.simulator.scenario_file import as_toml, read_scenario, scenario_of

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "scenarios").glob("*.toml"))
DAY = (time(9), time(18))
WHOLE = {"collectors", "channels", "contacts", "tries"}


def figures(kind: type, **others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A dataclass with figures from their ranges."""
    drawn: dict[str, st.SearchStrategy[Any]] = {}
    for name, limit in RANGES[kind].items():
        if name in WHOLE:
            drawn[name] = st.integers(int(limit.least), min(int(limit.most), 300))
        else:
            drawn[name] = st.floats(limit.least, limit.most, exclude_min=limit.open_below)
    return st.builds(kind, **(drawn | others))


names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)
moments = st.times(*DAY)
parts = figures(Part, alpha=st.none() | st.floats(1.01, 10))
durations = st.builds(
    Duration, st.lists(parts, min_size=1, max_size=3).map(tuple), st.floats(0, 10), st.floats(10, 3600)
)
segments = st.builds(
    Segment,
    name=names,
    **{key: st.floats(0, 0.2) for key in ("answered", "machine", "busy", "powered_off", "bad_number", "congestion")},
    by_hour=st.dictionaries(st.integers(0, 23), st.floats(0, 5), max_size=3),
    **dict.fromkeys(("ring", "greeting", "patience", "talk"), durations),
)
shifts = st.tuples(moments, moments).filter(lambda pair: pair[0] != pair[1]).map(sorted)
breaks = st.one_of(
    figures(Break, length=durations, at=moments, every_min=st.none()), figures(Break, length=durations, at=st.none())
)
workforces = st.builds(
    Workforce,
    st.lists(st.builds(lambda n, pair: Shift(n, *pair), st.integers(1, 300), shifts), min_size=1, max_size=3).map(
        tuple
    ),
    st.lists(breaks, max_size=2).map(tuple),
    durations,
)
scenarios = st.builds(
    Scenario,
    name=names,
    begins=st.timedeltas(timedelta(hours=-12), timedelta(hours=14)).map(
        lambda off: datetime(2026, 11, 23, 9, tzinfo=timezone(timedelta(minutes=off // timedelta(minutes=1))))
    ),
    ends=st.just(DAY[1]),
    workforce=workforces,
    segments=segments.map(lambda segment: (segment,)),
    changes=st.lists(figures(Change, at=moments, answered=st.floats(0, 1)), max_size=2).map(tuple),
    wander=figures(Wander),
    detection=figures(Detection, person_s=durations, machine_s=durations),
    trunk=figures(Trunk),
    call_list=figures(CallList),
    pace=figures(Pace, lines_per_agent=st.none() | st.floats(1, 10)),
    packs=st.sampled_from([("cn-bank-card",), ("us-tsr", "us-regf")]),
)


@settings(max_examples=50)
@given(scenarios)
def test_what_is_written_reads_back_as_the_same(scenario: Scenario) -> None:
    assert list(problems_of(scenario)) == []
    assert scenario_of(tomllib.loads(as_toml(scenario, {"name": "said\nin two lines"}))) == scenario


@given(st.sampled_from(EXAMPLES), st.data())
def test_no_edit_of_a_text_gives_anything_but_words(path: Path, data: st.DataObject) -> None:
    text = path.read_text(encoding="utf-8")
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        put = data.draw(st.text(st.sampled_from(string.digits + '.-[]{}="#e_ \n:T+nai') | st.characters(), max_size=6))
        text = text[:start] + put + text[start + data.draw(st.integers(0, 6)) :]
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    _read_or_refused(tables)


values = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.sampled_from(["9:00", "2026-11-23", "24:00", "predictive"]),
        st.dates() | st.times() | st.datetimes(timezones=st.none() | st.just(UTC)),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=50)
@given(scenarios, values, st.data())
def test_no_value_anywhere_gives_anything_but_words(scenario: Scenario, value: object, data: st.DataObject) -> None:
    tables = tomllib.loads(as_toml(scenario))
    places = list(_places(tables))
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = value
    read = _read_or_refused(tables)
    assert read is None or scenario_of(tomllib.loads(as_toml(read))) == read


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_shipped_scenarios_are_read(path: Path) -> None:
    assert read_scenario(path).name


def _read_or_refused(tables: Mapping[str, object]) -> Scenario | None:
    """None: it was refused, every line naming the file."""
    try:
        return scenario_of(tables, "day.toml")
    except InputError as error:
        lines = str(error).splitlines()
    assert lines
    assert all(line.startswith("day.toml: ") for line in lines)
    return None


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place of a tree of tables that holds a value: its holder and its key."""
    if isinstance(value, Mapping):
        keys: list[Any] = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    else:
        return []
    return [(value, key) for key in keys] + [place for key in keys for place in _places(value[key])]


def test_ranges_name_fields_that_exist() -> None:
    for kind, ranges in RANGES.items():
        assert set(ranges) <= set(get_type_hints(kind)), kind
