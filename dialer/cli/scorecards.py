"""`dialer scorecards …`: forms written as files, checked, saved as drafts and frozen."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, call
from dialer.cli.output import note, print_table, say
from dialer.errors import InputError
from recording.review.ready_made import NAMES, ready_made
from recording.review.scorecard import Scorecard, encode
from recording.review.scorecard_checks import mistakes_of

app = typer.Typer(no_args_is_help=True, help="Scorecards: the forms by which calls are scored.")

Name = Annotated[str, typer.Argument(help="The scorecard's name.")]
File = Annotated[Path, typer.Argument(help="The form, as TOML or JSON.", exists=True, dir_okay=False)]

_COLUMNS = ("name", "in use", "draft", "versions")


@app.command("list")
def list_scorecards(url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Lists the scorecards: the version in use, and whether there is a draft."""
    found = call(url, token, "GET", "/v1/scorecards")["items"]
    print_table("Scorecards", _COLUMNS, [_row(item) for item in found])


@app.command()
def check(file: File) -> None:
    """Says everything that is wrong with a form, without a service."""
    problems = mistakes_of(msgspec.convert(_read(file), Scorecard))
    if problems:
        raise InputError(_lines(file, problems))
    say(f"{file}: nothing is wrong with it")


@app.command()
def save(name: Name, file: File, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Makes a form the draft of a scorecard; the first time it makes the scorecard."""
    form = _read(file)
    known = _find(name, url, token)
    if known is None:
        made = call(url, token, "POST", "/v1/scorecards", {"name": name, "content": form})
        draft = call(url, token, "GET", f"/v1/scorecard-versions/{made['draft_id']}")
    else:
        body = {"revision": _draft_revision(known), "content": form}
        draft = call(url, token, "PUT", f"/v1/scorecards/{known['scorecard_id']}/draft", body)
    say(f"{name}: draft, revision {draft['revision']}")
    for mistake in draft["mistakes"]:
        note(mistake)
    if not draft["mistakes"]:
        note(f'next: dialer scorecards freeze "{name}"')


@app.command()
def freeze(name: Name, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Makes the draft the next version, which never changes; calls are scored by it from now on."""
    known = _need(name, url, token)
    body = {"revision": _draft_revision(known)}
    frozen = call(url, token, "POST", f"/v1/scorecards/{known['scorecard_id']}/freeze", body)
    say(f"{name}: version {frozen['number']}, SHA-256 {frozen['digest']}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help=f"A scorecard's name, or a ready-made one: {', '.join(NAMES)}.")],
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Prints a form as JSON, to change and save: the draft, else the version in use."""
    if name in NAMES:
        say(json.dumps(json.loads(encode(ready_made(name))), ensure_ascii=False, indent=2))
        return
    known = _need(name, url, token)
    version_id = known["draft_id"] or known["current_id"] or known["versions"][0]["version_id"]
    shown = call(url, token, "GET", f"/v1/scorecard-versions/{version_id}")
    say(json.dumps(shown["content"], ensure_ascii=False, indent=2))


def _read(file: Path) -> Mapping[str, Any]:
    """The form as the API takes it. InputError: it is none, with every reason."""
    from pydantic import ValidationError

    from dialer.api.scorecard_models import ScorecardIn

    try:
        text = file.read_text(encoding="utf-8")
        form: Mapping[str, Any] = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
        ScorecardIn.model_validate(form)
    except ValidationError as error:
        problems = [f"{'.'.join(str(step) for step in one['loc'])}: {one['msg']}" for one in error.errors()]
        raise InputError(_lines(file, problems)) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from error
    return form


def _lines(file: Path, problems: list[str]) -> str:
    return "\n".join([f"{file}: mistakes: {len(problems)}", *(f"- {problem}" for problem in problems)])


def _find(name: str, url: str, token: str) -> Mapping[str, Any] | None:
    found: list[Mapping[str, Any]] = call(url, token, "GET", "/v1/scorecards")["items"]
    return next((item for item in found if item["name"] == name), None)


def _need(name: str, url: str, token: str) -> Mapping[str, Any]:
    known = _find(name, url, token)
    if known is None:
        raise InputError(f"there is no scorecard named {name}; `dialer scorecards list` shows what there is")
    return known


def _draft_revision(known: Mapping[str, Any]) -> int:
    """0: there is no draft."""
    revisions = [int(one["revision"]) for one in known["versions"] if one["version_id"] == known["draft_id"]]
    return revisions[0] if revisions else 0


def _row(item: Mapping[str, Any]) -> tuple[object, ...]:
    used = [one["number"] for one in item["versions"] if one["version_id"] == item["current_id"]]
    draft = _draft_revision(item)
    frozen = sum(one["number"] > 0 for one in item["versions"])
    return item["name"], used[0] if used else "", f"revision {draft}" if draft else "", frozen
