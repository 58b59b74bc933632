"""What a campaign says of its collectors' work: what is refused, and what is shipped."""

from dataclasses import asdict
from typing import Any

import pytest
from pydantic import ValidationError

from dialer.api.campaign_models import FormIn, SettingsIn
from dialer.model.campaign import CampaignSettings
from dialer.model.ready_forms import READY_FORMS

PERSON = {"code": "promise", "label": "promise", "right_party": True}


def test_the_defaults_are_the_stored_ones() -> None:
    assert SettingsIn().to_settings() == CampaignSettings()
    assert SettingsIn().to_settings().collecting.identity_check


@pytest.mark.parametrize("name", sorted(READY_FORMS))
def test_a_shipped_form_can_be_sent_back_as_it_is(name: str) -> None:
    form = READY_FORMS[name]
    settings = SettingsIn(form=FormIn.model_validate(asdict(form))).to_settings()
    assert settings.form == form
    keys = [code.key for code in form.codes]
    assert all(keys)
    assert all(field.label_en for field in form.fields)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"collecting": {"script": {"opening": {"zh": "{amount_due}"}}}}, "tells of the debt"),
        ({"collecting": {"script": {"closing": {"en": "{whatever}"}}}}, "is no variable"),
        (
            {"collecting": {"identity_questions": [{"field_name": "amount", "words": {"en": "?"}}]}},
            "asking for it would tell it",
        ),
        ({"collecting": {"identity_questions": [{"field_name": "id", "words": {}}]}}, "in Chinese or in English"),
        ({"form": {"codes": [PERSON | {"key": "P"}, PERSON | {"code": "b", "key": "P"}]}}, "one code only"),
        ({"form": {"codes": [PERSON | {"promise": True, "right_party": False}]}}, "only the right person"),
        ({"form": {"codes": [PERSON | {"key": "p"}]}}, "pattern"),
        ({"form": {"fields": [{"name": "a", "kind": "text", "label": "a", "least": 1}]}}, "belong to kind amount"),
        ({"form": {"fields": [{"name": "a", "kind": "amount", "label": "a", "within_days": 1}]}}, "kind date"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        SettingsIn.model_validate(settings)
