"""A recorded day replayed under its own settings is decided as it was; under others it says where, and why."""

import json
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from typer.testing import CliRunner

from bench._day import FloorDay
from dialer.api.history_lines import read_history, write_history
from dialer.campaigns.loop.running import pacer_of
from dialer.campaigns.pacing import AgentState as PacedState
from dialer.campaigns.pacing import CallOutcome, CallStage, EventKind, PacingDecision, PacingEvent, PacingSnapshot
from dialer.cli.main import app
from dialer.errors import InputError
from dialer.model.agent import AgentState
from dialer.model.attempt import CallPath, Disposition
from dialer.model.campaign import CampaignMode, CampaignSettings
from dialer.model.history import History, RecordedAttempt, RecordedChange
from dialer.simulator.replay import Replay, Tick
from dialer.simulator.replay_record import Record
from dialer.simulator.replay_result import changed_settings, compare
from dialer.simulator.scenario import CallList, Detection, Scenario, Shift, Workforce
from tests.support.histories import Recorder, outline_of

BEGINS = datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
TICK_S = 5.0
LIVED = Scenario(
    name="lived",
    begins=BEGINS,
    ends=time(10),
    workforce=Workforce((Shift(20, time(9), time(11)),)),  # nobody's log-out is asked for within the day
    detection=Detection(machines_called_people=0.0),
    call_list=CallList(contacts=1_000_000),
)


@pytest.fixture(scope="module")
def lived() -> tuple[History, list[tuple[float, PacingDecision]]]:
    """An hour of twenty collectors through a file, and what the pacer had decided at each tick."""
    outline = outline_of(LIVED, tick_s=TICK_S)
    recorder = Recorder(pacer_of(outline.settings))
    FloorDay(LIVED, recorder, 7, tick_s=TICK_S).live()
    return read_history(write_history(recorder.history(outline)).splitlines(), "file"), recorder.decisions


@pytest.fixture(scope="module")
def quarter(lived: tuple[History, list[tuple[float, PacingDecision]]]) -> History:
    """The first quarter of that hour."""
    history, _ = lived
    outline = msgspec.structs.replace(history.outline, ends=BEGINS + timedelta(minutes=15))
    attempts = tuple(each for each in history.attempts if each.placed_s <= 900)
    return History(outline, attempts, history.changes)


def replayed(history: History, **changes: object) -> list[Tick]:
    settings = changed_settings(history.outline.settings, changes)
    return list(Replay(history, Record.of(history), settings, pacer_of(settings)).ticks())


def test_the_same_settings_decide_the_same_at_every_tick(
    lived: tuple[History, list[tuple[float, PacingDecision]]],
) -> None:
    history, decisions = lived
    assert sum(decision.dial for _, decision in decisions) == len(history.attempts) > 800
    assert [(tick.now, tick.decision) for tick in replayed(history)] == decisions


def test_a_comparison_counts_what_was_and_what_would_be_placed(
    lived: tuple[History, list[tuple[float, PacingDecision]]],
) -> None:
    history, _ = lived
    progressive = changed_settings(history.outline.settings, {"mode": CampaignMode.PROGRESSIVE})
    found = compare(history, progressive, pacer_of)
    n_placed = len(history.attempts)
    assert (found.placed, found.as_set) == (n_placed, n_placed)
    assert 0.2 * n_placed < found.changed < 0.9 * n_placed
    assert [quarter.placed for quarter in found.quarters] == [quarter.as_set.ordered for quarter in found.quarters]
    assert all(quarter.changed.reason.startswith("progressive: ") for quarter in found.quarters if quarter.present)
    assert found.quarters[2].differ > 0.3
    assert sum(band.people for band in found.bands) > 100, "the reasons of the predictive mode name the chance"
    assert all(band.predicted <= band.most and 0 <= band.abandoned <= band.people for band in found.bands)


def test_the_settings_of_the_day_differ_nowhere(quarter: History) -> None:
    same = compare(quarter, quarter.outline.settings, pacer_of)
    assert same.changed == same.as_set == same.placed
    assert {each.differ for each in same.quarters} == {0.0}


# ---- call by call


class Wishes:
    """A pacer that orders what it is told to, and remembers what it heard and saw."""

    def __init__(self, dials: dict[float, int], cancels: dict[float, tuple[int, ...]] | None = None) -> None:
        self.heard: list[PacingEvent] = []
        self.seen: dict[float, PacingSnapshot] = {}
        self._dials, self._cancels = dials, cancels or {}

    def observe(self, event: PacingEvent) -> None:
        self.heard.append(event)

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        now = snapshot.now
        self.seen[now] = snapshot
        return PacingDecision(self._dials.get(now, 0), self._cancels.get(now, ()), "as told")

    def dump(self) -> dict[str, Any]:
        return {}

    def load(self, state: dict[str, Any]) -> None:
        assert state == {}

    def calls(self, now: float) -> list[tuple[int, CallStage]]:
        return [(call.call_id, call.stage) for call in self.seen[now].calls]


def attempt(number: int, placed_s: float, **more: Any) -> RecordedAttempt:
    plain: dict[str, Any] = {"path": CallPath.PREDICTIVE} | more
    return RecordedAttempt(attempt=number, contact=number, number=number, placed_s=placed_s, **plain)


TALK = attempt(
    *(1, 1.0),
    answered_s=10.0,
    greeting_end_s=11.0,
    decided_s=11.5,
    connected_s=12.5,
    ended_s=40.0,
    disposition=Disposition.CONNECTED,
    agent=5,
)
LOST = attempt(2, 2.0, answered_s=8.0, greeting_end_s=9.0, ended_s=15.0, disposition=Disposition.ABANDONED)
MACHINE = attempt(3, 3.0, answered_s=9.0, ended_s=13.0, disposition=Disposition.MACHINE)
TAKEN_BACK = attempt(4, 4.0, ended_s=20.0, disposition=Disposition.CANCELLED)
PREVIEWED = attempt(5, 5.0, path=CallPath.PREVIEW, ended_s=25.0, disposition=Disposition.NO_ANSWER)
CHANGES = (
    RecordedChange(agent=5, at_s=-100.0, state=AgentState.READY),
    RecordedChange(agent=6, at_s=-50.0, state=AgentState.TALKING, here=False),
    RecordedChange(agent=5, at_s=12.5, state=AgentState.TALKING),
    RecordedChange(agent=5, at_s=40.0, state=AgentState.WRAPUP),
    RecordedChange(agent=5, at_s=55.0, state=AgentState.BREAK),
    RecordedChange(agent=5, at_s=58.0, state=AgentState.OFFLINE),
)


def a_minute(*attempts: RecordedAttempt, **outline: Any) -> History:
    made = outline_of(LIVED, tick_s=1.0, **outline)
    made = msgspec.structs.replace(made, ends=made.begins + timedelta(seconds=60))
    return History(made, attempts or (TALK, LOST, MACHINE, TAKEN_BACK, PREVIEWED), CHANGES)


def asked(history: History, pacer: Wishes) -> list[Tick]:
    return list(Replay(history, Record.of(history), history.outline.settings, pacer).ticks())


def test_the_pacer_hears_what_calls_and_collectors_told_it_then() -> None:
    pacer = Wishes({})
    asked(a_minute(), pacer)
    heard = [(event.at, event.kind, event.call_id, event.outcome, event.seconds) for event in pacer.heard]
    placed = [(float(n), EventKind.PLACED, n, None, 0.0) for n in range(1, 6)]
    assert heard == [
        (-100.0, EventKind.AGENT_IN, None, None, 0.0),
        (-100.0, EventKind.AGENT_READY, None, None, 0.0),
        (-50.0, EventKind.AGENT_IN, None, None, 0.0),
        *placed,
        (8.0, EventKind.ANSWERED, 2, None, 6.0),
        (9.0, EventKind.ANSWERED, 3, None, 6.0),
        (10.0, EventKind.ANSWERED, 1, None, 9.0),
        (12.5, EventKind.CONNECTED, 1, None, 1.5),
        (13.0, EventKind.FINISHED, 3, CallOutcome.MACHINE, 10.0),
        (15.0, EventKind.ABANDONED, 2, None, 6.0),
        (20.0, EventKind.FINISHED, 4, CallOutcome.CANCELLED, 16.0),
        (25.0, EventKind.FINISHED, 5, CallOutcome.NO_ANSWER, 20.0),
        (40.0, EventKind.TALK_ENDED, 1, CallOutcome.LIVE, 27.5),
        (55.0, EventKind.WRAP_ENDED, None, None, 15.0),
        (55.0, EventKind.AGENT_PAUSED, None, None, 0.0),
        (58.0, EventKind.AGENT_OUT, None, None, 0.0),
    ]


def test_the_pacer_sees_its_own_calls_ring_and_the_recorded_ones_answered() -> None:
    pacer = Wishes({1.0: 1, 2.0: 1, 3.0: 1, 4.0: 1})
    asked(a_minute(), pacer)
    dialing, detecting, waiting, connected = CallStage
    assert pacer.calls(1.0) == []
    assert pacer.calls(7.0) == [(n, dialing) for n in range(1, 6)], "four of its own, and the collector's"
    assert pacer.calls(8.0)[1] == (2, detecting)
    assert pacer.calls(9.0)[1:3] == [(2, waiting), (3, detecting)]
    assert pacer.calls(11.0)[:2] == [(1, detecting), (2, detecting)], "no verdict yet; the apology needs no collector"
    assert pacer.calls(12.0)[0] == (1, waiting)
    assert pacer.calls(14.0) == [(1, connected), (2, detecting), (4, dialing), (5, dialing)]
    assert pacer.calls(24.0) == [(1, connected), (4, dialing), (5, dialing)], "it did not take its own call back"
    assert pacer.calls(33.0) == [(1, connected)], "which rings to its end"
    agents = [(view.agent_id, view.state, view.since) for view in pacer.seen[20.0].agents]
    assert agents == [(5, PacedState.TALKING, 12.5)], "who works for others is not there"


def test_the_budget_counts_what_was_reached_and_what_counted_before() -> None:
    pacer = Wishes({})
    earlier = {"earlier_live_s": (-86_390.0, -10.0, -5.0), "earlier_abandoned_s": (-5.0,)}
    asked(a_minute(**earlier), pacer)
    counts = {now: (seen.period_live, seen.period_abandoned) for now, seen in pacer.seen.items()}
    assert counts[1.0] == (3, 1)
    assert counts[11.0] == (3, 2), "one more is lost at the end of its wait, one of yesterday's counts no more"
    assert counts[13.0] == (4, 2)


def test_a_machine_that_reached_a_collector_counts_until_the_code_says_so() -> None:
    pacer = Wishes({})
    asked(a_minute(msgspec.structs.replace(TALK, conversation=False)), pacer)
    assert [pacer.seen[now].period_live for now in (12.0, 13.0, 39.0, 40.0)] == [0, 1, 1, 0]


def test_an_order_is_the_call_that_was_placed_about_then() -> None:
    pacer = Wishes({2.0: 1, 3.0: 3})
    asked(a_minute(), pacer)
    ringing = {call.call_id: call.placed_at for call in pacer.seen[7.0].calls if call.call_id != PREVIEWED.attempt}
    assert ringing == {1: 1.0, 2: 2.0, 3: 3.0, -1: 3.0}, (
        "one late by a tick, one more than were placed, and not the 4th"
    )


def test_calls_beyond_the_record_ring_as_long_as_recorded_ones_did() -> None:
    pacer = Wishes({20.0: 6}, cancels={36.0: (-4,)})
    ticks = asked(a_minute(), pacer)
    rung_s = [sum((-n, CallStage.DIALING) in pacer.calls(float(now)) for now in range(21, 56)) for n in range(1, 7)]
    assert rung_s == [8, 5, 5, 16, 8, 5], "9, 6, 6 and, until it was taken back, 16 s; then the first again"
    assert [tick.lines for tick in ticks if tick.now in (20.0, 27.0, 36.0)] == [6, 3, 0]


def test_what_has_nothing_to_replay_is_refused() -> None:
    with pytest.raises(InputError, match="no call was placed by the pacing"):
        asked(a_minute(PREVIEWED), Wishes({}))
    preview = msgspec.structs.replace(a_minute().outline, settings=CampaignSettings(mode=CampaignMode.PREVIEW))
    with pytest.raises(InputError, match="mode preview decides nothing by the day"):
        asked(History(preview, (TALK,), ()), Wishes({}))
    with pytest.raises(InputError, match=r"abandon_target 0.5: must be from 0.001 to 0.03: the law"):
        changed_settings(preview.settings, {"abandon_target": 0.5})


# ---- the command


def test_a_kept_day_replays_to_the_same_answer(quarter: History, tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    path.write_bytes(write_history(quarter))
    runner = CliRunner()
    answers = [runner.invoke(app, ["replay", str(path), "--mode", "progressive", "--json"]) for _ in range(2)]
    assert [answer.exit_code for answer in answers] == [0, 0]
    assert answers[0].stdout == answers[1].stdout
    document = json.loads(answers[0].stdout)
    assert document["placed"] == document["as_set"] == len(quarter.attempts)
    assert document["changed_settings"] == {"mode": "progressive"}
    assert "does not answer to another pace" in document["note"]
    shown = runner.invoke(app, ["replay", str(path), "--abandon-target", "0.01"])
    assert "09:10" not in shown.stdout
    assert "What the day's own pace predicted" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give a file, or --campaign and --day"),
        (["--campaign", "x"], "give a file, or --campaign and --day"),
        (["x.jsonl", "--day", "2026-11-23"], "do not go with a file"),
        (["x.jsonl", "--mode", "reminder"], "decides nothing by the day"),
    ],
)
def test_what_cannot_be_asked_is_said(arguments: list[str], words: str) -> None:
    answer = CliRunner().invoke(app, ["replay", *arguments], env={"COLUMNS": "200"})
    assert answer.exit_code == 2
    assert words in answer.output
