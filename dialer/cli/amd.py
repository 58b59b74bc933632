"""`dialer amd`: what a live call would have made of recorded audio. One JSON object a line, or a table for people."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column, Table

from dialer.errors import InputError
from dialer.progress.amd import AmdDetector
from dialer.progress.beep import BeepDetector, BeepEventKind
from dialer.progress.early_media import EarlyMediaDetector
from dialer.progress.frames import FRAME_BYTES, FRAME_MS, FrameMeter
from dialer.progress.speech import SpeechTracker
from dialer.progress.tones import ToneTracker
from dialer.progress.verdict import Label, Verdict
from dialer.prompts.audio import read_audio

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".aiff", ".au"})


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """A verdict on one file. The label and `decided_ms` are those of a live call; the beep is looked for to the end."""

    path: Path
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """The line that `--json` prints."""
        return {
            "file": str(self.path),
            "label": self.verdict.label.value,
            "decided_ms": self.verdict.decided_ms,
            "confidence": self.verdict.confidence,
            "greeting_end_ms": self.verdict.greeting_end_ms,
            "beep_ms": self.verdict.beep_ms,
            "subclass": self.verdict.subclass,
        }


def amd(
    files: Annotated[list[Path], typer.Argument(help="Audio files, or directories of them.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    early_media: Annotated[bool, typer.Option("--early-media", help="Audio from before the answer.")] = False,
) -> None:
    """Says what is heard in audio files: a person, a machine, a fax; before the answer ringing, busy, and so on."""
    errors = Console(stderr=True)
    verdicts, n_failed = [], 0
    for path, result in _with_progress(expand(files), early_media, errors):
        if isinstance(result, InputError):
            n_failed += 1
            errors.print(f"error: {result}", style="red", markup=False, highlight=False, soft_wrap=True)
            continue
        verdicts.append(FileVerdict(path, result))
        if as_json:
            typer.echo(json.dumps(verdicts[-1].to_json(), ensure_ascii=False))
    if not as_json and verdicts:
        Console().print(_table(verdicts))
    if n_failed:
        raise typer.Exit(1)


def classify(path: Path, *, early_media: bool = False) -> Verdict:
    """The verdict on a file, heard frame by frame as on a call. Raises InputError naming the file."""
    pcm = read_audio(path)
    whole = len(pcm) - len(pcm) % FRAME_BYTES
    frames = [pcm[at : at + FRAME_BYTES] for at in range(0, whole, FRAME_BYTES)]
    return _early(frames) if early_media else _answered(frames)


def expand(paths: Iterable[Path]) -> list[Path]:
    """The files meant: directories are searched for audio, in order of name; anything else stays to be tried."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.rglob("*") if file.suffix.lower() in AUDIO_SUFFIXES)
        else:
            found.append(path)
    return found


def _answered(frames: Sequence[bytes]) -> Verdict:
    detector = AmdDetector()
    verdict = next(filter(None, map(detector.feed, frames)), None) or detector.flush()
    if verdict is None:
        raise AssertionError("a detector that gave no verdict gives one when flushed")
    if verdict.label is not Label.MACHINE:
        return verdict
    beep_ms = _first_beep_ms(frames) if verdict.beep_ms is None else verdict.beep_ms
    greeting_end_ms = _speech_end_ms(frames, beep_ms)
    return replace(verdict, beep_ms=beep_ms, greeting_end_ms=greeting_end_ms)


def _first_beep_ms(frames: Iterable[bytes]) -> int | None:
    detector = BeepDetector()
    events = filter(None, map(detector.feed, frames))
    return next((event.beep_ms for event in events if event.kind is BeepEventKind.FOUND), None)


def _speech_end_ms(frames: Iterable[bytes], before_ms: int | None) -> int | None:
    meter, tones, speech = FrameMeter(), ToneTracker(), SpeechTracker()
    for pcm in frames:
        frame = meter.measure(pcm)
        if before_ms is not None and frame.end_ms > before_ms:
            speech.retract(before_ms - FRAME_MS)
            break
        tones.feed(frame)
        speech.feed(frame, in_tone=tones.suspected)
    return speech.end_ms if speech.heard else None


def _early(frames: Iterable[bytes]) -> Verdict:
    detector = EarlyMediaDetector()
    for pcm in frames:
        detector.feed(pcm)
    detector.flush()
    if detector.verdict is None:
        raise AssertionError("a detector that gave no verdict gives one when flushed")
    return detector.verdict


def _with_progress(
    paths: Sequence[Path], early_media: bool, console: Console
) -> Iterator[tuple[Path, Verdict | InputError]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("listening", total=len(paths))
        for path in paths:
            try:
                yield path, classify(path, early_media=early_media)
            except InputError as error:
                yield path, error
            progress.advance(task)


def _table(verdicts: Iterable[FileVerdict]) -> Table:
    table = Table(Column("file", overflow="fold"), "label", "decided", "confidence", "because")
    for item in verdicts:
        verdict = item.verdict
        decided = f"{verdict.decided_ms} ms"
        table.add_row(item.path.name, verdict.label.value, decided, f"{verdict.confidence:.2f}", verdict.reason)
    return table
