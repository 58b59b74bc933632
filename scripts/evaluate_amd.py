"""Measures the detectors against labelled clips: `python scripts/evaluate_amd.py MANIFEST`.

The manifest is CSV with at least `file`, `label`, `subclass` and `phase` (answered or early), and `first_speech_ms`,
`greeting_end_ms` and `beep_ms` where they apply. Files lie beside it in `audio/`. Prints a confusion table, recalls and
latencies.
"""

import csv
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from dialer.cli.amd import classify
from dialer.progress.beep import BeepDetector, BeepEventKind
from dialer.progress.frames import FRAME_BYTES
from dialer.progress.verdict import Verdict
from dialer.prompts.audio import read_audio

Clip = dict[str, str]


def main(manifest: Path) -> None:
    """Classifies every clip and prints the tables."""
    with manifest.open(encoding="utf-8", newline="") as stream:
        clips = list(csv.DictReader(stream))
    audio = manifest.parent / "audio"
    verdicts = [classify(audio / clip["file"], early_media=clip["phase"] == "early") for clip in clips]
    console = Console(width=130)
    for phase in ("answered", "early"):
        chosen = [(clip, verdict) for clip, verdict in zip(clips, verdicts, strict=True) if clip["phase"] == phase]
        console.print(confusion(chosen, phase))
    print_errors(clips, verdicts, console)
    print_latencies(clips, verdicts, console)
    print_beeps(clips, audio, console)


def confusion(chosen: list[tuple[Clip, Verdict]], phase: str) -> Table:
    """Rows: what it was; columns: what was heard; last: recall."""
    labels = sorted({clip["label"] for clip, _ in chosen})
    heard = sorted({verdict.label.value for _, verdict in chosen} | set(labels))
    table = Table("label", *heard, "recall", title=f"{phase}: {len(chosen)} clips")
    for label in labels:
        counts = Counter(verdict.label.value for clip, verdict in chosen if clip["label"] == label)
        recall = counts[label] / counts.total()
        table.add_row(label, *(str(counts[name] or "") for name in heard), f"{recall:.0%}")
    return table


def print_errors(clips: list[Clip], verdicts: list[Verdict], console: Console) -> None:
    """Which subclasses went wrong, and as what."""
    wrong = Counter(
        (clip["label"], clip["subclass"], verdict.label.value)
        for clip, verdict in zip(clips, verdicts, strict=True)
        if clip["label"] != verdict.label.value
    )
    table = Table("label", "subclass", "heard as", "clips", title="wrong")
    for (label, subclass, heard), count in sorted(wrong.items()):
        table.add_row(label, subclass, heard, str(count))
    console.print(table)


def print_latencies(clips: list[Clip], verdicts: list[Verdict], console: Console) -> None:
    """For people called people: from the first sound, and from the greeting's end, to the verdict."""
    human = [
        (clip, verdict)
        for clip, verdict in zip(clips, verdicts, strict=True)
        if clip["label"] == "human" and verdict.label.value == "human"
    ]
    for column in ("first_speech_ms", "greeting_end_ms"):
        delays_ms = [verdict.decided_ms - int(clip[column]) for clip, verdict in human]
        median, p90 = np.percentile(delays_ms, (50, 90))
        console.print(f"human, {column} to verdict: median {median:.0f} ms, 90th percentile {p90:.0f} ms")


def print_beeps(clips: list[Clip], audio: Path, console: Console) -> None:
    """How many beeps are found, how late, and how many that are none."""
    delays_ms, n_missed, n_false = [], 0, 0
    for clip in clips:
        if clip["label"] != "machine":
            continue
        found = first_beep(read_audio(audio / clip["file"]))
        if not clip["beep_ms"]:
            n_false += found is not None
        elif found is None or abs(found[0] - int(clip["beep_ms"])) > 100:
            n_missed += 1
        else:
            delays_ms.append(found[1] - int(clip["beep_ms"]))
    latest, median = max(delays_ms), np.median(delays_ms)
    console.print(f"beeps: {len(delays_ms)} found (median {median:.0f} ms, at most {latest} ms after their start)")
    console.print(f"beeps: {n_missed} missed, {n_false} found where there is none")


def first_beep(pcm: bytes) -> tuple[int, int] | None:
    """Start of the first beep, and when it was found; both in ms."""
    detector = BeepDetector()
    for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
        event = detector.feed(pcm[at : at + FRAME_BYTES])
        if event is not None and event.kind is BeepEventKind.FOUND and event.beep_ms is not None:
            return event.beep_ms, event.at_ms
    return None


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python scripts/evaluate_amd.py MANIFEST")
    main(Path(sys.argv[1]))
