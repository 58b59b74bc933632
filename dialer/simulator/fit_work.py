"""The workforce of a scenario, from what collectors did on recorded days. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby, pairwise
from statistics import median
from zoneinfo import ZoneInfo

from dialer.model.agent import AgentState
from dialer.model.history import History
from dialer.simulator.collector_spans import PAUSED, Presence, Span, presences_of, spans_of
from dialer.simulator.fit_durations import fit_duration
from dialer.simulator.scenario import Break, Shift, Workforce

LEAST_WRAP_UPS = 30
LEAST_BREAKS = 10
SHORTEST_BREAK_S = 20.0
"""What is shorter is a pause for breath; counted as waiting."""
STEP_MIN = 5
"""To so many minutes the beginning and the end of work are rounded, outwards."""
LEVEL = 1.5
LEVEL_SHARE = 0.15
"""Hours whose collectors differ by no more than `LEVEL`, or this share of all, are taken for equally staffed."""
_DEFAULT = Workforce(())


@dataclass(frozen=True, slots=True)
class Work:
    """The workforce, and where each of its figures comes from, by its key below `workforce`."""

    workforce: Workforce
    comments: Mapping[str, str]


def working_hours(history: History) -> tuple[time, time] | None:
    """From when to when calls were placed on a usual day, on the house's clock; None: none were placed."""
    zone = ZoneInfo(history.outline.zone)
    days: defaultdict[object, list[datetime]] = defaultdict(list)
    for attempt in history.attempts:
        at = (history.outline.begins + timedelta(seconds=attempt.placed_s)).astimezone(zone)
        days[at.date()].append(at)
    if not days:
        return None
    step_s = STEP_MIN * 60
    begins = median(_second_of_day(min(placed)) for placed in days.values()) // step_s * step_s
    ends = -(-median(_second_of_day(max(placed)) for placed in days.values()) // step_s) * step_s
    last = 86_400 - step_s
    begins = min(begins, last - step_s)
    return _time_of(begins), _time_of(min(max(ends, begins + step_s), last))


def fit_work(history: History, begins: time, ends: time, collectors: int | None) -> Work:
    """The workforce of a day from `begins` to `ends`; `collectors` of them, None: as many as there usually were."""
    spans = spans_of(history)
    if collectors is None:
        shifts, said = _shifts(history, presences_of(spans), begins, ends)
    else:
        shifts, said = (Shift(collectors, begins, ends),), "as asked"
    wrap_ups = [s.length_s for s in spans if s.state is AgentState.WRAPUP and s.whole]
    wrap_up, wrap_said = _DEFAULT.wrap_up, f"default: only {len(wrap_ups)} wrap-ups on record"
    if len(wrap_ups) >= LEAST_WRAP_UPS:
        wrap_up, wrap_said = fit_duration(wrap_ups), f"{len(wrap_ups):,} wrap-ups"
    breaks, breaks_said = _breaks(spans)
    comments = {"shifts.0.collectors": said, "wrap_up": wrap_said}
    comments |= {"breaks.0.every_min": breaks_said} if breaks else {}
    return Work(Workforce(shifts, breaks, wrap_up), comments)


def _shifts(history: History, presences: Sequence[Presence], begins: time, ends: time) -> tuple[tuple[Shift, ...], str]:
    """One shift where about as many were there all day, else steps by the hour, each a shift of its own."""
    hours = [time(hour) for hour in range(begins.hour + 1, 24) if begins < time(hour) < ends]
    edges = (begins, *hours, ends)
    days = _days(history)
    by_hour = [_present(history, days, presences, since, until) for since, until in pairwise(edges)]
    mean = _present(history, days, presences, begins, ends)
    if max(by_hour) - min(by_hour) <= max(LEVEL, LEVEL_SHARE * mean):
        n = max(round(mean), 1)
        return (Shift(n, begins, ends),), f"{mean:.1f} were logged in on average within these hours"
    counts: Counter[tuple[time, time]] = Counter()
    levels = [round(present) for present in by_hour]
    for level in range(1, max(levels) + 1):
        at_work = [place for place, n in enumerate(levels) if n >= level]
        for first, last in _runs(at_work):
            counts[edges[first], edges[last + 1]] += 1
    said = ", ".join(f"{since:%H:%M}: {present:.1f}" for since, present in zip(edges, by_hour, strict=False))
    shifts = tuple(Shift(n, since, until) for (since, until), n in counts.items())
    return shifts, f"steps by the hour; logged in on average from {said}"


def _runs(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    for _, run in groupby(enumerate(places), key=lambda item: item[1] - item[0]):
        members = [place for _, place in run]
        yield members[0], members[-1]


def _present(history: History, days: Iterable[date], presences: Sequence[Presence], begins: time, ends: time) -> float:
    """Collectors logged in at a time, on average between two times of these days."""
    outline = history.outline
    zone = ZoneInfo(outline.zone)
    there_s = open_s = 0.0
    for day in days:
        bounds = (datetime.combine(day, moment, zone) for moment in (begins, ends))
        since_s, until_s = ((bound - outline.begins).total_seconds() for bound in bounds)
        since_s, until_s = max(since_s, 0.0), min(until_s, outline.length_s)
        open_s += max(until_s - since_s, 0.0)
        there_s += sum(max(min(p.until_s, until_s) - max(p.since_s, since_s), 0.0) for p in presences)
    return there_s / open_s if open_s else 0.0


def _days(history: History) -> frozenset[date]:
    """The days with calls, on the house's clock."""
    begins, zone = history.outline.begins, ZoneInfo(history.outline.zone)
    placed = (begins + timedelta(seconds=attempt.placed_s) for attempt in history.attempts)
    return frozenset(at.astimezone(zone).date() for at in placed)


def _breaks(spans: Sequence[Span]) -> tuple[tuple[Break, ...], str]:
    """Breaks that come again and again; what lies between log-in and the first call is none."""
    pauses = _pauses(spans)
    if len(pauses) < LEAST_BREAKS:
        return (), ""
    staffed_s = sum(span.length_s for span in spans)
    every_min = min(staffed_s / len(pauses) / 60, 1440.0)
    said = f"{len(pauses):,} breaks in {staffed_s / 3600:,.0f} hours logged in"
    return (Break(fit_duration(pauses), every_min=float(f"{every_min:.4g}")),), said


def _pauses(spans: Iterable[Span]) -> list[float]:
    """Lengths of pauses; one that changes its name in between is one."""
    lengths: list[float] = []
    running: dict[int, float] = {}
    for span in sorted(spans, key=lambda span: (span.agent, span.since_s)):
        if span.state in PAUSED and not span.first:
            running[span.agent] = running.get(span.agent, 0.0) + span.length_s
            continue
        paused_s = running.pop(span.agent, 0.0)
        if paused_s >= SHORTEST_BREAK_S:
            lengths.append(paused_s)
    return lengths


def _second_of_day(at: datetime) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


def _time_of(second: float) -> time:
    return time(int(second) // 3600, int(second) // 60 % 60)
