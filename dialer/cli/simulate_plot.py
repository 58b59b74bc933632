"""Pictures of simulated days: one mode in detail, or several side by side.

Drawn without a screen, by matplotlib (the extra `plots`). Of several runs of a mode the first one's floor is shown, and
the abandonment and waits of all.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator, PercentFormatter

from dialer.cli.pictures import drawable, fonts, new_figure, save_png
from dialer.cli.simulate_report import FIGURES, by_mode
from dialer.simulator.day import LEAST_LIVE_IN_HOUR, Day
from dialer.simulator.scenario import Scenario

_WIDTH, _DETAIL_HEIGHT, _ROW_HEIGHT, _BARS_HEIGHT, _HEAD_HEIGHT = 12.0, 10.5, 1.5, 2.8, 1.0
_STATES = {"talking": "#2f6fb0", "wrapping": "#8fb8de", "ready": "#f2c14e", "paused": "#d0d0d0"}
_STATE_WORDS = {"talking": "talking", "wrapping": "wrap-up", "ready": "waiting for a call", "paused": "on a break"}
_LINE, _LIMIT, _FAINT = "#2c3e50", "#c0392b", "#95a5a6"
_HEADROOM = 1.15
_HIGHEST_LIMITS = 5
"""So many times the limit is the highest share drawn: what lies beyond would make the rest flat."""
_TICKS_S = (300, 600, 900, 1800, 3600, 7200)
_MAX_TICKS = 10
_LONG_NAME = 12


def draw(scenario: Scenario, days: Sequence[Day], target: Path) -> None:
    """Writes a PNG file. Raises InputError naming a file that cannot be written."""
    modes = by_mode(days)
    several = len(modes) > 1
    height = _HEAD_HEIGHT + len(modes) * _ROW_HEIGHT + _BARS_HEIGHT if several else _DETAIL_HEIGHT
    figure = new_figure((_WIDTH, height))
    figure.suptitle(drawable(_title(scenario, modes)), family=fonts(), fontsize=12)
    if several:
        _draw_side_by_side(figure, scenario, modes)
    else:
        _draw_detail(figure, scenario, days)
    save_png(figure, target)


def _title(scenario: Scenario, modes: dict[str, list[Day]]) -> str:
    mode, runs = next(iter(modes.items()))
    collectors = sum(shift.collectors for shift in scenario.workforce.shifts)
    of_what = f"{mode}, " if len(modes) == 1 else ""
    n_runs = f"{len(runs)} runs" if len(runs) > 1 else "one run"
    return f"{scenario.name}: {of_what}{collectors} collectors, {scenario.begins:%Y-%m-%d}, {n_runs}"


def _draw_detail(figure: Figure, scenario: Scenario, runs: Sequence[Day]) -> None:
    parts = figure.subplot_mosaic(
        [["floor", "floor"], ["lines", "lines"], ["abandoned", "abandoned"], ["collectors", "people"]],
        height_ratios=(4, 2, 3, 3),
    )
    _draw_floor(parts["floor"], scenario, runs[0])
    parts["floor"].legend(loc="upper center", bbox_to_anchor=(0.5, 1.15), ncols=len(_STATES), frameon=False, fontsize=9)
    _draw_lines(parts["lines"], scenario, runs[0])
    _draw_hours(parts["abandoned"], scenario, runs)
    _draw_abandoned(parts["abandoned"], scenario, runs)
    parts["abandoned"].legend(loc="upper right", ncols=3, fontsize=9)
    for name in ("floor", "lines", "abandoned"):
        _clock_axis(parts[name], scenario)
    _draw_waits(parts["collectors"], "collectors' waits for a call", [day.collector_waits_s for day in runs])
    _draw_waits(
        parts["people"], "people's waits for a collector, after their greeting", [d.person_waits_s for d in runs]
    )


def _draw_side_by_side(figure: Figure, scenario: Scenario, modes: dict[str, list[Day]]) -> None:
    [[days], [bars]] = figure.subfigures(2, 1, squeeze=False, height_ratios=(len(modes) * _ROW_HEIGHT, _BARS_HEIGHT))
    rows = days.subplots(len(modes), 2, sharex=True, sharey="col", width_ratios=(3, 2), squeeze=False)
    for (mode, runs), (floor, abandoned) in zip(modes.items(), rows, strict=True):
        _draw_floor(floor, scenario, runs[0])
        floor.set_ylabel(mode if len(mode) < _LONG_NAME else mode.replace(" ", "\n"))
        _draw_abandoned(abandoned, scenario, runs)
        for axes in (floor, abandoned):
            _clock_axis(axes, scenario)
            axes.label_outer()
        abandoned.set_ylabel("")
        abandoned.tick_params(labelleft=True)
    rows[0][0].set_title("collectors", fontsize=10)
    rows[0][1].set_title("abandoned so far, of live answers", fontsize=10)
    days.legend(*rows[0][0].get_legend_handles_labels(), loc="outside lower left", ncols=len(_STATES), fontsize=9)
    _draw_bars(bars, scenario, modes)


def _draw_floor(axes: Axes, scenario: Scenario, day: Day) -> None:
    """How many collectors do what, stacked."""
    seen = (*day.moments[:1], *day.moments)  # from the day's first second on as it was when first noted
    at_s = [_day_begins_s(scenario), *_clock_s(scenario, day)][: len(seen)]
    counts = [[getattr(moment, state) for moment in seen] for state in _STATES]
    axes.stackplot(at_s, counts, labels=_STATE_WORDS.values(), colors=_STATES.values(), step="pre", linewidth=0)
    axes.set_ylabel("collectors")
    _count_axis(axes)


def _draw_lines(axes: Axes, scenario: Scenario, day: Day) -> None:
    at_s = _clock_s(scenario, day)
    axes.step(at_s, [moment.ringing for moment in day.moments], where="pre", color=_LINE, linewidth=1)
    axes.set_ylabel("lines ringing")
    _count_axis(axes)


def _draw_hours(axes: Axes, scenario: Scenario, runs: Sequence[Day]) -> None:
    """The share abandoned of each clock hour by itself, of all runs together."""
    totals: dict[int, tuple[int, int]] = {}
    for hour in (hour for day in runs for hour in day.hours):
        live, abandoned = totals.get(hour.hour, (0, 0))
        totals[hour.hour] = live + hour.live, abandoned + hour.abandoned
    shown = {hour: abandoned / live for hour, (live, abandoned) in totals.items() if live >= LEAST_LIVE_IN_HOUR}
    axes.bar(
        [hour * 3600 + 1800 for hour in shown], list(shown.values()), width=3400, color="0.88", label="each clock hour"
    )


def _draw_abandoned(axes: Axes, scenario: Scenario, runs: Sequence[Day]) -> None:
    """How the share abandoned of the day's live answers went, a line a run, against the limit."""
    limit = scenario.pace.abandon_target
    highest = 2 * limit
    for index, day in enumerate(runs):
        known = [moment for moment in day.moments if moment.period_live >= LEAST_LIVE_IN_HOUR]
        shares = [moment.period_abandoned / moment.period_live for moment in known]
        at_s = [_day_begins_s(scenario) + moment.at_s for moment in known]
        name = "of the day so far" if index == 0 else None
        axes.plot(
            at_s, shares, color=_LINE if index == 0 else _FAINT, linewidth=1.2, label=name, zorder=3 - (index > 0)
        )
        highest = max(highest, *shares, 0.0)
    words = ""
    if not any(moment.period_live >= LEAST_LIVE_IN_HOUR for day in runs for moment in day.moments):
        words = f"fewer than {LEAST_LIVE_IN_HOUR} live answers"
    elif highest > _HIGHEST_LIMITS * limit:
        words = f"up to {highest:.0%}"
    axes.text(0.5, 0.75, words, transform=axes.transAxes, ha="center", color=_LINE, fontsize=9)
    axes.axhline(limit, color=_LIMIT, linestyle="--", linewidth=1.2, label="limit")
    axes.set_ylim(0, min(max(highest * _HEADROOM, axes.get_ylim()[1]), _HIGHEST_LIMITS * limit))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylabel("abandoned")


def _draw_waits(axes: Axes, title: str, runs: Sequence[Sequence[float]]) -> None:
    """Which share of the waits was at most so long, a line a run."""
    for index, waits_s in enumerate(runs):
        shares = np.arange(1, len(waits_s) + 1) / max(len(waits_s), 1)
        axes.step(np.sort(waits_s), shares, where="post", color=_LINE if index == 0 else _FAINT, zorder=3 - (index > 0))
    longest = max((float(np.percentile(waits_s, 99)) for waits_s in runs if waits_s), default=1.0)
    axes.set_xlim(0, max(longest, 1.0))
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("seconds at most")
    axes.grid(visible=True, color="0.9")


def _draw_bars(figure: SubFigure, scenario: Scenario, modes: dict[str, list[Day]]) -> None:
    talking, abandoned, reached = figure.subplots(1, 3, sharey=True)
    _bars(talking, modes, "utilisation", ".0%", _STATES["talking"])
    _bars(abandoned, modes, "abandoned_share", ".1%", "0.8")
    _bars(reached, modes, "contacts_per_hour", ".1f", _STATES["wrapping"])
    limit = scenario.pace.abandon_target
    for index, runs in enumerate(modes.values()):
        bound = _mean(runs, "bound")
        talking.plot([bound, bound], [index - 0.4, index + 0.4], color=_LINE, linewidth=2)
        abandoned.plot([day.abandoned_share for day in runs], [index] * len(runs), ".", color=_LINE)
    abandoned.axvline(limit, color=_LIMIT, linestyle="--", linewidth=1.2)
    abandoned.set_xlim(0, min(max(abandoned.get_xlim()[1], 2 * limit), _HIGHEST_LIMITS * limit))
    talking.set_title("talking, of time logged in (line: if nobody ever waited)", fontsize=9)
    abandoned.set_title("abandoned (dots: runs; dashed: limit)", fontsize=9)
    reached.set_title("contacts reached per collector-hour", fontsize=9)
    for axes in (talking, abandoned):
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    talking.set_xlim(0, 1)
    talking.invert_yaxis()


def _bars(axes: Axes, modes: dict[str, list[Day]], key: str, show: str, color: str) -> None:
    """A bar a mode, with its figure at the left, where every bar begins."""
    values = [_mean(runs, key) for runs in modes.values()]
    axes.barh(list(modes), values, color=color)
    for index, value in enumerate(values):
        box = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.5}
        axes.annotate(
            format(value, show), (0, index), (4, 0), textcoords="offset points", va="center", fontsize=8, bbox=box
        )


def _mean(runs: Sequence[Day], key: str) -> float:
    return fmean(FIGURES[key](day) or 0.0 for day in runs)


def _count_axis(axes: Axes) -> None:
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True, steps=(1, 2, 5, 10)))


def _clock_axis(axes: Axes, scenario: Scenario) -> None:
    begins_s = _day_begins_s(scenario)
    axes.set_xlim(begins_s, begins_s + scenario.length_s)
    every_s = next((tick for tick in _TICKS_S if scenario.length_s / tick <= _MAX_TICKS), _TICKS_S[-1])
    axes.xaxis.set_major_locator(MultipleLocator(every_s))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at_s, _: f"{at_s // 3600 % 24:.0f}:{at_s // 60 % 60:02.0f}"))


def _clock_s(scenario: Scenario, day: Day) -> list[float]:
    """When the floor was noted, in seconds since midnight."""
    return [_day_begins_s(scenario) + moment.at_s for moment in day.moments]


def _day_begins_s(scenario: Scenario) -> float:
    midnight = scenario.begins.replace(hour=0, minute=0, second=0, microsecond=0)
    return (scenario.begins - midnight).total_seconds()
