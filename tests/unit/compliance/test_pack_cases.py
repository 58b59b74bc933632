"""Every shipped pack answers its own table of cases, every rule of it both ways; a wrong table names file and line."""

from functools import cache
from pathlib import Path

import pytest

from dialer.compliance.casebook import CaseResult, run_cases
from dialer.compliance.packs import CASES, PACKS, load_policy, shipped_packs
from dialer.errors import ConfigError

EXPECTED_PACKS = ("cn-bank-card", "cn-consumer-finance", "in-rbi", "uk-ofcom", "us-regf", "us-tsr")

PACK = """
pack: small
title: For tests
status: draft, needs counsel
source: house rules
jurisdiction: CN
valid_from: 2026-01-01
zone: Asia/Shanghai
rules:
  - {id: s.dnc, kind: do_not_call, source: house rule}
  - {id: s.warned, kind: do_not_call, source: house rule, effect: warn}
  - {id: s.hours, kind: calling_window, source: house rule, zones: pack, days: every_day, hours: ["09:00-18:00"]}
"""
ORDINARY = """
- name: ordinary
  at: "2026-11-23T15:00:00+08:00"
  expect: {allowed: true}
"""


@cache
def results_of(pack: str) -> list[CaseResult]:
    return run_cases(PACKS / pack)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "2026-01-01.yaml").write_text(PACK, encoding="utf-8")
    return tmp_path


def run_text(folder: Path, text: str) -> list[CaseResult]:
    (folder / CASES).write_text(text, encoding="utf-8")
    return run_cases(folder)


def test_the_packs_that_ship() -> None:
    assert shipped_packs() == EXPECTED_PACKS


@pytest.mark.parametrize("pack", EXPECTED_PACKS)
def test_a_pack_answers_as_its_cases_say(pack: str) -> None:
    failed = [
        f"{result.case.place}: {result.case.name}: {result.differences}"
        for result in results_of(pack)
        if not result.passed
    ]
    assert failed == []


@pytest.mark.parametrize("pack", EXPECTED_PACKS)
def test_every_rule_is_refused_by_a_case_and_kept_by_another(pack: str) -> None:
    """Refused alone, so that a rule which no other could stand in for is seen to work."""
    rules = {rule.rule_id for rule in load_policy((pack,)).rules}
    alone = [result.refused or result.warned for result in results_of(pack)]
    assert rules - {rule for broken in alone if len(broken) == 1 for rule in broken} == set()
    assert rules - {rule for result in results_of(pack) for rule in result.kept} == set()


@pytest.mark.parametrize("pack", EXPECTED_PACKS)
def test_every_pack_says_that_counsel_has_not_signed_it(pack: str) -> None:
    for version in load_policy((pack,)).packs:
        assert version.status == "draft, needs counsel"
        assert all(rule.source for rule in version.rules)
    assert (PACKS / pack / "SOURCES.md").is_file()


def test_all_packs_can_be_in_force_together() -> None:
    policy = load_policy(EXPECTED_PACKS)
    assert len({rule.rule_id for rule in policy.rules}) == len(
        {rule.rule_id for pack in EXPECTED_PACKS for rule in load_policy((pack,)).rules}
    )


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ("{allowed: false}", "allowed is True"),
        ("{allowed: true, warned: [s.warned]}", "warned of by no rule, not by s.warned"),
    ],
)
def test_an_answer_that_differs_is_told(folder: Path, expect: str, words: str) -> None:
    (result,) = run_text(folder, ORDINARY.replace("{allowed: true}", expect))
    assert not result.passed
    assert result.differences == (words,)
    assert result.case.place.endswith(f"{CASES}:2")


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ("{allowed: true}", "allowed is False: s.dnc: the number or the person is on the do-not-call list"),
        ("{allowed: false, rule: s.hours}", "the first rule that refuses is s.dnc, not s.hours"),
        ("{allowed: false, refused: [s.dnc, s.hours]}", "refused by s.dnc, not by s.dnc, s.hours"),
        ('{allowed: false, retry_at: "2026-11-24T09:00:00+08:00"}', "retry_at is never, not 2026-11-24T01:00:00+00:00"),
        ("{allowed: false, needs_agent: true}", "needs_agent is False"),
        ("{allowed: false, rule: s.dnc, refused: [s.dnc], warned: [s.warned], retry_at: never}", ""),
    ],
)
def test_a_refusal_that_differs_is_told(folder: Path, expect: str, words: str) -> None:
    text = ORDINARY.replace("expect: {allowed: true}", f"facts: {{do_not_call: true}}\n  expect: {expect}")
    (result,) = run_text(folder, text)
    assert result.differences == ((words,) if words else ())


@pytest.mark.parametrize(
    ("wrong", "right", "words"),
    [
        ("at: 2026-11-23", 'at: "2026-11-23T15:00:00+08:00"', "cases.yaml:3: 0.at: '2026-11-23' does not match"),
        ('at: "2026-13-23T15:00:00Z"', 'at: "2026-11-23T15:00:00+08:00"', "is not an instant"),
        ("facts: {phone: 1}\n  expect: {allowed: true}", "expect: {allowed: true}", "'phone' was unexpected"),
        ("facts: {zones: [Mars/Base]}\n  expect: {allowed: true}", "expect: {allowed: true}", "not an IANA zone"),
        (
            "expect: {allowed: true, rule: s.dnc}",
            "expect: {allowed: true}",
            "cases.yaml:4: 0.expect.rule: a call that is allowed has none",
        ),
        ("expect: {allowed: false, rule: s.nothing}", "expect: {allowed: true}", "the pack has no rule 's.nothing'"),
        (
            "facts: {tallies: {s.dnc: {used: 1}}}\n  expect: {allowed: true}",
            "expect: {allowed: true}",
            "the pack has no rule 's.dnc' that asks for such a count",
        ),
    ],
)
def test_a_wrong_table_names_file_line_and_reason(folder: Path, wrong: str, right: str, words: str) -> None:
    with pytest.raises(ConfigError) as told:
        run_text(folder, ORDINARY.replace(right, wrong))
    assert f"{CASES}:" in str(told.value)
    assert words in str(told.value)


def test_two_cases_need_two_names(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"cases\.yaml:6: 1\.name: a second case with the name 'ordinary'"):
        run_text(folder, ORDINARY + ORDINARY)


def test_a_folder_without_a_table_is_told(folder: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the file"):
        run_cases(folder)
