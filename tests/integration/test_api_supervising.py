"""What supervisors read over the API: figures, the floor, alarms, trunks with their messages, and a rehearsed day."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from dialer.api.campaign_models import SettingsIn
from dialer.api.collecting_models import CollectingIn
from dialer.api.routes.floor import CollectorOut
from dialer.clock import SystemClock
from dialer.compliance.policy import Policy
from dialer.model.account import Role
from dialer.model.agent import AgentState, AgentStateChange
from dialer.model.attempt import Disposition, Settlement
from dialer.model.campaign import CampaignMode
from dialer.sip.events import Destination, Transport
from dialer.supervising.definitions import DEFINITIONS
from tests.support.house import House, open_house
from tests.support.policy import HOUSE_NUMBER, bank_policy
from tests.support.storage import MONDAY, Dialing, contacts, run_campaign

PEER = Destination(Transport.UDP, "192.0.2.1", 5060)


class Monday(SystemClock):
    """Ten in the morning, and goes on from there."""

    def __init__(self) -> None:
        self._ahead = MONDAY - super().utcnow()

    def utcnow(self) -> Any:
        return super().utcnow() + self._ahead


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, clock=Monday()) as opened:
        yield opened


async def _call(house: House, method: str, path: str, role: Role = Role.SUPERVISOR, **more: Any) -> tuple[int, Any]:
    async with house.api.request(method, path, headers=house.auth(role), **more) as answer:
        raw = await answer.read()
        return answer.status, json.loads(raw) if raw else None


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


async def _one_talk(house: House, policy: Policy) -> int:
    campaign_id = await run_campaign(house.storage, contacts(3))
    dialing = Dialing(house.storage, policy)
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    settlement = Settlement(
        attempt.attempt_id, Disposition.CONNECTED, MONDAY, answered_at=MONDAY, connected_at=MONDAY, verdict="human"
    )
    assert await house.storage.attempts.settle(settlement, None, MONDAY)
    return campaign_id


async def test_every_figure_is_told_with_its_meaning(house: House, policy: Policy) -> None:
    campaign_id = await _one_talk(house, policy)
    status, day = await _call(house, "GET", f"/v1/campaigns/{campaign_id}/figures")
    assert status == 200, day
    assert (day["day"], day["zone"], len(day["hours"])) == ("2026-11-23", "Asia/Shanghai", 24)
    assert [hour["dials"] for hour in day["hours"]] == [0] * 10 + [1] + [0] * 13
    assert (day["total"]["dials"], day["total"]["answer_rate"], day["total"]["promise_rate"]) == (1, 1.0, None)
    assert (day["contacts_tried"], day["contacts_reached"], day["contact_rate"]) == (1, 1, 1.0)
    _, whole = await _call(house, "GET", "/v1/figures?day=2026-11-23")
    assert [(each["campaign_id"], each["live"]) for each in whole["campaigns"]] == [(campaign_id, 1)]
    _, before = await _call(house, "GET", "/v1/figures?day=2026-11-22")
    assert before["total"]["dials"] == 0
    status, told = await _call(house, "GET", "/v1/definitions", Role.COLLECTOR)
    keys = {each["key"] for each in told["items"]}
    assert keys == {each.key for each in DEFINITIONS}
    shown = day["total"].keys() | {"contacts_tried", "contacts_reached", "contact_rate"}
    assert shown - keys == {"verdicts"}
    assert all(each["numerator"] in keys and each["denominator"] in keys for each in told["items"] if each["numerator"])
    assert (await _call(house, "GET", "/v1/campaigns/99/figures"))[0] == 404


async def test_today_is_on_the_live_board(house: House, policy: Policy) -> None:
    campaign_id = await _one_talk(house, policy)
    await house.services.supervision.tell()
    topic = house.live.snapshot()[f"today/{campaign_id}"]
    assert (topic["dials"], topic["live"], topic["answer_rate"], topic["contact_rate"]) == (1, 1, 1.0, 1.0)
    assert house.live.snapshot()["today/house"]["dials"] == 1


async def test_the_floor_shows_those_who_are_elsewhere(house: House) -> None:
    account = {"login": "li", "name": "李娜", "role": "collector", "password": "long enough"}
    _, made = await _call(house, "POST", "/v1/users", Role.ADMINISTRATOR, json=account)
    await _call(house, "PUT", f"/v1/teams/{made['account_id']}", json={"team": "早班"})
    change = AgentStateChange(made["account_id"], MONDAY, AgentState.OFFLINE, AgentState.READY, "ready")
    await house.storage.agents.record_change(change)
    status, floor = await _call(house, "GET", "/v1/floor")
    assert status == 200, floor
    (line,) = [CollectorOut.model_validate(item) for item in floor["items"]]
    assert (line.name, line.state, line.since, line.is_here) == ("李娜", AgentState.READY, MONDAY, False)
    assert line.today is not None
    assert (line.today.talks, line.today.occupancy) == (0, 0.0)


async def test_an_alarm_is_told_and_acknowledged(house: House) -> None:
    house.live.publish("trunk/main", {"group": "default", "is_up": False})
    alarms = house.services.supervision.alarms
    await alarms.look()
    _, told = await _call(house, "GET", "/v1/alarms")
    (alarm,) = [each for each in told["items"] if each["code"] == "trunk_down"]
    assert (alarm["severity"], alarm["seen_by"]) == ("critical", "")
    assert alarm["words"]["zh"].startswith("线路 main")
    status, seen = await _call(house, "POST", "/v1/alarms/acknowledge", json={"key": alarm["key"]})
    assert (status, seen["seen_by"], seen["since"]) == (200, "supervisor (supervisor, token/2)", alarm["since"])
    _, audited = await _call(house, "GET", "/v1/audit", Role.ADMINISTRATOR)
    assert [entry["entry"]["subject"] for entry in audited["items"]][:1] == ["alarm/trunk_down"]
    house.live.publish("trunk/main", {"group": "default", "is_up": True})
    await alarms.look()
    assert (await _call(house, "POST", "/v1/alarms/acknowledge", json={"key": alarm["key"]}))[0] == 404
    assert not [each for each in house.live.snapshot()["alarms"]["items"] if each["code"] == "trunk_down"]  # type: ignore[attr-defined]


async def test_a_trunk_tells_its_messages(house: House) -> None:
    ladders = house.services.supervision.ladders
    invite = b"INVITE sip:+8613800001234@192.0.2.1 SIP/2.0\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n\r\n"
    ladders.passed(True, invite, PEER, 1.0)
    ladders.name("a", 1, "main")
    ladders.passed(False, b"SIP/2.0 404 Not Found\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n\r\n", PEER, 1.25)
    status, trunk = await _call(house, "GET", "/v1/trunks/main")
    assert (status, trunk["n_calls"], trunk["statuses"], trunk["answered_share"]) == (200, 1, {"404": 1}, 0.0)
    status, told = await _call(house, "GET", "/v1/trunks/main/ladders?failed=true")
    assert status == 200, told
    lines = told["items"][0]["lines"]
    assert [(line["sent"], line["start_line"], line["after_ms"]) for line in lines] == [
        (True, "INVITE sip:138****1234@192.0.2.1 SIP/2.0", 0),
        (False, "SIP/2.0 404 Not Found", 250),
    ]
    assert (await _call(house, "GET", "/v1/trunks/other"))[0] == 404
    assert (await _call(house, "GET", "/v1/attempts/1/sip"))[0] == 404


@pytest.mark.allow_blocking  # a process is started
async def test_a_day_is_rehearsed(house: House) -> None:
    campaign_id = await run_campaign(house.storage, contacts(40))
    asked = {"collectors": 2, "begins": "09:00:00", "hours": 0.5, "modes": ["progressive"]}
    status, run = await _call(house, "POST", f"/v1/campaigns/{campaign_id}/what-if", json=asked)
    assert status == 201, run
    assert (await _call(house, "POST", f"/v1/campaigns/{campaign_id}/what-if", json=asked))[0] == 409
    place = f"/v1/campaigns/{campaign_id}/what-if/{run['run_id']}"
    async with asyncio.timeout(120):
        while run["state"] == "running":
            await asyncio.sleep(0.2)
            _, run = await _call(house, "GET", place)
    assert (run["state"], run["problem"], run["fitted"], run["progress"]) == ("done", "", False, 1.0)
    (mode,) = run["modes"]
    assert mode["mode"] == "progressive"
    assert mode["dials"] >= 40
    assert len(mode["quarters"]) == 2
    assert sum(quarter["live"] for quarter in mode["quarters"]) == mode["live"]


@pytest.mark.allow_blocking  # a process is started
async def test_a_rehearsal_is_cancelled_and_bounded(house: House) -> None:
    campaign_id = await run_campaign(house.storage, contacts(3))
    place = f"/v1/campaigns/{campaign_id}/what-if"
    for wrong in (
        {"collectors": 500, "hours": 8},
        {"collectors": 2, "modes": ["preview"]},
        {"collectors": 1, "hours": 0},
    ):
        assert (await _call(house, "POST", place, json=wrong))[0] == 422, wrong
    assert (await _call(house, "GET", place))[0] == 404
    await _call(house, "POST", place, json={"collectors": 100, "hours": 8})
    other = await run_campaign(house.storage, contacts(1))
    chinese = house.auth(Role.ADMINISTRATOR) | {"Accept-Language": "zh"}
    async with house.api.post(f"/v1/campaigns/{other}/what-if", json={"collectors": 1}, headers=chinese) as refused:
        assert (refused.status, (await refused.json())["detail"]) == (
            409,
            f"活动 {campaign_id} 正在预演（第 1 次），请等待其结束或在该处取消",
        )
    _, run = await _call(house, "GET", place)  # as a page finds it that was opened again
    assert (run["state"], run["asked_by"].split(" ")[0]) == ("running", "supervisor")
    status, run = await _call(house, "POST", f"{place}/{run['run_id']}/cancel", Role.ADMINISTRATOR)
    assert (status, run["state"], run["modes"]) == (200, "cancelled", [])
    async with asyncio.timeout(30):
        while house.services.supervision.what_if.is_busy:  # noqa: ASYNC110 - its process is being ended
            await asyncio.sleep(0.05)
    assert (await _call(house, "GET", f"{place}/{run['run_id']}"))[1]["state"] == "cancelled"
    assert (await _call(house, "GET", place))[1] == run
    assert (await _call(house, "GET", f"/v1/campaigns/99/what-if/{run['run_id']}"))[0] == 404


async def test_a_list_is_looked_at_before_it_is_imported(house: House) -> None:
    content = "案件号,手机,金额,备注\nC-1,13800001234,120,或 13700001234\nC-2,12,5,\nC-3,13900001234,x,\n".encode()
    csv = {"Content-Type": "text/csv"} | house.auth(Role.SUPERVISOR)
    async with house.api.post("/v1/lists/preview", data=content, headers=csv) as answer:
        seen = await answer.json()
        assert answer.status == 200, seen
    assert [column["target"] for column in seen["columns"]] == ["case_ref", "phone", "amount", "text"]
    assert (seen["rows"], seen["contacts"], seen["broken_rows"], seen["refused"]) == (3, 1, 2, "")
    assert seen["sample"][0]["phones"] == [{"number_masked": "138****1234", "role": "own"}]
    assert seen["sample"][0]["fields"] == {"amount": "120", "备注": "或 137****1234"}
    assert [(problem["row"], problem["column"]) for problem in seen["problems"]] == [(3, "手机"), (4, "金额")]
    async with house.api.get(f"/v1/lists/reports/{seen['report']}", headers=csv) as answer:
        lines = (await answer.text("utf-8-sig")).splitlines()
    assert [line.split(",")[0] for line in lines] == ["row", "3", "4"]
    assert await house.storage.lists.all() == ()
    async with house.api.post("/v1/lists/preview", data=b"a,b\n1,2\n", headers=csv) as answer:
        seen = await answer.json()
    assert seen["headers"] == ["a", "b"]
    assert seen["refused"].startswith("no column holds case references")
    chinese = csv | {"Accept-Language": "zh"}
    async with house.api.post("/v1/lists/preview", data=b"a,b\n1,2\n", headers=chinese) as answer:
        assert (await answer.json())["refused"].startswith("没有案件编号列")
    assert (await _call(house, "GET", f"/v1/lists/reports/{'0' * 32}"))[0] == 404


async def test_caller_ids_are_told_with_their_cap(house: House, policy: Policy) -> None:
    await _one_talk(house, policy)
    status, told = await _call(house, "GET", "/v1/caller-ids")
    assert status == 200, told
    (line,) = told["items"]
    assert (line["number"], line["purposes"], len(line["campaign_ids"])) == (HOUSE_NUMBER, ["collection"], 1)
    assert (line["today"]["dials"], line["today"]["answered"], line["before"]["dials"]) == (1, 1, 0)
    assert (line["used"], line["cap"], line["suspicion"]) == (1, 1000, None)


async def test_every_setting_is_explained_as_the_api_takes_it(house: House) -> None:
    status, told = await _call(house, "GET", "/v1/settings/campaign")
    assert status == 200, told
    by_name = {item["name"]: item for item in told["items"]}
    target = by_name["abandon_target"]
    assert (target["minimum"], target["maximum"], target["default"]) == (0.001, 0.03, 0.03)
    assert [choice["value"] for choice in by_name["mode"]["choices"]] == [mode.value for mode in CampaignMode]
    plain = set(SettingsIn.model_fields) - {"collecting"}
    assert by_name.keys() == plain | {f"collecting.{name}" for name in CollectingIn.model_fields}
