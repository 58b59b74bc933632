"""What a screen may show of a case before the right person is on the line, and after."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest

from dialer.calls.case_view import CaseView, Shown, case_view, not_dialed
from dialer.calls.form import FormFacts
from dialer.calls.order import CallOrder
from dialer.calls.placing import NotPlaced
from dialer.model.attempt import CallPath
from dialer.model.campaign import Campaign, CampaignSettings, CampaignState, DispositionForm, FormField, FormFieldKind
from dialer.model.collecting import (
    CollectingSettings,
    IdentityCheck,
    IdentityQuestion,
    IdentityResult,
    LocalText,
    Script,
)
from dialer.model.contact import Contact, Phone

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
COLLECTING = CollectingSettings(
    identity_questions=(
        IdentityQuestion("id_number", LocalText("身份证后四位"), 4),
        IdentityQuestion("birth_date", LocalText("生日")),
        IdentityQuestion("nowhere", LocalText("?"), 4),
        IdentityQuestion("second_phone", LocalText("另一号码")),
    ),
    script=Script(opening=LocalText("您好"), closing=LocalText("{amount_due}")),
)
FORM = DispositionForm((), (FormField("amount", FormFieldKind.AMOUNT, "amount", least=1.0, most_of_debt=0.5),))
SETTINGS = CampaignSettings(creditor="bank", product="secret card", form=FORM, collecting=COLLECTING)
FIELDS = {
    "amount": "7777.01",
    "id_number": "110101199001011234",
    "birth_date": "1990-01-01",
    "second_phone": "13900005678",
    "memo": "owes much, or 139-0000-1234",
}
PHONE = Phone(5, 1, "+8613800001234")
CONTACT = Contact(1, 1, "person-secret", "case-secret", "王芳", fields=FIELDS, phones=(PHONE,))
FACTS = FormFacts(date(2026, 11, 23), Decimal("7777.01"))
PRIVATE = ("case-secret", "7777", "3888", "owes much", "secret card", "1101011990", "+8613", "1390000", "person-secret")


def shown(
    result: IdentityResult | None = None, *, settings: CampaignSettings = SETTINGS, preview: bool = False
) -> Shown:
    campaign = Campaign(1, "campaign", CampaignState.RUNNING, (1,), settings, NOW)
    check = None if result is None else IdentityCheck(9, 2, result, NOW)
    return Shown(CallOrder(campaign, CONTACT, PHONE, CallPath.PREVIEW), 1, 9, check, preview)


def view(of: Shown) -> CaseView:
    return case_view(of, "李娜", FACTS)


@pytest.mark.parametrize("result", [None, IdentityResult.THIRD_PARTY, IdentityResult.REFUSED, IdentityResult.UNSURE])
def test_nothing_of_the_debt_is_shown_to_anybody_else(result: IdentityResult | None) -> None:
    found = view(shown(result))
    text = msgspec.json.encode(found).decode()
    assert [word for word in PRIVATE if word in text] == []
    assert not found.is_open
    assert found.identity.is_needed
    assert (found.person_name, found.number_masked, found.script.opening.zh) == ("王芳", "138****1234", "您好")
    assert [asked.expected for asked in found.identity.questions] == ["1234", "1990-01-01", "", "139****5678"]


def test_the_right_person_opens_the_case() -> None:
    found = view(shown(IdentityResult.CONFIRMED))
    assert (found.is_open, found.case_ref, found.product) == (True, "case-secret", "secret card")
    assert [field.name for field in found.fields] == list(FIELDS)
    assert found.script.closing.zh == "7,777.01"
    (limit,) = found.limits
    assert (limit.least, limit.most) == (Decimal("1.0"), Decimal("3888.50"))
    assert (found.fields[4].value, found.fields[0].value) == ("owes much, or 139****1234", "7777.01")
    assert "+86138" not in msgspec.json.encode(found).decode()


@pytest.mark.parametrize(
    ("collecting", "preview", "is_open"),
    [
        (COLLECTING, True, True),
        (COLLECTING, False, False),  # dialed: somebody may answer
        (replace(COLLECTING, preview_details=False), True, False),
        (replace(COLLECTING, identity_check=False), False, True),
    ],
)
def test_a_preview_is_for_reading(collecting: CollectingSettings, preview: bool, is_open: bool) -> None:
    settings = replace(SETTINGS, collecting=collecting)
    assert view(shown(settings=settings, preview=preview)).is_open is is_open


@pytest.mark.parametrize(
    ("path", "collecting", "case_ref"),
    [
        (CallPath.MANUAL, COLLECTING, ""),
        (CallPath.PREVIEW, COLLECTING, "case-secret"),  # it was on the screen
        (CallPath.PREVIEW, replace(COLLECTING, preview_details=False), ""),
        (CallPath.MANUAL, replace(COLLECTING, identity_check=False), "case-secret"),
    ],
)
def test_a_refused_call_tells_no_more_than_the_screen(
    path: CallPath, collecting: CollectingSettings, case_ref: str
) -> None:
    order = replace(shown(settings=replace(SETTINGS, collecting=collecting)).order, path=path)
    assert not_dialed(order, NotPlaced("not today", None)).case_ref == case_ref
