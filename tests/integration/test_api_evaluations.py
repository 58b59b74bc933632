"""The life of an evaluation over the API: who may do what, and nothing is seen before it may be."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.api.app import SUBJECTS
from dialer.api.security import hash_token
from tests.support.house import House, open_house
from tests.support.scorecards import GOOD
from tests.support.scored_calls import PEOPLE, ScoredCalls, scored_calls
from tests.support.set_clock import SetClock
from tests.support.storage import MONDAY

Told = tuple[int, Any]


@dataclass(frozen=True)
class Desk:
    """People of a house, each with a token of their account."""

    house: House
    calls: ScoredCalls

    async def ask(self, who: str, method: str, path: str, body: object = None) -> Told:
        headers = {"Authorization": f"Bearer token-{who}"}
        async with self.house.api.request(method, f"/v1{path}", headers=headers, json=body) as answer:
            return answer.status, await answer.json() if answer.content_length else None

    async def post(self, who: str, path: str, **body: object) -> Told:
        return await self.ask(who, "POST", path, body)

    async def get(self, who: str, path: str) -> Told:
        return await self.ask(who, "GET", path)

    async def begun(self, who: str, recording_id: str) -> dict[str, Any]:
        body = {"recording_id": recording_id, "version_id": self.calls.version_id}
        status, begun = await self.post(who, "/evaluations", **body)
        assert status == 201, begun
        return dict(begun)

    async def submitted(self, who: str, recording_id: str, **answers: str | None) -> dict[str, Any]:
        draft = await self.begun(who, recording_id)
        path = f"/evaluations/{draft['evaluation_id']}"
        body = {"revision": 1, "answers": GOOD | answers}
        status, saved = await self.ask(who, "PUT", f"{path}/answers", body)
        assert status == 200, saved
        status, submitted = await self.post(who, f"{path}/submit", revision=saved["revision"])
        assert status == 200, submitted
        return dict(submitted)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_house(tmp_path, clock=SetClock(MONDAY)) as house:
        calls = await scored_calls(house.storage)
        now = house.services.clock.utcnow()
        for login, role in PEOPLE.items():
            account_id = calls.people[login].account_id
            name = calls.people[login].name
            await house.storage.accounts.add_token(hash_token(f"token-{login}"), name, role, now, account_id=account_id)
        yield Desk(house, calls)


async def test_a_collector_disputes_and_somebody_else_decides(desk: Desk) -> None:
    scored = await desk.submitted("li", "r1", threats="yes")
    path = f"/evaluations/{scored['evaluation_id']}"
    assert (scored["state"], scored["score_bp"], scored["passed"], scored["fatal"]) == (
        "submitted",
        0,
        False,
        ["threats"],
    )
    status, seen = await desk.get("ann", path)
    assert (status, seen["counts"], seen["answers"]["threats"]) == (200, True, "yes")
    assert seen["dispute_until"] == "2026-11-30T02:00:00Z"
    revision = seen["revision"]
    assert (await desk.post("bo", f"{path}/dispute", revision=revision, reason="x"))[0] == 404
    assert (await desk.post("bo", f"{path}/acknowledge", revision=revision))[0] == 404
    assert (await desk.get("bo", path))[0] == 404
    assert (await desk.post("li", f"{path}/dispute", revision=revision, reason="x"))[0] == 403
    assert (await desk.post("ann", f"{path}/dispute", revision=revision, reason=" "))[0] == 422
    assert (await desk.post("ann", f"{path}/dispute", revision=1, reason="x"))[0] == 409
    status, disputed = await desk.post(
        "ann", f"{path}/dispute", revision=revision, reason="I quoted him", questions=["threats"]
    )
    assert (status, disputed["state"], disputed["dispute"]["questions"]) == (200, "disputed", ["threats"])
    at = disputed["revision"]
    assert (await desk.post("li", f"{path}/review", revision=at))[0] == 403  # the scorer never
    assert (await desk.post("ann", f"{path}/review", revision=at))[0] == 403
    assert (await desk.post("eve", f"{path}/review", revision=at))[0] == 403
    _, taken = await desk.post("wang", f"{path}/review", revision=at)
    at = taken["revision"]
    assert (await desk.post("sun", f"{path}/uphold", revision=at, words="no"))[0] == 403  # another one reviews it
    status, wrong = await desk.post("wang", f"{path}/change", revision=at, words="x", answers={"tone": "9"})
    assert (status, wrong["errors"][0]["field"]) == (422, "body.answers.tone")
    _, final = await desk.post("wang", f"{path}/change", revision=at, words="a quotation", answers=GOOD)
    assert (final["state"], final["ending"], final["score_bp"]) == ("final", "changed", 10_000)
    assert final["dispute"] | {"at": "", "review_until": ""} == {
        "reason": "I quoted him",
        "questions": ["threats"],
        "at": "",
        "review_until": "",
        "reviewer_id": desk.calls.people["wang"].account_id,
        "reviewer": "Wang",
        "decision": "a quotation",
    }
    status, history = await desk.get("eve", f"{path}/history")
    assert [(one["event"], one["actor"]) for one in history["items"]][-3:] == [
        ("dispute", "Ann"),
        ("take", "Wang"),
        ("change", "Wang"),
    ]
    assert (await desk.get("ann", f"{path}/history"))[0] == 403
    for action in ("uphold", "change", "review", "give-back"):
        body = {"revision": final["revision"], "words": "x", "answers": GOOD}
        needed = {"uphold": ("revision", "words"), "change": ("revision", "words", "answers")}.get(
            action, ("revision",)
        )
        status, refused = await desk.post("wang", f"{path}/{action}", **{name: body[name] for name in needed})
        assert (status, "nothing changes it any more" in refused["detail"]) == (409, True), action
    actions = [entry.action for _, entry in await desk.house.storage.audit.list()]
    assert actions[:4] == ["evaluation.change", "evaluation.review", "evaluation.dispute", "evaluation.submit"]


async def test_a_supervisor_takes_a_review_from_whoever_has_it(desk: Desk) -> None:
    scored = await desk.submitted("li", "r1")
    path = f"/evaluations/{scored['evaluation_id']}"
    _, disputed = await desk.post("ann", f"{path}/dispute", revision=scored["revision"], reason="I quoted him")
    _, taken = await desk.post("wang", f"{path}/review", revision=disputed["revision"])
    at = taken["revision"]
    assert (await desk.post("li", f"{path}/give-back", revision=at))[0] == 403
    status, freed = await desk.post("sun", f"{path}/give-back", revision=at)
    assert (status, freed["state"], freed["dispute"]["reviewer_id"]) == (200, "disputed", None)
    assert (await desk.post("sun", f"{path}/review", revision=freed["revision"]))[0] == 200


async def test_a_draft_is_its_scorers_alone(desk: Desk) -> None:
    draft = await desk.begun("li", "r1")
    path = f"/evaluations/{draft['evaluation_id']}"
    for who, expected in {"li": 200, "wang": 404, "sun": 404, "ann": 404, "eve": 200}.items():
        assert (await desk.get(who, path))[0] == expected, who
    assert (await desk.ask("wang", "PUT", f"{path}/answers", {"revision": 1, "answers": {}}))[0] == 404
    assert (await desk.ask("eve", "PUT", f"{path}/answers", {"revision": 1, "answers": {}}))[0] == 403
    assert (await desk.post("ann", "/evaluations", recording_id="r1", version_id=1))[0] == 403
    status, saved = await desk.ask("li", "PUT", f"{path}/answers", {"revision": 1, "answers": {"who": "debtor"}})
    assert (status, saved["score_bp"], saved["revision"]) == (200, None, 2)
    status, stale = await desk.ask("li", "PUT", f"{path}/answers", {"revision": 1, "answers": {}})
    assert (status, stale["detail"]) == (409, "the evaluation is at revision 2, not at 1: read it again")
    status, missing = await desk.post("li", f"{path}/submit", revision=2)
    assert status == 422
    assert {"field": "body.answers.identity", "reason": "is not answered", "fix": ""} in missing["errors"]
    status, begun = await desk.post("li", "/evaluations", recording_id="r1", version_id=desk.calls.version_id)
    assert (status, f"evaluation {draft['evaluation_id']}" in begun["detail"]) == (409, True)
    status, gone = await desk.post("li", f"{path}/withdraw", revision=2)
    assert (status, gone["state"]) == (200, "withdrawn")
    assert (await desk.begun("wang", "r1"))["state"] == "draft"
    assert (await desk.post("wang", "/evaluations", recording_id="none"))[0] == 422


async def test_scoring_is_a_persons(desk: Desk) -> None:
    """Not a program's, whatever its role."""
    headers = desk.house.auth(next(role for role in desk.house.tokens if role.value == "qa"))
    body = {"recording_id": "r1", "version_id": desk.calls.version_id}
    async with desk.house.api.post("/v1/evaluations", headers=headers, json=body) as answer:
        assert answer.status == 403
        assert "a person" in (await answer.json())["detail"]


async def test_a_blind_scorer_learns_nothing_over_the_api(desk: Desk) -> None:
    await desk.calls.open_pair("r1", "li", "wang")
    alone, paired = await desk.submitted("li", "r2"), await desk.submitted("li", "r1")
    told = ("counts", "round_id", "revealed_at", "dispute_until", "state", "ending")
    assert {name: alone[name] for name in told} == {name: paired[name] for name in told}
    assert alone.keys() == paired.keys()
    path = f"/evaluations/{paired['evaluation_id']}"
    for who in ("wang", "sun", "ann"):
        assert (await desk.get(who, path))[0] == 404, who
        for part in ("comments", "history"):
            assert (await desk.get(who, f"{path}/{part}"))[0] in (403, 404), who
    _, listed = await desk.get("wang", "/evaluations?recording_id=r1")
    assert listed["items"] == []
    assert (await desk.get("wang", "/scoring-rounds"))[1]["items"] == []
    await desk.post("li", f"{path}/comments", words="hear this", from_ms=1000)
    await desk.post("li", f"{path}/coaching", title="Tone")
    assert (await desk.get("ann", "/coaching"))[1]["items"] == []
    second = await desk.submitted("wang", "r1", tone="2")
    assert (await desk.get("wang", path))[0] == 200
    status, seen = await desk.get("ann", path)
    assert (status, seen["counts"]) == (200, True)
    assert (await desk.get("ann", f"/evaluations/{second['evaluation_id']}"))[0] == 404  # a comparison is not hers
    assert [item["title"] for item in (await desk.get("ann", "/coaching"))[1]["items"]] == ["Tone"]
    (pair,) = (await desk.get("wang", "/scoring-rounds"))[1]["items"]
    status, report = await desk.get("sun", f"/scoring-rounds/{pair['round_id']}/report")
    assert (status, report["score_spread_bp"]) == (200, 1500)
    assert {one["key"]: one["agreement"] for one in report["questions"]}["tone"] == 0


@pytest.mark.parametrize("who", ["wang", "ann"])
async def test_half_of_a_pair_changes_nothing_that_others_can_read(desk: Desk, who: str) -> None:
    """Every GET of the other scorer, and of the collector, answers the same while one begins, scores and submits."""
    paths = [
        re.sub(r"{\w+}", "r1" if "{recording_id}" in operation.path else str(number), operation.path)
        for routes in SUBJECTS
        for operation in routes.operations
        if operation.method == "GET" and PEOPLE[who] in (operation.roles or ())
        for number in ((1, 2, 3) if "{" in operation.path else (1,))
    ]
    await desk.calls.open_pair("r1", "li", "wang")
    await desk.begun("wang", "r2")

    async def all_there_is() -> dict[str, tuple[int, bytes]]:
        headers = {"Authorization": f"Bearer token-{who}"}
        found = {}
        for path in paths:
            async with desk.house.api.get(path, headers=headers) as answer:
                found[path] = answer.status, await answer.read()
        return found

    before = await all_there_is()
    assert [status for status, _ in before.values()].count(200) >= 5
    draft = await desk.begun("li", "r1")
    assert await all_there_is() == before
    path = f"/evaluations/{draft['evaluation_id']}"
    _, saved = await desk.ask("li", "PUT", f"{path}/answers", {"revision": 1, "answers": GOOD})
    await desk.post("li", f"{path}/comments", words="hear this", from_ms=1000)
    await desk.post("li", f"{path}/coaching", title="Tone")
    assert (await desk.post("li", f"{path}/submit", revision=saved["revision"]))[0] == 200
    assert await all_there_is() == before


async def test_a_supervisor_gives_a_recording_to_two(desk: Desk) -> None:
    ids = {who: person.account_id for who, person in desk.calls.people.items()}
    body = {"recording_id": "r1", "reason": "a hard call", "scorecard_id": 1}
    two = [ids["li"], ids["wang"]]
    assert (await desk.post("li", "/double-scorings", **body, scorer_ids=two))[0] == 403
    for wrong in ([ids["li"], ids["sun"]], [ids["li"], ids["ann"]], [ids["li"], 99], [ids["li"]]):
        assert (await desk.post("sun", "/double-scorings", **body, scorer_ids=wrong))[0] == 422, wrong
    for recording_id in ("none", "r0"):  # there is none; no collector was in that call
        assert (await desk.post("sun", "/double-scorings", **body | {"recording_id": recording_id}, scorer_ids=two))[
            0
        ] == 422
    assert (await desk.post("sun", "/double-scorings", **body, scorer_ids=two))[0] == 204
    status, again = await desk.post("sun", "/double-scorings", **body, scorer_ids=two)
    assert (status, again["detail"]) == (409, "the recording was given to two before")
    for who in ("li", "wang"):
        status, work = await desk.ask(who, "POST", "/qa/queue/next")
        item = work["item"]
        assert (status, item["subject"], item["purpose"]) == (200, "r1", "score"), who
        assert item["reasons"] == [{"kind": "by_hand", "detail": "a hard call"}]  # as of what one alone scores
        due, made = (datetime.fromisoformat(item[name]) for name in ("due_at", "created_at"))
        assert due - made == timedelta(days=7)
    await desk.submitted("li", "r1")
    assert (await desk.submitted("wang", "r1"))["counts"] is False
    status, scored = await desk.post("sun", "/double-scorings", **body, scorer_ids=two)
    assert (status, "is scored" in scored["detail"]) == (409, True)


async def test_a_calibration_over_the_api(desk: Desk) -> None:
    ids = {who: person.account_id for who, person in desk.calls.people.items()}
    body = {
        "title": "November",
        "version_id": desk.calls.version_id,
        "leader_id": ids["wang"],
        "scorer_ids": [ids["li"]],
        "recording_ids": ["r1"],
        "due_at": (MONDAY + timedelta(days=1)).isoformat(),
    }
    assert (await desk.post("ann", "/scoring-rounds", **body))[0] == 403
    assert (await desk.post("sun", "/scoring-rounds", **body | {"scorer_ids": [ids["ann"]]}))[0] == 422
    status, opened = await desk.post("sun", "/scoring-rounds", **body)
    assert (status, opened["kind"], opened["submitted"]) == (201, "calibration", {})
    path = f"/scoring-rounds/{opened['round_id']}"
    await desk.submitted("wang", "r1")
    mine = await desk.submitted("li", "r1", facts="wrong", threats="yes")
    assert (await desk.get("li", f"{path}/report"))[0] == 409
    assert (await desk.post("li", f"{path}/close"))[0] == 403
    status, closed = await desk.ask("wang", "POST", f"{path}/close")
    assert (status, closed["submitted"]) == (200, {str(ids["li"]): 1, str(ids["wang"]): 1})
    _, report = await desk.get("li", f"{path}/report")
    (of_li,) = (one for one in report["scorers"] if one["scorer_id"] == ids["li"])
    assert (of_li["bias_bp"], of_li["fatal_alone"], report["names"][str(ids["li"])]) == (-10_000, 1, "Li")
    assert (await desk.get("ann", f"/evaluations/{mine['evaluation_id']}"))[0] == 404
    assert (await desk.get("eve", path))[0] == 200
    assert (await desk.get("eve", "/scoring-rounds/99"))[0] == 404


async def test_comments_are_pinned_and_internal_ones_stay_inside(desk: Desk) -> None:
    scored = await desk.submitted("li", "r1")
    path = f"/evaluations/{scored['evaluation_id']}/comments"
    where = {"from_ms": 2000, "to_ms": 2500, "channel": 1, "question": "tone"}
    status, first = await desk.post("li", path, words="too loud", **where)
    assert (status, {name: first[name] for name in where}) == (201, where)
    await desk.post("sun", path, words="talk to her", internal=True)
    _, answer = await desk.post("ann", path, words="he shouted", from_ms=1000, internal=True)
    assert answer["internal"] is False
    for wrong in ({"from_ms": 10_001}, {"from_ms": 5, "to_ms": 4}, {"question": "none"}, {"channel": 2}):
        assert (await desk.post("li", path, words="x", **wrong))[0] == 422, wrong
    assert [one["words"] for one in (await desk.get("ann", path))[1]["items"]] == ["he shouted", "too loud"]
    assert len((await desk.get("wang", path))[1]["items"]) == 3
    assert (await desk.get("bo", path))[0] == 404
    assert (await desk.ask("li", "DELETE", f"{path}/{first['comment_id']}"))[0] == 409  # others have seen it
    _, seen = await desk.get("ann", f"/evaluations/{scored['evaluation_id']}")
    await desk.post(
        "ann", f"/evaluations/{scored['evaluation_id']}/acknowledge", revision=seen["revision"], words="right"
    )
    status, refused = await desk.post("li", path, words="too late")
    assert (status, "final" in refused["detail"]) == (409, True)
    draft = await desk.begun("li", "r2")
    path = f"/evaluations/{draft['evaluation_id']}/comments"
    _, added = await desk.post("li", path, words="a slip")
    assert (await desk.ask("li", "DELETE", f"{path}/{added['comment_id']}"))[0] == 204
    assert (await desk.ask("li", "DELETE", f"{path}/{added['comment_id']}"))[0] == 404
    assert (await desk.get("li", path))[1]["items"] == []
    about = {"title": "Tone", "comment_id": added["comment_id"]}
    assert (await desk.post("li", f"/evaluations/{draft['evaluation_id']}/coaching", **about))[0] == 422


async def test_coaching_is_asked_for_and_done(desk: Desk) -> None:
    scored = await desk.submitted("li", "r1")
    path = f"/evaluations/{scored['evaluation_id']}/coaching"
    _, remark = await desk.post("li", f"/evaluations/{scored['evaluation_id']}/comments", words="here", from_ms=1)
    body = {"title": "Keep calm", "link": "https://training.bank.example/calm", "due_on": "2026-12-01"}
    status, item = await desk.post("li", path, **body, comment_id=remark["comment_id"])
    assert (status, item["due_on"], item["agent_id"]) == (201, "2026-12-01", desk.calls.people["ann"].account_id)
    assert (await desk.post("li", path, title="x", comment_id=99))[0] == 422
    assert (await desk.post("li", path, title="x", link="javascript:alert(1)"))[0] == 422
    assert (await desk.post("ann", path, title="x"))[0] == 403
    assert (await desk.get("bo", "/coaching"))[1]["items"] == []
    assert (await desk.post("bo", f"/coaching/{item['item_id']}/done"))[0] in (404, 415)
    assert (await desk.post("bo", f"/coaching/{item['item_id']}/done", words="me"))[0] == 404
    status, done = await desk.post("ann", f"/coaching/{item['item_id']}/done", words="learned")
    assert (status, done["done_words"]) == (200, "learned")
    _, again = await desk.post("ann", f"/coaching/{item['item_id']}/done", words="twice")
    assert (again["done_words"], again["done_at"]) == ("learned", done["done_at"])
    assert (await desk.get("sun", "/coaching?done=false"))[1]["items"] == []
    assert len((await desk.get("sun", f"/coaching?agent_id={item['agent_id']}&done=true"))[1]["items"]) == 1


async def test_lists_are_filtered_and_paged(desk: Desk) -> None:
    first, second = await desk.submitted("li", "r1"), await desk.submitted("wang", "r2")
    _, page = await desk.get("sun", "/evaluations?limit=1")
    assert ([one["evaluation_id"] for one in page["items"]], page["next"]) == (
        [second["evaluation_id"]],
        second["evaluation_id"],
    )
    _, rest = await desk.get("sun", f"/evaluations?limit=1&cursor={page['next']}")
    assert rest["items"][0]["evaluation_id"] == first["evaluation_id"]
    for query, expected in {
        "recording_id=r1": 1,
        f"scorer_id={second['scorer_id']}": 1,
        "state=submitted": 2,
        "state=final": 0,
        f"agent_id={first['agent_id']}&scorecard_id=1": 1,
        "since=2020-01-01T00:00:00Z&until=2021-01-01T00:00:00Z": 0,
    }.items():
        assert len((await desk.get("eve", f"/evaluations?{query}"))[1]["items"]) == expected, query
    assert len((await desk.get("ann", "/evaluations"))[1]["items"]) == 1
