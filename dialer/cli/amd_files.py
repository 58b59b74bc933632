"""Hearing many files for `dialer amd`: lines for programs, a table for people, an error for what cannot be heard."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from dialer.cli.amd_hearing import Heard, Listening, hear
from dialer.cli.output import complain, print_table
from dialer.cli.work import watched
from dialer.errors import DialerError, InputError, system_reason

Draw = Callable[[Path, Heard], None]

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".aiff", ".au"})


@dataclass(slots=True)
class Drawing:
    """Where pictures go: beside their file, or all into one directory."""

    folder: Path | None = None
    _taken: set[str] = field(default_factory=set)

    def place_for(self, path: Path) -> Path:
        """`a.wav` becomes `a.wav.png`; the second file of that name in one directory becomes `a.wav-2.png`."""
        if self.folder is None:
            return path.with_name(f"{path.name}.png")
        name, n = f"{path.name}.png", 1
        while name in self._taken:
            n += 1
            name = f"{path.name}-{n}.png"
        self._taken.add(name)
        return self.folder / name


def hear_files(paths: Iterable[Path], listening: Listening, *, as_json: bool, drawing: Drawing | None) -> bool:
    """Prints a verdict or an error for each file; says whether there was no error."""
    draw = None if drawing is None else _drawer(drawing, listening)
    found, problems = expand(paths)
    for problem in problems:
        complain(printable(problem))
    heard = _hear_all(found, listening, draw, as_json=as_json)
    if not as_json and heard:
        print_table("Heard", ("file", "label", "decided", "confidence", "because"), map(_row, heard))
    return not problems and len(heard) == len(found)


def expand(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The files meant, and what is wrong: directories are searched for audio; anything else stays to be tried."""
    found: list[Path] = []
    problems: list[str] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = _audio_in(path, problems)
        if not inside:
            problems.append(f"{path}: holds no audio files ({', '.join(sorted(AUDIO_SUFFIXES))})")
        found += inside
    return found, problems


def line_of(path: Path, heard: Heard) -> dict[str, Any]:
    """The line that `--json` prints."""
    verdict = heard.verdict
    return {
        "file": printable(path),
        "label": verdict.label.value,
        "decided_ms": verdict.decided_ms,
        "confidence": round(verdict.confidence, 3),
        "greeting_end_ms": verdict.greeting_end_ms,
        "beep_ms": verdict.beep_ms,
        "subclass": verdict.subclass,
    }


def printable(path: Path | str) -> str:
    """A name as text; bytes that are no UTF-8 are replaced, since a line of JSON could not hold them."""
    return os.fsencode(path).decode("utf-8", "replace")


def _drawer(drawing: Drawing, listening: Listening) -> Draw:
    try:
        from dialer.cli.amd_plot import draw
    except ImportError as error:
        raise DialerError(f"{error}; what --plot draws with is installed by: pip install 'dialer[plots]'") from error
    return lambda path, heard: draw(path, heard, listening, drawing.place_for(path))


def _hear_all(
    found: Sequence[Path], listening: Listening, draw: Draw | None, *, as_json: bool
) -> list[tuple[Path, Heard]]:
    done = []
    for path in watched(found, len(found), "listening"):
        try:
            heard = hear(path, listening)
            if draw is not None:
                draw(path, heard)
        except InputError as error:
            complain(printable(str(error)))
            continue
        if as_json:
            typer.echo(json.dumps(line_of(path, heard), ensure_ascii=False))
        done.append((path, heard))
    return done


def _audio_in(folder: Path, problems: list[str]) -> list[Path]:
    """In order of name. A directory that cannot be opened is a problem, not an empty one."""

    def note(error: OSError) -> None:
        problems.append(f"{error.filename}: cannot be searched: {system_reason(error)}")

    return sorted(
        Path(where, name)
        for where, _, names in os.walk(folder, onerror=note)
        for name in names
        if Path(name).suffix.lower() in AUDIO_SUFFIXES
    )


def _row(item: tuple[Path, Heard]) -> tuple[str, ...]:
    path, verdict = item[0], item[1].verdict
    confidence = f"{verdict.confidence:.2f}"
    return printable(path.name), verdict.label.value, f"{verdict.decided_ms} ms", confidence, verdict.reason
