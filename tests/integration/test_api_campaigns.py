"""Lists and campaigns over HTTP: import, draft, check, start, pause, resume, stop; every mistake named."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from dialer.model.account import Role
from tests.support.house import House, open_house

CSV = "客户号,案件号,姓名,手机,欠款金额\nP-1,C-1,张三,13800001234,1200.50\nP-2,C-2,李四,13900005678,80\n"
BROKEN = CSV + "P-3,C-3,王五,12,1\n"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


async def _call(house: House, method: str, path: str, role: Role = Role.SUPERVISOR, **more: Any) -> tuple[int, Any]:
    headers = house.auth(role) | more.pop("headers", {})
    async with house.api.request(method, path, headers=headers, **more) as answer:
        return answer.status, await answer.json() if answer.content_length else None


async def _import(house: House, text: str | bytes, media: str = "text/csv", **query: str) -> tuple[int, Any]:
    body = text.encode() if isinstance(text, str) else text
    params = {"name": "November", **query}
    return await _call(house, "POST", "/v1/lists", data=body, params=params, headers={"Content-Type": media})


async def _campaign(house: House, **settings: object) -> tuple[int, Any]:
    status, imported = await _import(house, CSV)
    assert status == 201, imported
    body = {"name": "Autumn", "list_ids": [imported["call_list"]["list_id"]], "settings": settings}
    return await _call(house, "POST", "/v1/campaigns", json=body)


async def test_import_reports_columns_and_leaves_no_file(house: House) -> None:
    status, imported = await _import(house, CSV)
    assert status == 201
    assert imported["call_list"]["contact_count"] == 2
    assert imported["columns"]["手机"] == "phone"
    assert not list(house.services.uploads_dir.iterdir())
    _, page = await _call(house, "GET", "/v1/lists")
    assert [item["name"] for item in page["items"]] == ["November"]
    status, one = await _call(house, "GET", f"/v1/lists/{imported['call_list']['list_id']}")
    assert (status, one["phone_count"]) == (200, 2)


async def test_import_of_a_workbook(house: House) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in CSV.splitlines():
        book.active.append(row.split(","))
    raw = io.BytesIO()
    book.save(raw)
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    status, imported = await _import(house, raw.getvalue(), media)
    assert (status, imported["rows"]) == (201, 2)


async def test_broken_rows_are_named_and_nothing_is_imported(house: House) -> None:
    status, problem = await _import(house, BROKEN)
    assert status == 422
    assert problem["errors"][0]["field"].startswith("row 4")
    assert "accept_valid" in problem["detail"]
    _, page = await _call(house, "GET", "/v1/lists")
    assert page["items"] == []
    status, imported = await _import(house, BROKEN, accept_valid="true")
    assert (status, imported["broken_rows"]) == (201, 1)
    assert not list(house.services.uploads_dir.iterdir())


@pytest.mark.parametrize(
    ("text", "query", "part"),
    [
        ("a,b\n1,2\n", {}, "case_ref"),
        ("", {}, "the file"),
        (CSV, {"columns": "[]"}, "query.columns"),
        (CSV, {"columns": '{"nothing": "phone"}'}, "nothing"),
        (CSV, {"region": "China"}, "query.region"),
        (CSV, {"colour": "red"}, "query.colour"),
    ],
)
async def test_bad_imports_say_why(house: House, text: str, query: dict[str, str], part: str) -> None:
    status, problem = await _import(house, text, **query)
    assert status == 422
    assert part in problem["detail"]
    assert str(house.services.uploads_dir) not in problem["detail"]


async def test_problems_and_answers_are_in_the_readers_language(house: House) -> None:
    _, campaign = await _campaign(house, mode="preview")
    path, chinese = f"/v1/campaigns/{campaign['campaign_id']}", {"Accept-Language": "zh-CN,en;q=0.5"}
    _, problem = await _call(house, "POST", f"{path}/start", headers=chinese)
    assert problem["detail"] == "无法启动：活动仍为草稿，请先检查再启动"
    body = {"settings": {"ring_timeout_s": 3}}
    _, problem = await _call(house, "PUT", path, headers=chinese, json=body)
    assert problem["errors"][0]["reason"].startswith("须在 15 至 120 之间")
    await _call(house, "POST", f"{path}/stop")
    shown = [(await _call(house, "GET", path, headers=headers))[1]["state_reason"] for headers in ({}, chinese)]
    assert shown == ["stop", "停止"]


async def test_import_takes_only_known_media(house: House) -> None:
    status, problem = await _import(house, CSV, "application/pdf")
    assert status == 415
    assert "text/csv" in problem["detail"]


async def test_a_campaign_from_draft_to_its_end(house: House) -> None:
    status, campaign = await _campaign(house, mode="preview")
    assert (status, campaign["state"]) == (201, "draft")
    path = f"/v1/campaigns/{campaign['campaign_id']}"
    status, problem = await _call(house, "POST", f"{path}/start")
    assert status == 409
    assert problem["detail"]
    status, checked = await _call(house, "POST", f"{path}/check")
    assert (status, checked["entries"]["waiting"]) == (200, 2)
    for action, state in (("start", "running"), ("pause", "paused"), ("resume", "running"), ("stop", "draining")):
        status, after = await _call(house, "POST", f"{path}/{action}")
        assert (status, after["state"]) == (200, state)
    status, shown = await _call(house, "GET", f"{path}/status")
    assert (status, shown["limiting"]) == (200, "nobody is ready")
    status, entries = await _call(house, "GET", f"{path}/entries")
    assert (status, entries["counts"]["waiting"], entries["refused"]) == (200, 2, [])
    status, problem = await _call(house, "PUT", path, json={"settings": {}})
    assert status == 409


async def test_every_step_of_a_campaign_is_on_record(house: House) -> None:
    _, campaign = await _campaign(house)
    path, steps = f"/v1/campaigns/{campaign['campaign_id']}", ["check", "start", "pause", "resume", "stop"]
    assert (await _call(house, "POST", f"{path}/start"))[0] == 409  # nothing happened: nothing to record
    for step in steps:
        assert (await _call(house, "POST", f"{path}/{step}", Role.ADMINISTRATOR))[0] == 200
    entries = [entry for _, entry in reversed(await house.storage.audit.list(f"campaign/{campaign['campaign_id']}"))]
    assert [entry.action for entry in entries] == ["campaign.create", *(f"campaign.{step}" for step in steps)]
    assert [entry.actor.split(" ")[0] for entry in entries] == ["supervisor"] + ["administrator"] * len(steps)


async def test_changed_settings_must_be_checked_again(house: House) -> None:
    _, campaign = await _campaign(house)
    path = f"/v1/campaigns/{campaign['campaign_id']}"
    await _call(house, "POST", f"{path}/check")
    settings = {
        "ring_timeout_s": 40,
        "retries": {"busy": {"delay_s": 600, "max_attempts": 3}},
        "priority": [{"field_name": "amount", "weight": 1}],
        "form": {
            "codes": [{"code": "promise", "label": "承诺还款", "right_party": True}],
            "fields": [{"name": "amount", "kind": "amount", "label": "金额", "required_for": ["promise"]}],
        },
    }
    status, changed = await _call(house, "PUT", path, json={"settings": settings})
    assert (status, changed["state"]) == (200, "draft")
    assert changed["settings"]["ring_timeout_s"] == 40
    assert changed["settings"]["retries"]["busy"]["max_attempts"] == 3
    assert changed["settings"]["form"]["fields"][0]["required_for"] == ["promise"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "", "list_ids": [1]}, "body.name"),
        ({"name": "x", "list_ids": []}, "body.list_ids"),
        ({"name": "x", "list_ids": [1], "settings": {"ring_timeout_s": 5}}, "body.settings.ring_timeout_s"),
        ({"name": "x", "list_ids": [1], "settings": {"abandon_target": 0.2}}, "body.settings.abandon_target"),
        ({"name": "x", "list_ids": [1], "settings": {"caller_ids": ["+12"]}}, "body.settings.caller_ids.0"),
        ({"name": "x", "list_ids": [1], "settings": {"colour": 1}}, "body.settings.colour"),
        ({"name": "x", "list_ids": [1], "settings": {"machine_action": "leave_message"}}, "body.settings"),
    ],
)
async def test_bad_campaigns_name_the_field(house: House, body: dict[str, object], field: str) -> None:
    status, problem = await _call(house, "POST", "/v1/campaigns", json=body)
    assert status == 422
    assert problem["errors"][0]["field"] == field


async def test_a_list_that_does_not_exist(house: House) -> None:
    status, problem = await _call(house, "POST", "/v1/campaigns", json={"name": "x", "list_ids": [77]})
    assert status == 422
    assert "77" in problem["detail"]


async def test_idempotency_key_creates_once(house: House) -> None:
    _, imported = await _import(house, CSV)
    body = {"name": "Autumn", "list_ids": [imported["call_list"]["list_id"]]}
    key = {"Idempotency-Key": "k-1"}
    first = await _call(house, "POST", "/v1/campaigns", json=body, headers=key)
    again = await _call(house, "POST", "/v1/campaigns", json=body, headers=key)
    assert first == again
    status, problem = await _call(house, "POST", "/v1/campaigns", json=body | {"name": "Other"}, headers=key)
    assert status == 409
    assert "new key" in problem["detail"]
    _, page = await _call(house, "GET", "/v1/campaigns")
    assert len(page["items"]) == 1


async def test_a_failed_request_frees_its_idempotency_key(house: House) -> None:
    key = {"Idempotency-Key": "k-2"}
    status, _ = await _call(house, "POST", "/v1/campaigns", json={"name": "x", "list_ids": [77]}, headers=key)
    assert status == 422
    _, imported = await _import(house, CSV)
    body = {"name": "x", "list_ids": [imported["call_list"]["list_id"]]}
    status, _ = await _call(house, "POST", "/v1/campaigns", json=body, headers=key)
    assert status == 201
