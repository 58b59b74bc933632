"""Why is nobody calling? Of a case or a number, now and at another time, over a running service."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from dialer.model.account import Role
from dialer.model.campaign import CampaignState
from dialer.storage import Listing
from tests.support.proof_scene import Scene, open_scene
from tests.support.storage import MINUTE, MONDAY


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path) as opened:
        yield opened


async def test_why_of_a_case_that_was_paid(scene: Scene) -> None:
    answer = await scene.ask(about="case-1")
    (record,) = answer["record"]
    assert (record["allowed"], record["rule"]) == (False, scene.again.rule)
    assert record["local_times"][0]["zone"] == "Asia/Shanghai"
    (contact,) = answer["contacts"]
    assert contact["case_status"] == "paid"
    assert [number["number_masked"] for number in contact["numbers"]] == ["138****0001", "139****0001"]
    (said,) = contact["numbers"][0]["answers"]
    refusing = [rule for rule in said["decision"]["rules"] if not rule["kept"]]
    assert said["decision"]["retry_at"] is None
    assert ["paid" in rule["words"]["en"] and "已还款" in rule["words"]["zh"] for rule in refusing] == [True]
    assert [obstacle["code"] for obstacle in contact["obstacles"]] == ["stopped"]
    shown = await scene.run("why", "case-1")
    assert shown.exit_code == 0, shown.output
    for words in ("case-1: On record · 记录", "may not be called · 不可呼叫", "已还款", "the entry was stopped"):
        assert words in shown.stdout, shown.stdout
    assert "**" in shown.stdout


async def test_why_before_the_payment(scene: Scene) -> None:
    """With the facts as they were known then, by the packs that were in force."""
    then = MONDAY - 10 * MINUTE
    answer = await scene.ask(about="case-1", at=then.isoformat())
    assert answer["is_past"]
    assert answer["record"] == []
    assert [pack["name"] for pack in answer["packs"]] == ["cn-bank-card"]
    (said,) = answer["contacts"][0]["numbers"][0]["answers"]
    assert said["decision"]["allowed"] is True, said
    shown = await scene.run("why", "case-1", "--at", then.isoformat(), "--language", "en")
    assert "What the gate would have said at 2026-11-23 01:50:00 UTC" in shown.stdout
    assert "may be called" in shown.stdout
    night = await scene.ask(about="case-0", at="2026-11-24T20:00:00Z")
    decision = night["contacts"][0]["numbers"][0]["answers"][0]["decision"]
    assert not decision["allowed"]
    assert decision["retry_local"] == [{"zone": "Asia/Shanghai", "time": "2026-11-25T09:00:00+08:00"}]
    ahead = await scene.run("why", "case-0", "--at", "2026-11-24T20:00:00Z", "--language", "en")
    assert "What the gate would say at 2026-11-24 20:00:00 UTC, were nothing to change" in ahead.stdout


async def test_why_before_anything_was_on_record(scene: Scene) -> None:
    answer = await scene.ask(about="case-0", at="2026-01-01T00:00:00Z")
    assert answer["packs"] == []
    assert all(number["answers"] == [] for number in answer["contacts"][0]["numbers"])
    shown = await scene.run("why", "case-0", "--at", "2026-01-01T00:00:00Z")
    assert "not on record" in shown.stdout


async def test_why_of_a_number_in_any_spelling(scene: Scene) -> None:
    for spelling in ("13800000002", "+86 138 0000 0002", "0086-138-0000-0002"):
        answer = await scene.ask(about=spelling)
        assert answer["about"] == "138****0002"
        assert [record["attempt_id"] is not None for record in answer["record"]] == [True, True]
        assert answer["record"][0]["ended"] == "settled: no_answer"
        (number,) = answer["contacts"][0]["numbers"]
        assert number["number_masked"] == "138****0002"
        assert "13800000002" not in json.dumps(answer)
    (obstacle,) = answer["contacts"][0]["obstacles"]
    assert obstacle["code"] == "not_due"
    assert obstacle["until"] == "2026-11-23T05:00:00Z"
    (seen,) = {entry.subject for _, entry in await scene.house.storage.audit.list() if entry.action == "why.ask"}
    assert seen == "number/138****0002"


async def test_why_tells_quality_assurance_nobodys_number(scene: Scene) -> None:
    """Whether anybody knows it or not: else whose a number is could be found out by asking."""
    for number in ("13800000002", "13911112222"):
        problem = await scene.ask(Role.QA, 422, about=number)
        assert problem["errors"] == [
            {"field": "body.about", "reason": "your role may not search by a number", "fix": "search by the case"}
        ]
    assert (await scene.ask(Role.QA, about="case-0"))["is_known"]
    assert (await scene.ask(Role.AUDITOR, about="13800000002"))["is_known"]


async def test_why_of_what_nobody_knows(scene: Scene) -> None:
    for about in ("nobody", "1390000", "13911112222"):
        answer = await scene.ask(about=about)
        assert not answer["is_known"]
        shown = await scene.run("why", about)
        assert "no list and no record knows" in shown.stdout
        assert "均无此" in shown.stdout
    subjects = {entry.subject for _, entry in await scene.house.storage.audit.list() if entry.action == "why.ask"}
    assert subjects == {"unknown", "number/139****2222"}


async def test_why_a_campaign_does_not_even_ask(scene: Scene) -> None:
    running, paused = CampaignState.RUNNING, CampaignState.PAUSED
    await scene.house.storage.campaigns.set_state(scene.campaign_id, running, paused, "lunch", MONDAY)
    answer = await scene.ask(about="case-0")
    codes = {obstacle["code"]: obstacle["words"] for obstacle in answer["contacts"][0]["obstacles"]}
    assert codes.keys() == {"campaign_not_running", "done"}
    assert "lunch" in codes["campaign_not_running"]["en"]
    assert "已暂停" in codes["campaign_not_running"]["zh"]


async def test_why_of_a_listed_number(scene: Scene) -> None:
    await scene.house.storage.do_not_call.add_number("+8613900000002", Listing("test", "asked"), MONDAY)
    answer = await scene.ask(about="case-2", at=(MONDAY + timedelta(hours=24)).isoformat())
    assert not answer["is_past"]
    first, second = (number["answers"][0]["decision"] for number in answer["contacts"][0]["numbers"])
    assert first["allowed"], first
    assert [rule["kind"] for rule in second["rules"] if not rule["kept"]] == ["do_not_call"]
