"""`dialer verdicts …`: what the detector said, drawing some by chance to listen to, and how often it was wrong."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, call, download_all
from dialer.cli.output import note, print_table, say

app = typer.Typer(no_args_is_help=True, help="Verdicts on what answered, checked by listening.")

Json = Annotated[bool, typer.Option("--json", help="The whole answer, for programs.")]
Since = Annotated[str | None, typer.Option("--since", help="Made since then, e.g. 2026-11-23T00:00:00+08:00.")]

_COLUMNS = ("id", "campaign", "attempt", "made (UTC)", "verdict", "sure", "decided", "audio", "heard as")


@app.command("list")
def list_verdicts(
    campaign: Annotated[int | None, typer.Option("--campaign", help="Of this campaign.")] = None,
    label: Annotated[str | None, typer.Option("--label", help="With this verdict, e.g. machine.")] = None,
    phase: Annotated[str | None, typer.Option("--phase", help="early or answered.")] = None,
    labelled: Annotated[bool | None, typer.Option("--labelled/--unlabelled", help="Somebody listened, or not.")] = None,
    since: Since = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="At most so many.")] = 50,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Lists verdicts, newest first."""
    query = {"campaign_id": campaign, "label": label, "phase": phase, "labelled": labelled, "since": since}
    page = call(url, token, "GET", "/v1/verdicts", limit=limit, **query)
    _show(page, "Verdicts", as_json)


@app.command()
def draw(
    campaign: Annotated[int, typer.Argument(help="The campaign's number.")],
    n: Annotated[int, typer.Option("--n", min=1, max=500, help="How many.")] = 50,
    label: Annotated[str, typer.Option("--label", help="With this verdict.")] = "machine",
    seed: Annotated[str, typer.Option("--seed", help="One for each listener: it says which are drawn.")] = "1",
    since: Since = None,
    audio: Annotated[Path | None, typer.Option("--audio", help="A folder to put their audio into.")] = None,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Draws verdicts by chance to listen to; only these count when the detector's error is estimated."""
    body = {"campaign_id": campaign, "label": label, "n": n, "seed": seed} | ({"since": since} if since else {})
    drawn = call(url, token, "POST", "/v1/verdicts/draw", body)
    _show(drawn, "Drawn", as_json)
    if not drawn["items"]:
        note("there is no such verdict with audio that nobody has listened to")
        return
    if audio is not None:
        _save(drawn["items"], audio, url, token)
    note("next: listen, then dialer verdicts label ID human|machine|silence|fax|unknown")


@app.command("label")
def set_label(
    verdict: Annotated[int, typer.Argument(help="The verdict's number.")],
    truth: Annotated[str, typer.Argument(help="What you heard, e.g. human; unknown when it cannot be told.")],
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Says what was heard in a verdict's audio."""
    after = call(url, token, "POST", f"/v1/verdicts/{verdict}/label", {"truth": truth})
    say(json.dumps(after, ensure_ascii=False) if as_json else f"verdict {verdict}: {after['label']}, heard as {truth}")


@app.command()
def rate(
    campaign: Annotated[int, typer.Argument(help="The campaign's number.")],
    since: Since = None,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Tells how the verdicts of a campaign came out, and how many people were taken for machines."""
    found = call(url, token, "GET", f"/v1/campaigns/{campaign}/amd", since=since)
    if as_json:
        say(json.dumps(found, ensure_ascii=False))
        return
    rows = [(item["phase"], item["label"], item["verdicts"], _heard(item["heard"])) for item in found["counts"]]
    print_table("Verdicts", ("phase", "verdict", "how many", "heard as"), rows)
    say(_sentence(found["false_machines"]))
    if not found["false_machines"]["listened"]:
        note(f"next: dialer verdicts draw {campaign}")


def _sentence(false: Mapping[str, Any]) -> str:
    """Of the drawn ones only: whoever picks what to listen to picks the result."""
    counts = f"machine verdicts: {false['verdicts']}; drawn and heard: {false['listened']}; people: {false['people']}"
    unclear = f"; could not be told: {false['unclear']}" if false["unclear"] else ""
    if false["share"] is None:
        return f"{counts}{unclear}; nothing is known of the share of people among them"
    share, low, high = (f"{100 * false[name]:.2f} %" for name in ("share", "low", "high"))
    return f"{counts}{unclear}; that is {share}, with 95 % confidence between {low} and {high}"


def _heard(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {label}" for label, n in counts.items())


def _show(answer: Mapping[str, Any], title: str, as_json: bool) -> None:
    if as_json:
        say(json.dumps(answer, ensure_ascii=False))
    else:
        print_table(title, _COLUMNS, [_row(item) for item in answer["items"]])


def _row(item: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        item["sample_id"],
        item["campaign_id"],
        item["attempt_id"],
        f"{datetime.fromisoformat(item['made_at']):%m-%d %H:%M:%S}",
        item["label"],
        f"{item['confidence']:.2f}",
        f"{item['decided_ms']} ms",
        "yes" if item["has_audio"] else "no",
        item["truth"],
    )


def _save(items: Sequence[Mapping[str, Any]], folder: Path, url: str, token: str) -> None:
    """The audio as `ID.wav`: no name tells what the detector said."""
    sample_ids = [item["sample_id"] for item in items]
    download_all(
        url, token, folder, {f"{sample_id}.wav": f"/v1/verdicts/{sample_id}/audio" for sample_id in sample_ids}
    )
