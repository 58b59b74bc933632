"""Random policy packs: every kind of rule, as plain mappings, tame enough that now and then a call is allowed."""

import random
from typing import Any

CALENDARS = ("cn-workdays", "us-federal", "uk-england-wales")
ZONES = ("Asia/Shanghai", "America/New_York", "Europe/London")
NARROW = ("person", "person_debt", "phone", "person_phone", "case", "third_party")
WIDE = ("campaign", "campaign_trunk", "caller_id", "collector", "agency")
PATHS = ("predictive", "progressive", "preview", "manual", "callback", "reminder")
EVENTS = ("placed", "placed", "placed", "alerted", "answered", "live_answered", "conversation", "right_party")


def random_pack(chance: random.Random, name: str) -> dict[str, Any]:
    """A pack with calling hours and a handful of other rules."""
    where = chance.randrange(len(ZONES))
    rules = [_window(chance)]
    makers = (_night, _cap, _cap, _cap, _wide_cap, _cool_off, _cool_off, _one_call, _abandonment, _third_party)
    rules += [maker(chance) for maker in makers if chance.random() < 0.7]
    rules += [{"kind": kind} for kind in ("case_open", "do_not_call", "convenience", "agency") if chance.random() < 0.8]
    if chance.random() < 0.6:
        rules.append({"kind": "caller_id", "purpose": "collection"})
    if chance.random() < 0.2:
        rules.append({"kind": "consent", "consent": "contact", "applies_if": {"paths": ["reminder"]}})
    chance.shuffle(rules)
    for n, rule in enumerate(rules):
        rule |= {"id": f"{name}.{n}-{rule['kind'].replace('_', '-')}", "source": "chance"}
        _condition(chance, rule)
    return {
        "pack": name,
        "title": "Chance",
        "status": "in force",
        "source": "chance",
        "jurisdiction": "CN",
        "valid_from": "2025-01-01",
        "zone": ZONES[where],
        "calendar": CALENDARS[where],
        "rules": rules,
    }


def _condition(chance: random.Random, rule: dict[str, Any]) -> None:
    if rule["kind"] in ("cap", "cool_off", "forbidden_hours", "consent") and chance.random() < 0.25:
        rule["exempt_if"] = {"consent": chance.choice(["night", "agreement"])}
        if chance.random() < 0.5:
            rule["exempt_if"]["within_days"] = chance.choice([1, 7, 30])
    if "applies_if" not in rule and chance.random() < 0.15:
        rule["applies_if"] = chance.choice(
            [{"paths": sorted(chance.sample(PATHS, 3))}, {"roles": ["own"]}, {"agencies": ["north"]}]
        )
    if rule["kind"] == "abandonment" or (rule["kind"] == "cool_off" and chance.random() < 0.3):
        rule["effect"] = "dedicated_agent"
    elif chance.random() < 0.05:
        rule["effect"] = "warn"


def _zones(chance: random.Random) -> str:
    return chance.choice(["pack", "person", "both"])


def _window(chance: random.Random) -> dict[str, Any]:
    rule: dict[str, Any] = {"kind": "calling_window", "zones": _zones(chance)}
    if chance.random() < 0.3:
        return rule | {"week": {day: ["08:00-12:30", "13:30-21:00"] for day in ("mon", "tue", "wed", "thu", "sat")}}
    hours = chance.choice([["08:00-20:00"], ["09:00-18:00"], ["00:00-24:00"], ["07:30-12:00", "12:30-22:15"]])
    rule |= {"days": chance.choice(["every_day", "weekdays", "workdays"]), "hours": hours}
    if rule["days"] == "workdays":
        rule["make_up_workdays"] = chance.random() < 0.5
    if hours[-1] == "09:00-18:00" and chance.random() < 0.5:
        rule["must_end_by"] = "18:05"
    return rule


def _night(chance: random.Random) -> dict[str, Any]:
    hours = chance.choice([("22:00", "08:00"), ("21:30", "07:00"), ("12:00", "12:20"), ("23:00", "24:00")])
    return {"kind": "forbidden_hours", "zones": _zones(chance), "from": hours[0], "to": hours[1]}


def _span(chance: random.Random) -> dict[str, Any]:
    unit, numbers = chance.choice(
        [("inclusive_days", (1, 2, 7)), ("rolling_hours", (3, 24, 720)), ("rolling_minutes", (45,))]
    )
    return {unit: chance.choice(numbers)}


def _cap(chance: random.Random) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "kind": "cap",
        "scope": chance.choice(NARROW),
        "event": chance.choice(EVENTS),
        "counts_when": chance.choice(["any", "unreached"]),
        "span": chance.choice([_span(chance), _span(chance), {"campaign": True}, {"ever": True}]),
        "limit": chance.randint(1, 6),
    }
    if "campaign" in rule["span"] or "ever" in rule["span"]:
        rule["limit"] = chance.randint(20, 60)
    return _with_zones(chance, rule)


def _wide_cap(chance: random.Random) -> dict[str, Any]:
    return {
        "kind": "cap",
        "scope": chance.choice(WIDE),
        "event": "placed",
        "span": chance.choice([{"inclusive_days": 1}, {"rolling_hours": 24}, {"rolling_hours": 2}]),
        "limit": chance.randint(4, 30),
        "zones": "pack",
    }


def _cool_off(chance: random.Random) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "kind": "cool_off",
        "scope": chance.choice(NARROW),
        "after": chance.choice(["conversation", "placed", "abandoned", "unknown", "right_party", "live_answered"]),
        "span": _span(chance),
        "from": chance.choice(["start", "end"]),
    }
    if rule["after"] == "placed":
        rule["span"] = {"rolling_minutes": chance.randint(5, 90)}
    return _with_zones(chance, rule)


def _with_zones(chance: random.Random, rule: dict[str, Any]) -> dict[str, Any]:
    return rule | {"zones": _zones(chance)} if "inclusive_days" in rule["span"] else rule


def _one_call(chance: random.Random) -> dict[str, Any]:
    return {"kind": "one_call", "scope": chance.choice(["phone", "person"])}


def _abandonment(chance: random.Random) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "kind": "abandonment",
        "span": chance.choice([{"rolling_hours": 24}, {"rolling_hours": 720}, {"campaign": True}]),
        "limit": chance.choice([0.01, 0.03, 0.2]),
        "amd_false_positives": chance.choice([0, 0.05, "measured"]),
    }
    if rule["amd_false_positives"] == "measured" and chance.random() < 0.7:
        rule["amd_false_positives_until_measured"] = chance.choice([0, 0.01, 0.05])
    return rule


def _third_party(chance: random.Random) -> dict[str, Any]:
    permitted = chance.choice(["never", "when_lost", "when_lost", "always"])
    asked = {"lost_after": chance.randint(1, 3), "invalid_after": 2} if permitted == "when_lost" else {}
    return {"kind": "third_party", "permitted": permitted, **asked}
