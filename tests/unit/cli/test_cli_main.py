"""The command line without a service: help for everything, errors in one line, no traceback ever."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dialer.cli import main as cli
from dialer.cli.importing import _mapping
from dialer.errors import DialerError, InputError

COMMANDS = [
    *(["serve"], ["demo"], ["import"], ["check"], ["amd"], ["user", "add"], ["token", "create"]),
    *(["campaign", name] for name in ("list", "create", "check", "start", "pause", "resume", "stop", "status")),
    *(["attempts", "list"], ["attempts", "reconcile"], ["outbox", "status"], ["outbox", "replay"]),
    *(["proof", name] for name in ("export", "verify", "head", "show")),
    ["why"],
    ["simulate"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    shown = CliRunner().invoke(cli.app, [*command, "--help"])
    assert shown.exit_code == 0, shown.output
    assert "Usage:" in shown.output


def test_help_loads_nothing_heavy() -> None:
    import subprocess

    heavy = ("aiohttp", "sqlalchemy", "numpy", "pydantic")
    probe = f"import sys, dialer.cli.main; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "--config", "missing.toml"], "missing.toml: there is no such file; copy examples/dialer.toml"),
        (["campaign", "list"], "no token"),
        (["campaign", "list", "--token", "x", "--url", "http://127.0.0.1:1"], "is `dialer serve` running there?"),
        (["campaign", "create", "x", "--list", "1", "--settings", "missing.json"], "missing.json: cannot read"),
        (["import", "x.csv", "--list", "x", "--map", "nothing"], "write header=meaning"),
        (["token", "create", "x"], "either --role"),
        (["simulate", "missing.toml"], "missing.toml: cannot read the scenario"),
        (["simulate", "--campaign", "x"], "no token"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["dialer", *arguments])
    monkeypatch.delenv("DIALER_TOKEN", raising=False)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == cli.EXIT_ERROR
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1


def test_mapping_keeps_an_equals_sign_in_a_header() -> None:
    assert _mapping(["a=b=phone"]) == {"a=b": "phone"}
    assert _mapping(None) is None
    with pytest.raises(InputError):
        _mapping(["=phone"])


def test_errors_of_ours_are_dialer_errors() -> None:
    assert issubclass(InputError, DialerError)
