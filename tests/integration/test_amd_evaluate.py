"""`dialer amd evaluate` over the simulator's voices: tables, results as JSON, several processes, comparison, curve."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import dialer.simulator
from dialer.cli.amd import app
from dialer.cli.amd_evaluate import CURVE_COSTS_S, Evaluation, evaluate
from dialer.cli.amd_hearing import Listening
from dialer.cli.amd_results import read_manifest

VOICES = Path(dialer.simulator.__file__).parent / "voices"
LABELS = {"human": "answered", "machine": "answered", "announcement": "early"}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every voice of the simulator; one clip is labelled wrong on purpose, so that something is heard otherwise."""
    path = tmp_path_factory.mktemp("manifest") / "manifest.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("file", "label", "subclass", "phase", "first_speech_ms", "greeting_end_ms", "beep_ms"))
        for file in sorted(VOICES.glob("*.flac")):
            label = file.name.split("_")[0]
            truth = "busy" if file.stem == "announcement_busy" else label
            writer.writerow((file.name, truth, file.stem.split("_")[1], LABELS[label], 400, 800, ""))
    return path


def run(manifest: Path, *arguments: object, code: int = 0) -> str:
    asked = ["evaluate", str(manifest), "--audio", str(VOICES), "--jobs", "1", *map(str, arguments)]
    result = CliRunner(env={"COLUMNS": "160"}).invoke(app, asked)
    assert result.exit_code == code, result.output
    return result.stdout


def test_processes_change_neither_results_nor_their_order(manifest: Path) -> None:
    clips = read_manifest(manifest)
    alone, shared = (evaluate(Evaluation(manifest, VOICES, Listening(), n), clips) for n in (1, 2))
    assert alone == shared
    assert [result.clip for result in alone[0]] == clips


def test_results_can_be_written_and_compared(manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    shown = run(manifest, "--out", out)
    for words in ("people called machine", "person, from the greeting's end", "0 of 6", "Heard otherwise"):
        assert words in shown
    results = json.loads(out.read_text(encoding="utf-8"))
    assert len(results["clips"]) == len(list(VOICES.glob("*.flac")))
    assert results["summary"]["shares"]["people called machine"]["of"] == 6
    assert "Heard differently: none" in run(manifest, "--compare", out)


def test_another_detector_is_set_beside(manifest: Path, tmp_path: Path) -> None:
    """It calls everybody a machine, and has not heard every clip."""
    lines = [{"file": file.name, "label": "machine", "decided_ms": 3000} for file in VOICES.glob("*_zh_*.flac")]
    other = tmp_path / "other.jsonl"
    other.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    shown = run(manifest, "--compare", other)
    assert f"other.jsonl lacks {16 - len(lines)} of 16 clips" in shown
    assert "machine at 3000 ms" in shown


def test_the_curve_has_a_row_a_cost(manifest: Path, tmp_path: Path) -> None:
    rows = manifest.read_text(encoding="utf-8").splitlines()
    few = tmp_path / "few.csv"
    few.write_text("\n".join([rows[0], *(row for row in rows if "human_zh_wei" in row)]), encoding="utf-8")
    shown = run(few, "--curve")
    assert all(f" {cost_s:g} s " in shown for cost_s in CURVE_COSTS_S)


def test_json_is_one_object_and_a_missing_clip_an_error(manifest: Path, tmp_path: Path) -> None:
    rows = manifest.read_text(encoding="utf-8").splitlines()
    longer = tmp_path / "longer.csv"
    longer.write_text("\n".join([*rows[:3], "gone.wav,human,,answered,,,"]), encoding="utf-8")
    assert len(json.loads(run(longer, "--json", code=1))["clips"]) == 2
    run(longer, "--json", "--curve", code=2)
