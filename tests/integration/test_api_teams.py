"""Who moves whom between teams: whom one may listen in on follows from it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from dialer.api.security import hash_token
from dialer.model.account import Role
from tests.support.house import House, open_house
from tests.support.quality import person
from tests.support.storage import MONDAY

PEOPLE = {
    "north": Role.SUPERVISOR,
    "other": Role.SUPERVISOR,
    "loose": Role.SUPERVISOR,
    "ada": Role.ADMINISTRATOR,
    "one": Role.COLLECTOR,
    "two": Role.COLLECTOR,
    "new": Role.COLLECTOR,
}
TEAMS = {"north": "north", "one": "north", "two": "south"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """`north` leads the north, where `one` is; `two` is in the south; who is not in `TEAMS` is in none."""
    async with open_house(tmp_path) as opened:
        for login, role in PEOPLE.items():
            account_id = await person(opened.storage, login, role)
            token = hash_token(f"token of {login}")
            await opened.storage.accounts.add_token(token, login, role, MONDAY, account_id=account_id)
            await opened.storage.qa_teams.move(account_id, TEAMS.get(login, ""), "test", MONDAY)
        yield opened


async def move(house: House, who: str, whom: str, team: str, language: str = "en") -> tuple[int, Any]:
    body = {"account_id": list(PEOPLE).index(whom) + 1, "team": team}
    headers = {"Authorization": f"Bearer token of {who}", "Accept-Language": language}
    async with house.api.post("/v1/teams/members", json=body, headers=headers) as answer:
        return answer.status, json.loads(await answer.read())


@pytest.mark.parametrize(
    ("who", "whom", "team", "status"),
    [
        ("north", "one", "south", 200),
        ("north", "one", "", 200),
        ("north", "new", "north", 200),  # nobody's collector yet
        ("north", "two", "north", 403),  # to listen in on a collector of somebody else's
        ("north", "north", "", 403),  # to be in no team, and to listen in on all
        ("loose", "loose", "south", 403),
        ("north", "other", "north", 403),
        ("loose", "two", "north", 200),  # hears every collector anyway
        ("ada", "two", "north", 200),
        ("ada", "north", "", 200),
        ("ada", "ada", "south", 200),
    ],
)
async def test_who_moves_whom(house: House, who: str, whom: str, team: str, status: int) -> None:
    before = await house.storage.qa_teams.all()
    assert (await move(house, who, whom, team))[0] == status
    assert (await house.storage.qa_teams.all() == before) is (status == 403)


async def test_the_refusal_is_said_in_both_languages(house: House) -> None:
    assert (await move(house, "north", "two", "north"))[1]["detail"].startswith("this collector is in another team")
    assert (await move(house, "north", "two", "north", "zh"))[1]["detail"] == "该催收员属于其他团队，请联系管理员"
