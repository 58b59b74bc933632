"""`dialer announcements …`: the library of known network announcements, and naming those that calls heard."""

import asyncio
import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, call, configured_url, download_all, need_token
from dialer.cli.output import complain, note, print_table, say
from dialer.errors import DialerError, InputError
from dialer.model.announcement import AnnouncementMeaning

if TYPE_CHECKING:
    from dialer.progress.announcements import AnnouncementLibrary

app = typer.Typer(no_args_is_help=True, help="Network announcements: what is known, and what waits for a name.")

Files = Annotated[list[Path], typer.Argument(help="Audio files (WAV, FLAC, any rate), or directories of them.")]
Json = Annotated[bool, typer.Option("--json", help="For programs: one JSON object a line.")]
Meaning = Annotated[AnnouncementMeaning, typer.Option("--meaning", help="What it means for the call.")]
Language = Annotated[str, typer.Option("--language", help="zh, en, or zh+en for one after the other.")]
UPLOAD_TYPE = "audio/flac"

Item = Mapping[str, Any]
Row = tuple[object, ...]


@app.command()
def add(
    files: Files,
    meaning: Meaning,
    title: Annotated[str, typer.Option("--title", help="What it says; else the file's name.")] = "",
    language: Language = "zh",
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Adds recordings to the library: each with one announcement and nothing before it."""

    def send(path: Path) -> None:
        query = {"title": title or path.stem, "meaning": meaning.value, "language": language, "source": path.name}
        entry = _upload(url, token, "/v1/announcements", path, query)
        say(f"{path.name}: announcement {entry['announcement_id']}, {entry['meaning_zh']} {entry['meaning_en']}")

    _each(files, send)


@app.command("list")
def list_announcements(as_json: Json = False, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Lists the known announcements."""
    items = call(url, token, "GET", "/v1/announcements")["items"]
    columns = ("id", "title", "meaning", "language", "length", "all of", "source", "added by")
    _show("Announcements", columns, items, _entry_row, as_json)


@app.command()
def remove(
    announcement: Annotated[int, typer.Argument(help="Its number.")], url: Url = DEFAULT_URL, token: Token = ""
) -> None:
    """Takes an announcement out of the library."""
    call(url, token, "DELETE", f"/v1/announcements/{announcement}")
    say(f"announcement {announcement} is out of the library")


@app.command()
def complete(
    carrier: Annotated[str, typer.Argument(help="Whose announcements they are.")],
    announcements: Annotated[
        list[int] | None, typer.Argument(help="The numbers of all it has; none takes the statement back.")
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """States that these are all announcements of a carrier, its mailbox among them: calls then end sooner."""
    body = {"carrier": carrier, "announcement_ids": announcements or []}
    items = call(url, token, "POST", "/v1/announcements/complete", body)["items"]
    say(f"{carrier}: {len(items)} announcements are all" if items else f"{carrier}: nobody says what all are")


@app.command()
def match(
    files: Files,
    library: Annotated[
        Path | None, typer.Option("--library", help="An exported library, instead of a service.")
    ] = None,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Says what a live call would have recognised in recordings, and when. Exit code 1: a file could not be read."""
    known = None if library is None else _read_library(library)

    def hear(path: Path) -> None:
        found = (
            _upload(url, token, "/v1/announcements/match", path, {})["items"]
            if known is None
            else _match_here(known, path)
        )
        if as_json:
            say(json.dumps({"file": str(path), "matches": found}, ensure_ascii=False))
            return
        for one in found:
            what = f"{one['title']} ({one['meaning']}) at {one['matched_ms']} ms, likeness {one['score']:.2f}"
            say(f"{path.name}: {what}" if one["certain"] else f"{path.name}: begins like {what}")
        if not found:
            say(f"{path.name}: nothing that is known")

    _each(files, hear)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to put it.")], url: Url = DEFAULT_URL, token: Token = ""
) -> None:
    """Writes the library to a file, for `dialer announcements match --library`."""
    items = call(url, token, "GET", "/v1/announcements/export")["items"]
    try:
        file.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items), encoding="utf-8")
    except OSError as error:
        raise DialerError(f"{file}: cannot be written: {error.strerror}") from error
    note(f"{len(items)} announcements in {file}")


@app.command()
def unknown(
    audio: Annotated[Path | None, typer.Option("--audio", help="A folder to put their audio into.")] = None,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Lists announcements that calls heard and nobody has named, the most often heard first."""
    items = call(url, token, "GET", "/v1/announcements/unknown")["items"]
    columns = ("cluster", "heard", "last (UTC)", "length", "trunk: status", "first attempt")
    _show("Unknown announcements", columns, items, _cluster_row, as_json)
    if audio is not None:
        clusters = [item["cluster_id"] for item in items]
        files = {f"{cluster}.wav": f"/v1/announcements/unknown/{cluster}/audio" for cluster in clusters}
        download_all(url, token, audio, files)
    if items:
        note("next: listen, then dialer announcements name CLUSTER --meaning … --title …")


@app.command()
def name(
    cluster: Annotated[int, typer.Argument(help="As `dialer announcements unknown` numbers it.")],
    meaning: Meaning,
    title: Annotated[str, typer.Option("--title", help="What it says.")],
    language: Language = "zh",
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Names an announcement that calls heard; from now on they recognise it."""
    body = {"title": title, "meaning": meaning.value, "language": language}
    entry = call(url, token, "POST", f"/v1/announcements/unknown/{cluster}/name", body)
    say(f"announcement {entry['announcement_id']}: {entry['title']}, {entry['meaning_zh']} {entry['meaning_en']}")


def _each(files: Sequence[Path], work: Callable[[Path], None]) -> None:
    """One file after the other, directories searched; what is wrong with one is said, and the others go on."""
    from dialer.cli.amd_files import expand, printable

    found, problems = expand(files)
    for problem in problems:
        complain(printable(problem))
    n_failed = len(problems)
    for path in found:
        try:
            work(path)
        except DialerError as error:
            complain(str(error) if str(path) in str(error) else f"{path}: {error}")
            n_failed += 1
    if n_failed:
        raise typer.Exit(1)


def _upload(url: str, token: str, address: str, path: Path, query: Mapping[str, str]) -> Any:
    """Sends a recording as the telephone has it: 8 kHz and mono are all that is listened to."""
    import soundfile

    from dialer.media.g711 import samples_of
    from dialer.prompts.audio import RATE_HZ, read_audio

    flac = io.BytesIO()
    soundfile.write(flac, samples_of(read_audio(path)), RATE_HZ, format="FLAC", subtype="PCM_16")
    return asyncio.run(_send(url or configured_url(), need_token(token), address, query, flac.getvalue()))


async def _send(url: str, token: str, address: str, query: Mapping[str, str], flac: bytes) -> Any:
    from dialer.api.client import ApiClient

    async with ApiClient(url, token) as client:
        return await client.upload(address, query, flac, UPLOAD_TYPE)


def _match_here(known: "AnnouncementLibrary", path: Path) -> list[dict[str, Any]]:
    from dataclasses import asdict

    from dialer.progress.announcements import matches_in
    from dialer.prompts.audio import read_audio

    return [asdict(match) for match in matches_in(known, read_audio(path))]


def _read_library(path: Path) -> "AnnouncementLibrary":
    from dialer.progress.announcements import AnnouncementLibrary, LibraryEntry
    from dialer.progress.fingerprint import Fingerprint

    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return AnnouncementLibrary(
            LibraryEntry(
                line["announcement_id"],
                line["title"],
                AnnouncementMeaning(line["meaning"]),
                Fingerprint.from_bytes(base64.b64decode(line["fingerprint"], validate=True)),
                in_complete_set=bool(line["in_complete_set"]),
            )
            for line in lines
        )
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no library that `dialer announcements export` wrote") from error


def _show(title: str, columns: Sequence[str], items: Sequence[Item], row: Callable[[Item], Row], as_json: bool) -> None:
    if as_json:
        for item in items:
            say(json.dumps(item, ensure_ascii=False))
    else:
        print_table(title, columns, [row(item) for item in items])


def _entry_row(item: Item) -> Row:
    meaning = f"{item['meaning']} {item['meaning_zh']}"
    length = f"{item['length_ms'] / 1000:.1f} s"
    said = item["announcement_id"], item["title"], meaning, item["language"], length
    return *said, item["complete_set"], item["source"], item["added_by"]


def _cluster_row(item: Item) -> Row:
    with_what = ", ".join(f"{one['trunk']}: {one['sip_status'] or '–'} ×{one['times']}" for one in item["heard_with"])
    last = f"{datetime.fromisoformat(item['last_heard_at']):%m-%d %H:%M}"
    return item["cluster_id"], item["times"], last, f"{item['length_ms'] / 1000:.1f} s", with_what, item["attempt_id"]
