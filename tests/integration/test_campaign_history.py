"""A campaign's history over the API: figures alone, whole or seen to be cut off, the newest where there are many."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dialer.api.client import ApiClient
from dialer.api.history_lines import read_history
from dialer.cli.main import app
from dialer.compliance.policy import Policy
from dialer.errors import InputError, StorageError
from dialer.model.account import Role
from dialer.model.agent import AgentState, AgentStateChange
from dialer.model.attempt import Attempt, CallPath, Disposition, HangupSide, Settlement
from dialer.model.campaign import CampaignSettings
from dialer.model.history import FARTHEST_S, History, RecordedAttempt, RecordedChange
from dialer.progress.verdict import Label
from dialer.simulator.history_source import fitted
from dialer.simulator.scenario_file import read_scenario
from dialer.storage import Storage, campaign_history
from tests.support.house import House, open_house
from tests.support.policy import bank_policy
from tests.support.set_clock import SetClock
from tests.support.storage import MINUTE, MONDAY, NO_MORE, Dialing, contacts, open_storage, run_campaign
from tests.support.verdicts import bare_verdict

S = timedelta(seconds=1)
WINDOW = "?since=2026-11-23T09:00:00%2B08:00&until=2026-11-23T20:00:00%2B08:00"
COLLECTOR = 7
N = 5
STATES = (
    *(AgentState.AUX, AgentState.READY, AgentState.RESERVED, AgentState.TALKING, AgentState.WRAPUP),
    AgentState.OFFLINE,
)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


async def a_morning(storage: Storage, policy: Policy) -> int:
    """Five calls a minute apart: a talk, a machine, a person nobody was there for, a busy line, one still rings."""
    campaign_id = await run_campaign(storage, contacts(N))
    dialing = Dialing(storage, policy)
    placed: list[Attempt] = []
    for n, candidate in enumerate(await dialing.claim(campaign_id, N)):
        placed.append(await dialing.reserve(dialing.reservation(candidate), MONDAY + n * MINUTE))
    talk, machine, *_ = placed
    heard = bare_verdict(machine.attempt_id, campaign_id, MONDAY, Label.MACHINE, decided_ms=2500)
    sample_id = await storage.verdict_samples.keep(heard)
    await storage.verdict_samples.draw(campaign_id, Label.MACHINE, 1, "seed", MONDAY)
    await storage.verdict_samples.label(sample_id, Label.HUMAN, "qa", MONDAY)
    for end in ends_of(placed):
        await storage.attempts.settle(end, NO_MORE, end.ended_at)
    for n, state in enumerate(STATES):
        of = (campaign_id, talk.attempt_id) if state is AgentState.TALKING else (None, None)
        at = MONDAY - 20 * S + n * 10 * S
        change = AgentStateChange(COLLECTOR, at, AgentState.OFFLINE, state, "x", *of)
        await storage.agents.record_change(change)
    return campaign_id


def ends_of(placed: list[Attempt]) -> tuple[Settlement, ...]:
    """How they ended, but the last."""
    talk, machine, abandoned, busy, _ = placed
    start = talk.reserved_at
    return (
        Settlement(
            talk.attempt_id,
            Disposition.CONNECTED,
            start + 100 * S,
            agent_id=COLLECTOR,
            answered_at=start + 9 * S,
            greeting_end_at=start + 10 * S,
            connected_at=start + 11 * S,
            hangup_side=HangupSide.PERSON,
            verdict="human",
        ),
        Settlement(machine.attempt_id, Disposition.MACHINE, start + 75 * S, answered_at=start + 70 * S),
        Settlement(
            abandoned.attempt_id,
            Disposition.ABANDONED,
            start + 140 * S,
            answered_at=start + 130 * S,
            greeting_end_at=start + 131 * S,
        ),
        Settlement(busy.attempt_id, Disposition.BUSY, start + 183 * S),
    )


async def fetch(house: House, campaign_id: int, query: str = WINDOW) -> History:
    path = f"/v1/campaigns/{campaign_id}/history{query}"
    async with house.api.get(path, headers=house.auth(Role.SUPERVISOR)) as answer:
        assert answer.status == 200, await answer.text()
        return read_history((await answer.read()).splitlines(), "answer")


async def test_a_history_holds_what_a_fit_and_a_replay_need(
    house: House, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign_history, "PAGE", 2)  # so that there are several
    campaign_id = await a_morning(house.storage, policy)
    history = await fetch(house, campaign_id)
    outline = history.outline
    hour = 3600.0
    assert (outline.zone, outline.length_s, outline.channels, outline.cps) == ("Asia/Shanghai", 11 * hour, 30, 5.0)
    assert (outline.waiting, outline.numbers, outline.tried) == (0, 2.0, {0: 0})
    talk, machine, abandoned, busy, ringing = history.attempts
    assert [attempt.attempt for attempt in history.attempts] == [1, 2, 3, 4, 5]
    assert [attempt.placed_s for attempt in history.attempts] == [hour + 60 * n for n in range(N)]
    assert talk.path is CallPath.PROGRESSIVE
    assert (talk.answered_s, talk.greeting_end_s, talk.connected_s, talk.ended_s) == (
        *(hour + 9, hour + 10),
        *(hour + 11, hour + 100),
    )
    assert (talk.agent, talk.hung_up_by, talk.disposition) == (1, HangupSide.PERSON, Disposition.CONNECTED)
    assert (machine.decided_s, machine.truth) == (hour + 72.5, "human")
    assert (abandoned.disposition, busy.answered_s, ringing.ended_s) == (Disposition.ABANDONED, None, None)
    assert [(change.at_s, change.state) for change in history.changes] == [
        (hour - 20 + 10 * n, state) for n, state in enumerate(STATES)
    ]


async def test_both_engines_tell_the_same(database_url: str, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign_history, "PAGE", 2)
    async with open_storage(database_url) as storage:
        campaign = await storage.campaigns.get(await a_morning(storage, policy))
        assert campaign is not None
        noon = MONDAY + timedelta(hours=2)
        extent = await storage.campaign_history.extent(campaign, MONDAY + 2 * MINUTE, noon, MONDAY, 10)
        assert (extent.numbers, extent.tried, extent.earlier_live_s) == (2.0, {0: 0}, (-20.0,))
        records = [record async for page in storage.campaign_history.pages(extent) for record in page]
        ended_s = [record.ended_s for record in records if isinstance(record, RecordedAttempt)]
        assert ended_s == [20.0, 63.0, None]
        first = await storage.campaign_history.extent(campaign, MONDAY, noon, MONDAY, 10)
        records = [record async for page in storage.campaign_history.pages(first) for record in page]
        assert [record.state for record in records if isinstance(record, RecordedChange)] == list(STATES[1:])


async def test_a_history_names_nobody(house: House, policy: Policy) -> None:
    campaign_id = await a_morning(house.storage, policy)
    path = f"/v1/campaigns/{campaign_id}/history{WINDOW}"
    async with house.api.get(path, headers=house.auth(Role.AUDITOR)) as answer:
        text = await answer.text()
    for secret in ("138", "139", "case-", "person-", "王", "list"):
        assert secret not in text, secret
    async with house.api.get(path, headers=house.auth(Role.COLLECTOR)) as answer:
        assert answer.status == 403
    async with house.api.get(f"{path}&limit=0", headers=house.auth(Role.SUPERVISOR)) as answer:
        assert answer.status == 422


async def test_of_many_attempts_the_newest_are_told_and_the_earlier_count(house: House, policy: Policy) -> None:
    campaign_id = await a_morning(house.storage, policy)
    history = await fetch(house, campaign_id, f"{WINDOW}&limit=2")
    assert [attempt.disposition for attempt in history.attempts] == [Disposition.BUSY, None]
    assert history.attempts[0].placed_s == 0.0
    assert history.outline.earlier_live_s == (-80.0, -40.0)
    assert history.outline.earlier_abandoned_s == (-40.0,)
    assert [(change.at_s, change.state) for change in history.changes] == [], "nobody worked in these two minutes"


async def test_who_comes_back_after_half_a_year_spoils_no_history(house: House, policy: Policy) -> None:
    campaign_id = await a_morning(house.storage, policy)
    back = (MONDAY - timedelta(days=180), AgentState.TRAINING), (MONDAY + MINUTE, AgentState.TALKING)
    for at, state in back:
        change = AgentStateChange(COLLECTOR + 1, at, AgentState.OFFLINE, state, "x", campaign_id)
        await house.storage.agents.record_change(change)
    history = await fetch(house, campaign_id)
    assert [(change.at_s, change.state) for change in history.changes if change.agent == 2] == [
        (-FARTHEST_S, AgentState.TRAINING),
        (3660.0, AgentState.TALKING),
    ]


async def test_a_history_that_breaks_off_is_not_taken_for_whole(
    house: House, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = await a_morning(house.storage, policy)

    def fail(*_: object, **__: object) -> None:
        raise StorageError("gone")

    monkeypatch.setattr(campaign_history, "_agents", fail)
    path = f"/v1/campaigns/{campaign_id}/history{WINDOW}"
    received = b""
    with pytest.raises(Exception, match=r"payload|disconnected|reset"):  # noqa: PT012 - the answer breaks off in here
        async with house.api.get(path, headers=house.auth(Role.SUPERVISOR)) as answer:
            async for piece in answer.content.iter_any():
                received += piece
    with pytest.raises(InputError, match="cut off"):
        read_history(received.splitlines(), "answer")


async def command(house: House, *arguments: str) -> Result:
    url = str(house.api.make_url("/")).rstrip("/")
    environment = {"DIALER_URL": url, "DIALER_TOKEN": house.tokens[Role.SUPERVISOR], "COLUMNS": "200"}
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, arguments, env=environment))


async def test_a_day_is_fetched_kept_and_replayed(house: House, policy: Policy, tmp_path: Path) -> None:
    await a_morning(house.storage, policy)
    kept = tmp_path / "day.jsonl"
    asked = ("--campaign", "campaign", "--day", "2026-11-23", "--mode", "progressive", "--json")
    fetched = await command(house, "replay", *asked, "--save", str(kept))
    assert fetched.exit_code == 0, fetched.output
    document = json.loads(fetched.stdout)
    assert (document["begins"], document["placed"]) == ("2026-11-23T00:00:00+08:00", N)
    again = await command(house, "replay", str(kept), "--mode", "progressive", "--json")
    assert again.stdout == fetched.stdout


async def a_worked_morning(storage: Storage, policy: Policy) -> None:
    """Half an hour of 210 answered calls, 60 of them talks that three collectors had and wrapped up."""
    campaign_id = await run_campaign(storage, contacts(300))
    dialing = Dialing(storage, policy)
    for n, candidate in enumerate(await dialing.claim(campaign_id, 210)):
        start = MONDAY + n * 8 * S
        attempt = await dialing.reserve(dialing.reservation(candidate), start)
        answered, talk, agent_id = start + (4 + n % 9) * S, n < 180 and n % 3 == 0, COLLECTOR + n // 3 % 3
        connected, ended = answered + 2 * S, answered + (14 + 5 * (n % 7)) * S
        kind = Disposition.CONNECTED if talk else Disposition.MACHINE
        end = Settlement(attempt.attempt_id, kind, ended, answered_at=answered, greeting_end_at=answered + S)
        if talk:
            end = replace(end, agent_id=agent_id, connected_at=connected, hangup_side=HangupSide.PERSON)
            for old, new, at in (
                (AgentState.OFFLINE if n < 9 else AgentState.WRAPUP, AgentState.READY, connected - 8 * S),
                (AgentState.READY, AgentState.TALKING, connected),
                (AgentState.TALKING, AgentState.WRAPUP, ended),
            ):
                about = (None, None) if new is AgentState.READY else (campaign_id, attempt.attempt_id)
                await storage.agents.record_change(AgentStateChange(agent_id, at, old, new, "x", *about))
        await storage.attempts.settle(end, NO_MORE, ended)


@pytest.mark.allow_blocking  # a command reads files of its own
async def test_a_campaign_is_simulated_as_its_history_lets_expect(tmp_path: Path, policy: Policy) -> None:
    saved = tmp_path / "fitted.toml"
    async with open_house(tmp_path, clock=SetClock(MONDAY + timedelta(hours=3))) as house:
        await a_worked_morning(house.storage, policy)
        asked = ("--campaign", "campaign", "--day", "2026-11-24", "--jobs", "1", "--json", "--save", str(saved))
        done = await command(house, "simulate", *asked, "--mode", "predictive")
    assert done.exit_code == 0, done.output
    day = json.loads(done.stdout)
    assert (day["name"], day["mode"]) == ("campaign", "predictive")
    assert 0 < day["live"] <= day["answered"] <= day["placed"]
    scenario = read_scenario(saved)
    assert scenario.begins.isoformat() == "2026-11-24T10:00:00+08:00"
    assert sum(shift.collectors for shift in scenario.workforce.shifts) == 3
    assert scenario.call_list.contacts == 90
    assert scenario.segments[0].answered == pytest.approx(0.97, abs=0.05)
    machine, detection = scenario.segments[0].machine, scenario.detection
    missed, lost = detection.machines_called_people, detection.people_called_machines
    assert machine * (1 - missed) + (1 - machine) * lost == pytest.approx(150 / 210, abs=0.02)
    assert "# fitted from 210 attempts" in saved.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("campaign", "words"),
    [
        ("nobody's", "there is no campaign"),
        ("twice", "2 campaigns are called 'twice'; give the number of one: 2, 3"),
        ("1", "only 3 answered calls on record; 200 are needed"),
        ("2", "no call of 'twice' is on record of the last weeks"),
    ],
)
async def test_what_cannot_be_fitted_is_said(tmp_path: Path, policy: Policy, campaign: str, words: str) -> None:
    async with open_house(tmp_path, clock=SetClock(MONDAY + timedelta(hours=3))) as house:
        await a_morning(house.storage, policy)
        for _ in range(2):
            await house.storage.campaigns.create("twice", [1], CampaignSettings(), MONDAY)
        async with ApiClient(str(house.api.make_url("/")), house.tokens[Role.SUPERVISOR]) as client:
            with pytest.raises(InputError, match=words):
                await fitted(client, campaign, collectors=None, day=None)
