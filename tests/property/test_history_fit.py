"""Any history is fitted to a scenario that can be lived, or refused in words; replayed without a fault; kept whole."""

import random
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.api.history_lines import read_history, write_history
from dialer.campaigns.loop.running import pacer_of
from dialer.errors import InputError
from dialer.model.agent import AgentState
from dialer.model.attempt import CallPath, Disposition, HangupSide
from dialer.model.campaign import AmdMode, CampaignMode, CampaignSettings
from dialer.model.history import History, Outline, RecordedAttempt, RecordedChange
from dialer.simulator.fates import Fates
from dialer.simulator.fit import fit
from dialer.simulator.fit_work import working_hours
from dialer.simulator.replay import Replay
from dialer.simulator.replay_record import Record
from dialer.simulator.scenario_file import as_toml, scenario_of

BEGINS = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
ENDS = (*[Disposition.CONNECTED] * 20, Disposition.ABANDONED, Disposition.MACHINE, *Disposition, None)
FIRST_TICKS = 40


@dataclass(frozen=True)
class Plan:
    """What a history is made from: a failing one can be shown. `wild` is how often a time is as no house has it."""

    outline: Outline
    n: int
    wild: float
    seed: int

    def history(self) -> History:
        chance, length_s = random.Random(self.seed), self.outline.length_s
        attempts = tuple(an_attempt(chance, k + 1, length_s, self.wild) for k in range(self.n))
        changes = tuple(a_change(chance, length_s, self.wild) for _ in range(self.n // 2))
        return History(self.outline, attempts, changes)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Mostly long enough for a fit."""
    hours = draw(st.floats(0.05, 72.0))
    outline = Outline(
        campaign=draw(st.text(min_size=0, max_size=5)),
        begins=BEGINS,
        ends=BEGINS + timedelta(hours=hours),
        zone=draw(st.sampled_from(("Asia/Shanghai", "Europe/London", "UTC"))),
        settings=CampaignSettings(
            mode=draw(st.sampled_from((*CampaignMode, CampaignMode.PREDICTIVE, CampaignMode.POWER))),
            amd=draw(st.sampled_from(AmdMode)),
            abandon_target=draw(st.sampled_from((0.0, 0.01, 0.03))),
        ),
        tick_s=draw(st.sampled_from((0.5, 1.0, 7.0))),
        channels=draw(st.integers(0, 50)),
        cps=draw(st.floats(0, 20)),
        packs=("cn-bank-card",),
        waiting=draw(st.sampled_from((0, 1, 700, 5000))),
        numbers=draw(st.floats(0, 5)),
        tried=draw(st.dictionaries(st.integers(0, 30), st.integers(0, 500), max_size=4)),
    )
    n = draw(st.sampled_from((600, 600, 600, 3)))
    return Plan(outline, n, draw(st.sampled_from((0.0, 0.05, 0.5))), draw(st.integers(0, 2**32)))


def an_attempt(chance: random.Random, number: int, length_s: float, wild: float) -> RecordedAttempt:
    placed_s = chance.uniform(0, length_s)

    def then(since: float, most_s: float) -> float | None:
        if chance.random() < wild:
            return chance.choice((None, placed_s, -1e6, 1e6, since, chance.uniform(-1e4, 1e4)))
        return since + chance.expovariate(1 / most_s)

    answered_s = then(placed_s, 10.0)
    greeting_s = then(answered_s or placed_s, 2.0)
    connected_s = then(greeting_s or placed_s, 1.0)
    return RecordedAttempt(
        attempt=number,
        contact=chance.randrange(1, 100),
        number=chance.randrange(1, 100),
        placed_s=placed_s,
        path=chance.choice(tuple(CallPath)) if chance.random() < wild else CallPath.PREDICTIVE,
        answered_s=answered_s,
        greeting_end_s=greeting_s,
        decided_s=then(greeting_s or placed_s, 0.5),
        connected_s=connected_s,
        ended_s=then(connected_s or placed_s, 150.0),
        disposition=chance.choice(ENDS),
        hung_up_by=chance.choice((None, *HangupSide)),
        truth=chance.choice(("", "", "human", "machine", "unknown")),
        agent=chance.choice((None, 1, 2, 3)),
        final=chance.choice((None, True, False)),
        conversation=chance.choice((None, True, True, False)),
    )


def a_change(chance: random.Random, length_s: float, wild: float) -> RecordedChange:
    at_s = chance.uniform(-1e5, 1e5) if chance.random() < wild else chance.uniform(0, length_s)
    state = chance.choice(tuple(AgentState))
    return RecordedChange(agent=chance.randrange(1, 9), at_s=at_s, state=state, here=chance.random() > wild / 2)


@settings(max_examples=40, deadline=None)
@given(plans(), st.one_of(st.none(), st.integers(1, 50)))
def test_any_history_fits_or_is_refused_in_words(plan: Plan, collectors: int | None) -> None:
    history = plan.history()
    hours = working_hours(history)
    begins, ends = hours or (time(9), time(18))
    try:
        fitted = fit(
            history, begins=datetime.combine(date(2026, 11, 24), begins, UTC), ends=ends, collectors=collectors
        )
    except InputError as error:
        said = str(error)
        assert said.startswith(("only", "nobody", "a campaign", "the history makes no day")), said
        return
    assert scenario_of(tomllib.loads(as_toml(fitted.scenario, fitted.comments))) == fitted.scenario
    fates = Fates(fitted.scenario, 1)
    assert all(fates.of_call(person, 0, 60.0 * person).ring_s > 0 for person in range(20))


@settings(max_examples=40, deadline=None)
@given(plans())
def test_any_history_is_replayed_and_kept(plan: Plan) -> None:
    history = plan.history()
    assert read_history(write_history(history).splitlines(), "file") == history
    setup = history.outline.settings
    try:
        replay = Replay(history, Record.of(history), setup, pacer_of(setup))
    except InputError as error:
        assert "nothing to replay" in str(error)  # noqa: PT017
        return
    for tick in islice(replay.ticks(), FIRST_TICKS):
        assert 0 <= tick.decision.dial <= history.outline.channels
        assert tick.ready <= tick.present
