"""`dialer proof …`: exporting the chains of proofs, checking them, and reading what they say of one attempt."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, call, configured_url, need_token
from dialer.cli.decision_view import Shown, instant, label, line, local, print_decision, print_packs, sentences
from dialer.cli.output import complain, note, say
from dialer.errors import DialerError

if TYPE_CHECKING:  # heavy: `dialer --help` stays quick
    from dialer.compliance.proof_chain import ChainReport, Fault, Head
    from dialer.compliance.proof_export import ExportReport

app = typer.Typer(
    no_args_is_help=True, help="Proofs: why every number was called, or was not; and that none was altered."
)

EXIT_FAULTS = 1
EXIT_NOT_WHOLE = 3
PROGRESS_EVERY = 100_000
"""Links between two lines that say how far a check has come."""

Since = Annotated[str | None, typer.Option("--since", help="From this instant on, e.g. 2026-11-01T00:00:00+08:00.")]
Until = Annotated[str | None, typer.Option("--until", help="Before this instant.")]
After = Annotated[
    list[str] | None, typer.Option("--after", help="CHAIN:SEQUENCE you have already; one for each chain.")
]


@app.command()
def export(
    since: Since = None, until: Until = None, after: After = None, url: Url = DEFAULT_URL, token: Token = ""
) -> None:
    """Writes proofs to standard output as JSON Lines, with everything needed to check them elsewhere."""
    _download(url, token, _asked(since, until, after), sys.stdout.buffer.write)
    sys.stdout.buffer.flush()


@app.command()
def verify(
    file: Annotated[Path | None, typer.Argument(help="An export; - is standard input. Else the service's own.")] = None,
    head: Annotated[list[str] | None, typer.Option("--head", help="CHAIN:SEQUENCE:HASH as noted elsewhere.")] = None,
    since: Since = None,
    until: Until = None,
    after: After = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Checks every link and puts every decision to the gate again.

    Exit code 0: all is well and whole; 1: something is wrong; 3: nothing is wrong, but not everything is here.
    """
    noted = [_head(text) for text in head or ()]
    asked = _asked(since, until, after)
    if file is not None and asked:
        raise DialerError("--since, --until and --after say what the service gives; a file is checked as it is")
    with _source(file, lambda take: _download(url, token, asked, take)) as lines:
        report = _check(lines, noted)
    _print_report(report)
    if not report.well:
        raise typer.Exit(EXIT_FAULTS)
    if not report.complete:
        raise typer.Exit(EXIT_NOT_WHOLE)


@app.command("head")
def heads(url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Prints the newest link of every chain, to be noted where nobody here can change it."""
    for item in call(url, token, "GET", "/v1/proofs/heads")["items"]:
        say(f"{item['chain']}:{item['sequence']}:{item['hash']}")
    note("note these elsewhere, often: only against a noted head can be seen that a chain's newest links were cut off;")
    note("the case system notes one with every event of a settled attempt, too (its proof)")


@app.command()
def show(
    attempt_id: Annotated[int, typer.Argument(help="The attempt's number.")],
    language: Annotated[Shown, typer.Option("--language", help="en, zh or both.")] = Shown.EN,
    as_json: Annotated[bool, typer.Option("--json", help="All of it, for programs.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Says what the proofs of an attempt hold: when, by which packs, every rule with its counters, what came of it."""
    shown = call(url, token, "GET", f"/v1/attempts/{attempt_id}/proof")
    if as_json:
        say(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    for link in shown["links"]:
        _print_link(link, language)


# ---- checking


def _check(lines: Iterator[bytes], noted: Sequence["Head"]) -> "ExportReport":
    from dialer.compliance.proof_export import ExportCheck

    check = ExportCheck(noted)
    for n, text in enumerate(lines, start=1):
        check.add(text)
        if n % PROGRESS_EVERY == 0:
            note(f"{n:,} lines checked")
    return check.finish()


@contextmanager
def _source(file: Path | None, download: Callable[[Callable[[bytes], object]], None]) -> Iterator[Iterator[bytes]]:
    """The lines of a file, of standard input, or of what the service gives; that goes through a file, not memory."""
    if file is None:
        with TemporaryFile() as kept:
            download(kept.write)
            kept.seek(0)
            yield iter(kept)
    elif str(file) == "-":
        yield iter(sys.stdin.buffer)
    else:
        with _opened(file) as stream:
            yield iter(stream)


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise DialerError(f"{file}: cannot read it: {error.strerror}") from error


def _head(text: str) -> "Head":
    from dialer.compliance.proof_chain import Head
    from dialer.compliance.proof_export import parse_place

    place, _, digest = text.rpartition(":")
    try:
        chain, sequence = parse_place(place)
        if len(bytes.fromhex(digest)) != 32 or sequence < 1:
            raise ValueError(digest)
    except ValueError as error:
        raise DialerError(f"--head {text}: write CHAIN:SEQUENCE:HASH, as `dialer proof head` prints it") from error
    return Head(chain, sequence, digest.lower())


# ---- what is printed


def _print_report(report: "ExportReport") -> None:
    for chain in report.report.chains:
        _print_chain(chain)
    for fault in report.report.faults:
        _print_fault(fault)
    hidden = report.report.n_faults - len(report.report.faults)
    if hidden:
        complain(f"and {hidden:,} more faults")
    n = report.report.links
    say(f"{n:,} links, {report.decisions:,} decisions put to the gate again by their own facts and packs")
    if not report.well:
        complain(f"{report.report.n_faults:,} faults: these proofs are not what was written")
    elif report.complete:
        say("all is well: nothing was changed, removed, inserted or re-ordered up to these heads")
    else:
        say("nothing is wrong with what is here, but it is not complete")


def _print_chain(chain: "ChainReport") -> None:
    if chain.links:
        say(f"chain {chain.chain}: {chain.links:,} links, {chain.first:,} to {chain.last:,}; head to note elsewhere:")
        say(f"  {chain.chain}:{chain.last}:{chain.head}")
    else:
        say(f"chain {chain.chain}: no links here")
    if chain.links and chain.starts_open:
        say(f"  begins in the middle: link {chain.first - 1:,}, which its first link names, is not here;")
        say(f"  give the hash you noted of it: --head {chain.chain}:{chain.first - 1}:HASH")
    if chain.ends_open:
        say("  goes on after these links")


def _print_fault(fault: "Fault") -> None:
    place = f"{fault.chain}:{fault.sequence}" if fault.sequence is not None else fault.chain or "export"
    attempt = "" if fault.attempt_id is None else f" (attempt {fault.attempt_id})"
    complain(f"{place}{attempt}: {fault.trouble.value.replace('_', ' ')}: {fault.words}")


def _print_link(link: dict[str, Any], shown: Shown) -> None:
    say(f"{' · '.join(sentences(link['title'], shown))}  [{link['chain']}:{link['sequence']}]")
    if not link["intact"]:
        line(label("altered", shown))
        return
    line(" · ".join(part for part in (instant(link["at"]), local(link["local_times"])) if part))
    about = (link["case_ref"], link["number_masked"], link["path"])
    if any(about):
        line(" · ".join(part for part in about if part))
    print_packs(link["packs"], shown)
    if link["decision"] is not None:
        print_decision(link["decision"], shown, counters=link["counters"])
    else:
        for counter in link["counters"]:
            if counter["before"] != counter["after"]:
                line(f"{counter['rule']}: gives back {counter['before'] - counter['after']} of {counter['limit']}")
    for name, value in link["said"].items():
        if value not in (None, "", [], {}):
            line(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")


# ---- the service


def _asked(since: str | None, until: str | None, after: Sequence[str] | None) -> list[tuple[str, str]]:
    bounds = [(name, value) for name, value in (("since", since), ("until", until)) if value is not None]
    return bounds + [("after", place) for place in after or ()]


def _download(url: str, token: str, query: Sequence[tuple[str, str]], take: Callable[[bytes], object]) -> None:
    from dialer.api.client import ApiClient

    async def run() -> None:
        async with ApiClient(url or configured_url(), need_token(token)) as client:
            await client.download("/v1/proofs/export", query, take)

    asyncio.run(run())
