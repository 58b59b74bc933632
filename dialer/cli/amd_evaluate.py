"""`dialer amd evaluate`: hears the clips of a manifest in several processes, and reports what was heard."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from dialer.cli.amd_hearing import Listening, first_beep, hear
from dialer.cli.amd_report import print_comparison, print_curve, print_report, summary
from dialer.cli.amd_results import read_manifest, read_results, to_json
from dialer.cli.output import complain, note, say
from dialer.cli.work import in_processes, watched
from dialer.errors import InputError
from dialer.progress.evaluation import ANSWERED, EARLY, Clip, Result
from dialer.progress.verdict import Label

CURVE_COSTS_S = (10.0, 30.0, 100.0, 300.0, 600.0, 1000.0, 3000.0, 10_000.0)
"""Costs of a lost person, in seconds of a collector's time, that the curve is drawn over."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is asked for: the clips, how to hear them, and in how many processes (None: one a CPU)."""

    manifest: Path
    audio: Path
    listening: Listening
    n_jobs: int | None = None


def run(asked: Evaluation, *, as_json: bool, out: Path | None, compare: Path | None, curve: bool) -> bool:
    """Prints what was asked for; says whether every clip could be heard."""
    clips = read_manifest(asked.manifest)
    others = read_results(compare, clips) if compare is not None else []
    results, problems = evaluate(asked, clips)
    for problem in problems:
        complain(problem)
    heard_with = {"cost_s": asked.listening.cost_s, "channel": asked.listening.channel}
    whole = {**heard_with, "summary": summary(results), "clips": to_json(results)}
    if out is not None:
        _write(out, json.dumps(whole, ensure_ascii=False, indent=1) + "\n")
    if as_json:
        say(json.dumps(whole, ensure_ascii=False))
        return not problems
    print_report(results)
    if compare is not None:
        print_comparison(results, others, compare.name)
    if curve:
        print_curve([(cost_s, _at_cost(asked, clips, cost_s)) for cost_s in CURVE_COSTS_S])
    return not problems


def evaluate(asked: Evaluation, clips: Sequence[Clip]) -> tuple[list[Result], list[str]]:
    """Results in the clips' order, and what is wrong with the files that could not be heard."""
    heard = in_processes(partial(_hear_clip, asked.audio, asked.listening), clips, asked.n_jobs)
    outcomes = list(watched(heard, len(clips), "listening"))
    results = [outcome for outcome in outcomes if isinstance(outcome, Result)]
    return results, [outcome for outcome in outcomes if isinstance(outcome, str)]


def _hear_clip(audio: Path, listening: Listening, clip: Clip) -> Result | str:
    """In a process of its own: a result, or the words of the error."""
    path = audio / clip.file
    try:
        heard = hear(path, replace(listening, early_media=clip.phase == EARLY))
        beep = first_beep(path, listening.channel) if clip.label is Label.MACHINE else None
    except InputError as error:
        return str(error)
    return Result(clip, heard.verdict, beep)


def _at_cost(asked: Evaluation, clips: Sequence[Clip], cost_s: float) -> list[Result]:
    """The cost plays no part before the answer."""
    answered = [clip for clip in clips if clip.phase == ANSWERED]
    at_cost = replace(asked, listening=replace(asked.listening, cost_s=cost_s))
    return evaluate(at_cost, answered)[0]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    note(f"written: {path}")
