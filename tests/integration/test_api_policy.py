"""The policy by API and command line: what is in force, reading it again, and agencies on campaigns."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from dialer.cli.main import app
from dialer.config import PolicyConfig
from dialer.model.account import Role
from tests.support.house import House, open_house
from tests.support.policy import HOUSE_NUMBER
from tests.support.storage import add_list, contacts

PACK = """
pack: own
title: a pack of the test
status: in force
source: the test
jurisdiction: CN
valid_from: {valid_from}
zone: Asia/Shanghai
rules:
  - {{id: own.window, kind: {kind}, source: the test, zones: pack, days: every_day, hours: ["09:00-18:00"]}}
"""


class Pack:
    """The folder of a pack of two versions, the second far ahead, and an override of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "own"
        self.override = folder / "north.yaml"
        self.folder.mkdir()
        self.write("2026-01-01")
        self.write("2999-01-01")
        self.override.write_text(
            "override: north\npack: own\nstatus: in force\nsource: s\nvalid_from: 2026-01-01\n"
            "for: {agencies: [north]}\nrules: [{id: own.window, hours: ['10:00-12:00']}]\n",
            encoding="utf-8",
        )

    def write(self, valid_from: str, kind: str = "calling_window", more: str = "") -> None:
        text = PACK.format(valid_from=valid_from, kind=kind) + more
        (self.folder / f"{valid_from}.yaml").write_text(text, encoding="utf-8")

    @property
    def config(self) -> PolicyConfig:
        return PolicyConfig(packs=(f"{self.folder}/",), overrides=(str(self.override),), agencies=("north",))


@asynccontextmanager
async def policy_house(folder: Path) -> AsyncIterator[tuple[House, Pack]]:
    pack = await asyncio.to_thread(Pack, folder)
    async with open_house(folder, policy=pack.config) as house:
        yield house, pack


async def ask(house: House, method: str, path: str, role: Role = Role.ADMINISTRATOR, **more: Any) -> tuple[int, Any]:
    async with house.api.request(method, path, headers=house.auth(role), **more) as answer:
        return answer.status, json.loads(await answer.read())


async def test_what_is_in_force(tmp_path: Path) -> None:
    async with policy_house(tmp_path) as (house, pack):
        status, shown = await ask(house, "GET", "/v1/policy", Role.AUDITOR)
        assert status == 200
        assert [(one["valid_from"], one["in_force"]) for one in shown["packs"]] == [
            ("2026-01-01", True),
            ("2999-01-01", False),
        ]
        assert shown["overrides"] == [str(pack.override)]
        assert shown["agencies"] == ["north"]
        assert [(entry["number"], entry["purposes"]) for entry in shown["caller_ids"]] == [
            (HOUSE_NUMBER, ["collection"])
        ]
        assert (shown["retiring"], shown["warnings"]) == ([], [])


async def test_a_reload_puts_the_new_beside_the_old(tmp_path: Path) -> None:
    async with policy_house(tmp_path) as (house, pack):
        _, before = await ask(house, "GET", "/v1/policy")
        rule = "  - {id: own.case, kind: case_open, source: the test}\n"
        await asyncio.to_thread(pack.write, "2026-01-01", more=rule)
        status, after = await ask(house, "POST", "/v1/policy/reload")
        assert status == 200
        assert after["pack_hash"] != before["pack_hash"]
        left = {one["sha256"] for one in after["retiring"]}
        assert left == {one["sha256"] for one in before["packs"]}
        assert {one["until"][11:19] for one in after["retiring"]} == {"16:00:00"}  # midnight in Shanghai
        assert (await ask(house, "GET", "/v1/policy"))[1] == after
        assert await audited(house) == [after["pack_hash"]]


async def audited(house: House) -> list[str]:
    entries = await house.storage.audit.list("policy")
    return [entry.detail for _, entry in entries if entry.action == "policy.reload"]


async def test_what_is_wrong_is_refused_with_file_line_and_reason(tmp_path: Path) -> None:
    async with policy_house(tmp_path) as (house, pack):
        _, before = await ask(house, "GET", "/v1/policy")
        await asyncio.to_thread(pack.write, "2026-01-01", "moon_phase")
        status, problem = await ask(house, "POST", "/v1/policy/reload")
        assert status == 422
        where = f"{pack.folder}/2026-01-01.yaml:10: rules.0.kind: unknown rule kind 'moon_phase'"
        assert problem["detail"].startswith(f"the rules in force stay: {where}")
        assert (await ask(house, "GET", "/v1/policy"))[1] == before
        (refused,) = await audited(house)
        assert refused.startswith(f"refused: {where}")


async def test_the_command_line_says_the_same(tmp_path: Path) -> None:
    async with policy_house(tmp_path) as (house, pack):
        shown = await command(house, "status")
        assert shown.exit_code == 0, shown.output
        assert "2999-01-01" in shown.output
        assert HOUSE_NUMBER in shown.output
        assert str(pack.override) in shown.output.replace("\n", "")
        await asyncio.to_thread(pack.override.write_text, "override: [", "utf-8")
        refused = await command(house, "reload")
        assert refused.exit_code != 0
        assert f"{pack.override}:1: not valid YAML" in str(refused.exception)
        await asyncio.to_thread(pack.write, "2026-01-01", more="# a comment changes nothing\n")
        await asyncio.to_thread(
            pack.override.write_text,
            "override: north\npack: own\nstatus: in force\nsource: s\nvalid_from: 2026-01-01\n"
            "rules: [{id: own.window, hours: ['10:00-12:00']}]\n",
            "utf-8",
        )
        done = await command(house, "reload")
        assert done.exit_code == 0, done.output
        assert "Replaced, and binding beside them" in done.output


async def command(house: House, *arguments: str) -> Result:
    more = ("--url", str(house.api.make_url("/")), "--token", house.tokens[Role.ADMINISTRATOR])
    return await asyncio.to_thread(CliRunner().invoke, app, ["policy", *arguments, *more])


async def test_a_campaigns_agency_is_on_the_list(tmp_path: Path) -> None:
    async with policy_house(tmp_path) as (house, _):
        list_id = await add_list(house.storage, contacts(1))
        for agency, expected in (("north", 201), ("", 201), ("south", 422)):
            settings = {"agency": agency, "creditor": "first-bank", "product": "card"}
            body = {"name": agency or "house", "list_ids": [list_id], "settings": settings}
            status, answer = await ask(house, "POST", "/v1/campaigns", json=body)
            assert status == expected, answer
            if expected == 422:
                assert answer["errors"][0]["field"] == "body.settings.agency"
                continue
            campaign = await house.storage.campaigns.get(answer["campaign_id"])
            assert campaign is not None
            stored = campaign.settings
            assert (stored.agency, stored.creditor, stored.product) == (agency, "first-bank", "card")
            path = f"/v1/campaigns/{campaign.campaign_id}"
            changed = {"settings": settings | {"agency": "south"}}
            assert (await ask(house, "PUT", path, json=changed))[0] == 422
