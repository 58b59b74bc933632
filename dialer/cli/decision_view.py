"""How commands show decisions of the gate: in English, Chinese or both, within eighty columns."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from dialer.cli.output import console, say

Answer = Mapping[str, Any]
"""A part of the service's answer, decoded from JSON."""

INDENT = 2


class Shown(str, Enum):
    """In which language sentences are shown."""

    EN = "en"
    ZH = "zh"
    BOTH = "both"


_LABELS: Mapping[str, tuple[str, str]] = {
    "kept": ("kept", "符合"),
    "not_kept": ("NOT KEPT", "不符合"),
    "warned": ("warning", "提示"),
    "allowed": ("may be called", "可以呼叫"),
    "refused": ("may not be called", "不可呼叫"),
    "again": ("again from", "最早可呼叫"),
    "never": ("no time at which it would be allowed is known", "时间推移无济于事，无可知的允许时间"),
    "agent": ("a collector reserved for the call would make it allowed", "预留专属坐席后即可呼叫"),
    "packs": ("packs", "规则包"),
    "calendar": ("calendar {name}, complete through {until}", "工作日历 {name}，覆盖至 {until}"),
    "altered": ("ALTERED: its content does not give its hash", "已被篡改：内容与哈希不符"),
}


def label(name: str, shown: Shown) -> str:
    """A word of ours."""
    en, zh = _LABELS[name]
    return {Shown.EN: en, Shown.ZH: zh, Shown.BOTH: f"{en} · {zh}"}[shown]


def sentences(words: Answer | None, shown: Shown) -> list[str]:
    """What the service says in its two languages, in those that are wanted."""
    if words is None:
        return []
    found = {Shown.EN: [words["en"]], Shown.ZH: [words["zh"]], Shown.BOTH: [words["en"], words["zh"]]}[shown]
    return [text for text in dict.fromkeys(found) if text]


def instant(text: str | None, zone: str | None = None) -> str:
    """An instant to the second, in UTC or a zone; nothing for None."""
    if text is None:
        return ""
    at = datetime.fromisoformat(text)
    if zone is None:
        return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M:%S} {zone}"


def local(times: Sequence[Answer]) -> str:
    """The same instant by the person's clocks."""
    return " · ".join(instant(item["time"], item["zone"]) for item in times)


def line(text: str, depth: int = 1) -> None:
    """A paragraph, folded and indented."""
    grid = Table.grid(padding=(0, 0))
    grid.add_column(width=INDENT * depth)
    grid.add_column(overflow="fold")
    grid.add_row("", Text(text))
    console.print(grid)


def print_decision(
    decision: Answer, shown: Shown, *, only_refusing: bool = False, depth: int = 1, counters: Sequence[Answer] = ()
) -> None:
    """The rules with their words and counters (and what the call took, where `counters` say); when to try again."""
    after = {(counter["rule"], counter["pack"]): counter["after"] for counter in counters}
    rules = [rule for rule in decision["rules"] if not (only_refusing and rule["kept"])]
    if rules:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=INDENT * depth - 1)
        for _ in range(4):
            grid.add_column(overflow="fold")
        for rule in rules:
            _add_rule(grid, rule, after.get((rule["rule"], rule["pack"])), shown)
        console.print(grid)
    if decision["allowed"]:
        return
    if not any(rule["rule"] == decision["rule"] for rule in rules):
        for text in sentences(decision["reason"], shown):
            line(text, depth)
    if decision["needs_agent"]:
        line(label("agent", shown), depth)
    elif decision["retry_at"] is None:
        line(label("never", shown), depth)
    else:
        when = local(decision["retry_local"]) or instant(decision["retry_at"])
        line(f"{label('again', shown)}: {when}", depth)


def print_packs(packs: Sequence[Answer], shown: Shown) -> None:
    """The packs of a decision, each with its status, its hash and its calendar."""
    for pack in packs:
        line(f"{label('packs', shown)}: {pack['name']} {pack['valid_from']} ({pack['status']})")
        say(f"{'':{INDENT * 2}}sha256 {pack['sha256']}")
        if pack["calendar"]:
            text = label("calendar", shown).format(name=pack["calendar"], until=pack["calendar_complete_through"])
            line(text, 2)


def _add_rule(grid: Table, rule: Answer, after: int | None, shown: Shown) -> None:
    state = "kept" if rule["kept"] else "warned" if rule["effect"] == "warn" else "not_kept"
    taken = "" if after in (None, rule["used"]) else f"→{after}"
    counter = "" if rule["limit"] is None else f"{rule['used']}{taken} of {rule['limit']}"
    title = " · ".join(sentences(rule["title"], shown))
    style = "" if rule["kept"] else "bold"
    grid.add_row("", Text(label(state, shown), style), Text(title), Text(rule["rule"]), Text(counter))
    for text in [] if rule["kept"] else sentences(rule["words"], shown):
        grid.add_row("", "", Text(text), "", "")
