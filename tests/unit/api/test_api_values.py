"""What callers see of stored values: masked, whole, and in the document's form."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter

from dialer.api.campaign_models import CampaignOut, SettingsIn
from dialer.api.routes.attempts import AttemptDetail, AttemptOut
from dialer.api.routes.outbox import DeadLetterOut
from dialer.api.routes.recordings import RecordingOut
from dialer.model.attempt import Attempt, AttemptState, CallPath, Disposition, NetworkCause
from dialer.model.campaign import Campaign, CampaignSettings, CampaignState
from dialer.model.outcome import DeadLetter, EventType, OutboxEvent
from tests.support.recordings import recording_info

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
ATTEMPT = Attempt(
    attempt_id=7,
    campaign_id=2,
    contact_id=3,
    phone_id=4,
    path=CallPath.PREDICTIVE,
    state=AttemptState.SETTLED,
    number_masked="138****1234",
    reserved_at=AT,
    caller_id="+862155550100",
    disposition=Disposition.BUSY,
    cause=NetworkCause(486, "Busy 13800001234", ('Q.850;cause=17;text="+8613800001234"',), 17),
)


def test_attempts_show_no_number_in_clear() -> None:
    shown = AttemptOut.of(ATTEMPT)
    text = AttemptDetail(**shown.model_dump()).model_dump_json()
    assert "13800001234" not in text
    assert "2155550100" not in text
    assert (shown.sip_status, shown.q850) == (486, 17)
    assert shown.caller_id_masked.endswith("****0100")


def test_dead_letters_show_no_data() -> None:
    event = OutboxEvent(5, "e-5", EventType.WRAP_UP, "C-1", AT, {"note": "private"})
    shown = DeadLetterOut.of(DeadLetter(event, "webhook:x", 9, "HTTP 410", AT))
    assert (shown.sequence, shown.error) == (5, "HTTP 410")
    assert "private" not in shown.model_dump_json()


def test_recordings_do_not_show_their_place_on_disk() -> None:
    shown = RecordingOut.of(recording_info("r-1", 1, AT, duration_s=2.5))
    assert "r-1.flac" not in shown.model_dump_json()


def test_default_settings_are_the_house_defaults() -> None:
    assert SettingsIn().to_settings() == CampaignSettings()


def test_settings_come_back_as_they_were_sent() -> None:
    sent = {
        "mode": "predictive",
        "retries": {"busy": {"delay_s": 60.0, "max_attempts": 2}},
        "form": {
            "codes": [{"code": "p", "label": "promise"}],
            "fields": [{"name": "why", "kind": "choice", "label": "Why", "choices": ["a", "b"]}],
        },
    }
    settings = SettingsIn.model_validate(sent).to_settings()
    campaign = Campaign(1, "x", CampaignState.DRAFT, (1,), settings, AT)
    shown = TypeAdapter(CampaignOut).dump_python(CampaignOut.of(campaign), mode="json")["settings"]
    assert shown["mode"] == "predictive"
    assert shown["retries"] == sent["retries"]
    assert shown["form"]["fields"][0]["choices"] == ["a", "b"]


@pytest.mark.parametrize(
    "form",
    [
        {"codes": [{"code": "p", "label": "x"}, {"code": "p", "label": "y"}]},
        {"fields": [{"name": "f", "kind": "text", "label": "x", "required_for": ["q"]}]},
        {"fields": [{"name": "f", "kind": "choice", "label": "x"}]},
        {"fields": [{"name": "f", "kind": "text", "label": "x", "choices": ["a"]}]},
    ],
)
def test_forms_that_contradict_themselves(form: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"form"):
        SettingsIn.model_validate({"form": form})
