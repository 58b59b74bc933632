"""Loading packs: every mistake is refused with file, line and reason; the hash is of the content and its calendar."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from dialer.compliance.packs import DATA, SCHEMA, load_pack, load_policy, parse_pack, shipped_packs
from dialer.errors import ConfigError

SHIPPED = (DATA / "cn-bank-card.yaml").read_text(encoding="utf-8")


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json.loads(SCHEMA.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", shipped_packs())
def test_shipped_packs_load(name: str) -> None:
    pack = load_pack(name)
    assert pack.name == name
    assert len({rule.rule_id for rule in pack.rules}) == len(pack.rules)


@pytest.mark.parametrize(
    ("old", "new", "at", "reason"),
    [
        ("limit: 6", "limit: six", "limit: six", "'six' is not of type 'integer'"),
        ("limit: 6", "limit: -1", "limit: -1", "-1 is less than the minimum"),
        ("wait_s: 600", "wait_s: 60", "wait_s: 60", "60 is less than the minimum of 600"),
        ("kind: one_call", "kind: two_calls", "kind: two_calls", "'two_calls' is not one of"),
        ("permitted: false", "permited: false", "id: cn.third-party", "'permited' was unexpected"),
        ("make_up_workdays: false", "make_up_days: false", "id: cn.window", "'make_up_days' was unexpected"),
        ('from: "09:00"', "from: 10:00", "from: 10:00", "600 is not of type 'string'"),  # YAML 1.1 counts in sixties
        ('from: "09:00"', 'from: "9:00"', 'from: "9:00"', "'9:00' is not HH:MM in quotes"),
        ('from: "09:00"', 'from: "19:00"', 'from: "19:00"', "a window begins before it ends"),
        ('from: "22:00"', 'from: "08:00"', 'from: "08:00"', "forbidden hours that begin and end"),
        ("zone: Asia/Shanghai", "zone: Asia/Atlantis", "zone: Asia/Atlantis", "is not an IANA zone"),
        ("calendar: cn-workdays", "calendar: xx", "calendar: xx", "schedules/data/xx.yaml:1: cannot read"),
        ("calendar: cn-workdays\n", "", "days: workdays", "workdays need a calendar"),
        ("valid_from: 2026-01-30", "valid_from: 2026-02-30", "valid_from: 2026-02-30", "'2026-02-30' is not a date"),
        ("status: draft, needs counsel", "status: fine", "status: fine", "is not one of"),
        (
            "id: cn.case\n",
            "id: cn.night\n",
            "id: cn.night\n    kind: forbidden",
            "a second rule with the id 'cn.night'",
        ),
        ("title: Credit-card collection, mainland China\n", "", "pack:", "'title' is a required property"),
        ("zones: both\n    counts", "zones: mars\n    counts", "zones: mars", "'mars' is not one of"),
        ("pack: cn-bank-card", "pack: cn bank", "pack: cn bank", "'cn bank' is not"),
    ],
)
def test_a_bad_pack_says_where_and_why(old: str, new: str, at: str, reason: str) -> None:
    assert old in SHIPPED
    text = SHIPPED.replace(old, new, 1)
    with pytest.raises(ConfigError) as caught:
        parse_pack(text, "pack.yaml")
    file_name, line, message = str(caught.value).split(":", 2)
    assert (file_name, int(line)) == ("pack.yaml", line_of(text, at)), str(caught.value)
    assert reason in message


@pytest.mark.parametrize("text", ["", "just text", "- a\n- list", "pack: [", "pack: x", "rules: []"])
def test_not_a_pack_at_all(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^f:1:"):
        parse_pack(text, "f")


def test_a_pack_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SHIPPED.replace("cn-bank-card", "mine").replace("id: cn.", "id: mine."), encoding="utf-8")
    policy = load_policy(("cn-bank-card", str(path)))
    assert [pack.name for pack in policy.packs] == ["cn-bank-card", "mine"]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((), "name at least one policy pack"),
        (("cn-bank",), "there is no pack 'cn-bank'; shipped are cn-bank-card"),
        (("cn-bank-card", "cn-bank-card"), "both have a rule"),
        (("./missing.yaml",), r"missing\.yaml:1: cannot read the file: No such file"),
    ],
)
def test_a_policy_that_cannot_be(names: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        load_policy(names)


def test_the_hash_is_of_content_and_calendar(tmp_path: Path) -> None:
    shipped = load_pack("cn-bank-card")
    assert parse_pack("# a comment\n" + SHIPPED, "f").sha256 == shipped.sha256
    assert parse_pack(SHIPPED.replace("limit: 6", "limit: 5"), "f").sha256 != shipped.sha256
    calendar = tmp_path / "cal.yaml"
    calendar.write_text(
        "calendar: cn-workdays\nnotice: n\ncomplete_from: 2026-01-01\ncomplete_through: 2026-12-31\n"
        "holidays: [2026-10-02]\nmake_up_workdays: []\n",
        encoding="utf-8",
    )
    own = parse_pack(SHIPPED.replace("calendar: cn-workdays", f"calendar: {calendar}"), "f")
    assert own.sha256 != shipped.sha256
    calendar.write_text(calendar.read_text().replace("[2026-10-02]", "[2026-10-01]"), encoding="utf-8")
    again = parse_pack(SHIPPED.replace("calendar: cn-workdays", f"calendar: {calendar}"), "f")
    assert again.sha256 != own.sha256
