"""`dialer attempts …`: what was dialed, and saying how it ended where a crash lost it."""

from typing import Annotated

import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, call
from dialer.cli.output import print_table, say

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
    names = ("attempt_id", "campaign_id", "case_ref", "number_masked", "state", "disposition", "reserved_at", "trunk")
    rows = [tuple(item[name] for name in names) for item in page["items"]]
    print_table("Attempts", ("id", "campaign", "case", "number", "state", "ended as", "reserved (UTC)", "trunk"), rows)


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
