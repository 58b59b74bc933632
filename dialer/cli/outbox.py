"""`dialer outbox …`: what waits for the case system, and offering it again."""

from typing import Annotated
from urllib.parse import quote

import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, call
from dialer.cli.output import note, print_table, say

app = typer.Typer(no_args_is_help=True, help="Events on their way to the case system.")


@app.command()
def status(url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Counts what waits, and lists what was given up, per destination."""
    found = call(url, token, "GET", "/v1/outbox")
    rows = [
        (item["destination"], item["waiting"], item["dead_letters"], "yes" if item["configured"] else "no")
        for item in found["items"]
    ]
    print_table("Destinations", ("destination", "waiting", "given up", "configured"), rows)
    if not rows:
        note("nobody is told: add [[webhooks]] or [mqtt] to the configuration, then replay what happened before")
    for item in found["items"]:
        if not item["dead_letters"]:
            continue
        name = item["destination"]
        page = call(url, token, "GET", f"/v1/outbox/{quote(name, safe='')}/dead-letters")
        columns = ("sequence", "type", "case_ref", "failures", "error")
        letters = [tuple(letter[column] for column in columns) for letter in page["items"]]
        if letters:
            print_table(f"Dead letters of {name}", ("sequence", "type", "case", "tries", "last error"), letters)


@app.command()
def replay(
    destination: Annotated[str, typer.Argument(help="As `dialer outbox status` names it.")],
    from_sequence: Annotated[int, typer.Option("--from", min=1, help="The first event's sequence number.")],
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Offers every event from a sequence number on again, under the same ids."""
    path = f"/v1/outbox/{quote(destination, safe='')}/replay"
    done = call(url, token, "POST", path, {"from_sequence": from_sequence})
    say(f"{done['events']} events are on their way to {destination} again")
