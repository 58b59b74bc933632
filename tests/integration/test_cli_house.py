"""Commands against a database of their own, and against a running API."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dialer.cli.check import Level, examine
from dialer.cli.main import app
from dialer.model.account import Role
from tests.support.house import House, open_house

CSV = "客户号,案件号,姓名,手机\nP-1,C-1,张三,13800001234\nP-2,C-2,李四,13900005678\n"

CONFIG = """
[node]
data_dir = "{folder}/data"
[media]
spool_min_free_mb = 1
[http]
port = 0
[sip]
port = 0
[[trunks]]
name = "silent"
host = "127.0.0.1"
port = {port}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "dialer.toml"
    path.write_text(CONFIG.format(folder=tmp_path, port=9), encoding="utf-8")
    return path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


async def _against(house: House, *arguments: object) -> Result:
    more = ("--url", str(house.api.make_url("/")), "--token", house.tokens[Role.ADMINISTRATOR])
    return await asyncio.to_thread(_run, *arguments, *more)


def test_first_user_and_token(config: Path) -> None:
    added = _run(
        *("user", "add", "li.na", "--name", "李娜", "--password", "long enough", "--config", config),
        *("--sip-user", "101", "--sip-password", "also long"),
    )
    assert (added.exit_code, added.output) == (0, "user li.na added as collector, number 1\n")
    made = _run("token", "create", "first", "--user", "li.na", "--config", config)
    assert made.output.startswith("dlr_")
    assert len(made.output.strip()) > 40
    refused = _run("token", "create", "x", "--user", "nobody", "--config", config)
    assert "no active user" in str(refused.exception)
    short = _run("user", "add", "x", "--name", "X", "--password", "short", "--config", config)
    assert "at least" in str(short.exception)


def test_import_prints_what_became_of_the_list(config: Path, tmp_path: Path) -> None:
    good, broken = tmp_path / "good.csv", tmp_path / "broken.csv"
    good.write_text(CSV, encoding="utf-8")
    broken.write_text(CSV + "P-3,C-3,王五,12\n", encoding="utf-8")
    done = _run("import", good, "--list", "November", "--config", config)
    assert done.exit_code == 0
    assert "2 contacts with 2 numbers" in done.output
    refused = _run("import", broken, "--list", "Broken", "--config", config)
    assert refused.exit_code == 1
    assert "手机" in refused.output
    assert "nothing imported" in refused.output
    taken = _run("import", broken, "--list", "Broken", "--accept-valid", "--config", config)
    assert (taken.exit_code, "2 contacts" in taken.output) == (0, True)


async def test_doctor_names_what_is_wrong(config: Path) -> None:
    found = {finding.subject: finding async for finding in examine(config)}
    assert found["database"].level is Level.WARN
    assert "token create" in found["database"].advice
    assert found["trunk silent"].level is Level.FAIL
    assert found["spool"].level is Level.OK
    assert found["policy"].level is Level.OK
    assert all(finding.advice for finding in found.values() if finding.level is not Level.OK)


async def test_doctor_without_a_configuration(tmp_path: Path) -> None:
    findings = [finding async for finding in examine(tmp_path / "missing.toml")]
    assert [(finding.subject, finding.level) for finding in findings] == [("configuration", Level.FAIL)]


async def test_a_campaign_from_the_command_line(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        headers = house.auth(Role.ADMINISTRATOR) | {"Content-Type": "text/csv"}
        async with house.api.post("/v1/lists?name=x", data=CSV.encode(), headers=headers) as answer:
            assert answer.status == 201
        made = await _against(house, "campaign", "create", "Autumn", "--list", 1, "--mode", "preview")
        assert made.output == "campaign 1 created; next: dialer campaign check 1\n"
        early = await _against(house, "campaign", "start", 1)
        assert early.exit_code != 0
        checked = await _against(house, "campaign", "check", 1)
        assert "2 of 2 looked at may be called now" in checked.output
        for action, state in (("start", "running"), ("pause", "paused"), ("resume", "running"), ("stop", "draining")):
            done = await _against(house, "campaign", action, 1)
            assert done.output == f"Autumn is {state}\n"
        assert "nobody is ready" in (await _against(house, "campaign", "status", 1)).output
        assert "Autumn" in (await _against(house, "campaign", "list")).output


async def test_attempts_and_outbox_from_the_command_line(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        assert (await _against(house, "attempts", "list", "--state", "unknown")).output == "Attempts: none\n"
        gone = await _against(house, "attempts", "reconcile", 9, "no_answer")
        assert "no such attempt" in str(gone.exception)
        await house.storage.outbox.register("webhook:test")
        headers = house.auth(Role.ADMINISTRATOR)
        body = {"number": "13800001234", "reason": "asked"}
        async with house.api.post("/v1/do-not-call", json=body, headers=headers) as answer:
            assert answer.status == 201
        assert "webhook:test" in (await _against(house, "outbox", "status")).output
        replayed = await _against(house, "outbox", "replay", "webhook:test", "--from", 1)
        assert replayed.output == "1 events are on their way to webhook:test again\n"
