"""For tests of rules: packs made of a few rules, and facts of an ordinary call with single changes."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from dialer.compliance.building import build_override, build_pack
from dialer.compliance.facts import EarlierAttempt, GateFacts
from dialer.compliance.gate import evaluate
from dialer.compliance.policy import Pack, Policy
from dialer.model.attempt import Disposition
from dialer.model.decision import RuleResult
from schedules.calendar import WorkCalendar, load_calendar
from schedules.documents import Document
from schedules.zones import ZoneCandidates

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
FACTS = GateFacts(zones=ZoneCandidates(("Asia/Shanghai",)), max_ring_s=28.0)
"""An ordinary own number with nothing against it."""
ANY_HOUR: dict[str, Any] = {
    "kind": "calling_window",
    "zones": "pack",
    "days": "every_day",
    "hours": ["00:00-24:00"],
}


def shanghai(text: str) -> datetime:
    """An instant by the clock of Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


MONDAY_TEN = shanghai("2026-11-23 10:00")


def pack_data(*rules: dict[str, Any], **head: Any) -> dict[str, Any]:
    """A pack as a document holds it; rules are named r1, r2, … where they do not say; None leaves a key out."""
    named = [{"id": f"r{number}", "source": "a test", **rule} for number, rule in enumerate(rules, 1)]
    document = {
        "pack": "test",
        "title": "Test",
        "status": "in force",
        "source": "a test",
        "jurisdiction": "CN",
        "valid_from": "2026-01-01",
        "zone": "Asia/Shanghai",
        "rules": named,
        **head,
    }
    return {key: value for key, value in document.items() if value is not None}


def pack_text(*rules: dict[str, Any], **head: Any) -> str:
    """The same as YAML (JSON is YAML)."""
    return json.dumps(pack_data(*rules, **head), indent=1)


def pack(*rules: dict[str, Any], overrides: Sequence[dict[str, Any]] = (), **head: Any) -> Pack:
    """A pack of these rules (DocumentError). An override says its rules, its first day and perhaps whom it is for."""
    data = pack_data(*rules, **head)
    changes = [
        {"override": f"o{number}", "pack": data["pack"], "status": "in force", "source": "a test", **override}
        for number, override in enumerate(overrides, 1)
    ]
    return build_pack(
        Document("test.yaml", data, {}),
        calendar(data["calendar"]) if "calendar" in data else None,
        [build_override(Document("override.yaml", change, {})) for change in changes],
    )


@cache
def calendar(name: str) -> WorkCalendar:
    """A calendar of ours, read once."""
    return load_calendar(name)


def policy(*rules: dict[str, Any], **head: Any) -> Policy:
    """A policy of one pack of these rules."""
    return Policy((pack(*rules, **head),))


def result(rule: dict[str, Any], facts: GateFacts, at: datetime = MONDAY_TEN, **head: Any) -> RuleResult:
    """What one rule of a pack of its own says."""
    return evaluate(policy(rule, **head), facts, at).evaluated[-1]


def earlier(
    at: datetime, disposition: Disposition | None = Disposition.NO_ANSWER, *, lasted_s: float = 30.0, **more: Any
) -> EarlierAttempt:
    """An attempt placed at `at`; in flight when the disposition is None."""
    ended = None if disposition is None else at + timedelta(seconds=lasted_s)
    return EarlierAttempt(at.astimezone(UTC), disposition, None if ended is None else ended.astimezone(UTC), **more)
