"""Commands against a database of their own, and against a running API."""

import asyncio
import json
import re
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dialer.cli import check
from dialer.cli.check import examine
from dialer.cli.client import configured_url
from dialer.cli.finding import Level
from dialer.cli.house import read_config
from dialer.cli.main import app
from dialer.evidence.recording_keys import recording_keys
from dialer.model.account import Role
from tests.support.house import House, open_house
from tests.support.policy import bank_policy
from tests.support.storage import MONDAY, Dialing, contacts, run_campaign

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


EXAMPLE = Path(__file__).parents[2] / "examples" / "campaign.json"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(check, "OPTIONS_TIMEOUT_S", 0.2)  # of the trunk that stays silent
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
    assert made.stdout.startswith("dlr_")
    assert len(made.stdout.split()) == 1
    assert "export DIALER_TOKEN" in made.stderr
    refused = _run("token", "create", "x", "--user", "nobody", "--config", config)
    assert "no active user" in str(refused.exception)
    short = _run("user", "add", "x", "--name", "X", "--password", "short", "--config", config)
    assert "at least" in str(short.exception)
    long = ("user", "add", "x", "--name", "X", "--password", "long enough", "--config", config)
    asked = _run(*long, "--sip-user", "102")
    assert "nobody is there to ask" in str(asked.exception)
    assert "no desk phone" in _run(*long).output
    with closing(sqlite3.connect(config.parent / "data" / "dialer.db")) as database:
        noted = database.execute("SELECT actor, action, subject, detail FROM audit ORDER BY audit_id").fetchall()
    assert noted == [
        ("command line", "account.create", "account/1", "role collector"),
        ("command line", "token.create", "token/1", "role collector of account/1"),
        ("command line", "account.create", "account/2", "role collector"),
    ]


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
    findings = [finding async for finding in examine(config)]
    found = {finding.subject: finding for finding in findings if finding.subject != "policy"}
    assert found["database"].level is Level.WARN
    assert "token create" in found["database"].advice
    assert not await asyncio.to_thread((config.parent / "data").exists), "the doctor makes nothing"
    assert found["trunk silent"].level is Level.FAIL
    assert found["spool"].level is Level.OK
    policy = [finding for finding in findings if finding.subject == "policy"]
    assert policy[0].level is Level.OK
    assert "draft" in policy[1].detail
    assert all(finding.advice for finding in findings if finding.level is not Level.OK)


def _changed(path: Path, **settings: str) -> None:
    """Rewrites single keys of the configuration."""
    text = path.read_text(encoding="utf-8")
    for name, value in settings.items():
        text, n_changed = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, count=1, flags=re.MULTILINE)
        assert n_changed == 1
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("settings", "subject", "words"),
    [
        ({"spool_min_free_mb": "999999999"}, "spool", "MB needed → free disk space"),
        ({"spool_min_free_mb": '1\n[recordings]\nsecond_spool_dir = "/proc/none"'}, "second spool", "MB needed → free"),
        ({"spool_min_free_mb": '1\n[recordings]\nsecond_spool_dir = "second"'}, "second spool", "same file system"),
        ({"data_dir": '"/proc/nowhere"'}, "database", "does not exist yet"),
        ({"data_dir": '"/proc/nowhere"'}, "recording key", "does not exist yet → made at the first start"),
        ({"spool_min_free_mb": '1\n[recordings]\nkey = "abc"'}, "recording key", "not hexadecimal → give 32 bytes"),
        ({"spool_min_free_mb": '1\n[recordings]\nstore = "/proc/none"'}, "recording store", "is not there → mount"),
        ({"port": "9\nkolor = 1"}, "configuration", "unknown key → known here"),
        ({"name": '"silent"\npassword = "env:NOT_SET_ANYWHERE"'}, "configuration", "NOT_SET_ANYWHERE is not set"),
    ],
)
async def test_doctor_on_a_bad_configuration(config: Path, settings: dict[str, str], subject: str, words: str) -> None:
    await asyncio.to_thread(lambda: _changed(config, **settings))
    lines = [f"{item.subject}: {item.detail} → {item.advice}" async for item in examine(config)]
    assert any(line.startswith(subject) and words in line for line in lines), lines


@pytest.mark.parametrize(
    ("damage", "subject", "words"),
    [
        (lambda data: (data / "secret.key").chmod(0o644), "key", "can be read by others → chmod 600"),
        (lambda data: (data / "secret.key").unlink(), "database", "is missing, and"),
        (lambda data: _set_schema(data / "dialer.db", "9999"), "database", "start the newer program that wrote it"),
    ],
)
async def test_doctor_on_a_damaged_house(
    config: Path, damage: Callable[[Path], None], subject: str, words: str
) -> None:
    await asyncio.to_thread(_run, "token", "create", "first", "--role", "administrator", "--config", config)
    await asyncio.to_thread(damage, config.parent / "data")
    lines = [
        f"{item.subject}: {item.detail} → {item.advice}" async for item in examine(config) if item.level is Level.FAIL
    ]
    assert any(line.startswith(subject) and words in line for line in lines), lines


async def test_doctor_misses_the_key_of_earlier_recordings(config: Path) -> None:
    await asyncio.to_thread(_run, "token", "create", "first", "--role", "administrator", "--config", config)
    await asyncio.to_thread(recording_keys, await asyncio.to_thread(read_config, config))
    assert (await _said_of(config, "recording key")).startswith("ok: ")
    await asyncio.to_thread(_wrap_under_another, config.parent / "data" / "dialer.db")
    said = await _said_of(config, "recording key")
    assert said.startswith("warn: 1 recordings are sealed under keys that are not here → add")


async def _said_of(config: Path, subject: str) -> str:
    (found,) = [item async for item in examine(config) if item.subject == subject]
    return f"{found.level.value}: {found.detail} → {found.advice}"


def _wrap_under_another(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO recording_keys (recording_id, kek_id, wrapped) VALUES ('r-1', 'other', x'00')")


def _set_schema(database: Path, version: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))


async def test_doctor_tells_a_strangers_port_from_the_running_service(config: Path, tmp_path: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        await asyncio.to_thread(_changed, config, port=str(stranger.getsockname()[1]))
        found = {item.subject: item async for item in examine(config)}
        assert (found["http port"].level, "Address already in use" in found["http port"].detail) == (Level.FAIL, True)
    async with open_house(tmp_path) as house:
        await asyncio.to_thread(_changed, config, port=str(house.api.port))
        found = {item.subject: item async for item in examine(config)}
        assert (found["http port"].level, "held by the running service" in found["http port"].detail) == (
            Level.OK,
            True,
        )


def test_doctor_without_espeak_ng(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    shown = _run("check", "--config", config)
    assert shown.exit_code == 1
    assert "espeak-ng is not installed" in shown.output
    assert max(len(line) for line in shown.output.splitlines()) <= 80
    assert "1 of" in shown.output


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
        assert checked.stdout == "nothing\n"  # what limits it, as the house says
        for action, state in (("start", "running"), ("pause", "paused"), ("resume", "running"), ("stop", "draining")):
            done = await _against(house, "campaign", action, 1)
            assert done.stdout == f"Autumn is {state}\n"
        assert "nobody is ready" in (await _against(house, "campaign", "status", 1)).output
        assert "Autumn" in (await _against(house, "campaign", "list")).output


async def test_the_example_settings_make_a_campaign(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        headers = house.auth(Role.ADMINISTRATOR) | {"Content-Type": "text/csv"}
        async with house.api.post("/v1/lists?name=x", data=CSV.encode(), headers=headers) as answer:
            assert answer.status == 201
        made = await _against(house, "campaign", "create", "Autumn", "--list", 1, "--settings", EXAMPLE)
        assert made.exit_code == 0, made.output
        campaign = await house.storage.campaigns.get(1)
        assert campaign is not None
        codes = [code.code for code in campaign.settings.form.codes]
        assert codes == [code["code"] for code in json.loads(EXAMPLE.read_bytes())["form"]["codes"]]


def test_the_service_is_looked_for_where_the_configuration_puts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert configured_url() == "http://127.0.0.1:8080"
    (tmp_path / "dialer.toml").write_text('[http]\nhost = "::"\nport = 18080\n')
    assert configured_url() == "http://[::1]:18080"
    monkeypatch.setenv("DIALER_CONFIG", "other.toml")
    (tmp_path / "other.toml").write_text('[http]\nhost = "10.0.0.5"\n[database]\nkey = "env:NOT_SET"\n')
    assert configured_url() == "http://10.0.0.5:8080"


async def test_attempts_fit_into_80_columns(tmp_path: Path) -> None:
    policy = await asyncio.to_thread(bank_policy)
    async with open_house(tmp_path) as house:
        dialing = Dialing(house.storage, policy)
        campaign_id = await run_campaign(house.storage, contacts(2))
        for candidate in await dialing.claim(campaign_id, 2):
            await dialing.reserve(dialing.reservation(candidate))
        await house.storage.attempts.recover("node1", MONDAY)
        shown = await _against(house, "attempts", "list")
        assert "138****0001" in shown.output
        assert "11-23 02:00:00" in shown.output
        assert "reconcile ID DISPOSITION" in shown.stderr
        assert max(len(line) for line in shown.stdout.splitlines()) <= 80


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
