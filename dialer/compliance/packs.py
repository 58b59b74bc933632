"""Loads policies: packs with all their versions, the overrides on them, and what was stored of a pack.

What is wrong stops the start: `ConfigError` with file, line and reason.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from pathlib import Path

from dialer.compliance.building import build_override, build_pack, documents_of
from dialer.compliance.overrides import Override
from dialer.compliance.policy import DAY, Pack, Policy
from dialer.compliance.registry import NO_REGISTRY, Registry
from dialer.compliance.schema import PACKS as PACKS
from dialer.errors import ConfigError
from recording.retention import conflict
from schedules.calendar import WorkCalendar, load_calendar
from schedules.documents import Document, DocumentError, parse_document, read_document
from schedules.windows import day_start

CASES = "cases.yaml"
"""The test cases that stand beside the versions of a pack."""


def shipped_packs() -> tuple[str, ...]:
    """The names of the packs that come with the program."""
    return tuple(sorted(path.name for path in PACKS.iterdir() if path.is_dir()))


def load_policy(names: Sequence[str], overrides: Sequence[str] = (), registry: Registry = NO_REGISTRY) -> Policy:
    """The policy of the named packs: names of shipped ones, or paths of folders or files, with overrides (paths).

    Raises:
        ConfigError: no pack is named, one is named twice, is missing or wrong, or an override does not fit; the message
            names file, line and reason.
    """
    if not names:
        raise ConfigError("policy.packs: name at least one policy pack; without rules no call is allowed")
    packs = tuple(pack for name in names for pack in load_pack(name))
    changes = load_overrides(overrides)
    for change in changes:
        if change.pack not in {pack.name for pack in packs}:
            raise ConfigError(f"{change.document.source}: the pack {change.pack!r} it changes is not in policy.packs")
    _check_ids(names, packs)
    with _as_config_error():
        packs = tuple(_overridden(pack, packs, changes) for pack in packs)
    policy = Policy(packs, registry)
    _check_retention(policy)
    return policy


def load_pack(name_or_path: str) -> tuple[Pack, ...]:
    """All versions of a pack, oldest first (ConfigError as in `load_policy`); a path of a file is one version."""
    path = Path(name_or_path)
    is_path = "/" in name_or_path or name_or_path.endswith(".yaml")
    if not is_path and name_or_path not in shipped_packs():
        raise ConfigError(
            f"policy.packs: there is no pack {name_or_path!r}; shipped are {', '.join(shipped_packs())}; "
            "a pack of your own is named by its path"
        )
    with _as_config_error():
        if is_path and not path.is_dir():
            return (_build(read_document(path)),)
        folder = path if is_path else PACKS / name_or_path
        shown = name_or_path.rstrip("/") if is_path else f"dialer/compliance/packs/{name_or_path}"
        return _versions(folder, shown)


def parse_pack(text: str, source: str) -> Pack:
    """One version of a pack from YAML text; `source` names it in errors (ConfigError as in `load_policy`)."""
    with _as_config_error():
        return _build(parse_document(text, source))


def load_overrides(paths: Sequence[str]) -> tuple[Override, ...]:
    """The overrides in these files (ConfigError as in `load_policy`); whether they fit shows with the packs."""
    with _as_config_error():
        return tuple(build_override(read_document(Path(path))) for path in paths)


@lru_cache(maxsize=64)
def pack_from_content(content: str, sha256: str) -> Pack:
    """The pack whose `content` was kept, with its calendar and overrides.

    ConfigError: the content is not what was hashed, or this program does not understand it any more.
    """
    if hashlib.sha256(content.encode()).hexdigest() != sha256:
        raise ConfigError(f"the stored policy pack {sha256[:12]} was changed after it was hashed")
    with _as_config_error():
        return build_pack(*documents_of(content))


@contextmanager
def _as_config_error() -> Iterator[None]:
    try:
        yield
    except DocumentError as error:
        raise ConfigError(str(error)) from error


def _build(document: Document) -> Pack:
    return build_pack(document, _calendar(document))


def _calendar(document: Document) -> WorkCalendar | None:
    name = document.data.get("calendar") if isinstance(document.data, dict) else None
    if not isinstance(name, str):
        return None  # none, or a fault the schema finds
    try:
        return load_calendar(name)
    except DocumentError as error:
        raise document.error(("calendar",), str(error)) from error


def _versions(folder: Path, shown: str) -> tuple[Pack, ...]:
    """Every YAML file of the folder but the test cases is a version, named by its first day."""
    found: list[Pack] = []
    for path in sorted(folder.glob("*.yaml")):
        if path.name == CASES:
            continue
        document = read_document(path, f"{shown}/{path.name}")
        pack = _build(document)
        if path.stem != pack.valid_from.isoformat():
            raise document.error(("valid_from",), f"is {pack.valid_from}, but the file is named {path.stem}")
        if found and pack.name != found[0].name:
            raise document.error(("pack",), f"is {pack.name}, but another version in the folder is {found[0].name}")
        found.append(pack)
    if not found:
        raise ConfigError(f"{shown}: there is no version of a pack in this folder; name its file by its first day")
    return tuple(found)


def _overridden(pack: Pack, packs: Sequence[Pack], overrides: Sequence[Override]) -> Pack:
    """The pack with the overrides on it; a version that ends before an override begins need not know its rules."""
    later = (other.valid_from for other in packs if other.name == pack.name and other.valid_from > pack.valid_from)
    ends = min((pack.valid_through or date.max, *(day - DAY for day in later)))
    fitting = tuple(change for change in overrides if change.pack == pack.name and change.valid_from <= ends)
    if not fitting:
        return pack
    document, calendar, _ = documents_of(pack.content)
    return build_pack(document, calendar, fitting)


def _check_retention(policy: Policy) -> None:
    """On no day may one pack ask to delete what another still asks to keep."""
    begins = {day_start(rules.since, pack.zone) for pack in policy.packs for rules in pack.recordings}
    for begun in sorted(begins):
        found = conflict(policy.retention(begun))
        if found is not None:
            raise ConfigError(f"policy.packs: {found} (from {begun.date()} on); change one of them by an override")


def _check_ids(names: Sequence[str], packs: Sequence[Pack]) -> None:
    """Rule ids are unique among packs, and the versions of a pack begin on different days."""
    owners: dict[str, str] = {}
    begun: set[tuple[str, str]] = set()
    for pack in packs:
        version = pack.name, pack.valid_from.isoformat()
        if version in begun:
            raise ConfigError(f"policy.packs: two versions of {pack.name} begin on {pack.valid_from}")
        begun.add(version)
        for rule in pack.rules:
            owner = owners.setdefault(rule.rule_id, pack.name)
            if owner != pack.name:
                raise ConfigError(f"policy.packs: {pack.name} and {owner} both have a rule {rule.rule_id!r}")
