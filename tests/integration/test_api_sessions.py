"""Logging in: the cookie, what a page must send along, and when a session is over."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.api import sockets
from dialer.api.limits import FAILURES_ALLOWED
from dialer.config import HttpConfig
from dialer.model.account import Role
from tests.support.house import House, open_house
from tests.support.set_clock import SetClock
from tests.support.storage import MONDAY

PASSWORD = "correct horse battery"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, clock=SetClock(MONDAY)) as opened:
        await add(opened, "wang", Role.QA)
        yield opened


async def add(house: House, login: str, role: Role) -> int:
    body = {"login": login, "name": "Wang", "role": role.value, "password": PASSWORD}
    async with house.api.post("/v1/users", json=body, headers=house.auth(Role.ADMINISTRATOR)) as answer:
        assert answer.status == 201
        return int((await answer.json())["account_id"])


async def log_in(house: House, password: str = PASSWORD, login: str = "wang") -> tuple[int, dict[str, Any]]:
    async with house.api.post("/v1/session", json={"login": login, "password": password}) as answer:
        return answer.status, await answer.json()


async def ask(
    house: House, method: str, path: str, csrf: str = "", body: Any = None, headers: Mapping[str, str] = {}
) -> int:
    headers = {"X-CSRF-Token": csrf, **headers} if csrf else headers
    async with house.api.request(method, path, headers=headers, json=body) as answer:
        return answer.status


async def test_a_collector_who_logs_out_leaves_the_desk(house: House) -> None:
    """On a telephone the leg would stay up, and people be put through to an empty chair."""
    agent_id = await add(house, "li", Role.COLLECTOR)
    _, said = await log_in(house, login="li")
    assert await ask(house, "POST", f"/v1/agents/{agent_id}/log-in", said["csrf"], {"campaign_ids": [1]}) == 200
    assert agent_id in house.desk.states
    assert await ask(house, "DELETE", "/v1/session", said["csrf"]) == 204
    assert agent_id not in house.desk.states
    _, said = await log_in(house, login="li")
    assert await ask(house, "DELETE", "/v1/session", said["csrf"]) == 204, "without a shift it is a log-out, too"


async def test_a_page_works_with_its_cookie_and_its_csrf_value(house: House) -> None:
    async with house.api.post("/v1/session", json={"login": "wang", "password": PASSWORD}) as answer:
        said, cookie = await answer.json(), answer.cookies["dialer"]
    assert (said["role"], said["name"]) == ("qa", "Wang")
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert cookie.value not in str(said)
    assert await ask(house, "GET", "/v1/campaigns") == 200
    assert await ask(house, "GET", "/v1/users") == 403
    body = {"campaign_id": 1, "seed": "x"}
    assert await ask(house, "POST", "/v1/verdicts/draw", body=body) == 403
    assert await ask(house, "POST", "/v1/verdicts/draw", "another's", body) == 403
    assert await ask(house, "POST", "/v1/verdicts/draw", said["csrf"], body) != 403
    async with house.api.get("/v1/session") as answer:
        assert (await answer.json())["csrf"] == said["csrf"]
    assert await ask(house, "DELETE", "/v1/session", said["csrf"]) == 204
    assert await ask(house, "GET", "/v1/campaigns") == 401


async def test_an_idempotency_key_is_one_persons(house: House) -> None:
    await add(house, "zhao", Role.SUPERVISOR)
    await add(house, "qian", Role.SUPERVISOR)
    placed = []
    for login, times in (("zhao", 2), ("qian", 1)):
        _, said = await log_in(house, login=login)
        headers = {"X-CSRF-Token": said["csrf"], "Idempotency-Key": "1"}
        for _ in range(times):
            asked = {"scope": "case", "ref": "C-1", "reason": "court file 4"}
            async with house.api.post("/v1/holds", json=asked, headers=headers) as answer:
                assert answer.status == 201
                placed.append((await answer.json())["hold_id"])
    assert placed == [1, 1, 2]


async def test_a_live_socket_takes_the_session(house: House) -> None:
    _, said = await log_in(house)
    house.live.publish("campaign/1", {"name": "Autumn"})
    async with house.api.ws_connect("/v1/live") as socket:
        await socket.send_json({"csrf": said["csrf"]})
        assert await socket.receive_json(timeout=30) == {"campaign/1": {"name": "Autumn"}}
    async with house.api.ws_connect("/v1/live") as socket:
        await socket.send_json({"csrf": "another's"})
        assert (await socket.receive(timeout=30)).data == 1008


@pytest.mark.parametrize("is_closed", [True, False])
async def test_a_watcher_whose_account_was_closed_or_changed_is_sent_away(
    house: House, monkeypatch: pytest.MonkeyPatch, is_closed: bool
) -> None:
    monkeypatch.setattr(sockets, "CHECK_EVERY_S", 0.05)
    account_id = await add(house, "zhao", Role.SUPERVISOR)
    _, said = await log_in(house, login="zhao")
    house.live.publish("campaign/1", {"name": "Autumn"})
    async with house.api.ws_connect("/v1/live") as socket:
        await socket.send_json({"csrf": said["csrf"]})
        await socket.receive_json(timeout=30)
        if is_closed:
            await house.storage.accounts.set_active(account_id, False, MONDAY)
        else:  # a collector may watch, too, but not everything
            await house.storage.accounts.set_person(account_id, MONDAY, role=Role.COLLECTOR)
        assert (await socket.receive(timeout=30)).data == 1008


@pytest.mark.parametrize(
    ("step", "times", "status"),
    [
        (timedelta(minutes=29), 3, 200),
        (timedelta(minutes=31), 1, 401),  # unused
        (timedelta(minutes=25), 29, 401),  # used all the time, but for over twelve hours
    ],
)
async def test_a_session_ends_by_itself(house: House, step: timedelta, times: int, status: int) -> None:
    await log_in(house)
    clock = house.services.clock
    assert isinstance(clock, SetClock)
    for _ in range(times):
        clock.now += step
        last = await ask(house, "GET", "/v1/campaigns")
    assert last == status


async def test_a_page_left_alone_lets_its_session_end(house: House) -> None:
    """Its timers and sockets ask all the time, and come back."""
    _, said = await log_in(house)
    clock = house.services.clock
    assert isinstance(clock, SetClock)
    house.live.publish("campaign/1", {"name": "Autumn"})
    alone = {"X-Unattended": "1"}
    for _ in range(3):
        clock.now += timedelta(minutes=9)
        assert await ask(house, "GET", "/v1/campaigns", headers=alone) == 200
        async with house.api.ws_connect("/v1/live") as socket:
            await socket.send_json({"csrf": said["csrf"]})
            await socket.receive_json(timeout=30)
    clock.now += timedelta(minutes=4)
    assert await ask(house, "GET", "/v1/campaigns", headers=alone) == 401


async def test_guesses_are_slowed_down_and_tell_nothing(house: House) -> None:
    wrong = await log_in(house, "not the password")
    unknown = await log_in(house, login="nobody")
    assert wrong == unknown
    assert wrong[0] == 401
    refused = [entry for _, entry in await house.storage.audit.list() if entry.action == "session.refused"]
    (account,) = [account for account in await house.storage.accounts.all() if account.login == "wang"]
    assert [entry.subject for entry in refused] == ["account/unknown", f"account/{account.account_id}"]
    assert {(entry.actor, entry.remote) for entry in refused} == {("nobody", "127.0.0.1")}
    for _ in range(FAILURES_ALLOWED - 2):
        assert (await log_in(house, "not the password"))[0] == 401
    assert (await log_in(house))[0] == 429


async def test_guesses_sent_at_once_are_slowed_down_too(house: House) -> None:
    at_once = [log_in(house, "not the password") for _ in range(FAILURES_ALLOWED + 5)]
    statuses = [status for status, _ in await asyncio.gather(*at_once)]
    assert statuses.count(401) == FAILURES_ALLOWED
    assert set(statuses) == {401, 429}


async def test_a_page_left_open_locks_nobody_out(house: House) -> None:
    """Behind a proxy a whole house has one address."""
    _, said = await log_in(house)
    assert await ask(house, "DELETE", "/v1/session", said["csrf"]) == 204
    wrong = {"Cookie": "dialer=a-session-that-is-over"}
    for headers in (wrong, {}):  # its cookie, or none any more
        for _ in range(FAILURES_ALLOWED + 2):
            assert await ask(house, "GET", "/v1/campaigns", headers=headers) == 401
    async with house.api.get("/v1/campaigns", headers=house.auth(Role.QA)) as answer:
        assert answer.status == 200
    assert (await log_in(house))[0] == 200
    assert await ask(house, "GET", "/v1/campaigns") == 200


async def test_behind_a_trusted_proxy_each_client_is_counted_by_itself(tmp_path: Path) -> None:
    (tmp_path / "proxied").mkdir()
    async with open_house(tmp_path / "proxied", http=HttpConfig(trusted_proxies=("127.0.0.1",))) as house:
        await add(house, "wang", Role.QA)

        async def guess(client: str, login: str, password: str = "wrong") -> tuple[int, str]:
            headers = {"X-Forwarded-For": client, "X-Forwarded-Proto": "https"}
            body = {"login": login, "password": password}
            async with house.api.post("/v1/session", json=body, headers=headers) as answer:
                return answer.status, answer.headers.get("Set-Cookie", "")

        guesses = [(await guess("203.0.113.9", f"login-{n}"))[0] for n in range(FAILURES_ALLOWED + 1)]
        assert guesses == [401] * FAILURES_ALLOWED + [429]
        status, cookie = await guess("203.0.113.10", "wang", PASSWORD)
        assert (status, cookie.startswith("__Host-dialer=")) == (200, True)
        assert "Secure" in cookie
        last = (await house.storage.audit.list("account/1"))[0][1]
        assert last.remote == "203.0.113.10"
        house.live.publish("campaign/1", {"name": "Autumn"})
        forwarded = {"X-Forwarded-For": "203.0.113.10"}
        async with house.api.ws_connect("/v1/live", headers=forwarded) as socket:  # a socket comes through, too
            await socket.send_json({"token": house.tokens[Role.SUPERVISOR]})
            assert (await socket.receive_json(timeout=30))["campaign/1"] == {"name": "Autumn"}


async def test_a_changed_password_ends_every_session(house: House) -> None:
    _, said = await log_in(house)
    path, new = "/v1/session/password", "another horse battery"
    assert await ask(house, "POST", path, said["csrf"], {"old": "wrong", "new": new}) == 422
    assert await ask(house, "POST", path, said["csrf"], {"old": PASSWORD, "new": new}) == 204
    assert await ask(house, "GET", "/v1/session") == 401
    assert (await log_in(house))[0] == 401
    assert (await log_in(house, new))[0] == 200


async def test_a_closed_account_is_out_at_once(house: House) -> None:
    account_id = await add(house, "zhao", Role.SUPERVISOR)
    await log_in(house, login="zhao")
    async with house.api.patch(
        f"/v1/users/{account_id}", json={"active": False}, headers=house.auth(Role.ADMINISTRATOR)
    ) as answer:
        assert answer.status == 200
    assert await ask(house, "GET", "/v1/session") == 401
    assert (await log_in(house, login="zhao"))[0] == 401


async def test_a_token_is_no_session(house: House) -> None:
    for method in ("GET", "DELETE"):
        async with house.api.request(method, "/v1/session", headers=house.auth(Role.QA)) as answer:
            assert answer.status == 409
