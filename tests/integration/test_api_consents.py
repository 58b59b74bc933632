"""Consents, inconvenient times and case statuses over the API: who may say what, and what stays on record."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.calls.case_view import Shown
from dialer.calls.order import CallOrder
from dialer.model.account import Role
from dialer.model.contact import CaseStatus
from dialer.storage.consents import WITHDRAWN
from tests.support.house import House, open_house
from tests.support.storage import contacts, run_campaign

NIGHT = {"person_ref": "P-1", "kind": "night", "given_at": "2026-11-01T10:00:00+08:00", "source": "letter 2026-117"}
LUNCH = {"person_ref": "P-1", "weekdays": ["fri", "mon"], "from": "12:00", "to": "14:00", "reason": "lunch"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


async def ask(house: House, method: str, path: str, role: Role = Role.INTEGRATION, **more: Any) -> tuple[int, Any]:
    headers = house.auth(role) | more.pop("headers", {})
    async with house.api.request(method, path, headers=headers, **more) as answer:
        raw = await answer.read()
        return answer.status, json.loads(raw) if raw else None


async def actions(house: House) -> list[str]:
    return [entry.action for _, entry in await house.storage.audit.list()][::-1]


async def test_a_consent_is_recorded_once_and_withdrawn(house: House) -> None:
    status, added = await ask(house, "POST", "/v1/consents", json=NIGHT)
    assert status == 201
    assert await ask(house, "POST", "/v1/consents", json=NIGHT) == (201, added)
    status, ended = await ask(house, "POST", f"/v1/consents/{added['consent_id']}/withdraw")
    assert (status, ended["withdrawn_by"]) == (200, "integration (integration, token/6)")
    stopped = {"reason": WITHDRAWN, "person_ref": "P-1", "case_ref": None, "number": None}
    assert house.campaigns.stopped == [stopped], "a call that rests on it is not answered any more"
    status, listed = await ask(house, "GET", "/v1/consents?person_ref=P-1", Role.AUDITOR)
    assert (status, listed["items"]) == (200, [ended])
    assert ended["given_at"] == "2026-11-01T02:00:00Z"
    assert await ask(house, "GET", "/v1/consents?person_ref=P-2") == (200, {"items": []})
    status, _ = await ask(house, "POST", "/v1/consents/99/withdraw")
    assert status == 404
    assert await actions(house) == ["consents.record", "consents.record", "consents.withdraw"]


async def test_the_same_key_records_one_consent(house: House) -> None:
    headers = {"Idempotency-Key": "one"}
    first = await ask(house, "POST", "/v1/consents", json=NIGHT, headers=headers)
    assert await ask(house, "POST", "/v1/consents", json=NIGHT, headers=headers) == first
    status, _ = await ask(house, "POST", "/v1/consents", json=NIGHT | {"kind": "agreement"}, headers=headers)
    assert status == 409


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "Night!"},
        {"kind": ""},
        {"source": ""},
        {"given_at": "2026-11-01T10:00:00"},
        {"expires_at": "2026-11-01T10:00:00+08:00"},  # it would never be in force
        {"expires_at": "2026-12-01T10:00:00"},
        {"number": "13800001234"},  # a consent is a person's
    ],
)
async def test_a_consent_that_says_nothing_is_refused(house: House, wrong: dict[str, str]) -> None:
    status, problem = await ask(house, "POST", "/v1/consents", json=NIGHT | wrong)
    assert status == 422
    assert problem["errors"][0]["field"].startswith("body")
    assert await house.storage.consents.of_person("P-1") == ()


async def test_inconvenient_times_and_numbers(house: House) -> None:
    later = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    said = [
        LUNCH,
        {"person_ref": "P-1", "number": "138 0000 1234", "until": later},
        {"person_ref": "P-1", "weekdays": ["sun"]},
        {"person_ref": "P-1", "from": "22:00", "to": "24:00"},
    ]
    added = [await ask(house, "POST", "/v1/inconveniences", json=body) for body in said]
    assert [status for status, _ in added] == [201] * 4
    path = f"/v1/inconveniences/{added[0][1]['inconvenience_id']}"
    assert await ask(house, "DELETE", path) == (204, None)
    assert (await ask(house, "DELETE", path))[0] == 404
    _, listed = await ask(house, "GET", "/v1/inconveniences?person_ref=P-1", Role.AUDITOR)
    shown = [
        tuple(item[name] for name in ("weekdays", "from", "to", "number_masked", "removed_by"))
        for item in listed["items"]
    ]
    assert shown == [
        (["mon", "fri"], "12:00", "14:00", "", "integration (integration, token/6)"),
        ([], None, None, "138****1234", ""),
        (["sun"], "00:00", "24:00", "", ""),
        ([], "22:00", "24:00", "", ""),
    ]
    assert "13800001234" not in json.dumps(listed)
    assert await actions(house) == ["inconveniences.add"] * 4 + ["inconveniences.remove"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"person_ref": None}, "body.person_ref"),
        ({"to": None}, "body"),
        ({"from": "12:00", "to": "12:00"}, "body"),
        ({"from": "24:00", "to": "06:00"}, "body"),
        ({"from": "9:00"}, "body.from"),
        ({"to": "25:00"}, "body.to"),
        ({"weekdays": ["monday"]}, "body.weekdays.0"),
        ({"number": "12x"}, "body.number"),
        ({"number": "13800001234", "phone_id": 1}, "body"),
        ({"phone_id": 99}, "body.phone_id"),
        ({"until": "2020-01-01T00:00:00Z"}, "body.until"),
        ({"until": "2100-01-01T00:00:00"}, "body"),
        ({"weekdays": [], "from": None, "to": None}, "body"),  # that would be do-not-call
    ],
)
async def test_what_cannot_be_inconvenient_is_refused(house: House, wrong: dict[str, Any], field: str) -> None:
    status, problem = await ask(house, "POST", "/v1/inconveniences", json=LUNCH | wrong)
    assert (status, problem["errors"][0]["field"]) == (422, field)
    assert await house.storage.inconveniences.of_person("P-1") == ()


async def test_a_collector_speaks_for_the_person_on_the_screen(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"login": "li", "name": "李娜", "role": "collector", "password": "long enough"}
    _, made = await ask(house, "POST", "/v1/users", Role.ADMINISTRATOR, json=account)
    _, token = await ask(
        house, "POST", "/v1/tokens", Role.ADMINISTRATOR, json={"name": "li", "account_id": made["account_id"]}
    )
    headers = {"Authorization": f"Bearer {token['token']}"}
    weekday = {"weekdays": ["mon"]}
    status, problem = await ask(house, "POST", "/v1/inconveniences", json=weekday, headers=headers)
    assert (status, problem["detail"]) == (409, "there is no case on the screen")
    campaign_id = await run_campaign(house.storage, contacts(2))
    campaign = await house.storage.campaigns.get(campaign_id)
    assert campaign is not None
    candidates = await house.storage.entries.claim(campaign_id, "node1", 2, datetime.now(UTC))
    shown = next(each for each in candidates if each.contact.person_ref == "person-0")
    other = next(each for each in candidates if each.contact.person_ref == "person-1")
    monkeypatch.setattr(house.desk, "case", lambda _: Shown(CallOrder.of_candidate(campaign, shown), version=1))
    own, theirs = shown.phone.phone_id, other.phone.phone_id
    for body, expected in (
        (weekday, 201),
        ({"phone_id": own}, 201),
        ({"phone_id": theirs}, 422),
        (weekday | {"person_ref": "person-0"}, 201),
        (weekday | {"person_ref": "person-1"}, 403),
    ):
        status, _ = await ask(house, "POST", "/v1/inconveniences", json=body, headers=headers)
        assert status == expected, body
    said = await house.storage.inconveniences.of_person("person-0")
    assert [each.number_masked for each in said] == ["", "138****0000", ""]
    assert {each.source for each in said} == {"api: li (collector, account/1, token/7)"}
    assert await house.storage.inconveniences.of_person("person-1") == ()


async def test_a_complaint_stops_the_calls_of_the_whole_person(house: House) -> None:
    await run_campaign(house.storage, contacts(1))
    status, after = await ask(house, "PUT", "/v1/cases/case-0/status", json={"status": "complaint"})
    assert (status, after["entries_changed"]) == (200, 1)
    assert [(stop["case_ref"], stop["person_ref"]) for stop in house.campaigns.stopped] == [
        ("case-0", None),
        (None, "person-0"),
    ]
    (change,) = await house.storage.cases.changes("case-0")
    assert (change.status, change.source) == (CaseStatus.COMPLAINT, "api: integration (integration, token/6)")
    assert await actions(house) == ["cases.status"]
