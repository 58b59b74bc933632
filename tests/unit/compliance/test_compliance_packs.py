"""Loading packs: every mistake is refused with file, line and reason; the hash is of the content and its calendar."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dialer.compliance.packs import load_pack, load_policy, parse_pack, shipped_packs
from dialer.compliance.reading import KINDS
from dialer.compliance.schema import OVERRIDE_SCHEMA, PACK_SCHEMA
from dialer.errors import ConfigError
from tests.support.rulebook import ANY_HOUR, pack, pack_text

TEXT = """\
# every key a mistake is made in
pack: mine
title: Mine
status: draft, needs counsel
source: a test
jurisdiction: CN
valid_from: 2026-01-30
valid_through: 2026-12-31
zone: Asia/Shanghai
calendar: cn-workdays
rules:
  - id: window
    kind: calling_window
    source: house rule
    zones: pack
    days: workdays
    make_up_workdays: false
    hours: ["09:00-12:00", "14:00-18:00"]
    must_end_by: "18:05"
  - id: night
    kind: forbidden_hours
    source: house rule
    zones: both
    from: "22:00"
    to: "08:00"
    exempt_if: {consent: night}
  - id: cap
    kind: cap
    source: house rule
    scope: phone
    event: placed
    span: {inclusive_days: 1}
    zones: both
    limit: 6
    applies_if: {paths: [predictive], regions: [US-MA]}
  - id: rest
    kind: cool_off
    source: house rule
    scope: phone
    after: unknown
    span: {rolling_minutes: 10}
  - id: third
    kind: third_party
    source: house rule
    permitted: when_lost
    lost_after: 3
  - id: one
    kind: one_call
    source: house rule
    scope: phone
"""


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize("path", [PACK_SCHEMA, OVERRIDE_SCHEMA])
def test_schemas_are_schemas(path: Path) -> None:
    Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


def test_the_schema_knows_the_kinds_there_are() -> None:
    schema = json.loads(PACK_SCHEMA.read_text(encoding="utf-8"))
    assert schema["$defs"]["rule"]["properties"]["kind"]["enum"] == list(KINDS)


@pytest.mark.parametrize("name", shipped_packs())
def test_shipped_packs_load(name: str) -> None:
    for version in load_pack(name):
        assert version.name == name
        assert version.status == "draft, needs counsel"
        assert load_policy((name,)).packs


def test_shipped_packs_can_all_be_in_force_together() -> None:
    assert {pack.name for pack in load_policy(shipped_packs()).packs} == set(shipped_packs())


@pytest.mark.parametrize(
    ("old", "new", "at", "reason"),
    [
        ("limit: 6", "limit: six", "limit: six", "'six' is not of type 'integer'"),
        ("limit: 6", "limit: -1", "limit: -1", "-1 is less than the minimum"),
        ("limit: 6", "limit: 6.0", "limit: 6.0", "6.0 is not of type 'integer'"),
        ("limit: 6", "limit: 99999999999999999999", "limit: 9", "is greater than the maximum"),
        ("limit: 6", "limit: .nan", "limit: .nan", ".nan is not a number"),
        ("kind: one_call", "kind: two_calls", "kind: two_calls", "unknown rule kind 'two_calls'; known are calling_w"),
        ("permitted: when_lost", "permited: always", "id: third", "'permited' was unexpected"),
        ("permitted: when_lost", "permitted: always", "lost_after", "only third parties permitted when_lost ask"),
        ("make_up_workdays: false", "make_up_days: false", "id: window", "'make_up_days' was unexpected"),
        ('from: "22:00"', "from: 10:00", "from: 10:00", "600 is not of type 'string'"),  # YAML 1.1 counts in sixties
        ('from: "22:00"', 'from: "9:00"', 'from: "9:00"', "'9:00' is not HH:MM in quotes"),
        ('from: "22:00"', 'from: "08:00"', 'from: "08:00"', "begin and end at the same minute"),
        ('"09:00-12:00"', '"9-12"', "hours:", "'9-12' is not hours like \"09:00-18:00\""),
        ('"09:00-12:00"', '"09:00-15:00"', "hours:", "begins before 09:00-15:00 ends"),
        ('must_end_by: "18:05"', 'must_end_by: "17:00"', "hours:", "ringing must end by 17:00, before"),
        ("    days: workdays\n", "", "id: window", "hours need days: every_day, weekdays or workdays"),
        ("days: workdays\n    make_up_workdays: false", "days: weekdays\n    make_up_workdays: true", "make_up", "on"),
        ("    make_up", "    week: {mon: ['09:00-10:00']}\n    make_up", "id: window", "either hours or a week"),
        ("zone: Asia/Shanghai", "zone: Asia/Atlantis", "zone: Asia/Atlantis", "is not an IANA zone"),
        ("jurisdiction: CN", "jurisdiction: XX", "jurisdiction: XX", "'XX' is not the ISO 3166 code of a country"),
        ("jurisdiction: CN", "jurisdiction: China", "jurisdiction: China", "'China' is not an ISO 3166 code like"),
        ("calendar: cn-workdays", "calendar: xx", "calendar: xx", "schedules/data/xx.yaml:1: cannot read"),
        ("calendar: cn-workdays", "calendar: 7", "calendar: 7", "7 is not of type 'string'"),
        ("calendar: cn-workdays\n", "", "days: workdays", "workdays need a calendar"),
        ("valid_from: 2026-01-30", "valid_from: 2026-02-30", "valid_from: 2026-02-30", "'2026-02-30' is not a date"),
        ("valid_from: 2026-01-30", "valid_from: January", "valid_from: January", "'January' is not a date like"),
        ("valid_through: 2026-12-31", "valid_through: 9999-12-31", "valid_through", "'9999-12-31' is not a date like"),
        ("valid_from: 2026-01-30", "valid_from: 1999-01-30", "calendar:", "not the first day 1999-01-30"),
        ("valid_through: 2026-12-31", "valid_through: 2026-01-29", "valid_through", "2026-01-29 is before valid_from"),
        ("status: draft, needs counsel", "status: fine", "status: fine", "is not one of"),
        ("id: cap\n", "id: night\n", "id: night\n    kind: cap", "a second rule with the id 'night'"),
        ("title: Mine\n", "", "pack:", "'title' is a required property"),
        ("zones: both\n    limit", "zones: mars\n    limit", "zones: mars", "'mars' is not one of"),
        ("zones: both\n    limit", "limit", "span: {inc", "inclusive_days need zones"),
        ("{rolling_minutes: 10}", "{rolling_minutes: 10}\n    zones: both", "zones: both\n  - id: third", "only inc"),
        ("{rolling_minutes: 10}", "{campaign: true}", "span: {campaign", "its span cannot be campaign"),
        ("{rolling_minutes: 10}", "{minutes: 10}", "span: {minutes", "'minutes' was unexpected"),
        ("{rolling_minutes: 10}", "{}", "span: {}", "exactly one is needed here: one of inclusive_days, rolling_hours"),
        ("{rolling_minutes: 10}", "{ever: true, campaign: true}", "span: {ever", "exactly one is needed here"),
        ("pack: mine", "pack: my pack", "pack: my pack", "'my pack' is not a name of small letters"),
        ("scope: phone\n    after", "scope: agency\n    after", "scope: agency", "'agency' is not one of"),
        ("    source: house rule\n    scope: phone\n", "    source: r\n    scope: case\n", "scope: case", "is not one"),
        ("scope: phone\n    event", "scope: agency\n    event", "zones: both\n    limit", "zones can only be pack"),
        ("event: placed", "event: dialed", "event: dialed", "'dialed' is not one of"),
        ("paths: [predictive]", "paths: [robot]", "applies_if: {paths: [robot]", "'robot' is not one of"),
        ("paths: [predictive]", "roads: [predictive]", "applies_if: {roads", "'roads' was unexpected"),
        ("regions: [US-MA]", "regions: [XX]", "applies_if", "'XX' is not an ISO 3166 code of a country"),
        ("exempt_if: {consent: night}", "exempt_if: {agreement: night}", "exempt_if", "'agreement' was unexpected"),
        ("{consent: night}", "{consent: night, within_days: 0}", "exempt_if", "0 is less than the minimum of 1"),
        ("{consent: night}", "{within_days: 7}", "exempt_if", "'consent' is a required property"),
        ("limit: 6\n    applies_if: {paths: [predictive], regions: [US-MA]}", "limit: 0", "id: cap", "a limit of 0"),
    ],
)  # fmt: skip
def test_a_bad_pack_says_where_and_why(old: str, new: str, at: str, reason: str) -> None:
    start = TEXT.rindex(old) if old.startswith("    source") else TEXT.index(old)
    text = TEXT[:start] + new + TEXT[start + len(old) :]
    with pytest.raises(ConfigError) as caught:
        parse_pack(text, "pack.yaml")
    file_name, line, message = str(caught.value).split(":", 2)
    assert (file_name, int(line)) == ("pack.yaml", line_of(text, at)), str(caught.value)
    assert reason in message


@pytest.mark.parametrize("text", ["", "just text", "- a\n- list", "pack: [", "pack: x", "rules: []", "rules: [7]"])
def test_not_a_pack_at_all(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^f:1:"):
        parse_pack(text, "f")


def test_the_example_is_fine() -> None:
    assert len(parse_pack(TEXT, "f").rules) == 6


def window(*hours: str, **more: Any) -> dict[str, Any]:
    return {"kind": "calling_window", "zones": "pack", "days": "every_day", "hours": list(hours), **more}


def forbidden(start: str, end: str, **more: Any) -> dict[str, Any]:
    return {"kind": "forbidden_hours", "zones": "both", "from": start, "to": end, **more}


MANUAL = {"applies_if": {"paths": ["manual"]}}
OWN = {"applies_if": {"roles": ["own"]}}
WORKDAYS = window("09:00-12:00", days="workdays")
WEEKEND = {"kind": "calling_window", "zones": "pack", "week": {"sat": ["09:00-18:00"], "sun": ["22:00-24:00"]}}


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ([window("09:00-12:00"), forbidden("08:00", "13:00")], "r2 together with r1 leaves no minute of the week"),
        ([window("22:00-23:00"), forbidden("21:00", "06:00")], "r2 together with r1"),
        ([window("09:00-12:00"), window("13:00-18:00")], "r2 together with r1"),
        ([window("09:00-12:00"), window("11:00-18:00"), forbidden("11:00", "12:00")], "r3 together with r1, r2"),
        ([WORKDAYS, WEEKEND], "r2 together with r1"),
        ([window("09:00-12:00"), window("13:00-18:00", **MANUAL)], "r2 together with r1"),
        ([{"kind": "cap", "scope": "agency", "event": "placed", "span": {"ever": True}, "limit": 0}], "a limit of 0"),
        ([{"kind": "cap", "scope": "agency", "event": "placed", "span": {"campaign": True}, "limit": 1}], "over all"),
    ],
)
def test_rules_that_never_let_a_call_pass(rules: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        parse_pack(pack_text(*rules, calendar="cn-workdays"), "f")


@pytest.mark.parametrize(
    "rules",
    [
        [window("09:00-12:00"), forbidden("08:00", "11:59")],
        [window("09:00-12:00"), forbidden("08:00", "13:00", effect="warn")],
        [window("09:00-12:00"), forbidden("08:00", "13:00", effect="dedicated_agent")],
        [window("09:00-12:00"), forbidden("08:00", "13:00", exempt_if={"consent": "noon"})],
        [window("09:00-12:00", **OWN), window("13:00-18:00", **MANUAL)],  # a manual call to a third party is left
        [{**WORKDAYS, "make_up_workdays": True}, WEEKEND],
        [{"kind": "calling_window", "zones": "pack", "week": {"sun": ["23:00-02:00"]}}, forbidden("02:00", "23:59")],
        [{"kind": "cap", "scope": "campaign", "event": "placed", "span": {"campaign": True}, "limit": 1}],
        [{"kind": "cap", "scope": "phone", "event": "placed", "span": {"ever": True}, "limit": 0, **MANUAL}],
    ],
)
def test_strict_rules_that_contradict_nothing(rules: list[dict[str, Any]]) -> None:
    assert len(pack(*rules, calendar="cn-workdays").rules) == len(rules)


def test_a_pack_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT, encoding="utf-8")
    policy = load_policy(("cn-bank-card", str(path)))
    assert [pack.name for pack in policy.packs][-1] == "mine"


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((), "name at least one policy pack"),
        (("cn-bank",), "there is no pack 'cn-bank'; shipped are cn-bank-card"),
        (("cn-bank-card", "cn-bank-card"), "two versions of cn-bank-card begin on"),
        (("./missing.yaml",), r"missing\.yaml:1: cannot read the file: No such file"),
        (("./missing/folder",), r"missing/folder:1: cannot read the file: No such file"),
    ],
)
def test_a_policy_that_cannot_be(names: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        load_policy(names)


def test_two_packs_cannot_share_a_rule_id(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(pack_text(ANY_HOUR, pack=name), encoding="utf-8")
    with pytest.raises(ConfigError, match="two and one both have a rule 'r1'"):
        load_policy([str(tmp_path / f"{name}.yaml") for name in ("one", "two")])


def test_the_hash_is_of_content_and_calendar(tmp_path: Path) -> None:
    mine = parse_pack(TEXT, "f")
    assert parse_pack("# a comment\n" + TEXT, "elsewhere").sha256 == mine.sha256
    assert parse_pack(TEXT.replace("limit: 6", "limit: 5"), "f").sha256 != mine.sha256
    calendar = tmp_path / "cal.yaml"
    calendar.write_text(
        "calendar: own\nnotice: n\ncomplete_from: 2026-01-01\ncomplete_through: 2026-12-31\n"
        "holidays: [2026-10-01]\nmake_up_workdays: []\n",
        encoding="utf-8",
    )
    own = parse_pack(TEXT.replace("calendar: cn-workdays", f"calendar: {calendar}"), "f")
    assert own.sha256 != mine.sha256
    calendar.write_text(calendar.read_text().replace("2026-10-01", "2026-10-02"), encoding="utf-8")
    again = parse_pack(TEXT.replace("calendar: cn-workdays", f"calendar: {calendar}"), "f")
    assert again.sha256 != own.sha256


@pytest.mark.parametrize("text", ["王五,13800001234\n", "- 王五\n- 13800001234\n", "13800001234\n"])
def test_a_file_that_is_no_pack_is_not_repeated(text: str) -> None:
    """A call list named by mistake must not end up in a log."""
    with pytest.raises(ConfigError, match=r"^f:1: a pack is a mapping of keys$"):
        parse_pack(text, "f")


def test_a_complaint_is_never_longer_than_can_be_read() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_pack(TEXT.replace("limit: 6", f"limit: {['x' * 50] * 100}"), "f")
    assert len(str(caught.value)) < 400
    assert str(caught.value).endswith("is not of type 'integer'")
