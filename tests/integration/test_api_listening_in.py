"""Listening in over the API: who may listen to whom and how, who sees it, and what is on record."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dialer.api.security import hash_token
from dialer.clock import SystemClock
from dialer.config_supervision import SupervisionConfig
from dialer.media.loopback_browser import LoopbackBrowserLeg
from dialer.model.account import Role
from tests.support.house import House, open_house
from tests.support.listening import AtWork
from tests.support.quality import person

MONITOR, WHISPER, BARGE = ({"mode": mode} for mode in ("monitor", "whisper", "barge"))
ATTEMPT = 4711
OFFER = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 8 0\r\n"


@dataclass
class Floor:
    """The house, two collectors at work, and people who ask."""

    house: House
    people: dict[str, int] = field(default_factory=dict)

    async def add(self, login: str, role: Role) -> int:
        """Somebody with a connected phone."""
        storage = self.house.storage
        self.people[login] = account_id = await person(storage, login, role)
        now = SystemClock().utcnow()
        await storage.accounts.add_token(hash_token(f"token of {login}"), login, role, now, account_id=account_id)
        if role is Role.COLLECTOR:
            self.at_work.log_in(account_id)
        else:
            self.house.services.browser_phones.connect(account_id, OFFER, lambda notice: None)
            self.house.media.advance(0.02)
        return account_id

    @property
    def at_work(self) -> AtWork:
        return AtWork(self.house.media, self.house.sessions)

    async def ask(self, who: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer token of {who}"}
        async with self.house.api.request(method, path, headers=headers, json=body) as answer:
            raw = await answer.read()
            return answer.status, json.loads(raw) if raw else None

    async def listen(self, who: str, collector: str, body: object = MONITOR, method: str = "POST") -> tuple[int, Any]:
        path = f"/v1/agents/{self.people[collector]}/listening"
        return await self.ask(who, method, path, None if method == "DELETE" else body)

    async def join(self, team: str, *logins: str) -> None:
        storage, now = self.house.storage, SystemClock().utcnow()
        for login in logins:
            await storage.qa_teams.move(self.people[login], team, "test", now)


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    async with open_house(tmp_path, listening_in=SupervisionConfig(tell_collectors=True)) as house:
        opened = Floor(house)
        for login, role in (
            ("clara", Role.COLLECTOR),
            ("carl", Role.COLLECTOR),
            ("sue", Role.SUPERVISOR),
            ("quinn", Role.QA),
            ("ada", Role.ADMINISTRATOR),
            ("otto", Role.AUDITOR),
        ):
            await opened.add(login, role)
        yield opened


async def test_a_supervisor_listens_whispers_barges_and_stops(floor: Floor) -> None:
    house = floor.house
    floor.at_work.talk(floor.people["clara"], ATTEMPT)
    status, started = await floor.listen("sue", "clara")
    assert (status, started["mode"], started["name"]) == (200, "monitor", "sue (supervisor, account/3, token/9)")
    assert (await floor.listen("sue", "clara", WHISPER, "PUT"))[1]["mode"] == "whisper"
    assert (await floor.listen("sue", "clara", BARGE, "PUT"))[1]["mode"] == "barge"
    _, listed = await floor.ask("quinn", "GET", "/v1/listening")
    assert [(one["agent_id"], one["account_id"], one["mode"]) for one in listed["items"]] == [
        (floor.people["clara"], floor.people["sue"], "barge")
    ]
    assert listed["allowed"] == ["monitor", "whisper", "barge"]
    topic: Any = house.live.snapshot()[f"listening/{floor.people['clara']}"]
    assert [(one["account_id"], one["mode"]) for one in topic["listeners"]] == [(floor.people["sue"], "barge")]
    assert house.sessions.get(floor.people["clara"]).listened == ("barge",)
    assert (await floor.listen("sue", "clara", method="DELETE"))[0] == 204
    assert (await floor.listen("sue", "clara", method="DELETE"))[0] == 409
    assert (await floor.ask("sue", "GET", "/v1/listening"))[1]["items"] == []
    actions = [entry.action for _, entry in await house.storage.audit.list(f"attempt/{ATTEMPT}")]
    assert {"listening.start", "listening.change"} <= set(actions)


@pytest.mark.parametrize("who", ["clara", "otto"])
async def test_collectors_and_auditors_do_not_listen(floor: Floor, who: str) -> None:
    assert (await floor.listen(who, "carl"))[0] == 403
    assert (await floor.ask(who, "GET", "/v1/listening"))[0] == 403


async def test_quality_assurance_only_hears(floor: Floor) -> None:
    for mode in (WHISPER, BARGE):
        assert (await floor.listen("quinn", "clara", mode))[0] == 403
    assert (await floor.listen("quinn", "clara"))[0] == 200
    assert (await floor.listen("quinn", "clara", BARGE, "PUT"))[0] == 403


async def test_who_is_in_a_team_listens_to_that_team(floor: Floor) -> None:
    await floor.join("north", "sue", "clara")
    assert (await floor.listen("sue", "clara"))[0] == 200
    assert (await floor.listen("sue", "carl"))[0] == 403
    assert (await floor.listen("ada", "carl"))[0] == 200
    await floor.join("south", "sue")
    assert (await floor.listen("sue", "clara", WHISPER, "PUT"))[0] == 403
    assert (await floor.listen("sue", "clara", method="DELETE"))[0] == 204, "whoever listens may always stop"


@pytest.mark.parametrize("moved", ["sue", "clara"])
async def test_who_is_in_another_team_now_hears_no_more(floor: Floor, moved: str) -> None:
    await floor.join("north", "sue", "clara")
    for who in ("sue", "ada"):
        await floor.listen(who, "clara")
    body = {"account_id": floor.people[moved], "team": "south"}
    assert (await floor.ask("ada", "POST", "/v1/teams/members", body))[0] == 200
    left = [one.listener.account_id for one in floor.house.services.listening.all()]
    assert left == [floor.people["ada"]], "an administrator listens everywhere"


@pytest.mark.parametrize(
    ("method", "path", "change"),
    [("PATCH", "", {"active": False}), ("PATCH", "", {"role": "collector"}), ("POST", "/log_out", None)],
)
async def test_who_may_not_any_more_hears_no_more(floor: Floor, method: str, path: str, change: object) -> None:
    await floor.listen("sue", "clara")
    account = f"/v1/users/{floor.people['sue']}"
    assert (await floor.ask("ada", "PATCH", account, {"name": "Susan"}))[0] == 200
    assert len(floor.house.services.listening.all()) == 1
    assert (await floor.ask("ada", method, account + path, change))[0] < 300
    assert floor.house.services.listening.all() == ()


async def test_it_takes_a_person_with_a_phone_and_a_collector_at_work(floor: Floor) -> None:
    house, path = floor.house, f"/v1/agents/{floor.people['clara']}/listening"
    async with house.api.post(path, headers=house.auth(Role.SUPERVISOR), json=MONITOR) as answer:
        assert answer.status == 403, "a program's token"
    assert (await floor.ask("sue", "POST", "/v1/agents/999/listening", MONITOR))[0] == 409
    assert (await floor.listen("sue", "clara", {"mode": "spy"}))[0] == 422
    phone = house.services.browser_phones.find(floor.people["sue"])
    assert phone is not None
    assert isinstance(phone.leg, LoopbackBrowserLeg)
    phone.leg.lose()
    house.media.advance(0.02)
    status, problem = await floor.listen("sue", "clara")
    assert (status, problem["detail"]) == (409, "your phone is not connected")
