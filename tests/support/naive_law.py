"""A second opinion on the rules: what a clerk with a stack of paper would do, second by second and call by call.

It reads the same pack files, shares no code with the gate, keeps no state between questions, and is as slow as it
likes. It only looks for calls that should not have been made; whether the gate refuses too much is not its business.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

WIDE = {"campaign", "campaign_trunk", "caller_id", "collector", "agency"}
REACHED = {"connected", "reminded", "abandoned"}
TRUNK_FAULT = {"trunk_congestion", "trunk_config"}
STOPS_THE_PERSON = {"complaint", "bereavement"}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(eq=False)
class Call:
    """An INVITE that left, and what became of it (None while it is up)."""

    at: datetime
    number: str
    person: str
    case: str
    campaign: int
    path: str
    role: str
    ring_s: float
    caller_id: str = ""
    agent: int | None = None
    agency: str = ""
    trunk: str = ""
    disposition: str | None = None
    ended: datetime | None = None
    rang: bool = False
    answered: bool = False
    right_party: bool | None = None
    conversation: bool | None = None

    def had(self, event: str) -> bool:
        """Whether it happened in this call, or may have."""
        if event == "placed":
            return self.disposition not in TRUNK_FAULT or self.rang
        if event == "conversation":
            if self.conversation is not None:
                return self.conversation
            return self.disposition == "connected" or (self.disposition in (None, "unknown") and self.answered)
        return {
            "alerted": self.rang,
            "answered": self.answered,
            "live_answered": self.disposition in REACHED,
            "right_party": self.right_party is True,
            "message_left": self.disposition == "message_left",
            "abandoned": self.disposition == "abandoned",
            "unknown": self.disposition == "unknown",
        }[event]


@dataclass
class Papers:
    """Everything the clerk may look at."""

    calls: list[Call] = field(default_factory=list)
    zones: dict[str, tuple[str, ...]] = field(default_factory=dict)
    case_status: dict[str, str] = field(default_factory=dict)
    cases_of: dict[str, set[str]] = field(default_factory=dict)
    own_numbers: dict[str, set[str]] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    consents: list[dict[str, Any]] = field(default_factory=list)
    inconvenient: list[dict[str, Any]] = field(default_factory=list)
    registered: dict[str, dict[str, Any]] = field(default_factory=dict)
    agencies: set[str] = field(default_factory=set)
    heard: list[tuple[Call, datetime, str]] = field(default_factory=list)
    """Machine verdicts that chance drew: the call, when the verdict was made, and what a listener heard."""
    calendars: dict[str, dict[str, Any]] = field(default_factory=dict)


class Clerk:
    """Judges one pack's rules (the plain mapping of its file)."""

    def __init__(self, pack: dict[str, Any], papers: Papers) -> None:
        self.pack = pack
        self.papers = papers

    def objections(self, call: Call) -> Iterator[str]:
        """The ids of the rules this call breaks; `call` is not among the papers yet."""
        first = date.fromisoformat(self.pack["valid_from"])
        today = call.at.astimezone(ZoneInfo(self.pack["zone"])).date()
        if today < first or today > date.fromisoformat(self.pack.get("valid_through", "9999-12-31")):
            yield f"{self.pack['pack']}.in-force"
        for rule in self.pack["rules"]:
            if self.binds(rule, call) and getattr(self, f"broken_{rule['kind']}")(rule, call):
                yield rule["id"]

    def binds(self, rule: dict[str, Any], call: Call) -> bool:
        effect = rule.get("effect", "block")
        if effect == "warn" or (effect == "dedicated_agent" and call.agent is not None):
            return False
        only = rule.get("applies_if", {})
        if call.path not in only.get("paths", [call.path]) or call.role not in only.get("roles", [call.role]):
            return False
        if call.agency not in only.get("agencies", [call.agency]):
            return False
        exempt = rule.get("exempt_if")
        return not (exempt and self.has_consent(call, exempt["consent"], exempt.get("within_days", 100_000)))

    def has_consent(self, call: Call, kind: str, days: int = 100_000) -> bool:
        return any(
            consent["person"] == call.person
            and consent["kind"] == kind
            and consent["case"] in (None, call.case)
            and consent["given"] <= call.at < consent["given"] + timedelta(hours=24 * days)
            and (consent["expires"] is None or call.at < consent["expires"])
            and not consent["withdrawn"]
            for consent in self.papers.consents
        )

    def zones(self, rule: dict[str, Any], call: Call) -> set[str]:
        whose = rule.get("zones", "pack")
        found = set() if whose == "pack" else set(self.papers.zones[call.number])
        return found | ({self.pack["zone"]} if whose in ("pack", "both") else set())

    # ---- hours

    def ringing(self, call: Call) -> Iterator[datetime]:
        for second in range(0, int(call.ring_s) + 1, 7):
            yield call.at + timedelta(seconds=second)
        yield call.at + timedelta(seconds=call.ring_s)

    def broken_calling_window(self, rule: dict[str, Any], call: Call) -> bool:
        return any(
            not self.inside(rule, moment.astimezone(ZoneInfo(zone)), moment == call.at)
            for zone in self.zones(rule, call)
            for moment in self.ringing(call)
        )

    def inside(self, rule: dict[str, Any], local: datetime, is_start: bool) -> bool:
        hours = rule["hours"] if "hours" in rule else rule["week"].get(DAYS[local.weekday()], [])
        if not self.day_called(rule, local.date()):
            return False
        last = "00:00"
        for text in hours:
            begins, ends = text.split("-")
            last = max(last, ends)
            if begins <= local.strftime("%H:%M") < ends:
                return True
        latest = str(rule.get("must_end_by", last))
        return not is_start and str(last) <= local.strftime("%H:%M") < latest

    def day_called(self, rule: dict[str, Any], day: date) -> bool:
        days = rule.get("days", "every_day")
        if days == "every_day":
            return True
        if days == "weekdays":
            return day.weekday() < 5
        calendar = self.papers.calendars[self.pack["calendar"]]
        text = day.isoformat()
        if not calendar["complete_from"] <= text <= calendar["complete_through"]:
            return False
        if text in calendar["make_up_workdays"]:
            return bool(rule.get("make_up_workdays", False))
        return day.weekday() < 5 and text not in calendar["holidays"]

    def broken_forbidden_hours(self, rule: dict[str, Any], call: Call) -> bool:
        begins, ends = rule["from"], rule["to"]
        for zone in self.zones(rule, call):
            for moment in self.ringing(call):
                clock = moment.astimezone(ZoneInfo(zone)).strftime("%H:%M")
                if (begins <= clock < ends) if begins < ends else (clock >= begins or clock < ends):
                    return True
        return False

    def broken_convenience(self, rule: dict[str, Any], call: Call) -> bool:
        for wish in self.papers.inconvenient:
            if wish["person"] != call.person or wish["number"] not in (None, call.number):
                continue
            if wish["until"] is not None and call.at >= wish["until"]:
                continue
            if wish["from"] is None:
                return True
            for zone in self.papers.zones[call.number]:
                local = call.at.astimezone(ZoneInfo(zone))
                if (not wish["weekdays"] or local.weekday() in wish["weekdays"]) and (
                    wish["from"] <= local.strftime("%H:%M") < wish["to"]
                ):
                    return True
        return False

    # ---- counts

    def in_scope(self, scope: str, earlier: Call, call: Call) -> bool:
        return {
            "person": earlier.person == call.person,
            "person_debt": earlier.person == call.person and earlier.case == call.case,
            "phone": earlier.number == call.number,
            "person_phone": earlier.person == call.person and earlier.number == call.number,
            "case": earlier.case == call.case,
            "third_party": earlier.case == call.case and earlier.role == "third_party",
            "campaign": earlier.campaign == call.campaign,
            "campaign_trunk": (earlier.campaign, earlier.trunk) == (call.campaign, call.trunk),
            "caller_id": earlier.caller_id == call.caller_id,
            "collector": call.agent is not None and earlier.agent == call.agent,
            "agency": call.agency != "" and earlier.agency == call.agency,
        }[scope]

    def near(self, span: dict[str, Any], zone: str, then: datetime, call: Call, earlier: Call) -> bool:
        if "inclusive_days" in span:
            day = then.astimezone(ZoneInfo(zone)).date()
            return (call.at.astimezone(ZoneInfo(zone)).date() - day).days < int(span["inclusive_days"])
        if "rolling_hours" in span:
            return call.at - then < timedelta(hours=span["rolling_hours"])
        if "rolling_minutes" in span:
            return call.at - then < timedelta(minutes=span["rolling_minutes"])
        return earlier.campaign == call.campaign if "campaign" in span else True

    def broken_cap(self, rule: dict[str, Any], call: Call) -> bool:
        for zone in self.zones(rule, call):
            n = 0
            for earlier in self.papers.calls:
                if not self.in_scope(rule["scope"], earlier, call) or not earlier.had(rule["event"]):
                    continue
                if not earlier.had("placed"):
                    continue
                if rule.get("counts_when", "any") == "unreached" and earlier.disposition in REACHED:
                    continue
                n += self.near(rule["span"], zone, earlier.at, call, earlier)
            if n >= rule["limit"]:
                return True
        return False

    def broken_cool_off(self, rule: dict[str, Any], call: Call) -> bool:
        for earlier in self.papers.calls:
            if not self.in_scope(rule["scope"], earlier, call) or not earlier.had(rule["after"]):
                continue
            since = earlier.at if rule.get("from", "end") == "start" else earlier.ended
            if since is None or any(
                self.near(rule["span"], zone, since, call, earlier) for zone in self.zones(rule, call)
            ):
                return True
        return False

    def broken_one_call(self, rule: dict[str, Any], call: Call) -> bool:
        return any(
            earlier.disposition is None and self.in_scope(rule["scope"], earlier, call) for earlier in self.papers.calls
        )

    def broken_abandonment(self, rule: dict[str, Any], call: Call) -> bool:
        mine = [
            earlier
            for earlier in self.papers.calls
            if earlier.campaign == call.campaign
            and earlier.ended is not None
            and self.near(rule["span"], self.pack["zone"], earlier.ended, call, earlier)
        ]
        machines = sum(earlier.disposition in ("machine", "message_left") for earlier in mine)
        guessed = machines * self.false_positives(rule, call)
        live = sum(earlier.disposition in REACHED for earlier in mine)
        abandoned = sum(earlier.disposition == "abandoned" for earlier in mine)
        return bool(live + guessed > 0 and (abandoned + guessed) / (live + guessed) > rule["limit"])

    def false_positives(self, rule: dict[str, Any], call: Call) -> float:
        """The share of machine verdicts that were people, by the rule's word or by what listeners heard."""
        stated = rule.get("amd_false_positives", 0)
        if stated != "measured":
            return float(stated)
        truths = [
            truth
            for of_call, made_at, truth in self.papers.heard
            if of_call.campaign == call.campaign
            and (
                call.at - made_at < timedelta(days=30)
                or self.near(rule["span"], self.pack["zone"], made_at, call, of_call)
            )
        ]
        people, unclear = truths.count("human"), truths.count("unknown")
        until = rule.get("amd_false_positives_until_measured")
        if until is None or len(truths) >= 50:
            return likely(people + unclear, len(truths))[1]
        return max(float(until), likely(people, len(truths))[0])

    # ---- people

    def broken_case_open(self, rule: dict[str, Any], call: Call) -> bool:
        status = self.papers.case_status
        others = (status.get(case, "open") for case in self.papers.cases_of[call.person])
        return status.get(call.case, "open") != "open" or any(other in STOPS_THE_PERSON for other in others)

    def broken_do_not_call(self, rule: dict[str, Any], call: Call) -> bool:
        return call.number in self.papers.listed or call.person in self.papers.listed

    def broken_consent(self, rule: dict[str, Any], call: Call) -> bool:
        return not self.has_consent(call, rule["consent"])

    def broken_caller_id(self, rule: dict[str, Any], call: Call) -> bool:
        entry = self.papers.registered.get(call.caller_id)
        if entry is None or rule["purpose"] not in entry["purposes"] or entry["agency"] != call.agency:
            return True
        return not any(call.caller_id.startswith(prefix) for prefix in rule.get("prefixes", [""]))

    def broken_agency(self, rule: dict[str, Any], call: Call) -> bool:
        return call.agency != "" and call.agency not in self.papers.agencies

    def broken_third_party(self, rule: dict[str, Any], call: Call) -> bool:
        if call.role == "own" or rule["permitted"] == "always":
            return False
        if rule["permitted"] == "never":
            return True
        own = self.papers.own_numbers[call.person]
        return not own or not all(self.is_lost(number, rule, call) for number in own)

    def is_lost(self, number: str, rule: dict[str, Any], call: Call) -> bool:
        failures = invalid = 0
        for earlier in self.papers.calls:
            if earlier.number != number or earlier.person != call.person or not earlier.had("placed"):
                continue
            if earlier.disposition is None or earlier.disposition == "unknown":
                continue
            invalid += earlier.disposition == "bad_number"
            reached = earlier.disposition in ("connected", "reminded") and earlier.right_party is not False
            failures = 0 if reached else failures + 1
        return bool(failures >= rule.get("lost_after", 3) or invalid >= rule.get("invalid_after", 2))


def likely(hits: int, n: int) -> tuple[float, float]:
    """The least and the greatest share by which such a sample is no surprise (5 %): found by trying."""

    def surprises(share: float) -> bool:
        return abs(hits / n - share) > 1.959963984540054 * math.sqrt(share * (1 - share) / n)

    def edge(inside: float, outside: float) -> float:
        if not surprises(outside):
            return outside
        for _ in range(100):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if surprises(middle) else (middle, outside)
        return inside

    return (edge(hits / n, 0.0), edge(hits / n, 1.0)) if n else (0.0, 1.0)
