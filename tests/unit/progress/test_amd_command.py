"""`dialer amd`: lines for programs, a table for people, errors that name the file."""

import json
import re
from pathlib import Path

from typer.testing import CliRunner

import dialer.simulator
from dialer.cli.amd import app

VOICES = Path(dialer.simulator.__file__).parent / "voices"
KEYS = ["file", "label", "decided_ms", "confidence", "greeting_end_ms", "beep_ms", "subclass"]


def test_one_object_a_line() -> None:
    result = CliRunner().invoke(
        app, ["--json", str(VOICES / "human_zh_wei.flac"), str(VOICES / "machine_en_carrier.flac")]
    )
    human, machine = (json.loads(line) for line in result.stdout.splitlines())
    assert result.exit_code == 0
    assert list(human) == list(machine) == KEYS
    assert human["label"] == "human"
    assert machine["label"] == "machine"
    assert machine["decided_ms"] < machine["greeting_end_ms"] < machine["beep_ms"], "the rest of the file is heard out"


def test_directories_are_searched() -> None:
    result = CliRunner().invoke(app, ["--json", "--early-media", str(VOICES)])
    labels = {Path(line["file"]).stem: line["label"] for line in map(json.loads, result.stdout.splitlines())}
    assert len(labels) == len(list(VOICES.glob("*.flac")))
    assert labels["announcement_busy"] == "announcement"
    assert labels["announcement_sit_en"] == "sit"


def test_a_bad_file_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_text("not audio")
    good = VOICES / "human_zh_wei.flac"
    result = CliRunner().invoke(app, ["--json", str(tmp_path / "bad.wav"), str(tmp_path / "gone.wav"), str(good)])
    assert result.exit_code == 1
    assert "bad.wav: cannot be read as audio" in result.stderr
    assert "gone.wav: cannot be read as audio: No such file" in result.stderr
    (line,) = result.stdout.splitlines()
    assert json.loads(line)["file"] == str(good)


def test_people_get_a_table() -> None:
    result = CliRunner().invoke(app, [str(VOICES / "human_zh_wei.flac")])
    assert result.exit_code == 0
    assert re.search(r"human +│ \d+ ms +│ \d\.\d\d", result.stdout)
