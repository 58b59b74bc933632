"""Histories of days whose truth is known: what a pacer heard and said, written down as the database would have it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from dialer.campaigns.loop.paces import Paces
from dialer.campaigns.pacing import CallOutcome, EventKind, PacingDecision, PacingEvent, PacingSnapshot
from dialer.model.agent import AgentState
from dialer.model.attempt import CallPath, Disposition
from dialer.model.campaign import CampaignSettings
from dialer.model.history import History, Outline, RecordedAttempt, RecordedChange
from dialer.simulator.fates import Fates
from dialer.simulator.people import Behaviour
from dialer.simulator.scenario import Scenario

_ENDS = {
    CallOutcome.MACHINE: Disposition.MACHINE,
    CallOutcome.BUSY: Disposition.BUSY,
    CallOutcome.NO_ANSWER: Disposition.NO_ANSWER,
    CallOutcome.FAILED: Disposition.BAD_NUMBER,
    CallOutcome.CANCELLED: Disposition.CANCELLED,
}
_STATES = {
    EventKind.AGENT_IN: AgentState.AUX,
    EventKind.AGENT_READY: AgentState.READY,
    EventKind.CONNECTED: AgentState.TALKING,
    EventKind.TALK_ENDED: AgentState.WRAPUP,
    EventKind.WRAP_ENDED: AgentState.READY,
    EventKind.AGENT_PAUSED: AgentState.BREAK,
    EventKind.AGENT_OUT: AgentState.OFFLINE,
}


class Recorder:
    """Stands before a pacer and writes down. People count as reached once connected or abandoned, as on record."""

    def __init__(self, pacer: Paces) -> None:
        self.decisions: list[tuple[float, PacingDecision]] = []
        self._pacer = pacer
        self._attempts: dict[int, RecordedAttempt] = {}
        self._changes: list[RecordedChange] = []
        self._live = self._abandoned = 0

    def observe(self, event: PacingEvent) -> None:
        self._pacer.observe(event)
        if event.agent_id is not None and event.kind in _STATES:
            self._changes.append(RecordedChange(agent=event.agent_id + 1, at_s=event.at, state=_STATES[event.kind]))
        if event.call_id is not None:
            self._attempts[event.call_id] = self._after(event, event.call_id)

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        counted = replace(snapshot, period_live=self._live, period_abandoned=self._abandoned)
        decision = self._pacer.decide(counted)
        self.decisions.append((snapshot.now, decision))
        return decision

    def dump(self) -> dict[str, Any]:
        return self._pacer.dump()

    def load(self, state: dict[str, Any]) -> None:
        self._pacer.load(state)

    def history(self, outline: Outline) -> History:
        """What was heard so far."""
        attempts = sorted(self._attempts.values(), key=lambda attempt: attempt.attempt)
        return History(outline, tuple(attempts), tuple(self._changes))

    def _after(self, event: PacingEvent, call_id: int) -> RecordedAttempt:
        match event.kind:
            case EventKind.PLACED:
                path = CallPath.PREDICTIVE
                return RecordedAttempt(attempt=call_id, contact=call_id, number=call_id, placed_s=event.at, path=path)
            case EventKind.ANSWERED:
                new: dict[str, Any] = {"answered_s": event.at}
            case EventKind.CONNECTED:
                self._live += 1
                new = {"greeting_end_s": event.at - event.seconds, "connected_s": event.at}
                new |= {"agent": None if event.agent_id is None else event.agent_id + 1}
            case EventKind.ABANDONED:
                self._live += 1
                self._abandoned += 1
                new = {"greeting_end_s": event.at - event.seconds, "disposition": Disposition.ABANDONED}
                new |= {"ended_s": event.at}
            case EventKind.TALK_ENDED:
                new = {"ended_s": event.at, "disposition": Disposition.CONNECTED}
                new |= {"conversation": event.outcome is CallOutcome.LIVE}
            case _:
                assert event.outcome is not None
                new = {"ended_s": event.at, "disposition": _ENDS[event.outcome]}
        return msgspec.structs.replace(self._attempts[call_id], **new)


def outline_of(scenario: Scenario, *, tick_s: float = 1.0, **more: Any) -> Outline:
    """The first line of a history of this scenario's day."""
    pace = scenario.pace
    settings = CampaignSettings(
        mode=pace.mode,
        power_ratio=pace.ratio,
        abandon_target=pace.abandon_target,
        ring_timeout_s=pace.ring_timeout_s,
        max_lines_per_agent=pace.lines_per_agent or CampaignSettings().max_lines_per_agent,
        amd=scenario.detection.mode,
    )
    plain: dict[str, Any] = {
        "campaign": scenario.name,
        "begins": scenario.begins,
        "ends": scenario.begins + timedelta(seconds=scenario.length_s),
        "zone": "Asia/Shanghai",
        "settings": settings,
        "tick_s": tick_s,
        "channels": scenario.trunk.channels,
        "cps": scenario.trunk.cps,
        "packs": scenario.packs,
        "waiting": scenario.call_list.contacts,
    }
    return Outline(**plain | more)


def with_fates(history: History, fates: Fates) -> History:
    """The same with what only the people knew: when their greeting ended, and whether the talk settled the case."""
    return History(history.outline, tuple(_with_fate(each, fates) for each in history.attempts), history.changes)


def _with_fate(attempt: RecordedAttempt, fates: Fates) -> RecordedAttempt:
    if attempt.answered_s is None:
        return attempt
    fate = fates.of_call(attempt.attempt, 0, attempt.placed_s)
    known: dict[str, Any] = {"decided_s": attempt.answered_s + fate.decided_s}
    if attempt.greeting_end_s is not None:
        known["greeting_end_s"] = attempt.answered_s + fate.greeting_s
    if attempt.disposition is Disposition.CONNECTED:
        known["final"] = fate.promises
    if attempt.disposition is Disposition.MACHINE:
        known["truth"] = "human" if fate.behaviour is Behaviour.HUMAN else "machine"
    return msgspec.structs.replace(attempt, **known)
