"""Every event validates against its schema and names nobody in clear."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import jsonschema
import pytest

from dialer.compliance.proof import GENESIS, ProofKind, make_link
from dialer.model.attempt import Attempt, AttemptState, CallPath, Disposition, HangupSide, NetworkCause
from dialer.model.campaign import Campaign, CampaignSettings, CampaignState
from dialer.model.entry import NextStep
from dialer.model.outcome import EventType, OutboxEvent, WrapUp
from dialer.outcomes import payloads
from tests.support.recordings import new_recording

AT = datetime(2026, 11, 23, 2, 0, 0, 123456, tzinfo=UTC)
NUMBER = "+8613800001234"

RESERVED = Attempt(
    attempt_id=7,
    campaign_id=2,
    contact_id=3,
    phone_id=4,
    path=CallPath.PREDICTIVE,
    state=AttemptState.UNKNOWN,
    number_masked="138****1234",
    reserved_at=AT,
    case_ref="C-1",
    person_ref="P-1",
)
SETTLED = Attempt(
    attempt_id=7,
    campaign_id=2,
    contact_id=3,
    phone_id=4,
    path=CallPath.PREDICTIVE,
    state=AttemptState.SETTLED,
    number_masked="138****1234",
    reserved_at=AT,
    case_ref="C-1",
    person_ref="P-1",
    trunk="main",
    caller_id="+862155550100",
    agent_id=5,
    ringing_at=AT,
    answered_at=AT,
    greeting_end_at=AT,
    connected_at=AT,
    ended_at=AT,
    disposition=Disposition.CONNECTED,
    verdict="human",
    verdict_confidence=0.91,
    hangup_side=HangupSide.PERSON,
    cause=NetworkCause(200, "OK", (f'SIP;cause=600;text="busy {NUMBER}"',), 16),
    recording_id="r-7",
)
WRAP_UP = WrapUp(
    attempt_id=7,
    agent_id=5,
    code="promise",
    recorded_at=AT,
    values={"amount": Decimal("1200.50"), "date": date(2026, 12, 1), "dispute": False, "reason": "call 13800001234"},
    callback_at=AT,
    note="又打 138-0000-1234",
)
RECORDING = new_recording("r-7", 7, AT, duration_s=12.5)
CAMPAIGN = Campaign(2, "November", CampaignState.RUNNING, (1,), CampaignSettings(), AT, "started by admin")
LINK = make_link("node1", 3, GENESIS, ProofKind.SETTLED, {"attempt_id": 7})
NEXT = NextStep(phone_id=4, not_before=AT, exhausted=False, reason="no answer, again in 2 h")

CASES = [
    (EventType.ATTEMPT_SETTLED, payloads.attempt_settled(SETTLED, LINK, NEXT)),
    (EventType.ATTEMPT_SETTLED, payloads.attempt_settled(SETTLED, LINK)),
    (EventType.ATTEMPT_UNKNOWN, payloads.attempt_unknown(RESERVED)),
    (EventType.WRAP_UP, payloads.wrap_up(WRAP_UP, SETTLED)),
    (EventType.DO_NOT_CALL, payloads.do_not_call(NUMBER, "C-1", "P-1", f"asked on {NUMBER}", 7)),
    (EventType.DO_NOT_CALL, payloads.do_not_call("+8610086", "", "", "imported", None)),  # a short number
    (EventType.RECORDING_READY, payloads.recording_ready(RECORDING, SETTLED)),
    (EventType.CAMPAIGN_STATE, payloads.campaign_state(CAMPAIGN, CampaignState.CHECKED)),
]


@pytest.mark.parametrize(("event_type", "data"), CASES)
def test_payload_fits_its_schema_and_hides_numbers(event_type: EventType, data: payloads.Payload) -> None:
    schema = payloads.schema(event_type)
    jsonschema.Draft202012Validator.check_schema(schema)
    event = OutboxEvent(1, "e-1", event_type, "C-1", AT, data)
    document = json.loads(payloads.envelope(event, "dialer/node1"))
    jsonschema.validate(document["data"], schema, jsonschema.Draft202012Validator)
    text = json.dumps(document)
    assert "13800001234" not in text
    assert "138-0000-1234" not in text
    assert "2155550100" not in text


def test_every_event_type_has_a_case_and_a_schema_of_its_own() -> None:
    assert {event_type for event_type, _ in CASES} == set(EventType)
    for event_type in EventType:
        assert payloads.schema(event_type)["$id"] == payloads.SCHEMA_BASE + event_type.value


def test_schema_refuses_an_unmasked_number_and_an_unknown_field() -> None:
    data = payloads.attempt_unknown(RESERVED)
    validator = jsonschema.Draft202012Validator(payloads.schema(EventType.ATTEMPT_UNKNOWN))
    assert validator.is_valid(data)
    assert not validator.is_valid(data | {"number_masked": NUMBER})
    assert not validator.is_valid(data | {"name": "somebody"})


def test_envelope_is_cloudevents_and_always_the_same_bytes() -> None:
    event = OutboxEvent(12, "e-1", EventType.CAMPAIGN_STATE, "", AT, {"b": 1, "a": 2})
    body = payloads.envelope(event, "dialer/node1")
    assert json.loads(body) == {
        "specversion": "1.0",
        "id": "e-1",
        "source": "dialer/node1",
        "type": "dialer.campaign.state.v1",
        "time": "2026-11-23T02:00:00.123Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:dialer:schema:dialer.campaign.state.v1",
        "sequence": "12",
        "data": {"a": 2, "b": 1},
    }
    same = OutboxEvent(12, "e-1", EventType.CAMPAIGN_STATE, "", AT, {"a": 2, "b": 1})
    assert payloads.envelope(same, "dialer/node1") == body


def test_subject_is_the_case() -> None:
    event = OutboxEvent(1, "e-1", EventType.WRAP_UP, "C-9", AT, {})
    assert json.loads(payloads.envelope(event, "s"))["subject"] == "C-9"


def test_form_values_keep_their_types_readable() -> None:
    record = WrapUp(7, 5, "x", AT, {"at": AT, "amount": Decimal("1E+3"), "yes": True})
    assert payloads.wrap_up(record, SETTLED)["values"] == {
        "at": "2026-11-23T02:00:00.123Z",
        "amount": "1000",
        "yes": True,
    }
