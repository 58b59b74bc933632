"""`dialer replay`: a recorded day put to a changed pace, beside what was really dialed."""

import asyncio
import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, configured_url, need_token
from dialer.cli.output import errors, note, say
from dialer.errors import InputError, system_reason
from dialer.model.campaign import CampaignMode

if TYPE_CHECKING:
    from dialer.model.history import History

MODES = (CampaignMode.PREDICTIVE, CampaignMode.PROGRESSIVE, CampaignMode.POWER)


def replay(
    file: Annotated[Path | None, typer.Argument(metavar="FILE.jsonl", help="A day kept with --save.")] = None,
    campaign: Annotated[str | None, typer.Option("--campaign", help="A campaign's name or number.")] = None,
    day: Annotated[
        datetime | None,
        typer.Option("--day", formats=["%Y-%m-%d"], help="With --campaign: the day, on the house's clock."),
    ] = None,
    mode: Annotated[
        CampaignMode | None, typer.Option("--mode", help="Another mode: predictive, progressive or power.")
    ] = None,
    abandon_target: Annotated[
        float | None, typer.Option("--abandon-target", help="Another target, e.g. 0.02 for 2 %.")
    ] = None,
    lines_per_agent: Annotated[
        float | None, typer.Option("--lines-per-agent", help="At most so many lines a collector (predictive).")
    ] = None,
    ratio: Annotated[float | None, typer.Option("--ratio", help="Lines per ready collector (power).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole comparison as one JSON object.")] = False,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE.jsonl", help="Keep the day: figures, nobody's number or name."),
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Puts a recorded day to a changed pace: when it would have dialed more or less, and why.

    A saved file gives the same answer on every machine.
    """
    if mode is not None and mode not in MODES:
        raise typer.BadParameter(f"{mode.value} decides nothing by the day; use predictive, progressive or power")
    history = _history(file, campaign, day, save, url, token)
    changes: dict[str, CampaignMode | float | None] = {
        "mode": mode,
        "abandon_target": abandon_target,
        "max_lines_per_agent": lines_per_agent,
        "power_ratio": ratio,
    }
    _tell(history, {name: value for name, value in changes.items() if value is not None}, as_json)


def _tell(history: "History", asked: Mapping[str, CampaignMode | float], as_json: bool) -> None:
    from dialer.campaigns.loop.running import pacer_of
    from dialer.cli.replay_report import document, print_comparison
    from dialer.simulator.replay_result import changed_settings, compare

    changed = changed_settings(history.outline.settings, asked)
    with errors.status("replaying the day, tick by tick"):
        found = compare(history, changed, pacer_of)
    if as_json:
        say(json.dumps(document(history, found, asked), ensure_ascii=False))
    else:
        print_comparison(history, found, asked)


def _history(
    file: Path | None, campaign: str | None, day: datetime | None, save: Path | None, url: str, token: str
) -> "History":
    from dialer.simulator.history_source import saved_day

    if file is not None:
        if campaign is not None or day is not None or save is not None:
            raise typer.BadParameter("--campaign, --day and --save do not go with a file")
        return saved_day(file)
    if campaign is None or day is None:
        raise typer.BadParameter("give a file, or --campaign and --day")
    content, history = asyncio.run(_fetch(url or configured_url(), need_token(token), campaign, day.date()))
    if save is not None:
        _keep(save, content)
    return history


async def _fetch(url: str, token: str, campaign: str, day: date) -> "tuple[bytes, History]":
    from dialer.api.client import ApiClient
    from dialer.simulator.history_source import recorded_day

    async with ApiClient(url, token) as client:
        return await recorded_day(client, campaign, day)


def _keep(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {system_reason(error)}") from error
    note(f"day kept: {path}; next: dialer replay {path}")
