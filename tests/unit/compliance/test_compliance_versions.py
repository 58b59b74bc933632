"""Versions of a pack, overrides on it, and packs that retire at the next midnight: which rules bind when."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dialer.compliance.facts import GateFacts
from dialer.compliance.gate import evaluate
from dialer.compliance.packs import load_overrides, load_pack, load_policy, pack_from_content
from dialer.compliance.policy import Policy
from dialer.errors import ConfigError
from dialer.model.attempt import Disposition
from dialer.model.decision import Decision
from tests.support.rulebook import ANY_HOUR, FACTS, MONDAY_TEN, earlier, pack, pack_text, shanghai

MORNING = {**ANY_HOUR, "id": "hours", "hours": ["09:00-12:00"]}
AFTERNOON = {**ANY_HOUR, "id": "hours", "hours": ["12:00-18:00"]}
CAP: dict[str, Any] = {
    "id": "cap",
    "kind": "cap",
    "scope": "phone",
    "event": "placed",
    "span": {"inclusive_days": 1},
    "zones": "pack",
    "limit": 6,
}
TWO_TRIED = replace(
    FACTS, attempts=tuple(earlier(MONDAY_TEN.replace(hour=hour), Disposition.NO_ANSWER) for hour in (8, 9))
)


def refusal(policy: Policy, at: str, facts: GateFacts = FACTS) -> tuple[str, str | None]:
    """The rule that refuses ("" for none) and the next time by the clock of Shanghai."""
    decision = evaluate(policy, facts, shanghai(at))
    when = decision.retry_at
    return decision.rule, None if when is None else f"{when.astimezone(MONDAY_TEN.tzinfo):%Y-%m-%d %H:%M}"


def test_a_version_binds_until_the_next_begins() -> None:
    policy = Policy((pack(AFTERNOON, valid_from="2026-12-01"), pack(MORNING, valid_from="2026-11-01")))
    assert refusal(policy, "2026-11-30 11:00") == ("", None)
    assert refusal(policy, "2026-11-30 13:00") == ("hours", "2026-12-01 12:00")
    assert refusal(policy, "2026-12-01 11:00") == ("hours", "2026-12-01 12:00")
    assert refusal(policy, "2026-12-01 13:00") == ("", None)
    assert refusal(policy, "2026-10-31 13:00") == ("test.in-force", "2026-11-01 09:00")
    said = evaluate(policy, FACTS, shanghai("2026-11-30 13:00"))
    assert [result.rule for result in said.evaluated] == ["test.in-force", "hours"]
    assert {result.pack for result in said.evaluated} == {pack(MORNING, valid_from="2026-11-01").sha256[:12]}


def test_outside_all_its_versions_a_pack_refuses() -> None:
    first = pack(ANY_HOUR, valid_from="2026-11-01", valid_through="2026-11-10")
    second = pack(ANY_HOUR, valid_from="2026-11-20", valid_through="2026-11-30")
    policy = Policy((first, second))
    assert refusal(policy, "2026-10-31 10:00") == ("test.in-force", "2026-11-01 00:00")
    assert refusal(policy, "2026-11-10 23:59") == ("", None)
    assert refusal(policy, "2026-11-11 00:00") == ("test.in-force", "2026-11-20 00:00")
    assert refusal(policy, "2026-12-01 00:00") == ("test.in-force", None)
    reasons = [evaluate(policy, FACTS, shanghai(at)).reason for at in ("2026-10-31", "2026-11-15", "2026-12-01")]
    assert reasons == [
        "the pack test is valid from 2026-11-01",
        "the pack test was valid through 2026-11-10",
        "the pack test was valid through 2026-11-30",
    ]


def test_the_folder_of_a_pack_holds_its_versions(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "2026-11-01.yaml").write_text(pack_text(MORNING, valid_from="2026-11-01"), encoding="utf-8")
    (folder / "2026-12-01.yaml").write_text(pack_text(AFTERNOON, valid_from="2026-12-01"), encoding="utf-8")
    (folder / "cases.yaml").write_text("[]", encoding="utf-8")
    versions = load_pack(str(folder))
    assert [version.valid_from for version in versions] == [date(2026, 11, 1), date(2026, 12, 1)]
    assert load_policy((str(folder),)).pack_hash == Policy(versions).pack_hash
    assert load_policy((str(folder / "2026-12-01.yaml"),)).packs == versions[1:]
    assert [version.name for version in load_pack(f"{folder}/")] == ["test", "test"]


@pytest.mark.parametrize(
    ("file_name", "head", "reason"),
    [
        (
            "2026-11-02.yaml",
            {},
            r"mine/2026-11-02\.yaml:7: valid_from: is 2026-01-01, but the file is named 2026-11-02",
        ),
        ("rules.yaml", {}, "the file is named rules"),
        ("2026-01-01.txt", {}, r"mine: there is no version of a pack in this folder"),
        ("2026-01-01.yaml", {"zone": "Mars"}, r"mine/2026-01-01\.yaml:8: zone: 'Mars' is not an IANA zone"),
    ],
)
def test_a_folder_that_is_no_pack(tmp_path: Path, file_name: str, head: dict[str, Any], reason: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / file_name).write_text(pack_text(ANY_HOUR, **head), encoding="utf-8")
    with pytest.raises(ConfigError, match=reason):
        load_pack(str(folder))


def test_the_versions_in_a_folder_are_of_one_pack(tmp_path: Path) -> None:
    (tmp_path / "2026-01-01.yaml").write_text(pack_text(ANY_HOUR), encoding="utf-8")
    (tmp_path / "2026-02-01.yaml").write_text(
        pack_text(ANY_HOUR, pack="other", valid_from="2026-02-01"), encoding="utf-8"
    )
    with pytest.raises(ConfigError, match=r"2026-02-01.yaml:2: pack: is other, but another version .* is test"):
        load_pack(str(tmp_path))


def test_two_versions_cannot_begin_on_one_day(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(pack_text(ANY_HOUR), encoding="utf-8")
    with pytest.raises(ConfigError, match="two versions of test begin on 2026-01-01"):
        load_policy((str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")))


# Retiring


def test_after_a_change_the_strictest_of_old_and_new_binds_until_midnight() -> None:
    old, new = pack(MORNING), pack(AFTERNOON, CAP)
    midnight = shanghai("2026-11-24 00:00")
    policy = Policy((new,)).with_retiring([(old, midnight)])
    assert refusal(policy, "2026-11-23 10:00") == ("hours", "2026-11-24 12:00")
    assert refusal(policy, "2026-11-23 13:00") == ("hours", "2026-11-24 12:00")
    assert refusal(policy, "2026-11-24 13:00") == ("", None)
    assert policy.pack_hash not in (old.sha256, new.sha256)
    assert policy.used_packs == (new, old)
    packs = {result.pack for result in evaluate(policy, FACTS, shanghai("2026-11-23 13:00")).evaluated}
    assert packs == {old.sha256[:12], new.sha256[:12]}
    assert {result.pack for result in evaluate(policy, FACTS, midnight).evaluated} == {new.sha256[:12]}


def test_a_pack_that_was_taken_out_binds_until_midnight() -> None:
    other = pack({"id": "other.stop", "kind": "do_not_call"}, pack="other", valid_through="2026-11-23")
    policy = Policy((pack(ANY_HOUR),)).with_retiring([(other, shanghai("2026-11-24 00:00"))])
    listed = replace(FACTS, do_not_call=True)
    assert refusal(policy, "2026-11-23 13:00", listed) == ("other.stop", "2026-11-24 00:00")
    assert refusal(policy, "2026-11-24 00:00", listed) == ("", None)


def test_what_did_not_change_does_not_retire() -> None:
    one, two = pack(MORNING), pack(AFTERNOON, valid_from="2026-12-01")
    midnight, next_one = shanghai("2026-11-24 00:00"), shanghai("2026-11-25 00:00")
    policy = Policy((one, two))
    assert policy.with_retiring([(one, midnight), (two, midnight)]) == policy
    changed = policy.with_retiring([(one, midnight)])  # before, there was no second version
    assert changed.retiring == ((one, midnight),)
    assert changed.with_retiring([]) == policy
    both = policy.with_retiring([(one, next_one), (one, midnight)])
    assert both.retiring == ((one, midnight), (one, next_one))


# Overrides


def write_override(folder: Path, *rules: dict[str, Any], **head: Any) -> str:
    document = {
        "override": "bank",
        "pack": "test",
        "status": "in force",
        "source": "a contract",
        "valid_from": "2026-11-23",
        "rules": list(rules),
        **head,
    }
    path = folder / f"{document['override']}.yaml"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return str(path)


def overridden(tmp_path: Path, *overrides: str, rules: tuple[dict[str, Any], ...] = (ANY_HOUR, CAP)) -> Policy:
    path = tmp_path / "pack.yaml"
    path.write_text(pack_text(*rules), encoding="utf-8")
    return load_policy((str(path),), overrides)


def ask(policy: Policy, at: str = "2026-11-23 10:00", **changes: Any) -> Decision:
    return evaluate(policy, replace(TWO_TRIED, **changes), shanghai(at))


def test_an_override_changes_a_rule_for_its_calls_from_its_day_on(tmp_path: Path) -> None:
    path = write_override(tmp_path, {"id": "cap", "limit": 2}, **{"for": {"agencies": ["north"]}})
    policy = overridden(tmp_path, path)
    assert ask(policy).allowed
    refused = ask(policy, agency="north")
    assert (refused.rule, refused.retry_at) == ("cap", shanghai("2026-11-24 00:00"))
    assert ask(policy, "2026-11-22 23:59", agency="north").allowed
    assert [result.rule for result in refused.evaluated] == ["test.in-force", "r1", "cap"]
    assert [(result.used, result.limit) for result in ask(policy).evaluated][-1] == (2, 6)
    assert policy.pack_hash != overridden(tmp_path).pack_hash


def test_an_override_for_all_calls(tmp_path: Path) -> None:
    policy = overridden(tmp_path, write_override(tmp_path, {"id": "cap", "limit": 2}))
    assert not ask(policy).allowed
    assert len(policy.rules) == 3  # the cap of before and that of after
    early = overridden(tmp_path, write_override(tmp_path, {"id": "cap", "limit": 2}, valid_from="2025-01-01"))
    assert not ask(early, "2026-11-22 23:59").allowed
    assert early.packs[0].status == "in force"
    draft = write_override(tmp_path, {"id": "cap", "limit": 2}, status="draft, needs counsel")
    assert overridden(tmp_path, draft).packs[0].status == "draft, needs counsel"


def test_overrides_build_on_each_other(tmp_path: Path) -> None:
    bank = write_override(tmp_path, {"id": "cap", "limit": 3}, valid_from="2026-11-20")
    agency = write_override(
        tmp_path,
        {"id": "cap", "span": {"inclusive_days": 2}},
        {"id": "r1", "week": {"mon": ["10:00-11:00"]}, "effect": "warn"},
        override="agency",
        **{"for": {"agencies": ["north"]}},
    )
    again = write_override(tmp_path, {"id": "cap", "limit": 1}, override="older", valid_from="2026-11-01")
    policy = overridden(tmp_path, bank, agency)
    assert ask(policy).allowed
    assert ask(policy, agency="north").allowed
    more = (*TWO_TRIED.attempts, earlier(MONDAY_TEN.replace(day=22)))
    assert ask(policy, attempts=more).allowed
    assert ask(policy, attempts=more, agency="north").rule == "cap"
    warned = ask(policy, "2026-11-24 10:00", agency="north")
    assert warned.reason == "allowed with a warning of r1"
    older = overridden(tmp_path, bank, again)  # the last named has the last word, from its day on
    assert not ask(older, "2026-11-21 10:00").allowed
    assert not ask(older, attempts=TWO_TRIED.attempts[:1]).allowed


def test_each_variant_of_a_wide_cap_has_a_key_of_its_own(tmp_path: Path) -> None:
    wide = {**CAP, "scope": "agency"}
    path = write_override(tmp_path, {"id": "cap", "limit": 2}, **{"for": {"creditors": ["first"]}})
    policy = overridden(tmp_path, path, rules=(wide,))
    tallies = policy.demand.tallies
    assert sorted(tally.limit for tally in tallies) == [2, 6, 6]
    assert len({tally.key for tally in tallies}) == 3


def test_an_override_is_not_asked_of_versions_that_ended_before(tmp_path: Path) -> None:
    (tmp_path / "2026-01-01.yaml").write_text(pack_text(ANY_HOUR), encoding="utf-8")
    (tmp_path / "2026-06-01.yaml").write_text(pack_text(ANY_HOUR, CAP, valid_from="2026-06-01"), encoding="utf-8")
    elsewhere = tmp_path / "overrides"
    elsewhere.mkdir()
    path = write_override(elsewhere, {"id": "cap", "limit": 2}, valid_from="2026-06-01")
    policy = load_policy((str(tmp_path),), (path,))
    assert not ask(policy).allowed
    assert policy.packs[0] == load_pack(str(tmp_path))[0]
    early = write_override(elsewhere, {"id": "cap", "limit": 2}, valid_from="2026-05-31")
    with pytest.raises(ConfigError, match="has no rule 'cap'"):
        load_policy((str(tmp_path),), (early,))
    ended = pack_text(ANY_HOUR, valid_through="2026-03-01")
    (tmp_path / "2026-01-01.yaml").write_text(ended, encoding="utf-8")
    assert not ask(load_policy((str(tmp_path),), (early,))).allowed


@pytest.mark.parametrize(
    ("rules", "head", "reason"),
    [
        (({"id": "cup", "limit": 2},), {}, r"bank\.yaml:\d+: rules\.0\.id: the pack test has no rule 'cup'"),
        (({"id": "cap", "kind": "one_call"},), {}, "rules.0.kind: an override cannot change the kind of a rule"),
        (({"id": "cap"},), {}, "rules.0: "),
        (({"id": "cap", "limit": "two"},), {}, "rules.0.limit: 'two' is not of type 'integer' .in the rule as changed"),
        (({"id": "cap", "limt": 2},), {}, "'limt' was unexpected"),
        (({"id": "cap", "limit": 0},), {}, "a limit of 0 refuses every call"),
        (({"id": "r1", "hours": ["12:00-11:00", "10:00-13:00"]},), {}, "begins before"),
        (({"id": "cap", "limit": 2},), {"pack": "tset"}, "the pack 'tset' it changes is not in policy.packs"),
        (({"id": "cap", "limit": 2},), {"valid_from": "2026-02-30"}, "'2026-02-30' is not a date"),
        (({"id": "cap", "limit": 2},), {"for": {"paths": ["manual"]}}, "'paths' was unexpected"),
        (({"id": "cap", "limit": 2},), {"status": "fine"}, "is not one of"),
    ],
)
def test_an_override_that_does_not_fit(
    tmp_path: Path, rules: tuple[dict[str, Any], ...], head: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        overridden(tmp_path, write_override(tmp_path, *rules, **head))


def test_an_override_may_not_leave_its_calls_without_an_hour(tmp_path: Path) -> None:
    noon = {"id": "noon", "kind": "forbidden_hours", "zones": "pack", "from": "10:00", "to": "14:00"}
    some = {"for": {"agencies": ["north"]}}
    closed = write_override(tmp_path, {"id": "r1", "hours": ["11:00-13:00"]}, **some)
    with pytest.raises(ConfigError, match="noon together with r1 leaves no minute of the week"):
        overridden(tmp_path, closed, rules=(ANY_HOUR, noon))
    fine = write_override(tmp_path, {"id": "r1", "hours": ["11:00-15:00"]}, **some)
    assert ask(overridden(tmp_path, fine, rules=(ANY_HOUR, noon)), "2026-11-23 09:00").allowed


# Content


def test_a_pack_is_built_again_from_its_content(tmp_path: Path) -> None:
    path = write_override(tmp_path, {"id": "cap", "limit": 2}, **{"for": {"agencies": ["north"]}})
    for one in (*load_pack("cn-bank-card"), *overridden(tmp_path, path).packs, pack(ANY_HOUR)):
        again = pack_from_content(one.content, one.sha256)
        assert again == one
        assert again.content == one.content
        assert evaluate(Policy((again,)), TWO_TRIED, MONDAY_TEN) == evaluate(Policy((one,)), TWO_TRIED, MONDAY_TEN)
        assert (again.calendar is None) == (one.calendar is None)
        if again.calendar is not None and one.calendar is not None:
            assert (again.calendar.sha256, again.calendar.source) == (one.calendar.sha256, one.calendar.source)


def test_content_that_was_changed_is_refused() -> None:
    one = pack(CAP)
    with pytest.raises(ConfigError, match="was changed after it was hashed"):
        pack_from_content(one.content.replace('"limit":6', '"limit":9'), one.sha256)


def test_overrides_are_files(tmp_path: Path) -> None:
    (one,) = load_overrides((write_override(tmp_path, {"id": "cap", "limit": 2}),))
    assert (one.name, one.pack, one.valid_from) == ("bank", "test", date(2026, 11, 23))
    with pytest.raises(ConfigError, match="cannot read the file"):
        load_overrides((str(tmp_path / "missing.yaml"),))
