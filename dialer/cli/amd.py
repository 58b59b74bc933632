"""`dialer amd FILE…`: what a call would have heard in recordings; `dialer amd evaluate MANIFEST`: how good that is."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup


class _FilesFirst(TyperGroup):
    """What is no subcommand is a file to be heard."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # a context of typer's own copy of click
        known = bool(args) and args[0] in self.commands
        return super().parse_args(ctx, args if known else ["hear", *args])


app = typer.Typer(cls=_FilesFirst, help="What is heard in audio files, and how well the detectors hear.")

Channel = Annotated[
    str,
    typer.Option(
        "--channel",
        metavar="N|mix",
        help="Which channel to hear, from 0. In our recordings 0 is the called person and 1 is what we sent, which "
        "must not be mixed; `mix` averages them for files of other making.",
    ),
]
Cost = Annotated[
    float | None,
    typer.Option("--cost", min=0, help="What taking a person for a machine costs, in seconds of a collector's time."),
]


@app.command(epilog="`hear` may be left out. How good the detectors are: dialer amd evaluate --help")
def hear(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Audio files (WAV, FLAC, …), or directories of them.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    early_media: Annotated[
        bool, typer.Option("--early-media", help="Audio from before the answer; its first three minutes are heard.")
    ] = False,
    channel: Channel = "0",
    cost: Cost = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw each file: FILE.png beside it.")] = False,
    plot_dir: Annotated[Path | None, typer.Option("--plot-dir", help="Draw each file into this directory.")] = None,
) -> None:
    """Says what is heard in audio files: a person, a machine, a fax; before the answer ringing, busy, and so on.

    A verdict is that of a live call, after which no more is heard
    (of a machine: after its beep). Each file gives a verdict, or an error
    on standard error when it cannot be read, is cut short or damaged;
    then the exit code is 1.
    """
    from dialer.cli.amd_files import Drawing, hear_files
    from dialer.cli.amd_hearing import Listening

    drawing = Drawing(plot_dir) if plot or plot_dir is not None else None
    well = hear_files(files, Listening(early_media, _channel(channel), cost), as_json=as_json, drawing=drawing)
    raise typer.Exit(0 if well else 1)


@app.command()
def evaluate(
    manifest: Annotated[
        Path, typer.Argument(help="CSV with file, label, subclass, phase, first_speech_ms, greeting_end_ms, beep_ms.")
    ],
    audio: Annotated[
        Path | None, typer.Option("--audio", help="Where the files are; else in audio/ beside the manifest.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All results as one JSON object, instead of tables.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write all results to this file as JSON.")] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            "--compare", help="Results of another version (of --out) or detector (lines of dialer amd --json)."
        ),
    ] = None,
    curve: Annotated[bool, typer.Option("--curve", help="What each cost of losing a person would give.")] = False,
    cost: Cost = None,
    channel: Channel = "0",
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, max=64, help="Processes; else one a CPU, at most 8.")
    ] = None,
) -> None:
    """Measures the detectors on labelled clips: confusion, recalls, people lost, delays, beeps, with 95 % intervals."""
    from dialer.cli.amd_evaluate import Evaluation, run
    from dialer.cli.amd_hearing import Listening

    if as_json and (compare is not None or curve):
        raise typer.BadParameter("--compare and --curve print tables; leave --json out, and have results from --out")
    asked = Evaluation(manifest, audio or manifest.parent / "audio", Listening(False, _channel(channel), cost), jobs)
    well = run(asked, as_json=as_json, out=out, compare=compare, curve=curve)
    raise typer.Exit(0 if well else 1)


def _channel(text: str) -> int | None:
    if text == "mix":
        return None
    if text.isascii() and text.isdigit():
        return int(text)
    raise typer.BadParameter(f"{text!r} is no channel; use 0, 1, … or mix", param_hint="--channel")
