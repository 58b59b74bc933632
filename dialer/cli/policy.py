"""`dialer policy …`: read the rules in words, check files before they are put in force, run a pack's test cases."""

from datetime import date
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, call
from dialer.cli.output import complain, note, print_table, say
from dialer.clock import SystemClock
from dialer.errors import ConfigError, InputError

if TYPE_CHECKING:
    from dialer.compliance.casebook import CaseResult
    from dialer.compliance.policy import Pack
    from dialer.compliance.rule import Rule
    from dialer.compliance.words import Language

app = typer.Typer(no_args_is_help=True, help="Policy packs: the rules every call is put to.")

EXIT_WRONG = 1
"""A checked file is wrong, or a test case failed."""


class Tongue(str, Enum):
    """The languages rules are told in."""

    ZH = "zh"
    EN = "en"


class SchemaName(str, Enum):
    """The schemas of our files."""

    PACK = "pack"
    OVERRIDE = "override"
    CASES = "cases"


@app.command("list")
def list_packs() -> None:
    """Lists the packs that ship with the program, one line for each version."""
    from dialer.compliance.packs import load_pack, shipped_packs

    rows = [
        (pack.name, pack.valid_from, pack.jurisdiction, len(pack.rules), pack.status, pack.title)
        for name in shipped_packs()
        for pack in load_pack(name)
    ]
    print_table("Policy packs", ("pack", "from", "in", "rules", "status", "title"), rows)


@app.command()
def show(
    pack: Annotated[str, typer.Argument(help="A pack by name, or the path of a folder or file.")],
    language: Annotated[Tongue | None, typer.Option("--language", help="zh or en; both when missing.")] = None,
    at: Annotated[str, typer.Option("--at", help="The version in force on this day, like 2026-10-01; today.")] = "",
) -> None:
    """Tells the rules of a pack in words."""
    from dialer.compliance.packs import load_pack

    versions = load_pack(pack)
    shown = _version_on(versions, _day(at, versions[-1].zone))
    say(f"{shown.name} from {shown.valid_from}: {shown.title} ({shown.status})")
    say(f"sha256 {shown.sha256}" + (f", calendar {shown.calendar.name}" if shown.calendar else ""))
    others = ", ".join(str(version.valid_from) for version in versions if version is not shown)
    if others:
        say(f"other versions: from {others}")
    languages: tuple[Language, ...] = ("zh", "en") if language is None else (language.value,)
    for rule in shown.rules:
        _tell(rule, languages)
    _tell_recordings(shown)


def _tell_recordings(pack: "Pack") -> None:
    """How long recordings are kept, with every change that is known."""
    for rules in pack.recordings:
        said = "the pack does not say how long recordings are kept"
        if (terms := rules.terms) is not None:
            deleted = "" if terms.delete_by is None else f", deleted by {terms.delete_by}"
            said = f"recordings are kept for {terms.law_min} by law and {terms.house} by the house{deleted}"
        say(
            f"\nfrom {rules.since}: {said}; "
            + ("people are told of them" if rules.notice else "no notice is asked for")
        )


def _tell(rule: "Rule", languages: "tuple[Language, ...]") -> None:
    from dialer.compliance.rule_words import tell

    say(f"\n{rule.rule_id}")
    for language in languages:
        say(f"  {tell(rule, language)}")
    say(f"  [{rule.source}]")
    if rule.note:
        say(f"  {rule.note}")


def _day(text: str, zone: str) -> date:
    """The day named, or today where the pack is at home."""
    if not text:
        return SystemClock().utcnow().astimezone(ZoneInfo(zone)).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--at {text!r} is not a day like 2026-10-01") from error


def _version_on(versions: "tuple[Pack, ...]", day: date) -> "Pack":
    """The version in force on the day; before the first, the first."""
    begun = [version for version in versions if version.valid_from <= day]
    return begun[-1] if begun else versions[0]


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Packs (files or folders), overrides, tables of test cases.")],
) -> None:
    """Reads files as the service would, and says file, line and reason of what is wrong. Exit code 1: something is."""
    n_wrong = 0
    for path in files:
        try:
            say(f"{path}: {_checked(path)}")
        except ConfigError as error:
            n_wrong += 1
            complain(str(error))
    if n_wrong:
        raise typer.Exit(EXIT_WRONG)


def _checked(path: Path) -> str:
    """What the file is, in words (ConfigError when it is wrong)."""
    from dialer.compliance.case_reading import read_cases
    from dialer.compliance.packs import CASES, load_policy

    if path.is_dir():
        policy = load_policy((f"{path}/",))
        n_cases = len(read_cases(path / CASES, policy)) if (path / CASES).exists() else 0
        versions = ", ".join(str(pack.valid_from) for pack in policy.packs)
        return f"{policy.packs[0].name} from {versions}, {n_cases} test cases"
    if path.name == CASES:
        return f"{len(read_cases(path, load_policy((f'{path.parent}/',))))} test cases"
    return _checked_document(path)


def _checked_document(path: Path) -> str:
    from dialer.compliance.packs import load_overrides, load_policy, shipped_packs
    from schedules.documents import DocumentError, read_document

    try:
        data = read_document(path).data
    except DocumentError as error:
        raise ConfigError(str(error)) from error
    if not (isinstance(data, dict) and "override" in data):
        (pack,) = load_policy((f"{path.parent}/{path.name}",)).packs
        return f"the version of {pack.name} from {pack.valid_from}, {len(pack.rules)} rules, {pack.status}"
    (override,) = load_overrides((str(path),))
    if override.pack not in shipped_packs():
        return f"an override of {override.pack}, which is not ours: whether it fits shows when both are in force"
    load_policy((override.pack,), (str(path),))
    return f"an override of {override.pack} from {override.valid_from}, {override.status}"


@app.command()
def test(
    pack: Annotated[str, typer.Argument(help="A pack by name, or the path of its folder.")],
) -> None:
    """Puts a pack's test cases to the gate. Exit code 1: an answer is not the expected one."""
    from dialer.compliance.casebook import run_cases
    from dialer.compliance.packs import PACKS, shipped_packs

    folder = PACKS / pack if pack in shipped_packs() else Path(pack)
    if not folder.is_dir():
        raise InputError(f"{pack} is neither a folder nor one of our packs: {', '.join(shipped_packs())}")
    results = run_cases(folder)
    failed = [result for result in results if not result.passed]
    for result in failed:
        complain(_failure(result))
    say(f"{folder.name}: {len(results)} cases, {len(failed)} failed")
    if failed:
        raise typer.Exit(EXIT_WRONG)


def _failure(result: "CaseResult") -> str:
    return f"{result.case.place}: {result.case.name}: {'; '.join(result.differences)}"


@app.command()
def schema(
    of: Annotated[SchemaName, typer.Option("--of", help="pack, override or cases.")] = SchemaName.PACK,
) -> None:
    """Prints the JSON Schema of packs, of overrides, or of tables of test cases."""
    from dialer.compliance.packs import PACKS

    typer.echo((PACKS / f"{of.value}.schema.json").read_text(encoding="utf-8"), nl=False)


@app.command()
def status(url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Tells what is in force on the running service: packs, what retires, overrides, caller IDs, and what to know."""
    _tell_status(call(url, token, "GET", "/v1/policy"))


@app.command()
def reload(url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Has the running service read configuration, packs and overrides again; what they replace binds until midnight."""
    _tell_status(call(url, token, "POST", "/v1/policy/reload"))


def _tell_status(found: Any) -> None:
    rows = [
        (
            pack["name"],
            pack["valid_from"],
            pack["valid_through"] or "",
            "yes" if pack["in_force"] else "no",
            pack["status"],
            pack["calendar"] or "",
            pack["sha256"][:12],
        )
        for pack in found["packs"]
    ]
    columns = ("pack", "from", "through", "in force", "status", "calendar", "sha256")
    print_table(f"Policy {found['pack_hash'][:12]}", columns, rows)
    if found["retiring"]:
        leaving = [(pack["name"], pack["valid_from"], pack["until"], pack["sha256"][:12]) for pack in found["retiring"]]
        print_table("Replaced, and binding beside them", ("pack", "from", "until", "sha256"), leaving)
    numbers = [
        (
            entry["number"],
            ", ".join(entry["purposes"]),
            entry["agency"] or "the house",
            "yes" if entry["in_force"] else "no",
        )
        for entry in found["caller_ids"]
    ]
    if numbers:
        print_table("Registered caller IDs", ("number", "for", "of", "in force"), numbers)
    for path in found["overrides"]:
        say(f"override: {path}")
    for warning in found["warnings"]:
        note(warning)
