"""Manifests and results as files: what is read, what is refused and where, and the way there and back."""

import json
from pathlib import Path

import pytest

from dialer.cli.amd_results import read_manifest, read_results, to_json
from dialer.errors import InputError
from dialer.progress.evaluation import Clip, FoundBeep, Result
from dialer.progress.verdict import Label, Verdict

HEADER = "file,label,subclass,phase,first_speech_ms,greeting_end_ms,beep_ms"
PERSON = Clip("a.wav", Label.HUMAN, "short", "answered", 240, 900)
MACHINE = Clip("sub/b.wav", Label.MACHINE, "", "answered", 240, 5000, 5600)
RESULTS = [
    Result(PERSON, Verdict(Label.HUMAN, 0.9, 1100, 240, 800, subclass="short", reason="waits")),
    Result(MACHINE, Verdict(Label.MACHINE, 0.8, 3000, 240), FoundBeep(5600, 5700)),
]


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_manifest(tmp_path: Path) -> None:
    manifest = write(
        tmp_path / "m.csv", "\ufeff" + HEADER, "a.wav,human,short,answered,240,900,", "b.wav,busy,cn,early,,,"
    )
    assert read_manifest(manifest) == [PERSON, Clip("b.wav", Label.BUSY, "cn", "early")]


def test_a_manifest_needs_few_columns(tmp_path: Path) -> None:
    manifest = write(tmp_path / "m.csv", "phase,file,extra,label,subclass", "early,a.wav,x,sit,")
    assert read_manifest(manifest) == [Clip("a.wav", Label.SIT, "", "early")]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["file,label"], "has no column subclass, phase"),
        ([HEADER], "names no clips"),
        ([HEADER, "a.wav,person,,answered,,,"], "line 2: 'person' is no label; use human, machine"),
        ([HEADER, "a.wav,human,,later,,,"], "line 2: 'later' is no phase"),
        ([HEADER, "a.wav,human,,answered,,,", "b.wav,human,,answered,soon,,"], "line 3: an instant is a whole number"),
        ([HEADER, "a.wav,human"], "line 2"),
        ([HEADER, *["a.wav,human,,answered,,,"] * 2], "names a.wav 2 times"),
    ],
)
def test_a_manifest_that_is_wrong(tmp_path: Path, lines: list[str], words: str) -> None:
    with pytest.raises(InputError, match=f"m.csv.*{words}"):
        read_manifest(write(tmp_path / "m.csv", *lines))


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.csv: cannot be read as CSV: .*No such file"):
        read_manifest(tmp_path / "gone.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(InputError, match=r"binary\.csv: cannot be read as CSV"):
        read_manifest(tmp_path / "binary.csv")


def test_results_there_and_back(tmp_path: Path) -> None:
    path = write(tmp_path / "r.json", json.dumps({"clips": to_json(RESULTS)}))
    assert read_results(path, [PERSON, MACHINE]) == RESULTS
    assert read_results(path, [MACHINE]) == RESULTS[1:]


def test_lines_of_another_detector(tmp_path: Path) -> None:
    """One line is JSON as a whole, too; names may have another directory before them."""
    line = '{"file": "/elsewhere/b.wav", "label": "human", "decided_ms": 900}'
    other = '{"file": "a.wav", "label": "unknown", "decided_ms": 1}'
    assert read_results(write(tmp_path / "r.jsonl", line), [PERSON, MACHINE]) == [
        Result(MACHINE, Verdict(Label.HUMAN, 0.0, 900))
    ]
    assert len(read_results(write(tmp_path / "r.jsonl", line, "", other), [PERSON, MACHINE])) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not json", "holds no results"),
        ("[1, 2]", "holds no results"),
        ('{"clips": [{"file": "a.wav"}]}', "holds no results"),
        ('{"file": "a.wav", "label": "person", "decided_ms": 1}', "holds no results"),
        ('{"file": "z.wav", "label": "human", "decided_ms": 1}', "holds no result of any clip"),
    ],
)
def test_results_that_are_none(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=rf"r\.json: {words}"):
        read_results(write(tmp_path / "r.json", text), [PERSON])
