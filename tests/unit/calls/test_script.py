"""Scripts: what may stand where, and what becomes of the variables."""

import pytest

from dialer.calls.case_fields import CaseFieldKind, kind_of
from dialer.calls.script import SECTIONS, Speaker, problems_of, render
from dialer.model.campaign import CampaignSettings
from dialer.model.collecting import CollectingSettings, LocalText, Script
from dialer.model.contact import Contact, FieldValue

SETTINGS = CampaignSettings(creditor="某银行", product="信用卡", collecting=CollectingSettings(debt_field="total"))
FIELDS: dict[str, FieldValue] = {
    "total": "12345.5",
    "due_date": "2026-12-01",
    "days_overdue": 31,
    "vip": True,
    "memo": "call 13800001234",
}
CONTACT = Contact(1, 1, "P-1", "C-1", "王芳", fields=FIELDS)
SPEAKER = Speaker("李娜", "138****1234")


def said(words: str, *, is_open: bool = True) -> tuple[str, str]:
    script = Script(after_identity=LocalText(words))
    shown = render(script, SETTINGS, CONTACT, SPEAKER, is_open=is_open).after_identity
    return shown.zh, shown.en


@pytest.mark.parametrize(
    ("words", "zh", "en"),
    [
        ("{person_name}，我是{agency}的{collector_name}", "王芳，我是某银行的李娜", "王芳，我是某银行的李娜"),
        ("{amount_due}", "12,345.50", "12,345.50"),
        ("{due_date}", "2026年12月1日", "1 Dec 2026"),
        ("{days_overdue} {product} {case_ref}", "31 信用卡 C-1", "31 信用卡 C-1"),
        ("{field.vip} {number}", "是 138****1234", "yes 138****1234"),
        ("{field.memo}", "call 138****1234", "call 138****1234"),  # a number no column was declared for
        ("{field.nowhere}", "—", "—"),  # what the case does not hold
    ],
)
def test_variables_are_filled_in(words: str, zh: str, en: str) -> None:
    assert said(words) == (zh, en)


def test_each_language_stands_for_the_other() -> None:
    shown = render(Script(opening=LocalText(en="Hello")), SETTINGS, CONTACT, SPEAKER, is_open=False)
    assert shown.opening == LocalText("Hello", "Hello")


def test_what_is_for_the_person_waits_for_the_person() -> None:
    everywhere = Script(*(LocalText(f"{name} {{person_name}}") for name in SECTIONS))
    shown = render(everywhere, SETTINGS, CONTACT, SPEAKER, is_open=False)
    assert (shown.opening.zh, shown.third_party.zh) == ("opening 王芳", "third_party 王芳")
    assert (shown.after_identity, shown.closing) == (LocalText(), LocalText())


@pytest.mark.parametrize(
    ("section", "words", "problem"),
    [
        ("opening", "{amount_due}", "tells of the debt"),
        ("third_party", "{field.name}", "tells of the debt"),  # nobody knows what a list's column holds
        ("third_party", "{case_ref}", "tells of the debt"),
        ("closing", "{amout_due}", "is no variable"),
        ("closing", "{field.}", "is no variable"),
        ("closing", "{}", "is no variable"),
        ("closing", "{person_name", "a brace stands alone"),
        ("opening", "}", "a brace stands alone"),
    ],
)
def test_a_script_that_cannot_be_used_says_why(section: str, words: str, problem: str) -> None:
    (found,) = problems_of(Script(**{section: LocalText(words, words)}))
    assert found.startswith(f"{section}: ")
    assert problem in found


def test_a_good_script_has_no_problems() -> None:
    private = LocalText("{amount_due} {field.anything at all}")
    assert problems_of(Script(LocalText("{person_name}"), LocalText("{creditor}"), private, private)) == []


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("amount", "1000.50", CaseFieldKind.AMOUNT),
        ("逾期本金", "1000", CaseFieldKind.AMOUNT),
        ("balance", "unknown", CaseFieldKind.TEXT),  # the name promises more than the value holds
        ("account", "62220001", CaseFieldKind.TEXT),
        ("due", "2026-12-01", CaseFieldKind.DATE),
        ("due", "2026-13-01", CaseFieldKind.TEXT),
        ("n", 3, CaseFieldKind.INTEGER),
        ("flag", True, CaseFieldKind.BOOLEAN),  # Python's bool is an int
        ("x", 1.5, CaseFieldKind.AMOUNT),
    ],
)
def test_fields_have_kinds(name: str, value: FieldValue, kind: CaseFieldKind) -> None:
    assert kind_of(name, value) is kind
