"""Turns the rules of a checked document into `Rule`s. What a schema cannot say about one rule is refused here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dialer.compliance.abandonment import Abandonment, Basis, FalsePositives
from dialer.compliance.counting import Cap, CoolOff, Counted, OneCall, WideCap, WideCounted
from dialer.compliance.facts import WIDE_SCOPES, Event, Scope
from dialer.compliance.hours import CallingWindow, Convenience, ForbiddenHours
from dialer.compliance.rule import BEGINNING, FOREVER, Body, Conditions, Exemption, Rule, Zones
from dialer.compliance.spans import Ever, InclusiveDays, Rolling, Span
from dialer.compliance.standing import (
    AgencyListed,
    CallerId,
    CaseOpen,
    ConsentNeeded,
    DoNotCall,
    Permitted,
    ThirdParty,
)
from dialer.model.attempt import CallPath
from dialer.model.contact import PhoneRole
from dialer.model.decision import Effect
from schedules.calendar import WEEKDAYS, WorkCalendar
from schedules.documents import DocumentError, Place
from schedules.hours import Days, Forbidden, Window, minute_of_day
from schedules.hours import Span as Hours
from schedules.zones import zones_of_region

Fail = Callable[[Place, str], DocumentError]
"""The error about a place within a rule, ready to raise: it knows file and line."""

MEASURED = "measured"
UNTIL_MEASURED = "amd_false_positives_until_measured"
_CAMPAIGN_SCOPES = frozenset({Scope.CAMPAIGN, Scope.CAMPAIGN_TRUNK})


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule as written, checked against the schema, and what it needs of its pack.

    `key` is unique among all rules of all packs: storage answers to it. For the rest see
    `Rule`.
    """

    data: Mapping[str, Any]
    zone: str
    calendar: WorkCalendar | None
    key: str
    fail: Fail
    only_for: tuple[Conditions, ...] = ()
    not_for: tuple[Conditions, ...] = ()
    since: datetime = BEGINNING
    until: datetime = FOREVER

    def but(self, **changes: Any) -> "RuleText":
        """The same with changes."""
        return replace(self, **changes)


def build_rule(text: RuleText) -> Rule:
    """The rule (DocumentError with file, line and reason)."""
    data = text.data
    return Rule(
        rule_id=data["id"],
        kind=data["kind"],
        source=data["source"],
        body=_BUILDERS[data["kind"]](text),
        effect=Effect(data.get("effect", Effect.BLOCK)),
        applies_if=_applies_if(text),
        exempt_if=Exemption(**data["exempt_if"]) if "exempt_if" in data else None,
        note=data.get("note", ""),
        only_for=text.only_for,
        not_for=text.not_for,
        since=text.since,
        until=text.until,
    )


def conditions(data: Mapping[str, Any]) -> Conditions:
    """`applies_if` of a rule, or `for` of an override."""
    return Conditions(
        paths=frozenset(map(CallPath, data.get("paths", ()))),
        roles=frozenset(map(PhoneRole, data.get("roles", ()))),
        regions=tuple(data.get("regions", ())),
        agencies=frozenset(data.get("agencies", ())),
        creditors=frozenset(data.get("creditors", ())),
        products=frozenset(data.get("products", ())),
    )


def _applies_if(text: RuleText) -> Conditions | None:
    data = text.data.get("applies_if")
    if data is None:
        return None
    for index, region in enumerate(data.get("regions", ())):
        if not zones_of_region(region):
            raise text.fail(("applies_if", "regions", index), f"{region!r} is not an ISO 3166 code of a country")
    return conditions(data)


def _calling_window(text: RuleText) -> Body:
    data = text.data
    days = Days(data.get("days", Days.EVERY_DAY))
    _check_window_keys(text, days)
    week = data.get("week") or dict.fromkeys(WEEKDAYS, data.get("hours", ()))
    place = "week" if "week" in data else "hours"
    try:
        window = Window(
            text.zone,
            tuple(tuple(map(_hours, week.get(day, ()))) for day in WEEKDAYS),
            days,
            data.get("make_up_workdays", False),
            minute_of_day(data["must_end_by"]) if "must_end_by" in data else None,
        )
    except ValueError as error:
        raise text.fail((place,), str(error)) from error
    return CallingWindow(window, Zones(data["zones"]), text.calendar if days is Days.WORKDAYS else None)


def _check_window_keys(text: RuleText, days: Days) -> None:
    data = text.data
    if ("week" in data) == ("hours" in data):
        raise text.fail((), "a calling window has either hours or a week")
    if "hours" in data and "days" not in data:
        raise text.fail((), "hours need days: every_day, weekdays or workdays")
    if days is Days.WORKDAYS and text.calendar is None:
        raise text.fail(("days",), "workdays need a calendar: name one at the top of the pack")
    if data.get("make_up_workdays") and days is not Days.WORKDAYS:
        raise text.fail(("make_up_workdays",), "only workdays know make-up workdays")


def _hours(text: str) -> Hours:
    start, _, end = text.partition("-")
    return Hours(minute_of_day(start), minute_of_day(end))


def _forbidden_hours(text: RuleText) -> Body:
    start, end = minute_of_day(text.data["from"]), minute_of_day(text.data["to"])
    try:
        hours = Forbidden(text.zone, start, end)
    except ValueError as error:
        raise text.fail(("from",), str(error)) from error
    return ForbiddenHours(hours, Zones(text.data["zones"]))


def _cap(text: RuleText) -> Body:
    data = text.data
    scope, event, span = Scope(data["scope"]), Event(data["event"]), _span(data["span"])
    unreached, campaign = data.get("counts_when") == "unreached", "campaign" in data["span"]
    if scope not in WIDE_SCOPES:
        counted = Counted(scope, event, unreached, campaign)
        return Cap(counted, span, text.zone, _zones(text, span), data["limit"])
    if data.get("zones", Zones.PACK) != Zones.PACK:
        raise text.fail(("zones",), f"a cap on a {scope.value} counts by the clock of the pack: zones can only be pack")
    if campaign and scope not in _CAMPAIGN_SCOPES:
        raise text.fail(("span",), f"a cap on a {scope.value} counts over all campaigns: its span cannot be campaign")
    return WideCap(WideCounted(scope, event, unreached), span, text.zone, data["limit"], text.key)


def _cool_off(text: RuleText) -> Body:
    data = text.data
    if "campaign" in data["span"]:
        raise text.fail(("span",), "a cool-off is a time: its span cannot be campaign")
    span = _span(data["span"])
    counted = Counted(Scope(data["scope"]), Event(data["after"]))
    return CoolOff(counted, span, text.zone, _zones(text, span), from_end=data.get("from", "end") == "end")


def _zones(text: RuleText, span: Span) -> Zones:
    """Whose midnight ends the days of a span; other spans read no clock."""
    stated = text.data.get("zones")
    if isinstance(span, InclusiveDays):
        if stated is None:
            raise text.fail(("span",), "inclusive_days need zones: whose days? pack, person or both")
        return Zones(stated)
    if stated is not None:
        raise text.fail(("zones",), "only inclusive_days have zones")
    return Zones.PACK


def _span(data: Mapping[str, Any]) -> Span:
    ((unit, length),) = data.items()
    match unit:
        case "inclusive_days":
            return InclusiveDays(length)
        case "rolling_hours":
            return Rolling(length * 3600)
        case "rolling_minutes":
            return Rolling(length * 60)
    return Ever()


def _one_call(text: RuleText) -> Body:
    return OneCall(Scope(text.data["scope"]))


def _case_open(text: RuleText) -> Body:
    return CaseOpen()


def _do_not_call(text: RuleText) -> Body:
    return DoNotCall()


def _third_party(text: RuleText) -> Body:
    permitted = Permitted(text.data["permitted"])
    for key in ("lost_after", "invalid_after"):
        if key in text.data and permitted is not Permitted.WHEN_LOST:
            raise text.fail((key,), "only third parties permitted when_lost ask for it")
    return ThirdParty(permitted, text.data.get("lost_after", 3), text.data.get("invalid_after", 2))


def _consent(text: RuleText) -> Body:
    return ConsentNeeded(text.data["consent"])


def _convenience(text: RuleText) -> Body:
    return Convenience()


def _caller_id(text: RuleText) -> Body:
    return CallerId(text.data["purpose"], tuple(text.data.get("prefixes", ())))


def _agency(text: RuleText) -> Body:
    return AgencyListed()


def _abandonment(text: RuleText) -> Body:
    data = text.data
    return Abandonment(_span(data["span"]), float(data["limit"]), _false_positives(text), text.zone, text.key)


def _false_positives(text: RuleText) -> FalsePositives:
    stated, until = text.data.get("amd_false_positives", 0.0), text.data.get(UNTIL_MEASURED)
    if stated == MEASURED:
        return FalsePositives(None if until is None else float(until), Basis.BOUND)
    if until is not None:
        raise text.fail((UNTIL_MEASURED,), f"only amd_false_positives: {MEASURED} has a share until then")
    return FalsePositives(float(stated))


_BUILDERS: Mapping[str, Callable[[RuleText], Body]] = {
    "calling_window": _calling_window,
    "forbidden_hours": _forbidden_hours,
    "cap": _cap,
    "cool_off": _cool_off,
    "one_call": _one_call,
    "case_open": _case_open,
    "do_not_call": _do_not_call,
    "third_party": _third_party,
    "consent": _consent,
    "convenience": _convenience,
    "caller_id": _caller_id,
    "agency": _agency,
    "abandonment": _abandonment,
}
KINDS = tuple(_BUILDERS)
"""The kinds of rules a pack can hold."""
