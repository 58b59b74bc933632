"""`dialer campaign …`: campaigns of the running service."""

import json
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, call
from dialer.cli.output import console, note, print_table, say
from dialer.errors import InputError

app = typer.Typer(no_args_is_help=True, help="Campaigns of the running service.")

LIVE_STATES = ("running", "paused", "draining")
CHECK_PAUSE_S = 1.0
"""How often a check that takes long is asked how far it is."""
MAX_DAYS = 14

CampaignId = Annotated[int, typer.Argument(help="The campaign's number, as `dialer campaign list` shows it.")]


@app.command("list")
def list_campaigns(url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Lists all campaigns."""
    page = call(url, token, "GET", "/v1/campaigns")
    rows = [
        (item["campaign_id"], item["name"], item["settings"]["mode"], item["state"], item["state_reason"])
        for item in page["items"]
    ]
    print_table("Campaigns", ("id", "name", "mode", "state", "why"), rows)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What supervisors call it.")],
    lists: Annotated[list[int], typer.Option("--list", help="A list's number; may be repeated.")],
    settings: Annotated[Path | None, typer.Option("--settings", help="A JSON file of settings.")] = None,
    mode: Annotated[
        str | None, typer.Option("--mode", help="progressive, predictive, power, preview or reminder.")
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Creates a draft over one or more lists."""
    chosen = _read_settings(settings) | ({"mode": mode} if mode else {})
    made = call(url, token, "POST", "/v1/campaigns", {"name": name, "list_ids": lists, "settings": chosen})
    say(f"campaign {made['campaign_id']} created; next: dialer campaign check {made['campaign_id']}")


@app.command()
def check(
    campaign_id: CampaignId,
    as_json: Annotated[bool, typer.Option("--json", help="The whole answer as JSON, with examples.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Checks before launch, or why nothing is dialing: who may be called now, who when, and what keeps them back.

    Exit code 1: the campaign may not start.
    """
    found = call(url, token, "POST", f"/v1/campaigns/{campaign_id}/check")
    with console.status("") as shown:
        while not found["finished"]:
            shown.update(f"looked at {found['surveyed']:,} of {found['total']:,}")
            time.sleep(CHECK_PAUSE_S)
            found = call(url, token, "GET", f"/v1/campaigns/{campaign_id}/check")
    if as_json:
        say(json.dumps(found, ensure_ascii=False))
    else:
        _print_check(found)
    if found["problems"]:
        raise typer.Exit(1)
    note(f"next: dialer campaign start {campaign_id}")


def _print_check(found: Mapping[str, Any]) -> None:
    if not found["callable_now"]:
        say(f"none of {found['surveyed']:,} waiting entries may be called now")
    say(found["limiting"])
    rows = [
        (rule["rule"], f"{rule['count']:,}", f"{rule['alone']:,}", rule["reason"], _short(rule["retry_at"]))
        for rule in found["refused"]
    ]
    if rows:
        print_table("Kept back", ("rule", "how many", "by it alone", "why (the first)", "opens (UTC)"), rows)
    days = [(day["day"], f"{day['count']:,}", _short(day["first_at"])) for day in found["opens"][:MAX_DAYS]]
    if days:
        print_table("Callable later, if nothing changes", ("day", "how many", "from (UTC)"), days)
    if found["never"]:
        say(f"{found['never']:,} do not become callable by waiting")
    for warning in found["warnings"]:
        say(f"warning: {warning}")
    for problem in found["problems"]:
        say(f"problem: {problem}")


def _short(instant: str | None) -> str:
    return "" if instant is None else f"{datetime.fromisoformat(instant):%m-%d %H:%M}"


@app.command()
def start(campaign_id: CampaignId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Starts a checked campaign."""
    _act(url, token, campaign_id, "start")
    note(f"watch it: dialer campaign status {campaign_id}")


@app.command()
def pause(campaign_id: CampaignId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Places no new calls until it is resumed."""
    _act(url, token, campaign_id, "pause")


@app.command()
def resume(campaign_id: CampaignId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Goes on with a paused campaign."""
    _act(url, token, campaign_id, "resume")


@app.command()
def stop(campaign_id: CampaignId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Ends a campaign: no new call at once, the last ones are let to their end."""
    _act(url, token, campaign_id, "stop")


@app.command()
def status(campaign_id: CampaignId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Shows how a campaign runs, and why it is not dialing when it is not."""
    found = call(url, token, "GET", f"/v1/campaigns/{campaign_id}/status")
    say(f"{found['name']} is {found['state']}" + (f": {found['state_reason']}" if found["state_reason"] else ""))
    if found["state"] in LIVE_STATES:
        say(f"pace: {found['limiting']}")
    for title, part in (("contacts", found["entries"]), ("collectors", found["agents"]), ("calls", found["calls"])):
        counts = [f"{count} {name.replace('_', ' ')}" for name, count in part.items() if count]
        say(f"{title}: {', '.join(counts) or 'none'}")
    say(f"reached {found['live_on_record']}, abandoned {found['abandoned_on_record']}")
    if found["abandoned"] > found["abandoned_on_record"]:
        say(f"with people taken for machines: reached {found['live']}, abandoned {found['abandoned']}")


def _act(url: str, token: str, campaign_id: int, action: str) -> None:
    after = call(url, token, "POST", f"/v1/campaigns/{campaign_id}/{action}")
    say(f"{after['name']} is {after['state']}")


def _read_settings(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot read the settings: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(settings, dict):
        raise InputError(f"{path}: settings are one JSON object")
    return settings
