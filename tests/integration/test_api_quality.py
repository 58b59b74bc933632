"""Plans, queue and reports over the API: who may do what, and a week's work from the plan to the figures."""

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dialer.api.security import hash_token
from dialer.compliance.policy import Policy
from dialer.model.account import Role
from dialer.model.evaluation import Person, Step
from dialer.quality.plan_runner import PlanRunner
from tests.support.house import House, open_house
from tests.support.policy import bank_policy
from tests.support.quality import calls_of, person
from tests.support.scorecards import GOOD, SMALL
from tests.support.set_clock import SetClock
from tests.support.storage import MONDAY
from tests.support.verdicts import answered

DAY, WEEK, HOUR = timedelta(days=1), timedelta(days=7), timedelta(hours=1)
LAST_WEEK = MONDAY - WEEK
ZONE = ZoneInfo("Asia/Shanghai")
BOSS = "boss (supervisor, account/1, token/7)"
RANDOM = {"name": "two a week", "kind": "random", "recordings": {"per_collector": 2}}
SPAN = "since=2026-11-16T00:00:00%2B08:00&until=2026-11-23T00:00:00%2B08:00"


@dataclass
class Desk:
    """The house, with people who ask."""

    house: House
    clock: SetClock
    people: dict[str, int] = field(default_factory=dict)
    recorded: list[str] = field(default_factory=list)

    async def add(self, login: str, role: Role) -> int:
        self.people[login] = await person(self.house.storage, login, role)
        token = hash_token(f"token of {login}")
        await self.house.storage.accounts.add_token(token, login, role, MONDAY, account_id=self.people[login])
        return self.people[login]

    async def ask(self, who: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer token of {who}"}
        async with self.house.api.request(method, path, headers=headers, json=body) as answer:
            raw = await answer.read()
            return answer.status, json.loads(raw) if answer.content_type.endswith("json") else raw

    async def look(self) -> None:
        """What a node draws now."""
        await PlanRunner(self.house.storage, self.clock, self.house.live, "node1", lambda: ZONE).look()

    async def score(self, recording_id: str, login: str, answers: dict[str, str | None]) -> None:
        actor = Person(self.people[login], login)
        evaluations = self.house.storage.evaluations
        begun = await evaluations.begin(recording_id, None, actor, self.clock.now)
        saved = await evaluations.save(Step(begun.evaluation_id, begun.revision, actor), answers, "", self.clock.now)
        await evaluations.submit(Step(saved.evaluation_id, saved.revision, actor), self.clock.now)

    async def log(self) -> list[tuple[str, str, str]]:
        entries = [entry for _, entry in await self.house.storage.audit.list()][::-1]
        return [(entry.action, entry.subject, entry.detail) for entry in entries]


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = SetClock(LAST_WEEK)
    async with open_house(tmp_path, clock=clock) as house:
        desk = Desk(house, clock)
        for login, role in (("boss", Role.SUPERVISOR), ("li", Role.QA), ("wang", Role.QA), ("audit", Role.AUDITOR)):
            await desk.add(login, role)
        await desk.add("zhao", Role.COLLECTOR)
        await desk.add("qian", Role.COLLECTOR)
        yield desk


async def test_a_plan_is_made_whole_and_never_changed(desk: Desk) -> None:
    status, plan = await desk.ask("boss", "POST", "/v1/qa/plans", RANDOM)
    assert (status, plan["plan_id"], plan["cadence"], plan["created_by"]) == (201, 1, "weekly", BOSS)
    assert len(plan["seed"]) == 32, "chosen here, by chance"
    risk = {"per_collector": 1, "risks": {"longer_than_s": 600, "case_statuses": ["complaint"], "words": ["律师"]}}
    body = {"name": "trouble", "kind": "risk", "cadence": "daily", "recordings": risk}
    assert (await desk.ask("boss", "POST", "/v1/qa/plans", body))[0] == 201
    wrong: list[tuple[dict[str, object], str]] = [
        ({"kind": "risk"}, "a risk plan names risks"),
        ({"kind": "verdicts"}, "has the part verdicts and no other"),
        ({"recordings": {"per_collector": 1, "risks": {}}, "kind": "risk"}, "at least one risk"),
        ({"recordings": {"per_collector": 1, "risks": {"promise_grace_days": 3}}, "kind": "risk"}, "at least one risk"),
        ({"recordings": {"per_collector": 1, "risks": {"promise_codes": ["p"]}}, "kind": "risk"}, "belong together"),
        ({"purpose": "calibration"}, "scored, or scored blind"),
        ({"purpose": "blind"}, "name scorecard_id"),
        ({"scorecard_id": 9}, "names no scorecard"),
        ({"seed": "mine"}, "Extra inputs"),
        ({"recordings": {"per_collector": 0}}, "greater than or equal to 1"),
    ]
    for change, words in wrong:
        status, problem = await desk.ask("boss", "POST", "/v1/qa/plans", RANDOM | change)
        assert (status, words in problem["detail"]) == (422, True), problem
    assert [one["kind"] for one in (await desk.ask("audit", "GET", "/v1/qa/plans"))[1]["items"]] == ["random", "risk"]
    assert (await desk.ask("boss", "POST", "/v1/qa/plans/1/stop"))[1]["stopped_by"] == BOSS
    assert (await desk.ask("boss", "POST", "/v1/qa/plans/1/stop"))[0] == 409
    assert (await desk.ask("boss", "GET", "/v1/qa/plans/9"))[0] == 404
    assert [action for action, _, _ in await desk.log()] == ["qa_plan.create", "qa_plan.create", "qa_plan.stop"]


@pytest.fixture
async def drawn(desk: Desk, policy: Policy) -> Desk:
    """A week of which two calls of each of two collectors were drawn, and one of a supervisor's."""
    storage = desk.house.storage
    info = await storage.scorecards.create("form", SMALL, "boss", LAST_WEEK)
    await storage.scorecards.freeze(info.scorecard_id, 1, "boss", LAST_WEEK)
    await desk.ask("boss", "POST", "/v1/teams/members", {"account_id": desk.people["zhao"], "team": "=A1"})
    status, _ = await desk.ask("boss", "POST", "/v1/qa/plans", RANDOM | {"scorecard_id": info.scorecard_id})
    assert status == 201
    calls = await calls_of(storage, policy, 7)
    for n in range(6):
        desk.recorded.append(await calls.record(desk.people["zhao" if n % 2 else "qian"], LAST_WEEK + n * HOUR))
    await calls.record(desk.people["boss"], LAST_WEEK + HOUR)
    desk.clock.now = MONDAY
    await desk.look()
    return desk


async def test_a_weeks_work_from_the_plan_to_the_figures(drawn: Desk) -> None:
    qian, zhao = drawn.people["qian"], drawn.people["zhao"]
    for login in ("li", "wang"):
        while (item := (await drawn.ask(login, "POST", "/v1/qa/queue/next"))[1]["item"]) is not None:
            await drawn.score(
                item["subject"], login, GOOD | {"threats": "yes" if item["collector_id"] == qian else "no"}
            )
    _, told = await drawn.ask("audit", "GET", f"/v1/qa/reports/figures?by=team&drawn=random&{SPAN}")
    figures = ("evaluations", "fatal", "score_n", "calls", "given_out", "done", "late")
    assert {line["key"]: tuple(line[name] for name in figures) for line in told["items"]} == {
        "": (3, 2, 3, 4, 3, 3, 0),
        "=A1": (2, 0, 2, 3, 2, 2, 0),
    }
    assert [(line["score_mean"], line["passed_share"]) for line in told["items"]] == [(33.3333, 0.3333), (100.0, 1.0)]
    assert (await drawn.ask("boss", "GET", f"/v1/qa/reports/figures?drawn=risk&{SPAN}"))[1]["items"][0][
        "evaluations"
    ] == 0
    _, asked = await drawn.ask("boss", "GET", f"/v1/qa/reports/questions?{SPAN}")
    assert {line["question"]: (line["asked"], line["fatal"]) for line in asked["items"]}["threats"] == (5, 2)
    _, scorers = await drawn.ask("boss", "GET", f"/v1/qa/reports/figures?by=scorer&{SPAN}")
    assert sorted(line["evaluations"] for line in scorers["items"]) == [2, 3]
    _, mine = await drawn.ask("zhao", "GET", f"/v1/qa/reports/figures?{SPAN}")
    assert [(line["key"], line["name"], line["evaluations"]) for line in mine["items"]] == [(str(zhao), "zhao 姓", 2)]
    assert (await drawn.ask("zhao", "GET", f"/v1/qa/reports/questions?{SPAN}"))[1]["items"][0]["asked"] == 2
    for path in (f"figures?collector_id={qian}", "figures?by=scorer", f"questions.csv?collector_id={qian}"):
        assert (await drawn.ask("zhao", "GET", f"/v1/qa/reports/{path}"))[0] == 403, path
    assert ("qa_report.read", f"account/{zhao}", "by collector, JSON") in await drawn.log()


async def test_a_file_holds_what_the_answer_holds(drawn: Desk) -> None:
    for report in ("figures?by=team&weekly=true&", "figures?", "questions?"):
        _, told = await drawn.ask("boss", "GET", f"/v1/qa/reports/{report}{SPAN}")
        status, raw = await drawn.ask("boss", "GET", f"/v1/qa/reports/{report.replace('?', '.csv?')}{SPAN}")
        rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
        expected = [{name: _cell(value) for name, value in line.items()} for line in told["items"]]
        assert (status, rows) == (200, expected)
    _, raw = await drawn.ask("boss", "GET", f"/v1/qa/reports/figures.csv?by=team&{SPAN}")
    assert "'=A1" in raw.decode()
    for wrong in ("since=2026-11-23T00:00:00Z&until=2026-11-22T00:00:00Z", "since=2020-01-01T00:00:00Z", "by=age"):
        assert (await drawn.ask("boss", "GET", f"/v1/qa/reports/figures?{wrong}"))[0] == 422, wrong


async def test_a_scorer_sees_what_is_theirs_and_nothing_of_the_plan(drawn: Desk) -> None:
    _, everything = await drawn.ask("audit", "GET", "/v1/qa/queue")
    assert len(everything["items"]) == 5
    _, mine = await drawn.ask("li", "GET", f"/v1/qa/queue?assignee_id={drawn.people['wang']}&plan_id=1")
    theirs = [item for item in everything["items"] if item["assignee_id"] == drawn.people["wang"]]
    assert len(mine["items"]) + len(theirs) == 5
    assert {(item["assignee_id"], item["plan_id"], item["assigned_by"]) for item in mine["items"]} == {
        (drawn.people["li"], None, "")
    }
    (first, *_), (other, *_) = mine["items"], theirs
    assert (first["call"]["collector"][-1], "****" in first["call"]["number_masked"]) == ("姓", True)
    for method, action in (("GET", ""), ("POST", "/skip")):
        path = f"/v1/qa/queue/{other['work_id']}{action}"
        assert (await drawn.ask("li", method, path, {"reason": "not mine"} if action else None))[0] == 404
    path = f"/v1/qa/queue/{first['work_id']}"
    status, skipped = await drawn.ask("li", "POST", f"{path}/skip", {"reason": "a test call"})
    assert (status, skipped["state"], skipped["note"], skipped["closed_by"]) == (
        200,
        "skipped",
        "a test call",
        "li (qa, account/2, token/8)",
    )
    assert (await drawn.ask("boss", "POST", f"{path}/assign", {"assignee_id": None}))[0] == 409
    drawn.clock.now = MONDAY + 8 * DAY
    _, late = await drawn.ask("boss", "GET", "/v1/qa/queue?late=true")
    assert (len(late["items"]), {item["late"] for item in late["items"]}) == (4, {True})
    _, loads = await drawn.ask("boss", "GET", "/v1/qa/queue/loads")
    assert sum(load["late"] for load in loads["items"]) == 4


async def test_a_supervisor_gives_out_and_moves_work(drawn: Desk) -> None:
    li, wang = drawn.people["li"], drawn.people["wang"]
    given = {item["subject"] for item in (await drawn.ask("boss", "GET", "/v1/qa/queue"))[1]["items"]}
    free = next(recording_id for recording_id in drawn.recorded if recording_id not in given)
    body = {"recording_id": free, "reason": "the bank asked", "assignee_id": li}
    status, item = await drawn.ask("boss", "POST", "/v1/qa/queue", body)
    assert (status, item["assignee_id"], item["reasons"]) == (
        201,
        li,
        [{"kind": "by_hand", "detail": "the bank asked"}],
    )
    assert (await drawn.ask("boss", "POST", "/v1/qa/queue", body))[0] == 409
    assert (await drawn.ask("boss", "POST", "/v1/qa/queue", body | {"recording_id": "none"}))[0] == 422
    path = f"/v1/qa/queue/{item['work_id']}/assign"
    assert (await drawn.ask("boss", "POST", path, {"assignee_id": wang}))[1]["assignee_id"] == wang
    status, problem = await drawn.ask("boss", "POST", path, {"assignee_id": drawn.people["zhao"]})
    assert (status, "quality assurance" in problem["detail"]) == (422, True)
    assert (await drawn.ask("boss", "POST", path, {"assignee_id": None}))[1]["assignee_id"] is None
    _, free_ones = await drawn.ask("boss", "GET", "/v1/qa/queue?unassigned=true")
    assert [one["subject"] for one in free_ones["items"]] == [free]
    assert (await drawn.log())[-3:] == [
        ("qa_work.open", f"recording/{free}", f"to account {li}"),
        ("qa_work.assign", f"qa_work/{item['work_id']}", f"to account {wang}"),
        ("qa_work.assign", f"qa_work/{item['work_id']}", "to whoever comes first"),
    ]


async def test_a_draw_can_be_repeated_by_an_auditor(drawn: Desk) -> None:
    _, page = await drawn.ask("audit", "GET", "/v1/qa/plans/1/draws")
    (draw,) = page["items"]
    assert (draw["period"], draw["pool"], draw["drawn"], len(draw["pool_sha256"])) == ("2026-W47", 7, 5, 64)
    status, again = await drawn.ask("audit", "GET", f"/v1/qa/draws/{draw['draw_id']}/repeat")
    assert (status, again["same_pool"], again["passed_over"], again["not_again"]) == (200, True, [], [])
    assert len(again["drawn"]) == 5
    assert (await drawn.ask("audit", "GET", "/v1/qa/draws/9/repeat"))[0] == 404


async def test_a_pair_is_work_like_any_other_to_its_scorers(drawn: Desk, policy: Policy) -> None:
    blind = RANDOM | {"purpose": "blind", "scorecard_id": 1, "recordings": {"per_collector": 1}}
    await drawn.ask("boss", "POST", "/v1/qa/plans", blind)
    await drawn.ask("boss", "POST", "/v1/qa/plans/1/stop")
    calls = await calls_of(drawn.house.storage, policy, 1)
    await calls.record(drawn.people["zhao"], MONDAY + HOUR)
    drawn.clock.now = MONDAY + WEEK
    await drawn.look()
    _, everything = await drawn.ask("boss", "GET", "/v1/qa/queue?plan_id=2")
    assert [item["purpose"] for item in everything["items"]] == ["blind", "blind"]
    for login in ("li", "wang"):
        _, mine = await drawn.ask(login, "GET", "/v1/qa/queue?limit=1")
        assert (mine["items"][0]["subject"], mine["items"][0]["purpose"]) == (
            everything["items"][0]["subject"],
            "score",
        )


async def test_verdicts_are_work_with_a_rate_at_its_end(desk: Desk, policy: Policy) -> None:
    body = {"name": "machines", "kind": "verdicts", "cadence": "daily", "verdicts": {"n": 2}}
    assert (await desk.ask("boss", "POST", "/v1/qa/plans", body))[1]["purpose"] == "label"
    judged = await answered(desk.house.storage, policy, 4)
    for n in range(4):
        await judged.keep(n, now=LAST_WEEK + HOUR)
    desk.clock.now = LAST_WEEK + DAY
    await desk.look()
    _, before = await desk.ask("li", "GET", "/v1/qa/reports/verdicts")
    assert [(line["verdicts"], line["listened"], line["waiting"]) for line in before["items"]] == [(4, 0, 2)]
    for login in ("li", "wang"):
        _, told = await desk.ask(login, "POST", "/v1/qa/queue/next")
        item = told["item"]
        assert (item["kind"], item["purpose"], item["call"]) == ("verdict", "label", None)
        status, problem = await desk.ask(login, "POST", f"/v1/qa/queue/{item['work_id']}/skip", {"reason": "unclear"})
        assert (status, "label it unknown" in problem["detail"]) == (409, True)
        path = f"/v1/verdicts/{item['subject']}/label"
        assert (await desk.ask(login, "POST", path, {"truth": "human" if login == "li" else "machine"}))[0] == 200
        assert (await desk.ask(login, "GET", f"/v1/qa/queue/{item['work_id']}"))[1]["state"] == "done"
    _, after = await desk.ask("audit", "GET", "/v1/qa/reports/verdicts")
    (line,) = after["items"]
    assert (line["listened"], line["people"], line["share"], line["waiting"]) == (2, 1, 0.5, 0)
    assert 0 < line["low"] < 0.5 < line["high"] < 1
    _, raw = await desk.ask("boss", "GET", "/v1/qa/reports/verdicts.csv")
    assert raw.decode("utf-8-sig").splitlines()[1].startswith("1,campaign,4,2,0,1,0.5,")


async def test_people_are_known_by_name_and_by_nothing_else(desk: Desk) -> None:
    zhao = desk.people["zhao"]
    await desk.house.storage.accounts.set_active(zhao, False, MONDAY)
    status, listed = await desk.ask("li", "GET", "/v1/people")
    assert (status, "auditor" in {one["role"] for one in listed["items"]}) == (200, False)
    (named,) = (one for one in listed["items"] if one["account_id"] == zhao)
    assert named == {"account_id": zhao, "name": named["name"], "role": "collector", "active": False}


async def test_everybody_does_what_their_role_may(desk: Desk) -> None:
    """Of each operation: who is let in, whatever comes of it then. A program has no queue."""
    overseers = {"boss", "audit"}
    may = {
        ("GET", "/v1/qa/plans"): overseers,
        ("POST", "/v1/qa/plans"): {"boss"},
        ("GET", "/v1/qa/plans/1"): overseers,
        ("POST", "/v1/qa/plans/1/stop"): {"boss"},
        ("GET", "/v1/qa/plans/1/draws"): overseers,
        ("GET", "/v1/qa/draws/1/repeat"): overseers,
        ("GET", "/v1/qa/queue"): overseers | {"li"},
        ("POST", "/v1/qa/queue"): {"boss"},
        ("POST", "/v1/qa/queue/next"): {"boss", "li"},
        ("GET", "/v1/qa/queue/loads"): overseers,
        ("GET", "/v1/qa/queue/1"): overseers | {"li"},
        ("POST", "/v1/qa/queue/1/skip"): {"boss", "li"},
        ("POST", "/v1/qa/queue/1/assign"): {"boss"},
        ("GET", "/v1/qa/reports/figures"): overseers | {"zhao"},
        ("GET", "/v1/qa/reports/figures.csv"): overseers | {"zhao"},
        ("GET", "/v1/qa/reports/questions"): overseers | {"zhao"},
        ("GET", "/v1/qa/reports/questions.csv"): overseers | {"zhao"},
        ("GET", "/v1/qa/reports/verdicts"): overseers | {"li"},
        ("GET", "/v1/qa/reports/verdicts.csv"): overseers | {"li"},
        ("GET", "/v1/people"): overseers | {"li"},
        ("GET", "/v1/teams"): overseers,
        ("POST", "/v1/teams/members"): {"boss"},
    }
    for (method, path), expected in may.items():
        body: object = {} if method == "POST" else None
        let_in = {who for who in ("boss", "audit", "li", "zhao") if (await desk.ask(who, method, path, body))[0] != 403}
        assert let_in == expected, path
    for method, path in (("GET", "/v1/qa/queue"), ("POST", "/v1/qa/queue/next")):
        async with desk.house.api.request(method, path, headers=desk.house.auth(Role.QA)) as answer:
            assert answer.status == 403


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith("=") else text
