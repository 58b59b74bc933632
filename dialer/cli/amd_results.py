"""Labelled clips and what was heard in them, in files: the manifest, results as JSON, results of another detector.

Results are one JSON object with `clips`, each with `file`, `truth` and `heard`. Another detector's may as well be the
lines of `dialer amd --json`: of each, `file`, `label` and `decided_ms` are read.
"""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dialer.errors import InputError
from dialer.progress.evaluation import ANSWERED, EARLY, Clip, FoundBeep, Result
from dialer.progress.verdict import Label, Verdict

_NEEDED = ("file", "label", "subclass", "phase")
_INSTANTS = ("first_speech_ms", "greeting_end_ms", "beep_ms")


def read_manifest(path: Path) -> list[Clip]:
    """The clips of a CSV file, in its order; further columns are passed over. InputError names file and line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
            if missing:
                raise InputError(f"{path}: has no column {', '.join(missing)}")
            clips = [_clip(row, f"{path}, line {rows.line_num}") for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV: {error}") from error
    if not clips:
        raise InputError(f"{path}: names no clips")
    ((most_named, n_times),) = Counter(clip.file for clip in clips).most_common(1)
    if n_times > 1:
        raise InputError(f"{path}: names {most_named} {n_times} times")
    return clips


def to_json(results: Sequence[Result]) -> list[dict[str, Any]]:
    """What `clips` holds."""
    return [
        {
            "file": result.clip.file,
            "truth": {
                "label": result.clip.label.value,
                "subclass": result.clip.subclass,
                "phase": result.clip.phase,
                **{name: getattr(result.clip, name) for name in _INSTANTS},
            },
            "heard": {
                "label": result.verdict.label.value,
                "decided_ms": result.verdict.decided_ms,
                "confidence": round(result.verdict.confidence, 3),
                **{name: getattr(result.verdict, name) for name in _INSTANTS},
                "subclass": result.verdict.subclass,
                "reason": result.verdict.reason,
                "first_beep_ms": result.beep.beep_ms if result.beep else None,
                "first_beep_found_at_ms": result.beep.found_at_ms if result.beep else None,
            },
        }
        for result in results
    ]


def read_results(path: Path, clips: Sequence[Clip]) -> list[Result]:
    """What another run or detector heard in these clips, as far as it names them; the truth is that of `clips`.

    Files are told by their name as in the manifest, or by its last part. InputError: no results, or none of these.
    """
    try:
        heard = {str(item["file"]): _heard(item.get("heard", item)) for item in _items(path)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: holds no results ({type(error).__name__}: {error})") from error
    by_name = {Path(name).name: name for name in heard}
    named = [(clip, clip.file if clip.file in heard else by_name.get(Path(clip.file).name)) for clip in clips]
    results = [Result(clip, *heard[name]) for clip, name in named if name is not None]
    if not results:
        raise InputError(f"{path}: holds no result of any clip of the manifest")
    return results


def _clip(row: dict[str, str], where: str) -> Clip:
    try:
        label = Label(row["label"])
    except ValueError:
        labels = ", ".join(label.value for label in Label if label is not Label.UNKNOWN)
        raise InputError(f"{where}: {row['label']!r} is no label; use {labels}") from None
    if row["phase"] not in (ANSWERED, EARLY):
        raise InputError(f"{where}: {row['phase']!r} is no phase; use {ANSWERED} or {EARLY}")
    try:
        instants = {name: int(row[name]) if row.get(name) else None for name in _INSTANTS}
    except ValueError as error:
        raise InputError(f"{where}: an instant is a whole number of ms: {error}") from error
    return Clip(row["file"], label, row["subclass"] or "", row["phase"], **instants)


def _items(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    try:
        whole = json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    clips: list[dict[str, Any]] = whole.get("clips", [whole])  # else one line, of the one file heard
    return clips


def _heard(item: dict[str, Any]) -> tuple[Verdict, FoundBeep | None]:
    verdict = Verdict(
        label=Label(item["label"]),
        confidence=float(item.get("confidence", 0.0)),
        decided_ms=int(item["decided_ms"]),
        **{name: item.get(name) for name in _INSTANTS},
        subclass=str(item.get("subclass", "")),
        reason=str(item.get("reason", "")),
    )
    beep_ms, found_at_ms = item.get("first_beep_ms"), item.get("first_beep_found_at_ms")
    return verdict, None if beep_ms is None or found_at_ms is None else FoundBeep(int(beep_ms), int(found_at_ms))
