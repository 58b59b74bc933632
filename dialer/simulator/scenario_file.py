"""Scenarios as TOML: read with everything that is wrong named at once, and written so that reading gives the same.

Tables and keys are the dataclasses of `dialer.simulator.scenario` and their fields. A duration is a number of seconds,
a table of one part (`mean_s`, `sigma`, …), or an array of such tables; a shift lasts all day unless it says otherwise;
times of day are TOML's or texts such as "9:30".
"""

import dataclasses
import json
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import datetime, time
from enum import Enum
from pathlib import Path
from typing import Any, Union

from dialer.errors import InputError, system_reason
from dialer.simulator.scenario import Duration, Part, Scenario, Shift
from dialer.simulator.scenario_checks import problems_of, unknown

MAX_BYTES = 1_000_000
_MAX_SHOWN = 60
_MAX_PROBLEMS = 20
_MAX_WHOLE = 10**12
_BOUNDS = ("least_s", "most_s")
_A_DURATION = "a number of seconds, a table { mean_s = 200, sigma = 0.6 }, or an array of such tables"


def read_scenario(path: Path) -> Scenario:
    """Reads and checks a file.

    Raises:
        InputError: the file cannot be read, is not TOML, or is no scenario; a line for everything that is wrong, with
            file, key, value and what to write instead.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = system_reason(error) if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: cannot read the scenario: {reason}") from error
    if len(content) > MAX_BYTES:
        raise InputError(f"{path}: is larger than {MAX_BYTES:,} bytes; a scenario is not")
    try:
        data = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:  # also of tomllib: numbers of thousands of digits, impossible dates
        raise InputError(f"{path}: not valid TOML: {error}") from error
    return scenario_of(data, str(path))


def scenario_of(data: Mapping[str, object], source: str = "scenario") -> Scenario:
    """A scenario from TOML's tables; `source` names it in errors (InputError as in `read_scenario`)."""
    reader = _Reader()
    scenario: Scenario = reader.table(Scenario, data, "")
    problems = reader.problems or list(problems_of(scenario))
    if len(problems) > _MAX_PROBLEMS:
        problems[_MAX_PROBLEMS:] = [f"and {len(problems) - _MAX_PROBLEMS} more things are wrong"]
    if problems:
        raise InputError("\n".join(f"{source}: {problem}" for problem in problems))
    return scenario


def as_toml(scenario: Scenario, comments: Mapping[str, str] | None = None) -> str:
    """Every value of a scenario, defaults too; `comments` are put behind keys named as in errors, `segments.0.busy`.

    What `problems_of` finds nothing wrong with reads back as the same scenario.
    """
    return "".join(f"{line}\n" for line in _lines(scenario, "", "", comments or {}))


class _Reader:
    """Turns tables into dataclasses and collects what is wrong with them; None stands where nothing could be made."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._day: Mapping[str, object] = {}

    def table(self, kind: type, data: object, place: str) -> Any:
        if not isinstance(data, Mapping):
            return self._wrong(place, data, "a table")
        if kind is Scenario:
            self._day = data
        elif kind is Shift:
            data = self._all_day(data)
        hints = typing.get_type_hints(kind)
        for key in data:
            if key not in hints:
                self.problems.append(f"{_join(place, key)}: {unknown('key', key, tuple(hints))}")
        values = {key: self._value(hint, data[key], _join(place, key)) for key, hint in hints.items() if key in data}
        for field in dataclasses.fields(kind):
            if field.name not in data and field.default is field.default_factory is dataclasses.MISSING:
                self.problems.append(f"{_join(place, field.name)}: is missing; write {_wanted(hints[field.name])}")
        return None if self.problems else kind(**values)

    def _all_day(self, shift: Mapping[str, object]) -> Mapping[str, object]:
        """Without a time of its own a shift begins and ends with the day, where that has a time."""
        begins, ends = _moment(self._day.get("begins")), _time_of_day(self._day.get("ends"))
        day = {"begins": begins and begins.time(), "ends": ends}
        return {key: value for key, value in day.items() if value is not None} | dict(shift)

    def _value(self, hint: Any, data: object, place: str) -> Any:
        hint = _without_none(hint)
        if hint is Duration:
            return self._duration(data, place)
        if dataclasses.is_dataclass(hint):
            return self.table(typing.cast("type", hint), data, place)
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        if origin is tuple:
            return self._array(inner[0], data, place)
        if origin is Mapping:
            return self._by_hour(data, place)
        value = _plain(hint, data)
        return self._wrong(place, data, _wanted(hint)) if value is None else value

    def _array(self, inner: Any, data: object, place: str) -> Any:
        if not isinstance(data, list | tuple):
            return self._wrong(place, data, "an array, in [ ]")
        return tuple(self._value(inner, one, f"{place}.{index}") for index, one in enumerate(data))

    def _duration(self, data: object, place: str) -> Any:
        bounds: dict[str, float] = {}
        parts = data
        if isinstance(data, Mapping):
            bounds = {key: self._value(float, data[key], f"{place}.{key}") for key in _BOUNDS if key in data}
            rest = {key: value for key, value in data.items() if key not in _BOUNDS}
            parts = rest["parts"] if set(rest) == {"parts"} else [rest]
        elif _number(data) is not None:
            parts = [{"mean_s": data}]
        if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
            return self._wrong(place, data, _A_DURATION)
        places = [place] if len(parts) == 1 else [f"{place}.{index}" for index in range(len(parts))]
        made = tuple(self.table(Part, part, one) for part, one in zip(parts, places, strict=True))
        return None if self.problems else Duration(made, **bounds)

    def _by_hour(self, data: object, place: str) -> Any:
        if not isinstance(data, Mapping):
            return self._wrong(place, data, "a table of hours, e.g. { 9 = 0.8, 17 = 1.2 }")
        found: dict[int, float] = {}
        for key, factor in data.items():
            if not (key.isascii() and key.isdigit() and len(key) <= 2):
                self._wrong(f"{place}.{key}", key, "an hour of the day as key, 0 to 23")
            elif int(key) in found:
                self._wrong(f"{place}.{key}", key, "each hour once")
            else:
                found[int(key)] = self._value(float, factor, f"{place}.{key}")
        return found

    def _wrong(self, place: str, data: object, wanted: str) -> None:
        self.problems.append(f"{place or 'the file'}: is {_shown(data)}; write {wanted}")


def _plain(hint: Any, data: object) -> Any:
    """The value as its type, or None when it cannot be one. True is no number, and 5.0 no whole one."""
    if hint is float:
        return _number(data)
    if hint is int:
        return data if isinstance(data, int) and not isinstance(data, bool) and abs(data) < _MAX_WHOLE else None
    if hint is datetime:
        return _moment(data)
    if hint is time:
        return _time_of_day(data)
    if issubclass(hint, Enum):
        return next((member for member in hint if member.value == data), None)
    return data if isinstance(data, hint) else None


def _number(data: object) -> float | None:
    if not isinstance(data, int | float) or isinstance(data, bool):
        return None
    try:
        return float(data)
    except OverflowError:
        return None


def _moment(data: object) -> datetime | None:
    if not isinstance(data, str):
        return data if isinstance(data, datetime) else None
    try:
        return datetime.fromisoformat(data)
    except ValueError:
        return None


def _time_of_day(data: object) -> time | None:
    """Of the day's own clock: a text with an offset is none."""
    if not isinstance(data, str):
        return data if isinstance(data, time) else None
    try:
        moment = time.fromisoformat(data if data[1:2] != ":" else f"0{data}")
    except ValueError:
        return None
    return moment if moment.tzinfo is None else None


def _wanted(hint: Any) -> str:
    """What to write for a type."""
    hint = _without_none(hint)
    words = {
        float: "a number",
        int: "a whole number",
        str: "a text in quotes",
        time: 'a time of day, e.g. "9:30" or 09:30:00',
        datetime: "a moment with its UTC offset, e.g. 2026-11-23T09:00:00+08:00",
        Duration: _A_DURATION,
    }
    if isinstance(hint, type) and issubclass(hint, Enum):
        return f"one of {', '.join(repr(member.value) for member in hint)}"
    return words.get(hint, "a table" if dataclasses.is_dataclass(hint) else "an array, in [ ]")


def _without_none(hint: Any) -> Any:
    """`float` of `float | None`: TOML knows no None, what is left out is."""
    if typing.get_origin(hint) in (Union, types.UnionType):
        return next(one for one in typing.get_args(hint) if one is not type(None))
    return hint


def _join(place: str, key: str) -> str:
    shown = key if key.isprintable() and 0 < len(key) <= _MAX_SHOWN else _shown(key)
    return f"{place}.{shown}" if place else shown


def _shown(data: object) -> str:
    try:
        text = str(data) if isinstance(data, datetime | time) else repr(data)
    except ValueError:  # Python does not write whole numbers of thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _lines(value: Any, header: str, place: str, comments: Mapping[str, str]) -> Iterator[str]:
    """Plain keys first, then tables: so TOML wants it."""
    held = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    tables = {key: one for key, one in held.items() if _is_table(one)}
    for key, one in held.items():
        if key not in tables and one not in (None, (), {}):
            behind = " ".join(comments.get(_join(place, key), "").split())
            yield f"{key} = {written(one)}" + (f"  # {behind}" if behind else "")
    for key, one in tables.items():
        name = _join(header, key)
        if not isinstance(one, tuple):
            yield f"\n[{name}]"
            yield from _lines(one, name, _join(place, key), comments)
            continue
        for index, entry in enumerate(one):
            yield f"\n[[{name}]]"
            yield from _lines(entry, name, f"{_join(place, key)}.{index}", comments)


def _is_table(value: object) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(_is_table(one) for one in value)
    return dataclasses.is_dataclass(value) and not isinstance(value, Duration)


def written(value: object) -> str:
    """One value in TOML."""
    if isinstance(value, Duration):
        return _written_duration(value)
    if isinstance(value, Enum):
        return json.dumps(value.value)
    if isinstance(value, Mapping):
        return _inline({str(hour): factor for hour, factor in value.items()})
    if isinstance(value, tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, datetime | time):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _written_duration(duration: Duration) -> str:
    bounds = {key: getattr(duration, key) for key in _BOUNDS if getattr(duration, key) != getattr(Duration(()), key)}
    parts = [_without_defaults(dataclasses.asdict(part)) for part in duration.parts]
    if len(parts) == 1:
        return _inline(parts[0] | bounds)
    several = f"[{', '.join(map(_inline, parts))}]"
    return several if not bounds else f"{{ parts = {several}, {_inline(bounds)[2:]}"


def _without_defaults(part: Mapping[str, object]) -> dict[str, object]:
    """A part's mean and sigma, and what says more than nothing of the others."""
    return {key: one for key, one in part.items() if not (one is None or (key == "share" and one == 1.0))}


def _inline(table: Mapping[str, object]) -> str:
    return f"{{ {', '.join(f'{key} = {written(one)}' for key, one in table.items())} }}"
