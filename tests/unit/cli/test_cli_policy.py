"""`dialer policy`: rules in words, files checked with file and line, test cases run."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dialer.cli import main as cli
from dialer.compliance.packs import PACKS, load_policy, shipped_packs
from dialer.compliance.rule_words import tell

PACK = (PACKS / "us-tsr" / "2024-05-16.yaml").read_text(encoding="utf-8")
CASES = """
- name: an ordinary call
  at: "2026-11-23T15:00:00-05:00"
  expect: {allowed: true}
- name: a wrong hope
  at: "2026-11-23T15:00:00-05:00"
  facts: {do_not_call: true}
  expect: {allowed: true}
"""
OVERRIDE = """
override: first-bank
pack: cn-bank-card
status: draft, needs counsel
source: contract of 2026-03-01
valid_from: 2026-03-01
for: {creditors: [first-bank]}
rules:
  - {id: cn.person-daily, limit: 3}
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["policy", *map(str, arguments)])


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("command", ["list", "show", "check", "test", "schema"])
def test_every_command_explains_itself(command: str) -> None:
    shown = run(command, "--help")
    assert shown.exit_code == 0
    assert "Usage:" in shown.output


def test_list_names_every_version() -> None:
    shown = run("list")
    assert shown.exit_code == 0
    assert shown.output.count("draft, needs") == len(load_policy(shipped_packs()).packs)
    assert "2026-07-01" in shown.output


def test_show_tells_the_rules_in_both_languages() -> None:
    shown = run("show", "cn-bank-card").output
    assert "cn-bank-card from 2026-01-30" in shown
    assert "仅可在以下时间呼叫：工作日 09:00-18:00，按 Asia/Shanghai 时间，日历 cn-workdays，不含调休上班日。" in shown
    assert "Calls only on working days 09:00-18:00, by the clock of Asia/Shanghai, calendar cn-workdays" in shown
    assert "For one number: at most 6 attempts that reached nobody a calendar day" in shown
    assert "A recorded consent (agreement) lifts it." in shown


@pytest.mark.parametrize(
    ("language", "there", "absent"), [("zh", "勿呼名单", "do-not-call list"), ("en", "do-not-call list", "勿呼名单")]
)
def test_show_in_one_language(language: str, there: str, absent: str) -> None:
    shown = run("show", "us-tsr", "--language", language).output
    assert there in shown
    assert absent not in shown


def test_show_takes_the_version_of_the_day() -> None:
    assert "cncf.unreached" in run("show", "cn-consumer-finance", "--at", "2026-01-30").output
    earlier = run("show", "cn-consumer-finance", "--at", "2026-01-29").output
    assert "cn-consumer-finance from 2025-02-28" in earlier
    assert "other versions: from 2026-01-30" in earlier
    assert "cncf.unreached" not in earlier


def test_every_shipped_rule_can_be_told_in_both_languages() -> None:
    for rule in load_policy(shipped_packs()).rules:
        english, chinese = tell(rule, "en"), tell(rule, "zh")
        assert english.isascii(), english
        assert english.endswith(".")
        assert chinese.endswith("。")
        assert any("\u4e00" <= character <= "\u9fff" for character in chinese)


@pytest.mark.parametrize(
    ("rule", "english", "chinese"),
    [
        (
            "{kind: calling_window, zones: pack, week: {mon: ['09:00-12:00', '14:00-18:00'], wed: ['09:00-12:00']}, "
            "must_end_by: '18:05'}",
            "Calls only Mon 09:00-12:00, 14:00-18:00, Wed 09:00-12:00, by the clock of Asia/Shanghai, "
            "ringing ends by 18:05.",
            "仅可在以下时间呼叫：周一 09:00-12:00、14:00-18:00、周三 09:00-12:00，按 Asia/Shanghai 时间，"
            "振铃不得晚于 18:05。",
        ),
        (
            "{kind: cap, scope: campaign, event: abandoned, span: {campaign: true}, limit: 2, "
            "applies_if: {regions: [CN], agencies: [b, a]}}",
            "For one campaign: at most 2 abandoned calls ever. It binds only people in CN; the agencies a, b.",
            "每个活动，累计最多 2 次接通后无坐席的呼叫。仅适用于地区为 CN；机构为 a、b。",
        ),
        (
            "{kind: cap, scope: case, event: message_left, span: {rolling_minutes: 90}, limit: 1}",
            "For one case: at most 1 message in any 90 minutes.",
            "对同一案件，任意 90 分钟内最多 1 次留言。",
        ),
        (
            "{kind: cool_off, scope: case, after: right_party, span: {ever: true}, from: start}",
            "For one case: no call ever after the start of a call that reached the person.",
            "对同一案件，联系到本人的呼叫开始后永久不再呼叫。",
        ),
        (
            "{kind: abandonment, span: {rolling_hours: 24}, limit: 0.01, amd_false_positives: measured, "
            "amd_false_positives_until_measured: 0.02}",
            "At most 1 % of a campaign's live calls abandoned in any 24 hours; of the machine verdicts as many count "
            "as abandoned as may be people by what listeners heard of a random sample (upper bound, 95 % confidence), "
            "until 50 were listened to 2 %.",
            "同一活动任意 24 小时内真人接听后无坐席的呼叫占比不超过 1 %；"
            "机器应答判定按随机抽听所得真人占比的上限（95% 置信）计为被放弃，抽听满 50 个之前按 2 %。",
        ),
        ("{kind: third_party, permitted: always}", "Third parties may be called.", "可以呼叫第三方。"),
        (
            "{kind: do_not_call, exempt_if: {consent: contact, within_days: 7}}",
            "Never to a number or a person on the do-not-call list. "
            "A recorded consent (contact) lifts it for 168 hours after it was given.",
            "不得呼叫勿呼名单中的号码或人员。已记录的同意（contact）在给出后 168 小时内可豁免。",
        ),
    ],
)
def test_a_rule_in_words(tmp_path: Path, rule: str, english: str, chinese: str) -> None:
    head = PACK.partition("rules:")[0].replace("America/New_York", "Asia/Shanghai")
    path = written(tmp_path, "own.yaml", f"{head}rules:\n  - {{id: own.rule, source: house rule, {rule[1:]}\n")
    (told,) = load_policy((str(path),)).rules
    assert tell(told, "en") == english
    assert tell(told, "zh") == chinese


def test_check_says_what_is_right(tmp_path: Path) -> None:
    override = written(tmp_path, "first-bank.yaml", OVERRIDE)
    shown = run(
        "check", PACKS / "us-tsr", PACKS / "us-tsr" / "2024-05-16.yaml", PACKS / "us-tsr" / "cases.yaml", override
    )
    assert shown.exit_code == 0, shown.output
    assert "us-tsr from 2024-05-16, 21 test cases" in shown.output
    assert "the version of us-tsr from 2024-05-16, 8 rules, draft, needs counsel" in shown.output
    assert "an override of cn-bank-card from 2026-03-01" in shown.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PACK.replace("kind: do_not_call", "kind: do_no_call"), ":16: rules.1.kind: unknown rule kind 'do_no_call'"),
        (PACK.replace('["08:00-21:00"]', '["08:00-21:00", "20:00-22:00"]'), "hours"),
        (OVERRIDE.replace("cn.person-daily", "cn.nothing"), "cn.nothing"),
        ("pack: [", "not valid YAML"),
    ],
)
def test_check_names_file_line_and_reason(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, "2024-05-16.yaml", text)
    shown = run("check", path, PACKS / "us-tsr")
    assert shown.exit_code == 1
    assert f"error: {path}:" in shown.output
    assert words in shown.output
    assert "us-tsr from 2024-05-16" in shown.output, "the other files are checked all the same"


def test_test_puts_the_cases_to_the_gate(tmp_path: Path) -> None:
    assert run("test", "us-tsr").output == "us-tsr: 21 cases, 0 failed\n"
    written(tmp_path, "2024-05-16.yaml", PACK)
    written(tmp_path, "cases.yaml", CASES)
    shown = run("test", tmp_path)
    assert shown.exit_code == 1
    assert f"{tmp_path}/cases.yaml:5: a wrong hope: allowed is False: tsr.do-not-call" in shown.output
    assert "2 cases, 1 failed" in shown.output


@pytest.mark.parametrize("of", ["pack", "override", "cases"])
def test_schema_prints_what_the_files_are_checked_against(of: str) -> None:
    printed = json.loads(run("schema", "--of", of).output)
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "nothing"], "there is no pack 'nothing'; shipped are cn-bank-card"),
        (["show", "us-tsr", "--at", "tomorrow"], "--at 'tomorrow' is not a day like 2026-10-01"),
        (["test", "nothing"], "nothing is neither a folder nor one of our packs"),
    ],
)
def test_a_wrong_argument_is_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["dialer", "policy", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == cli.EXIT_ERROR
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
