"""The list of a data set's clips: one row a clip, as CSV. README.md in this folder says what the columns mean."""

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One clip; None is written as nothing."""

    file: str
    label: str
    subclass: str
    phase: str
    lang: str
    voice: str
    source: str
    text: str
    dur_ms: int
    first_speech_ms: int | None
    greeting_end_ms: int | None
    speech_ms: int | None
    utterances: int | None
    beep_ms: int | None
    beep_hz: int | None
    codec: str
    level_dbfs: float
    noise: str
    snr_db: float | None
    impairments: str
    seed: int
    sha256: str


def write_manifest(path: Path, rows: list[Row]) -> None:
    """Writes the rows, in order."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
