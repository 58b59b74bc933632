"""The books of a rehearsal: what the collectors did, the floor each minute, and the day read from the record."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from dialer.agents.sessions import AgentChanged, AgentSession
from dialer.calls.facts import AttemptPlan
from dialer.campaigns.loop.status import CampaignStatus
from dialer.model.agent import AgentState
from dialer.model.attempt import REACHED_A_PERSON, Attempt, AttemptState, Disposition, HangupSide
from dialer.simulator.day import LEAST_LIVE, Day, Hour, LiveCall, Moment
from dialer.simulator.scenario import Scenario

ABANDON_WAIT = timedelta(seconds=AttemptPlan().abandon_wait_s)
_HOUR_S = 3600.0
_TALKING = (AgentState.TALKING, AgentState.HOLD)
_WAITING = (AgentState.READY, AgentState.RESERVED, AgentState.PREVIEW)
_STAFFED = (*_TALKING, *_WAITING, AgentState.WRAPUP)
_PAUSED = (AgentState.BREAK, AgentState.TRAINING, AgentState.AUX)


@dataclass(frozen=True, slots=True)
class Record:
    """What the database holds at the end of the day."""

    attempts: Sequence[Attempt]
    refused: Mapping[str, int]
    nothing_left: bool


class Books:
    """Kept while the day goes on. Instants are monotonic; the day began at `began_at`."""

    def __init__(self, scenario: Scenario, began_at: float) -> None:
        self.machines: set[int] = set()
        """Attempts that collectors wrote down as a machine's."""
        self._scenario = scenario
        self._began_at = began_at
        self._first_hour_s = scenario.begins.hour * _HOUR_S + scenario.begins.minute * 60 + scenario.begins.second
        self._hours: dict[int, Counter[str]] = {}
        self._ready_at: dict[int, float] = {}
        self._waits_s: list[float] = []
        self._moments: list[Moment] = []

    # ---- while the day goes on

    def agent_changed(self, changed: AgentChanged) -> None:
        """A collector's state ended now."""
        old, new, agent_id = changed.transition.old, changed.transition.new, changed.session.agent_id
        self._spent(old, changed.at - changed.transition.lasted_s, changed.at)
        if new is AgentState.READY and old not in _WAITING:
            self._ready_at[agent_id] = changed.at
        elif new is AgentState.TALKING and agent_id in self._ready_at:
            self._waits_s.append(changed.at - self._ready_at.pop(agent_id))

    def look(self, status: CampaignStatus, now: float) -> None:
        """Notes the floor at this moment."""
        agents, calls = status.agents, status.calls
        self._moments.append(
            Moment(
                now - self._began_at,
                ready=agents.get(AgentState.READY.value, 0),
                talking=sum(agents.get(state.value, 0) for state in _TALKING),
                wrapping=agents.get(AgentState.WRAPUP.value, 0),
                paused=sum(agents.get(state.value, 0) for state in _PAUSED),
                ringing=calls.get("dialing", 0),
                waiting=calls.get("waiting", 0),
                period_live=status.live,
                period_abandoned=status.abandoned,
                reason=status.limiting,
            )
        )

    def close(self, sessions: Sequence[AgentSession], now: float) -> None:
        """The day is over for those who are still there."""
        for session in sessions:
            self._spent(session.state, session.machine.since, now)

    def _spent(self, state: AgentState, since: float, until: float) -> None:
        if state not in _STAFFED:
            return
        for hour, seconds in self._by_hour(since, until):
            counted = self._hours.setdefault(hour, Counter())
            counted["staffed"] += seconds  # type: ignore[assignment]
            if state in _TALKING:
                counted["talk"] += seconds  # type: ignore[assignment]
            elif state is AgentState.WRAPUP:
                counted["wrap"] += seconds  # type: ignore[assignment]

    def _by_hour(self, since: float, until: float) -> Iterator[tuple[int, float]]:
        """The clock hours of a span, with the seconds of it in each."""
        start, end = (at - self._began_at + self._first_hour_s for at in (since, until))
        while start < end:
            stop = min((start // _HOUR_S + 1) * _HOUR_S, end)
            yield int(start // _HOUR_S) % 24, stop - start
            start = stop

    # ---- the day

    def day(self, record: Record, *, seed: int, lost: int, machines_connected: int, cpu_s: float) -> Day:
        """The day as the record has it, in the words of `Day`."""
        placed = [attempt for attempt in record.attempts if attempt.state is not AttemptState.RELEASED]
        live = [attempt for attempt in placed if self._is_live(attempt)]
        abandoned = [attempt for attempt in live if attempt.disposition is Disposition.ABANDONED]
        connected = [attempt for attempt in placed if attempt.connected_at is not None]
        hours = self._all_hours(placed, live)
        return Day(
            name=self._scenario.name,
            mode=self._scenario.pace.mode.value,
            seed=seed,
            length_s=self._scenario.length_s,
            placed=len(placed),
            answered=sum(attempt.answered_at is not None for attempt in placed),
            live=len(live),
            connected=len(connected),
            abandoned=len(abandoned),
            left=sum(attempt.hangup_side is HangupSide.PERSON for attempt in abandoned),
            lost=lost,
            machines_connected=machines_connected,
            talk_s=sum(hour.talk_s for hour in hours),
            wrap_s=sum(hour.wrap_s for hour in hours),
            staffed_s=sum(hour.staffed_s for hour in hours),
            collector_waits_s=tuple(self._waits_s),
            person_waits_s=tuple(_waited_s(attempt) for attempt in live if attempt.connected_at is not None),
            contacts=self._scenario.call_list.contacts,
            contacts_tried=len({attempt.contact_id for attempt in placed}),
            contacts_reached=len({attempt.contact_id for attempt in live} - {a.contact_id for a in abandoned}),
            finished_s=self._finished_s(placed) if record.nothing_left else None,
            refused=record.refused,
            hours=hours,
            moments=tuple(self._moments),
            course=tuple(self._course(live)),
            worst_share=_worst_share(live),
            cpu_s=cpu_s,
        )

    def _course(self, live: Sequence[Attempt]) -> Iterator[LiveCall]:
        for attempt in live:
            at_s = (_counted_at(attempt) - self._scenario.begins).total_seconds()
            waited_s = None if attempt.connected_at is None else _waited_s(attempt)
            yield LiveCall(at_s, attempt.disposition is Disposition.ABANDONED, waited_s)

    def _is_live(self, attempt: Attempt) -> bool:
        """As the abandonment rules count; who talks at the day's end was live, too."""
        if attempt.attempt_id in self.machines:
            return False
        if attempt.disposition is None:
            return attempt.connected_at is not None
        return attempt.disposition in REACHED_A_PERSON

    def _all_hours(self, placed: Sequence[Attempt], live: Sequence[Attempt]) -> tuple[Hour, ...]:
        for attempt in placed:
            self._count("placed", attempt.reserved_at)
        for attempt in live:
            self._count("live", _counted_at(attempt))
            if attempt.disposition is Disposition.ABANDONED:
                self._count("abandoned", _counted_at(attempt))
        names = ("placed", "live", "abandoned", "talk", "wrap", "staffed")
        return tuple(Hour(hour, *(counted[name] for name in names)) for hour, counted in sorted(self._hours.items()))

    def _count(self, what: str, at: datetime) -> None:
        since_midnight_s = (at - self._scenario.begins).total_seconds() + self._first_hour_s
        self._hours.setdefault(int(since_midnight_s // _HOUR_S) % 24, Counter())[what] += 1

    def _finished_s(self, placed: Sequence[Attempt]) -> float | None:
        ends = [attempt.ended_at for attempt in placed if attempt.ended_at is not None]
        return (max(ends) - self._scenario.begins).total_seconds() if ends else 0.0


def _counted_at(attempt: Attempt) -> datetime:
    """When a live answer was talked to, or abandoned."""
    if attempt.disposition is Disposition.ABANDONED and attempt.greeting_end_at is not None:
        return min(attempt.greeting_end_at + ABANDON_WAIT, attempt.ended_at or attempt.greeting_end_at)
    return attempt.connected_at or attempt.ended_at or attempt.reserved_at


def _waited_s(attempt: Attempt) -> float:
    if attempt.connected_at is None or attempt.greeting_end_at is None:
        return 0.0
    return max((attempt.connected_at - attempt.greeting_end_at).total_seconds(), 0.0)


def _worst_share(live: Sequence[Attempt]) -> float:
    """The highest share abandoned at any moment from the `LEAST_LIVE`th live answer on."""
    ends = [attempt.disposition is Disposition.ABANDONED for attempt in sorted(live, key=_counted_at)]
    shares = (abandoned / n for n, abandoned in enumerate(accumulate(ends), 1) if n >= LEAST_LIVE)
    return max(shares, default=0.0)
