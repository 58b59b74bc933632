"""The clips in `tests/data/speech`: whole, small, and of this project's making."""

import csv
import hashlib
from dataclasses import fields
from pathlib import Path

import pytest
from speech.manifest import Row
from speech.pool import VOICES

FOLDER = Path(__file__).parents[2] / "data" / "speech"
MOST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (FOLDER / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_clip_is_as_it_was_made(rows: list[dict[str, str]]) -> None:
    assert list(rows[0]) == [field.name for field in fields(Row)]
    assert sorted(row["file"] for row in rows) == sorted(path.name for path in (FOLDER / "audio").iterdir())
    for row in rows:
        assert hashlib.sha256((FOLDER / "audio" / row["file"]).read_bytes()).hexdigest() == row["sha256"]


def test_only_voices_that_may_be_shipped_speak(rows: list[dict[str, str]]) -> None:
    ours = {f"{engine}:{name}" for said in VOICES.values() for engine, names in said.items() for name in names.split()}
    assert {row["voice"] for row in rows} - {""} <= ours


def test_the_clips_stay_small() -> None:
    assert sum(path.stat().st_size for path in (FOLDER / "audio").iterdir()) < MOST_BYTES
