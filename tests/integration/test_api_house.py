"""The rest of the API over a real database: who may what, attempts, desks, recordings, suppression, outbox, live."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dialer.api.app import SUBJECTS
from dialer.api.limits import FAILURES_ALLOWED
from dialer.api.routes import live
from dialer.clock import SystemClock
from dialer.compliance.packs import load_policy
from dialer.model.account import Role
from tests.support.house import House, open_house
from tests.support.policy import write_lenient_pack
from tests.support.storage import MONDAY, Dialing, contacts, run_campaign

NUMBER = "13800001234"
AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


async def _call(house: House, method: str, path: str, role: Role = Role.ADMINISTRATOR, **more: Any) -> tuple[int, Any]:
    headers = house.auth(role) | more.pop("headers", {})
    async with house.api.request(method, path, headers=headers, **more) as answer:
        raw = await answer.read()
        return answer.status, json.loads(raw) if raw else None


async def _collector(house: House, login: str = "li.na") -> tuple[int, dict[str, str]]:
    """A collector's account and headers with a token of it."""
    account = {"login": login, "name": "李娜", "role": "collector", "password": "long enough"}
    phone = {"sip_user": f"phone-{login}", "sip_password": "also long enough"}
    status, made = await _call(house, "POST", "/v1/users", json=account | phone)
    assert status == 201, made
    _, token = await _call(house, "POST", "/v1/tokens", json={"name": login, "account_id": made["account_id"]})
    return made["account_id"], {"Authorization": f"Bearer {token['token']}"}


async def test_every_route_refuses_other_roles_and_no_token(house: House) -> None:
    for operation in (operation for routes in SUBJECTS for operation in routes.operations):
        path = operation.path
        for name in operation.path_model.model_fields:
            path = path.replace(f"{{{name}}}", "1")
        if operation.roles is None:
            continue
        async with house.api.request(operation.method, path, headers={"X-Forwarded-For": "1"}) as answer:
            assert answer.status == 401, operation.name
        for role in set(Role) - operation.roles:
            async with house.api.request(operation.method, path, headers=house.auth(role)) as answer:
                assert answer.status == 403, (operation.name, role)


async def test_wrong_tokens_are_slowed_down(house: House) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    for _ in range(FAILURES_ALLOWED):
        async with house.api.get("/v1/campaigns", headers=wrong) as answer:
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    async with house.api.get("/v1/campaigns", headers=wrong) as answer:
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) > 0


async def test_revoked_tokens_and_closed_accounts_are_out(house: House) -> None:
    agent_id, headers = await _collector(house)
    async with house.api.get(f"/v1/agents/{agent_id}", headers=headers) as answer:
        assert answer.status == 404  # known, but not logged in
    status, _ = await _call(house, "PATCH", f"/v1/users/{agent_id}", json={"active": False})
    assert status == 200
    async with house.api.get(f"/v1/agents/{agent_id}", headers=headers) as answer:
        assert answer.status == 401
    _, tokens = await _call(house, "GET", "/v1/tokens")
    assert "token-of" not in json.dumps(tokens)
    status, _ = await _call(house, "DELETE", f"/v1/tokens/{tokens['items'][0]['token_id']}")
    assert status == 204


async def test_a_collector_acts_on_the_own_desk_only(house: House) -> None:
    mine, headers = await _collector(house)
    other, _ = await _collector(house, "wang.wei")
    async with house.api.post(f"/v1/agents/{mine}/log-in", headers=headers, json={"campaign_ids": [1]}) as answer:
        assert (answer.status, (await answer.json())["state"]) == (200, "aux")
    async with house.api.post(f"/v1/agents/{mine}/ready", headers=headers) as answer:
        assert (await answer.json())["state"] == "ready"
    async with house.api.post(f"/v1/agents/{other}/ready", headers=headers) as answer:
        assert answer.status == 403
    async with house.api.post(f"/v1/agents/{mine}/hang-up", headers=headers) as answer:
        assert (answer.status, (await answer.json())["detail"]) == (409, "there is no call to hang up")
    _, listed = await _call(house, "GET", "/v1/agents", Role.SUPERVISOR)
    assert {item["login"]: item["state"] for item in listed["items"]} == {"li.na": "ready", "wang.wei": "offline"}
    async with house.api.post(f"/v1/agents/{mine}/log-out", headers=headers) as answer:
        assert (answer.status, await answer.json()) == (200, None)


async def test_a_number_is_listed_by_its_body_and_never_shown(house: House) -> None:
    body = {"number": "138 0000 1234", "reason": "asked for it"}
    status, added = await _call(house, "POST", "/v1/do-not-call", Role.INTEGRATION, json=body)
    assert status == 201
    assert house.campaigns.stopped[0]["number"] == f"+86{NUMBER}"
    subject = f"do_not_call/{added['do_not_call_id']}"
    ((_, noted),) = await house.storage.audit.list(subject)
    assert (noted.action, noted.detail) == ("do_not_call.add", "number 138****1234")
    status, found = await _call(house, "POST", "/v1/do-not-call/check", json={"number": f"+86{NUMBER}"})
    assert found["listed"] is True
    assert NUMBER not in json.dumps(found)
    status, _ = await _call(house, "DELETE", f"/v1/do-not-call/{added['do_not_call_id']}")
    assert status == 204
    _, found = await _call(house, "POST", "/v1/do-not-call/check", json={"number": f"+86{NUMBER}"})
    assert (found["listed"], len(found["items"])) == (False, 1)
    status, problem = await _call(house, "POST", "/v1/do-not-call", json={"number": "12x", "reason": "x"})
    assert (status, problem["errors"][0]["field"]) == (422, "body.number")
    assert "12x" not in json.dumps(problem)


async def test_a_payment_stops_the_calls_of_a_case(house: House) -> None:
    status, after = await _call(house, "PUT", "/v1/cases/C-1/status", Role.INTEGRATION, json={"status": "paid"})
    assert (status, after["status"]) == (200, "paid")
    assert house.campaigns.stopped == [
        {"reason": "the case is paid", "case_ref": "C-1", "person_ref": None, "number": None}
    ]
    await _call(house, "PUT", "/v1/cases/C-1/status", Role.INTEGRATION, json={"status": "open"})
    assert len(house.campaigns.stopped) == 1


async def test_attempts_that_are_not_there(house: House) -> None:
    status, page = await _call(house, "GET", "/v1/attempts?state=unknown&limit=5")
    assert (status, page) == (200, {"items": [], "next": None})
    status, _ = await _call(house, "GET", "/v1/attempts/9")
    assert status == 404
    status, _ = await _call(house, "POST", "/v1/attempts/9/reconcile", json={"disposition": "no_answer"})
    assert status == 404
    status, problem = await _call(house, "POST", "/v1/attempts/9/reconcile", json={"disposition": "unknown"})
    assert (status, problem["errors"][0]["field"]) == (422, "body.disposition")
    status, problem = await _call(house, "GET", "/v1/attempts?since=2026-11-23T09:00:00")
    assert (status, problem["errors"][0]["field"]) == (422, "query.since")
    status, problem = await _call(house, "GET", "/v1/attempts?limit=0&colour=red")
    assert {error["field"] for error in problem["errors"]} == {"query.limit", "query.colour"}


async def test_an_unknown_attempt_is_reconciled_once_and_goes_on_by_its_rule(house: House, tmp_path: Path) -> None:
    now = SystemClock().utcnow()
    policy = await asyncio.to_thread(lambda: load_policy((str(write_lenient_pack(tmp_path)),)))
    dialing = Dialing(house.storage, policy)
    campaign_id = await run_campaign(house.storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id, now=max(now, MONDAY))
    attempt = await dialing.reserve(dialing.reservation(candidate), now)
    await house.storage.attempts.recover("node1", now)
    _, page = await _call(house, "GET", f"/v1/attempts?state=unknown&campaign_id={campaign_id}")
    assert [item["attempt_id"] for item in page["items"]] == [attempt.attempt_id]
    assert page["items"][0]["number_masked"] == "138****0000"
    path = f"/v1/attempts/{attempt.attempt_id}"
    _, shown = await _call(house, "GET", path, Role.AUDITOR)
    assert shown["decision"]["allowed"] is True
    status, after = await _call(house, "POST", f"{path}/reconcile", json={"disposition": "no_answer"})
    assert (status, after["state"], after["disposition"]) == (200, "settled", "no_answer")
    status, problem = await _call(house, "POST", f"{path}/reconcile", json={"disposition": "busy"})
    assert (status, "only an unknown attempt" in problem["detail"]) == (409, True)
    _, entries = await _call(house, "GET", f"/v1/campaigns/{campaign_id}/entries")
    assert (entries["counts"]["waiting"], entries["counts"]["reconcile"]) == (1, 0)
    assert entries["counts"]["callable_now"] == 0, "not dialed again before the rule's pause"
    told = [event.type.value for event in await house.storage.outbox.events()]
    assert told[-2:] == ["dialer.attempt.unknown.v1", "dialer.attempt.settled.v1"]


async def test_outbox_status_and_replay(house: House) -> None:
    await house.storage.outbox.register("webhook:test")
    body = {"number": NUMBER, "reason": "asked"}
    await _call(house, "POST", "/v1/do-not-call", json=body)
    _, status = await _call(house, "GET", "/v1/outbox", Role.INTEGRATION)
    assert status["items"] == [{"destination": "webhook:test", "waiting": 1, "dead_letters": 0, "configured": False}]
    pending = await house.storage.outbox.pending("webhook:test", 10, datetime.now(UTC))
    await house.storage.outbox.failed("webhook:test", pending[0].event.sequence, "HTTP 410", None, AT)
    _, status = await _call(house, "GET", "/v1/outbox", Role.INTEGRATION)
    assert status["items"] == [{"destination": "webhook:test", "waiting": 0, "dead_letters": 1, "configured": False}]
    async with house.api.get("/metrics", headers=house.auth(Role.ADMINISTRATOR)) as answer:
        text = await answer.text()
    assert 'dialer_outbox_dead_letters{destination="webhook:test"} 1.0' in text
    assert "dialer_outbox_waiting{" not in text, "what no longer waits is not counted any more"
    code, letters = await _call(house, "GET", "/v1/outbox/webhook:test/dead-letters")
    assert (code, [letter["error"] for letter in letters["items"]]) == (200, ["HTTP 410"])
    await house.storage.outbox.register("webhook:test", "webhook:other")
    code, _ = await _call(house, "GET", "/v1/outbox/nobody/dead-letters")
    assert code == 404
    await house.storage.outbox.replay("webhook:other", 1, AT)
    code, replayed = await _call(house, "POST", "/v1/outbox/webhook:other/replay", json={"from_sequence": 1})
    assert (code, replayed["events"]) == (200, 1)
    assert len(house.wakes) == 2


async def test_live_frames_for_a_supervisor_and_a_collector(house: House) -> None:
    agent_id, headers = await _collector(house)
    house.live.publish(f"agent/{agent_id}", {"state": "ready"})
    house.live.publish("campaign/1", {"name": "Autumn", "dialing": 3})
    async with house.api.ws_connect("/v1/live") as socket:
        await socket.send_json({"token": house.tokens[Role.SUPERVISOR]})
        assert await socket.receive_json(timeout=10) == {
            f"agent/{agent_id}": {"state": "ready"},
            "campaign/1": {"name": "Autumn", "dialing": 3},
        }
        house.live.publish("campaign/1", None)
        assert await socket.receive_json(timeout=10) == {"campaign/1": None}
    async with house.api.ws_connect("/v1/live") as socket:
        await socket.send_json({"token": headers["Authorization"].removeprefix("Bearer ")})
        assert await socket.receive_json(timeout=10) == {f"agent/{agent_id}": {"state": "ready"}}


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.COLLECTOR])
async def test_live_says_now_and_then_that_there_is_no_news(
    house: House, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    """Waiting for news is broken off each time, and none is lost."""
    monkeypatch.setattr(live, "QUIET_S", 0.4)
    agent_id, headers = await _collector(house)
    token = headers["Authorization"].removeprefix("Bearer ") if role is Role.COLLECTOR else house.tokens[role]
    async with house.api.ws_connect("/v1/live") as socket:
        await socket.send_json({"token": token})
        for state in ("ready", "talking"):
            assert await socket.receive_json(timeout=10) == {}
            house.live.publish(f"agent/{agent_id}", {"state": state})
            while not (frame := await socket.receive_json(timeout=10)):
                pass
            assert frame == {f"agent/{agent_id}": {"state": state}}


@pytest.mark.parametrize("hello", ['{"token": "wrong"}', "no json", '{"password": 1}'])
async def test_live_refuses_wrong_hellos(house: House, hello: str) -> None:
    async with house.api.ws_connect("/v1/live") as socket:
        await socket.send_str(hello)
        message = await socket.receive(timeout=10)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)


async def test_metrics_health_and_trunks(house: House) -> None:
    house.live.publish("campaign/1", {"name": "Autumn", "dialing": 3, "is_running": True})
    async with house.api.get("/healthz") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok"})
    async with house.api.get("/metrics", headers=house.auth(Role.ADMINISTRATOR)) as answer:
        assert 'dialer_campaign_dialing{id="1"} 3.0' in await answer.text()
    _, trunks = await _call(house, "GET", "/v1/trunks")
    assert [item["name"] for item in trunks["items"]] == ["main"]


async def test_the_page_loads_nothing_from_elsewhere(house: House) -> None:
    """Scripts and styles are our own files, and each answer has a nonce of its own."""
    policies = []
    for path in ("/", "/login", "/qa/recordings/7"):
        async with house.api.get(path) as answer:
            text = await answer.text()
            policies.append(answer.headers["Content-Security-Policy"])
        assert answer.status == 200
        assert "http" not in text
    assert len(set(policies)) == len(policies)
    assert all("default-src 'none'; script-src 'self';" in policy for policy in policies)
    files = re.findall(r'(?:src|href)="(/[^"]+)"', text)
    assert any(name.startswith("/assets/") for name in files)
    for name in files:
        async with house.api.get(name) as answer:
            assert answer.status == 200
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"].startswith("public" if name.startswith("/assets/") else "no-cache")


async def test_odd_requests_are_problems(house: House) -> None:
    for method, path, status in (("GET", "/nothing", 404), ("DELETE", "/healthz", 405)):
        async with house.api.request(method, path) as answer:
            assert (answer.status, answer.content_type) == (status, "application/problem+json")
    status, _ = await _call(house, "POST", "/v1/tokens", data=b"{", headers={"Content-Type": "application/json"})
    assert status == 422
    status, _ = await _call(house, "POST", "/v1/tokens", data=b"{}", headers={"Content-Type": "text/plain"})
    assert status == 415
    big = io.BytesIO(b" " * (2 << 20))
    status, _ = await _call(house, "POST", "/v1/tokens", data=big, headers={"Content-Type": "application/json"})
    assert status == 413
    status, problem = await _call(house, "POST", "/v1/tokens", json={"name": "x"})
    assert "account_id or role" in problem["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("GET", f"/v1/attempts/{2**63}", None, "path.attempt_id"),
        ("GET", f"/v1/attempts?cursor={2**63}", None, "query.cursor"),
        ("POST", "/v1/campaigns", {"name": "x", "list_ids": [2**80]}, "body.list_ids.0"),
        (
            "POST",
            "/v1/tokens",
            {"name": "x", "role": "qa", "expires_at": "0001-01-01T00:00:00+14:00"},
            "body.expires_at",
        ),
        ("PUT", "/v1/cases/C%00/status", {"status": "paid"}, "path.case_ref"),
        ("POST", "/v1/do-not-call", {"person_ref": "P\0", "reason": "x"}, "body"),
    ],
)
async def test_what_no_database_holds_is_refused(
    house: House, method: str, path: str, body: object, field: str
) -> None:
    """Ids beyond 64 bits, instants that UTC has no day for, and NULs were faults of the database before."""
    status, problem = await _call(house, method, path, json=body)
    assert (status, problem["errors"][0]["field"]) == (422, field)


async def test_a_fault_of_ours_is_logged_and_not_shown(house: House, caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise RuntimeError("secret detail")

    house.storage.lists.all = broken  # type: ignore[method-assign,assignment]
    status, problem = await _call(house, "GET", "/v1/lists")
    assert (status, problem["detail"]) == (500, "a fault on our side; it is in the log")
    assert "secret detail" in caplog.text
