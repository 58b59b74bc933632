"""`dialer why`: why a number or a case is called, or not; now, or at another time."""

import json
from typing import Annotated

import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, call
from dialer.cli.decision_view import Answer, Shown, instant, label, line, local, print_decision, print_packs, sentences
from dialer.cli.output import say

_HEADINGS = {
    "record": ("On record", "记录"),
    "nothing": ("nothing: the gate was never asked", "无：从未询问过闸门"),
    "now": ("What the gate says now", "闸门此刻的判断"),
    "then": ("What the gate would have said at {at}", "闸门在 {at} 会作出的判断"),
    "ahead": ("What the gate would say at {at}, were nothing to change", "若情况不变，闸门在 {at} 会作出的判断"),
    "no_packs": (
        "which packs were in force then is not on record, so the gate cannot be asked",
        "当时生效的规则包没有记录，无法询问闸门",
    ),
    "obstacles": ("What else is in the way now", "此刻的其他障碍"),
    "none": ("nothing else", "无其他障碍"),
    "unlisted": ("in no list any more", "已不在任何名单中"),
    "by_hand": ("by hand", "手动"),
    "until": ("until", "至"),
}


def why(
    about: Annotated[str, typer.Argument(metavar="NUMBER|CASE", help="A number as people write it, or a case's id.")],
    at: Annotated[str | None, typer.Option("--at", help="Another instant, e.g. 2026-11-23T10:00:00+08:00.")] = None,
    records: Annotated[int, typer.Option("--records", min=1, max=100, help="Decisions on record to show.")] = 10,
    language: Annotated[Shown, typer.Option("--language", help="en, zh or both.")] = Shown.BOTH,
    as_json: Annotated[bool, typer.Option("--json", help="All of it, for programs.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Says why a number or a case is called, or not: what is on record, what the gate says, what else is in the way."""
    body = {"about": about, "records": records} | ({} if at is None else {"at": at})
    answer = call(url, token, "POST", "/v1/why", body)
    if as_json:
        say(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    if not answer["is_known"]:
        say(f"{answer['about']}: no list and no record knows this number or case; check how it is written")
        say(f"{answer['about']}：名单与记录中均无此号码或案件，请核对写法")
        return
    _print_record(answer, language)
    _print_answers(answer, language, "then" if answer["is_past"] else "now" if at is None else "ahead")
    _print_obstacles(answer, language)


def _heading(name: str, shown: Shown, **values: str) -> str:
    en, zh = (text.format(**values) for text in _HEADINGS[name])
    return {Shown.EN: en, Shown.ZH: zh, Shown.BOTH: f"{en} · {zh}"}[shown]


def _print_record(answer: Answer, shown: Shown) -> None:
    say(f"{answer['about']}: {_heading('record', shown)}")
    if not answer["record"]:
        line(_heading("nothing", shown))
    for item in answer["record"]:
        when = local(item["local_times"]) or instant(item["at"])
        what = label("allowed" if item["allowed"] else "refused", shown)
        about = " · ".join(part for part in (item["number_masked"], item["case_ref"], item["path"]) if part)
        line(f"{when}  {what}  [{item['chain']}:{item['sequence']}]")
        line(about, 2)
        if item["attempt_id"] is not None:
            line(f"attempt {item['attempt_id']}: {item['ended'] or 'no end on record'}", 2)
        else:
            line(item["rule"], 2)
            for text in sentences(item["reason"], shown):
                line(text, 2)


def _print_answers(answer: Answer, shown: Shown, when: str) -> None:
    say(_heading(when, shown, at=instant(answer["at"])))
    if not answer["packs"]:
        line(_heading("no_packs", shown))
    print_packs(answer["packs"], shown)
    if not answer["contacts"]:
        line(_heading("unlisted", shown))
    for contact in answer["contacts"]:
        line(f"{contact['case_ref']} · {contact['list_name']} · {contact['case_status']}")
        for number in contact["numbers"]:
            for said in number["answers"]:
                decision = said["decision"]
                campaign = said["campaign"] or _heading("by_hand", shown)
                verdict = label("allowed" if decision["allowed"] else "refused", shown)
                line(f"{number['number_masked']} ({number['role']}) · {campaign}: {verdict}", 2)
                print_decision(decision, shown, only_refusing=True, depth=3)


def _print_obstacles(answer: Answer, shown: Shown) -> None:
    say(_heading("obstacles", shown))
    found = [obstacle for contact in answer["contacts"] for obstacle in contact["obstacles"]]
    for obstacle in found:
        for one in (Shown.EN, Shown.ZH) if shown is Shown.BOTH else (shown,):
            until = f" {_heading('until', one)} {instant(obstacle['until'])}" if obstacle["until"] else ""
            line(f"{sentences(obstacle['words'], one)[0]}{until}")
    if not found:
        line(_heading("none", shown))
