"""The workforce of a scenario, from what collectors did on recorded days. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from dialer.model.agent import AgentState
from dialer.model.history import History
from dialer.simulator.collector_spans import PAUSED, Span, spans_of
from dialer.simulator.fit_durations import fit_duration
from dialer.simulator.scenario import Break, Shift, Workforce

LEAST_WRAP_UPS = 30
LEAST_BREAKS = 10
SHORTEST_BREAK_S = 20.0
"""What is shorter is a pause for breath; counted as waiting."""
STEP_MIN = 5
"""To so many minutes the beginning and the end of work are rounded, outwards."""
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
    present = _present(history, spans, begins, ends)
    n = collectors or max(round(present), 1)
    said = "as asked" if collectors else f"{present:.1f} were logged in on average within these hours"
    wrap_ups = [s.length_s for s in spans if s.state is AgentState.WRAPUP and s.whole]
    wrap_up, wrap_said = _DEFAULT.wrap_up, f"default: only {len(wrap_ups)} wrap-ups on record"
    if len(wrap_ups) >= LEAST_WRAP_UPS:
        wrap_up, wrap_said = fit_duration(wrap_ups), f"{len(wrap_ups):,} wrap-ups"
    breaks, breaks_said = _breaks(spans)
    comments = {"shifts.0.collectors": said, "wrap_up": wrap_said}
    comments |= {"breaks.0.every_min": breaks_said} if breaks else {}
    return Work(Workforce((Shift(n, begins, ends),), breaks, wrap_up), comments)


def _present(history: History, spans: Sequence[Span], begins: time, ends: time) -> float:
    """Collectors logged in at a time, on average over the working hours of days with calls."""
    outline = history.outline
    zone = ZoneInfo(outline.zone)
    days = {
        (outline.begins + timedelta(seconds=attempt.placed_s)).astimezone(zone).date() for attempt in history.attempts
    }
    there_s = open_s = 0.0
    for day in days:
        bounds = (datetime.combine(day, moment, zone) for moment in (begins, ends))
        since_s, until_s = ((bound - outline.begins).total_seconds() for bound in bounds)
        since_s, until_s = max(since_s, 0.0), min(until_s, outline.length_s)
        open_s += max(until_s - since_s, 0.0)
        there_s += sum(max(min(s.until_s, until_s) - max(s.since_s, since_s), 0.0) for s in spans)
    return there_s / open_s if open_s else 0.0


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
