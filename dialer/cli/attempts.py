"""`dialer attempts …`: what was dialed, and saying how it ended where a crash lost it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, call
from dialer.cli.output import note, print_table, say

app = typer.Typer(no_args_is_help=True, help="Attempts: what was dialed and how it ended.")


@app.command("list")
def list_attempts(
    campaign: Annotated[int | None, typer.Option("--campaign", help="Of this campaign.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="In this state, e.g. unknown.")] = None,
    case: Annotated[str | None, typer.Option("--case", help="Of this case.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="At most so many.")] = 50,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Lists attempts, newest first."""
    query = {"campaign_id": campaign, "state": state, "case_ref": case, "limit": limit}
    page = call(url, token, "GET", "/v1/attempts", **query)
    rows = [_row(item) for item in page["items"]]
    print_table("Attempts", ("id", "campaign", "case", "number", "state", "reserved (UTC)", "trunk"), rows)
    if any(item["state"] == "unknown" for item in page["items"]):
        note("unknown: look into the trunk's call records, then dialer attempts reconcile ID DISPOSITION")


def _row(item: Mapping[str, Any]) -> tuple[object, ...]:
    """Narrow enough for 80 columns: the end stands in for the state, and times go to the second."""
    state = item["disposition"] if item["state"] == "settled" else item["state"]
    reserved = f"{datetime.fromisoformat(item['reserved_at']):%m-%d %H:%M:%S}"
    return (
        item["attempt_id"],
        item["campaign_id"],
        item["case_ref"],
        item["number_masked"],
        state,
        reserved,
        item["trunk"],
    )


@app.command()
def reconcile(
    attempt_id: Annotated[int, typer.Argument(help="The attempt's number.")],
    disposition: Annotated[str, typer.Argument(help="How it ended, by the trunk's call records, e.g. no_answer.")],
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Says how an attempt ended that a crash left unknown; only then may its contact be dialed again."""
    body = {"disposition": disposition}
    after = call(url, token, "POST", f"/v1/attempts/{attempt_id}/reconcile", body)
    say(f"attempt {attempt_id} is {after['state']} as {after['disposition']}")
