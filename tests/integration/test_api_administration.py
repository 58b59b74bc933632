"""What administrators do and see: accounts, who is logged in, the audit log, the rules in words, the house."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.model.account import AuditEntry, Role
from tests.support.house import House, open_house
from tests.support.set_clock import SetClock
from tests.support.storage import MINUTE, MONDAY

ADMINISTRATOR, AUDITOR = Role.ADMINISTRATOR, Role.AUDITOR
PASSWORD = "correct horse battery"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, clock=SetClock(MONDAY)) as opened:
        yield opened


async def ask(
    house: House,
    method: str,
    path: str,
    body: Any = None,
    role: Role = ADMINISTRATOR,
    query: Mapping[str, str] = {},
) -> tuple[int, Any]:
    async with house.api.request(method, path, json=body, params=query, headers=house.auth(role)) as answer:
        said = await answer.json() if answer.content_type.endswith("json") else await answer.text()
        return answer.status, said


async def add(house: House, login: str, role: Role = Role.COLLECTOR, **more: Any) -> int:
    body = {"login": login, "name": "王", "role": role.value, "password": PASSWORD, **more}
    status, said = await ask(house, "POST", "/v1/users", body)
    assert status == 201, said
    return int(said["account_id"])


async def log_in(house: House, login: str) -> str:
    """The csrf value of a new session; its cookie is the client's from now on."""
    async with house.api.post("/v1/session", json={"login": login, "password": PASSWORD}) as answer:
        assert answer.status == 200
        return str((await answer.json())["csrf"])


# ---- accounts


async def test_an_account_changes_in_everything_but_its_log_in(house: House) -> None:
    account_id = await add(house, "li")
    token = {"name": "robot", "account_id": account_id}
    _, made = await ask(house, "POST", "/v1/tokens", token)
    phone = {"sip_user": "1001", "sip_password": "a phone of its own"}
    change = {"name": "李娜", "role": "supervisor", "email": "Li.Na@bank.example", **phone}
    status, said = await ask(house, "PATCH", f"/v1/users/{account_id}", change)
    assert status == 200
    assert (said["name"], said["role"], said["email"]) == ("李娜", "supervisor", "li.na@bank.example")
    assert said["sip_user"] == "1001"
    async with house.api.get("/v1/users", headers={"Authorization": f"Bearer {made['token']}"}) as answer:
        assert "the role supervisor" in await answer.text()  # the token follows
    _, said = await ask(house, "PATCH", f"/v1/users/{account_id}", {"sip_user": "", "email": ""})
    assert (said["sip_user"], said["email"]) == ("", "")
    entry = (await house.storage.audit.list(f"account/{account_id}"))[1][1]
    assert (entry.action, entry.detail) == ("account.update", "role supervisor, email, name, sip_password, sip_user")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"sip_user": "1001"}, 422),  # a phone without its password
        ({"sip_password": "a phone of its own"}, 422),
        ({"email": "no address"}, 422),
        ({"email": "wang@bank.example"}, 422),  # somebody else's
        ({"name": "somebody", "sip_user": "1000", "sip_password": "a phone of its own"}, 422),  # that is Wang's
        ({"name": " "}, 422),
        ({}, 200),
    ],
)
async def test_a_change_that_cannot_be_changes_nothing(house: House, change: dict[str, str], status: int) -> None:
    await add(house, "wang", email="wang@bank.example", sip_user="1000", sip_password="a phone of its own")
    account_id = await add(house, "li")
    before = await house.storage.accounts.get(account_id)
    assert (await ask(house, "PATCH", f"/v1/users/{account_id}", change))[0] == status
    assert await house.storage.accounts.get(account_id) == before


async def test_nobody_locks_themselves_out(house: House) -> None:
    account_id = await add(house, "root", ADMINISTRATOR)
    headers = {"X-CSRF-Token": await log_in(house, "root")}
    path = f"/v1/users/{account_id}"
    for change, status in (({"active": False}, 409), ({"role": "qa"}, 409), ({"role": "administrator"}, 200)):
        async with house.api.patch(path, json=change, headers=headers) as answer:
            assert answer.status == status


async def test_an_account_without_a_password_is_opened_by_none(house: House) -> None:
    body = {"login": "li", "name": "李", "role": "qa", "email": "li@bank.example"}
    assert (await ask(house, "POST", "/v1/users", body))[0] == 201
    async with house.api.post("/v1/session", json={"login": "li", "password": "x"}) as answer:
        assert answer.status == 401


# ---- who is logged in


async def test_people_are_logged_out_one_by_one_and_everywhere(house: House) -> None:
    account_id, clock = await add(house, "li"), house.services.clock
    assert isinstance(clock, SetClock)
    for _ in range(3):
        await log_in(house, "li")
        clock.now += MINUTE
    house.api.session.cookie_jar.clear()
    _, said = await ask(house, "GET", "/v1/log_ins", role=AUDITOR)
    newest, *others = said["items"]
    assert (len(others), newest["login"], newest["remote"], newest["log_in"]) == (2, "li", "127.0.0.1", "password")
    path = f"/v1/log_ins/{newest['session_id']}"
    assert [(await ask(house, "DELETE", path))[0] for _ in range(2)] == [204, 404]
    await house.desk.log_in(account_id, ())
    status, said = await ask(house, "POST", f"/v1/users/{account_id}/log_out")
    assert (status, said) == (200, {"sessions": 2, "desk": True})
    _, said = await ask(house, "POST", f"/v1/users/{account_id}/log_out")
    assert said == {"sessions": 0, "desk": False}
    assert (await ask(house, "GET", "/v1/log_ins"))[1]["items"] == []


async def test_whose_account_is_closed_leaves_the_desk(house: House) -> None:
    account_id = await add(house, "li")
    await house.desk.log_in(account_id, ())
    assert (await ask(house, "PATCH", f"/v1/users/{account_id}", {"active": False}))[0] == 200
    assert house.desk.states == {}


async def test_a_session_that_is_over_is_not_listed(house: House) -> None:
    account_id = await add(house, "li")
    await log_in(house, "li")
    house.api.session.cookie_jar.clear()
    query = {"account_id": str(account_id)}
    assert len((await ask(house, "GET", "/v1/log_ins", query=query))[1]["items"]) == 1
    clock = house.services.clock
    assert isinstance(clock, SetClock)
    clock.now += timedelta(hours=1)
    assert (await ask(house, "GET", "/v1/log_ins", query=query))[1]["items"] == []


# ---- the audit log


async def test_two_of_one_name_are_told_apart(house: House) -> None:
    """Whoever makes a token may call it like anybody: the log says whose it is, when it is made and when it is used."""
    auditors = [await add(house, login, AUDITOR) for login in ("li", "wang")]
    for account_id in auditors:
        token = {"name": "王", "account_id": account_id}
        _, made = await ask(house, "POST", "/v1/tokens", token)
        async with house.api.get("/v1/audit.csv", headers={"Authorization": f"Bearer {made['token']}"}) as answer:
            assert answer.status == 200
    await log_in(house, "wang")
    _, said = await ask(house, "GET", "/v1/audit", query={"actor": f"account/{auditors[1]}"})
    assert [(item["entry"]["actor"], item["entry"]["action"]) for item in said["items"]] == [
        ("王 (auditor, account/2)", "session.open"),
        ("王 (auditor, account/2, token/8)", "audit.export"),
    ]
    _, said = await ask(house, "GET", "/v1/audit", query={"actor": "token/7"})
    assert [item["entry"]["actor"] for item in said["items"]] == ["王 (auditor, account/1, token/7)"]
    made_by = [entry.detail for _, entry in await house.storage.audit.list() if entry.action == "token.create"]
    assert made_by == ["role auditor of account/2", "role auditor of account/1"]


async def fill(house: House) -> None:
    """Entries of two people, a minute apart; the third is late: written down an hour after it was."""
    for n, (actor, action) in enumerate([("A (qa)", "x.read"), ("B (qa)", "x.read"), ("A (qa)", "x.change")] * 3):
        at = MONDAY + (n - (60 if n == 2 else 0)) * MINUTE
        await house.storage.audit.record(AuditEntry(at, actor, action, f"thing/{n}", "=1+1", "10.0.0.1"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [8, 7, 6, 5, 4, 3, 1, 0, 2]),  # by the time of what was done
        ({"actor": "A (qa)"}, [8, 6, 5, 3, 0, 2]),
        ({"action": "x.change"}, [8, 5, 2]),
        ({"actor": "A (qa)", "action": "x.change"}, [8, 5, 2]),
        ({"subject": "thing/4"}, [4]),
        ({"since": "2026-11-23T02:03:00Z", "until": "2026-11-23T10:06:00+08:00"}, [5, 4, 3]),
        ({"action": "x"}, []),
    ],
)
async def test_the_audit_log_is_searched_page_by_page(house: House, query: dict[str, str], found: list[int]) -> None:
    await fill(house)
    listed: list[int] = []
    cursor = ""
    while True:
        page = {**query, "limit": "2", **({"cursor": cursor} if cursor else {})}
        _, said = await ask(house, "GET", "/v1/audit", role=AUDITOR, query=page)
        listed += [int(item["entry"]["subject"].removeprefix("thing/")) for item in said["items"]]
        cursor = str(said["next"] or "")
        if not cursor:
            break
    assert listed == found


async def test_what_can_be_searched_for_and_taken_along(house: House) -> None:
    await fill(house)
    assert (await ask(house, "GET", "/v1/audit/actions"))[1] == {"items": ["x.change", "x.read"]}
    status, text = await ask(house, "GET", "/v1/audit.csv", role=AUDITOR, query={"action": "x.change"})
    lines = text.splitlines()
    assert (status, len(lines)) == (200, 4)
    assert lines[1].split(",", 1)[1] == "2026-11-23T02:08:00+00:00,A (qa),x.change,thing/8,'=1+1,10.0.0.1"
    assert (await house.storage.audit.list("audit"))[0][1].detail == "3 lines"
    assert (await ask(house, "GET", "/v1/audit", query={"since": "2026-11-23T02:03:00"}))[0] == 422
    assert (await ask(house, "GET", "/v1/audit", role=Role.SUPERVISOR))[0] == 403


# ---- rules and house


async def test_every_rule_is_told_in_both_languages(house: House) -> None:
    _, said = await ask(house, "GET", "/v1/policy/rules", role=Role.SUPERVISOR)
    told = {rule["rule_id"]: rule for rule in said["items"]}
    window = told["cn.window"]
    assert "09:00" in window["en"]
    assert "09:00" in window["zh"]
    assert all(rule["en"] and rule["zh"] and rule["title_zh"] and rule["source"] for rule in told.values())
    assert (window["pack"], window["in_force"]) == ("cn-bank-card", True)


async def test_the_house_is_shown_without_its_secrets(house: House) -> None:
    status, said = await ask(house, "GET", "/v1/house", role=AUDITOR)
    assert status == 200
    assert (said["zone"], said["oidc"], said["shared_database"]) == ("Asia/Shanghai", None, False)
    (terms,) = said["retention"]
    assert terms["en"].startswith("kept for at least")
    assert terms["zh"].startswith("依法至少保存")
    (node,) = said["nodes"]
    assert (node["name"], node["this"], node["problem"]) == ("node1", True, "")
    assert "key" not in str(said).replace("'key_id'", "")
    assert (await ask(house, "GET", "/v1/house", role=Role.SUPERVISOR))[0] == 403
