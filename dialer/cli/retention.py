"""`dialer retention …`: what may go, legal holds, and deletions that two persons decide."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, call
from dialer.cli.output import note, print_table, say
from dialer.errors import InputError

app = typer.Typer(no_args_is_help=True, help="How long recordings are kept: legal holds, deletions by two persons.")

Json = Annotated[bool, typer.Option("--json", help="The service's answer as it is.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it goes into the ledger for good, so name no person.")]
By = Annotated[str | None, typer.Option("--by", help="Only what could go at that instant, like 2026-01-01T00:00:00Z.")]
Overdue = Annotated[bool, typer.Option("--overdue", help="Only what should be gone already.")]
Names = Annotated[Path | None, typer.Option("--from", help="A file with the recordings' ids, one a line.")]
Number = Annotated[int, typer.Argument(help="The request's number.")]


@app.command()
def due(
    by: By = None, overdue: Overdue = False, as_json: Json = False, url: Url = DEFAULT_URL, token: Token = ""
) -> None:
    """Says what may go now, and what keeps the rest of what is old enough. Nothing is changed."""
    run = call(url, token, "POST", "/v1/deletions/dry-run", _selection(by, overdue, None))
    if as_json:
        say(json.dumps(run, ensure_ascii=False))
        return
    _tell(run)
    if run["n_goes"]:
        note('next: dialer retention request --reason "their time is over"')


@app.command()
def request(
    reason: Reason,
    recordings: Annotated[list[str] | None, typer.Argument(help="Ids of recordings; without: all that may go.")] = None,
    names: Names = None,
    by: By = None,
    overdue: Overdue = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Asks for a deletion. Nothing goes before another person allows it."""
    named = [*(recordings or []), *(_lines(names) if names is not None else [])]
    asked = call(url, token, "POST", "/v1/deletions", {"reason": reason, **_selection(by, overdue, named)})
    _tell(asked["dry_run"])
    say(f"request {asked['deletion_id']} waits for another person's word")
    note(f"next, by an auditor or administrator: dialer retention allow {asked['deletion_id']}")


@app.command("list")
def list_requests(
    state: Annotated[str | None, typer.Option("--state", help="asked, allowed, refused or done.")] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Lists the newest requests."""
    found = call(url, token, "GET", "/v1/deletions", state=state)
    columns = ("deletion_id", "state", "asked_at", "asked_by", "decided_by", "reason")
    rows = [(*(item[column] for column in columns), _counted(item["counts"])) for item in found["items"]]
    print_table("Deletions", ("request", "state", "asked", "by", "decided by", "reason", "recordings"), rows)


@app.command()
def show(deletion: Number, as_json: Json = False, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Shows a request and, while nobody has decided on it, what it would do now."""
    found = call(url, token, "GET", f"/v1/deletions/{deletion}")
    if as_json:
        say(json.dumps(found, ensure_ascii=False))
        return
    decided = f", decided by {found['decided_by']}" if found["decided_by"] else ""
    say(f"request {deletion} is {found['state']}: asked by {found['asked_by']}{decided}; {found['reason']}")
    say(f"recordings: {_counted(found['counts'])}")
    if found["dry_run"] is not None:
        _tell(found["dry_run"])


@app.command()
def allow(deletion: Number, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Allows a deletion another person asked for. Its recordings are gone within seconds, for good."""
    done = call(url, token, "POST", f"/v1/deletions/{deletion}/allow")
    say(f"request {deletion} is {done['state']}: {_counted(done['counts'])}")
    note(f"next: dialer retention show {deletion}")


@app.command()
def refuse(deletion: Number, reason: Reason, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Refuses a deletion, or takes back the own request."""
    done = call(url, token, "POST", f"/v1/deletions/{deletion}/refuse", {"reason": reason})
    say(f"request {deletion} is {done['state']}")


@app.command()
def holds(
    lifted: Annotated[bool, typer.Option("--lifted", help="Those that were lifted.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Lists the legal holds in force."""
    found = call(url, token, "GET", "/v1/holds", in_force=str(not lifted).lower())
    columns = ("hold_id", "scope", "ref", "placed_at", "placed_by", "reason", "lift_reason")
    rows = [tuple(item[column] for column in columns) for item in found["items"]]
    print_table("Legal holds", ("hold", "keeps", "which", "since", "by", "reason", "lifted because"), rows)


@app.command()
def hold(
    scope: Annotated[str, typer.Argument(help="recording, case, person or campaign.")],
    ref: Annotated[str, typer.Argument(help="Its id: as the case system names case or person.")],
    reason: Reason,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Places a legal hold: what it keeps stays until it is lifted."""
    placed = call(url, token, "POST", "/v1/holds", {"scope": scope, "ref": ref, "reason": reason})
    say(f"hold {placed['hold_id']} keeps the {scope} {ref}: {placed['n_recordings']} recordings now")
    if not placed["n_recordings"]:
        note("if there should be some, look how it is spelled, lift this hold and place the right one")


@app.command()
def lift(
    hold_id: Annotated[int, typer.Argument(help="The hold's number.")],
    reason: Reason,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Lifts a legal hold; what other holds keep stays."""
    lifted = call(url, token, "POST", f"/v1/holds/{hold_id}/lift", {"reason": reason})
    say(f"hold {hold_id} on the {lifted['scope']} {lifted['ref']} is lifted")


def _selection(by: str | None, overdue: bool, named: list[str] | None) -> dict[str, object]:
    if named and (overdue or by is not None):
        raise InputError("--by and --overdue choose among all recordings: name none, or leave them out")
    if named:
        return {"recording_ids": named}
    return {"overdue": overdue} | ({} if by is None else {"by": by})


def _lines(path: Path) -> list[str]:
    try:
        found = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if not found:
        raise InputError(f"{path}: names no recording")
    return found


def _tell(run: Mapping[str, Any]) -> None:
    hours = run["duration_s"] / 3600
    more = "" if run["complete"] else " (and more: one request takes no more than these)"
    say(
        f"{run['n_goes']} recordings may go{more}, {run['n_overdue']} of them overdue: {hours:.1f} hours, "
        f"{run['size_bytes'] / 1e6:.1f} MB, and {run['n_derived']} redactions of them"
    )
    print_table("What goes, and what stays", ("recording", "case", "goes", "why"), _rows(run))
    for kept in run["kept"]:
        say(f"{kept['n']} stay ({kept['code']})")


def _rows(run: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    for judged in (*run["examples"], *(each for kept in run["kept"] for each in kept["examples"])):
        why = "; ".join(reason["en"] for reason in judged["reasons"])
        yield judged["recording_id"], judged["case_ref"], "yes" if judged["goes"] else "no", why


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {state}" for state, n in counts.items())
