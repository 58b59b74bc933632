"""The `dialer` command. Heavy modules are imported by the command that needs them, so that `--help` is quick."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from dialer.cli import (
    accounts,
    amd,
    announcements,
    attempts,
    calendar,
    campaign,
    evidence,
    importing,
    outbox,
    policy,
    proof,
    recordings,
    replay,
    retention,
    scorecards,
    simulate,
    verdicts,
    why,
)
from dialer.cli.house import DEFAULT_CONFIG, ConfigFile, read_config
from dialer.cli.output import complain, say
from dialer.errors import DialerError

if TYPE_CHECKING:
    from dialer.app import Application

T = TypeVar("T")

EXIT_ERROR = 2
DEMO_FOLDER = Path(".demo")

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="A dialer for call centres: campaigns over SIP trunks, one gate for every call.",
)
app.add_typer(amd.app, name="amd")
app.add_typer(calendar.app, name="calendar")
app.add_typer(campaign.app, name="campaign")
app.add_typer(announcements.app, name="announcements")
app.add_typer(attempts.app, name="attempts")
app.add_typer(outbox.app, name="outbox")
app.add_typer(policy.app, name="policy")
app.add_typer(proof.app, name="proof")
app.add_typer(recordings.app, name="recordings")
app.add_typer(retention.app, name="retention")
app.add_typer(scorecards.app, name="scorecards")
app.add_typer(verdicts.app, name="verdicts")
app.add_typer(accounts.user_app, name="user")
app.add_typer(accounts.token_app, name="token")
app.command("import")(importing.import_file)
app.command()(evidence.evidence)
app.command()(why.why)
app.command()(replay.replay)
app.command()(simulate.simulate)


@app.command()
def serve(
    config: ConfigFile = DEFAULT_CONFIG,
    log_format: Annotated[str, typer.Option("--log-format", help="json or console.")] = "console",
    log_level: Annotated[str, typer.Option("--log-level", help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
) -> None:
    """Runs a node until it is told to stop."""
    from dialer.app import serve as run
    from dialer.logging_setup import set_up_logging

    settings = read_config(config)
    set_up_logging("json" if log_format == "json" else "console", _level(log_level))

    def announce(node: "Application") -> None:
        say(f"node {settings.node.name} is up: http://{settings.http.host}:{node.http_port}/")

    _run(run(settings, announce, lambda: read_config(config)))


@app.command()
def demo(
    exit_when_done: Annotated[bool, typer.Option("--exit-when-done", help="End with a summary.")] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Where the pages are.")] = 8080,
    folder: Annotated[Path, typer.Option("--folder", help="Where the demo keeps its files.")] = DEMO_FOLDER,
    contacts: Annotated[int, typer.Option("--contacts", min=10, max=5000, help="How many people to invent.")] = 60,
) -> None:
    """Dials a sample list through a simulated carrier on this machine."""
    from dialer.simulator.demo import run_demo

    raise typer.Exit(_run(run_demo(folder, port, contacts, exit_when_done)))


@app.command()
def check(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Looks for what would keep this node from dialing, and says what to do about it. Exit code 1: something would."""
    from dialer.cli.check import run_checks

    raise typer.Exit(asyncio.run(run_checks(config)))


def _run(work: Coroutine[object, object, T]) -> T:
    """Runs on uvloop, whose sockets cost half."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def main() -> None:
    """The entry point: an error of ours is one clear line and exit code 2, never a traceback."""
    try:
        app()
    except DialerError as error:
        complain(str(error))
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        sys.exit(130)
    except asyncio.CancelledError:  # told to end by SIGTERM
        sys.exit(143)


def _level(name: str) -> str:
    if name.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise typer.BadParameter(f"{name!r} is no level; use DEBUG, INFO, WARNING or ERROR", param_hint="--log-level")
    return name.upper()


if __name__ == "__main__":
    main()
