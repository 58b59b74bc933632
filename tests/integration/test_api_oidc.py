"""Logging in by an OpenID provider: with real keys and codes, and everything that must not get anybody in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession
from joserfc.jwk import ECKey, RSAKey

from dialer.api import oidc
from dialer.model.account import Account, NewAccount, Role
from tests.support.house import House, open_house
from tests.support.oidc_provider import Provider, open_provider
from tests.support.set_clock import SetClock
from tests.support.storage import MONDAY

GROUPS = {"dialer-admins": "administrator", "dialer-floor": "collector"}
BY_EMAIL = {"match": "email"}
KNOWN = {"sub": "s-1", "email": "Wang@bank.example", "email_verified": True}


@dataclass
class Scene:
    """A house and its provider; `browser` goes the way of a person in front of one."""

    house: House
    provider: Provider
    clock: SetClock

    async def begin(self) -> str:
        """Where our page sends the browser."""
        async with self.house.api.get("/v1/session/oidc", allow_redirects=False) as answer:
            assert answer.status == 303
            return answer.headers["Location"]

    async def consent(self, page: str) -> str:
        """Where the provider sends it back to: path and query."""
        async with ClientSession() as browser, browser.get(page, allow_redirects=False) as answer:
            back = urlsplit(answer.headers["Location"])
            return f"{back.path}?{back.query}"

    async def come_back(self, answer_path: str) -> str:
        async with self.house.api.get(answer_path, allow_redirects=False) as answer:
            assert answer.status == 303, await answer.text()
            return answer.headers["Location"]

    async def log_in(self) -> str:
        """The whole way; where it ends: `/`, or the log-in page with the reason."""
        return await self.come_back(await self.consent(await self.begin()))

    async def who(self) -> dict[str, Any] | None:
        async with self.house.api.get("/v1/session") as answer:
            said: dict[str, Any] = await answer.json()
            return said if answer.status == 200 else None

    async def add(self, login: str, role: Role, email: str = "") -> Account:
        return await self.house.storage.accounts.create(NewAccount(login, "王", role, "", email=email), MONDAY)


@asynccontextmanager
async def scene_with(folder: Path, **config: Any) -> AsyncIterator[Scene]:
    clock = SetClock(MONDAY)
    async with (
        open_provider(clock) as provider,
        open_house(folder, clock=clock, oidc=provider.config(**config)) as house,
    ):
        yield Scene(house, provider, clock)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene_with(tmp_path, **BY_EMAIL) as opened:
        await opened.add("wang", Role.QA, "wang@bank.example")
        opened.provider.person = dict(KNOWN)
        yield opened


def refused(location: str) -> str:
    """The reason the log-in page is given."""
    parts = urlsplit(location)
    assert parts.path == "/login"
    return parse_qs(parts.query)["oidc"][0]


async def test_somebody_found_once_is_known_by_subject_ever_after(scene: Scene) -> None:
    assert await scene.log_in() == "/"
    said = await scene.who()
    assert said is not None
    assert (said["login"], said["role"], said["log_in"]) == ("wang", "qa", "oidc")
    scene.provider.person = {"sub": "s-1", "email": "another@bank.example", "email_verified": False}
    assert await scene.log_in() == "/"
    scene.provider.person = {**KNOWN, "sub": "s-2"}  # the address was given to somebody else there
    assert refused(await scene.log_in()) == "no_account"
    actions = [(entry.actor, entry.action) for _, entry in await scene.house.storage.audit.list()]
    assert actions[::-1] == [
        ("OpenID provider", "account.link"),
        ("王 (qa, account/1)", "session.open"),
        ("王 (qa, account/1)", "session.open"),
        ("nobody", "session.refused"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "another's"},
        {"nonce": None},
        {"aud": "another client"},
        {"aud": ["dialer", "another client"]},  # and nobody says to whom it was given
        {"azp": "another client"},
        {"iss": "https://another.example"},
        {"iss": None},
        {"exp": 0},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": 0},
        {"iat": 4_000_000_000},  # in a hundred years
        {"sub": None},
        {"sub": "s" * 256},
        {"sub": ""},
    ],
    ids=str,
)
async def test_a_token_that_does_not_fit_gets_nobody_in(scene: Scene, wrong: dict[str, Any]) -> None:
    scene.provider.wrong = wrong
    assert refused(await scene.log_in()) == "invalid"
    assert await scene.who() is None


async def test_a_token_signed_with_another_key_gets_nobody_in(scene: Scene) -> None:
    kid = scene.provider.key.kid or ""
    scene.provider.key = RSAKey.generate_key(2048, {"kid": kid})
    assert refused(await scene.log_in()) == "invalid"
    scene.provider.key = ECKey.generate_key("P-256", {"kid": kid})
    assert refused(await scene.log_in()) == "invalid"


async def test_new_keys_are_asked_for_when_a_token_names_them(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await scene.log_in() == "/"
    scene.provider.rotate(ECKey.generate_key("P-256", {"kid": "second", "use": "sig"}))
    assert refused(await scene.log_in()) == "invalid"  # asked a moment ago: nobody makes us ask all the time
    assert scene.provider.asked_for_keys == 1
    monkeypatch.setattr(oidc, "NEW_KEYS_AFTER_S", 0.0)
    assert await scene.log_in() == "/"
    assert scene.provider.asked_for_keys == 2


async def test_an_answer_counts_once_and_for_the_browser_that_asked(scene: Scene) -> None:
    answer = await scene.consent(await scene.begin())
    cookie = scene.house.api.session.cookie_jar.filter_cookies(scene.house.api.make_url("/"))["dialer-oidc"].value
    assert await scene.come_back(answer) == "/"
    again = {"Cookie": f"dialer-oidc={cookie}"}
    async with scene.house.api.get(answer, headers=again, allow_redirects=False) as response:
        assert refused(response.headers["Location"]) == "stale"
    assert refused(await scene.come_back(answer)) == "stale"  # its cookie is gone
    mine, anothers = await scene.begin(), await scene.consent(await scene.begin())
    assert mine != anothers
    forged = anothers.replace("state=", "state=x")
    assert refused(await scene.come_back(forged)) == "stale"


@pytest.mark.parametrize("cookie", ["", "no base64!", "AAAA", "Ã¼"])
async def test_without_its_own_cookie_a_browser_began_nothing(scene: Scene, cookie: str) -> None:
    answer = await scene.consent(await scene.begin())
    scene.house.api.session.cookie_jar.clear()
    async with scene.house.api.get(answer, headers={"Cookie": f"dialer-oidc={cookie}"}, allow_redirects=False) as got:
        assert refused(got.headers["Location"]) == "stale"


async def test_an_answer_that_took_too_long_is_stale(scene: Scene) -> None:
    answer = await scene.consent(await scene.begin())
    scene.clock.now += timedelta(minutes=11)
    assert refused(await scene.come_back(answer)) == "stale"


async def test_a_code_of_another_log_in_is_refused_by_the_provider(scene: Scene) -> None:
    """PKCE: who steals a code has not its verifier."""
    stolen = parse_qs(urlsplit(await scene.consent(await scene.begin())).query)["code"][0]
    state = parse_qs(urlsplit(await scene.begin()).query)["state"][0]
    path = f"/v1/session/oidc/callback?state={state}&code={stolen}"
    assert refused(await scene.come_back(path)) == "invalid"


async def test_an_answer_of_another_provider_is_refused(scene: Scene) -> None:
    answer = await scene.consent(await scene.begin())
    assert refused(await scene.come_back(answer.replace("realm", "other"))) == "invalid"


async def test_a_provider_that_says_no_or_nothing(scene: Scene) -> None:
    state = parse_qs(urlsplit(await scene.begin()).query)["state"][0]
    path = f"/v1/session/oidc/callback?state={state}&error=access_denied&error_description=%3Cscript%3E"
    assert refused(await scene.come_back(path)) == "denied"
    scene.provider.is_away = True
    async with scene_without_memory(scene) as fresh:
        assert refused(await fresh.begin()) == "unavailable"


@asynccontextmanager
async def scene_without_memory(scene: Scene) -> AsyncIterator[Scene]:
    """The same provider, and a service that does not know its configuration yet."""
    folder = scene.house.services.uploads_dir.parent / "second"
    folder.mkdir()
    async with open_house(folder, clock=scene.clock, oidc=scene.provider.config()) as house:
        yield Scene(house, scene.provider, scene.clock)


async def test_guesses_are_slowed_down(scene: Scene) -> None:
    path = "/v1/session/oidc/callback?state=x&code=y"
    statuses = []
    for _ in range(12):
        async with scene.house.api.get(path, allow_redirects=False) as answer:
            statuses.append(answer.status)
    assert statuses == [303] * 10 + [429] * 2


@pytest.mark.parametrize(
    "person",
    [
        {"sub": "s-9"},
        {**KNOWN, "email_verified": False},
        {**KNOWN, "email_verified": "true"},  # a word is no vouching
        {**KNOWN, "email": "nobody@bank.example"},
        {"sub": "s-9", "preferred_username": "wang"},  # not what is matched by
    ],
)
async def test_who_has_no_account_is_not_let_in(scene: Scene, person: dict[str, Any]) -> None:
    scene.provider.person = person
    assert refused(await scene.log_in()) == "no_account"
    assert len(await scene.house.storage.accounts.all()) == 1


async def test_a_closed_account_stays_closed(scene: Scene) -> None:
    account = await scene.house.storage.accounts.by_login("wang")
    assert account is not None
    await scene.house.storage.accounts.set_active(account.account_id, False, MONDAY)
    assert refused(await scene.log_in()) == "closed"


async def test_roles_come_from_groups_and_follow_them(tmp_path: Path) -> None:
    more = {"match": "preferred_username", "roles": GROUPS, "roles_claim": "realm_access.roles"}
    async with scene_with(tmp_path, **more) as scene:
        account = await scene.add("li.na", Role.COLLECTOR)
        for groups, role in (
            (["x", "dialer-floor"], "collector"),
            (["dialer-floor", "dialer-admins"], "administrator"),
        ):
            scene.provider.person = {"sub": "7", "preferred_username": "li.na", "realm_access": {"roles": groups}}
            assert await scene.log_in() == "/"
            said = await scene.who()
            assert said is not None
            assert (said["account_id"], said["role"]) == (account.account_id, role)
        scene.provider.person["realm_access"] = {"roles": ["x"]}
        assert refused(await scene.log_in()) == "no_role"


async def test_accounts_are_made_only_where_that_is_configured(tmp_path: Path) -> None:
    async with scene_with(tmp_path, roles=GROUPS, create_accounts=True) as scene:
        scene.provider.person = {"sub": "7", "preferred_username": "li.na", "name": "李娜", "groups": "dialer-floor"}
        assert await scene.log_in() == "/"
        (account,) = await scene.house.storage.accounts.all()
        assert (account.login, account.name, account.role) == ("li.na", "李娜", Role.COLLECTOR)
        body = {"login": "li.na", "password": ""}
        for password in ("x", " "):
            async with scene.house.api.post("/v1/session", json={**body, "password": password}) as answer:
                assert answer.status == 401  # no password opens it
        scene.provider.person = {"sub": "8", "preferred_username": "li.na", "groups": ["dialer-floor"]}
        assert refused(await scene.log_in()) == "no_account"  # the log-in is somebody's


async def test_the_page_knows_how_one_can_log_in(scene: Scene, tmp_path: Path) -> None:
    async with scene.house.api.get("/v1/session/options") as answer:
        said = await answer.json()
    assert (said["oidc"], said["languages"], said["language"]) == ("OpenID", ["zh", "en"], "zh")
    async with scene.house.api.get("/v1/session/oidc/log-out", allow_redirects=False) as answer:
        assert answer.headers["Location"].startswith(f"{scene.provider.issuer}/log-out?client_id=dialer")
    (tmp_path / "without").mkdir()
    async with open_house(tmp_path / "without") as house:
        async with house.api.get("/v1/session/options") as answer:
            assert (await answer.json())["oidc"] == ""
        for path in ("", "/callback", "/log-out"):
            async with house.api.get(f"/v1/session/oidc{path}") as answer:
                assert answer.status == 404
