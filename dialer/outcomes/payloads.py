"""The events the case system receives: the `data` of each type, and the CloudEvents 1.0 envelope around it.

The builders run where the event is stored (in the transaction of what it reports); the envelope is put around it when
it is sent, always to the same bytes. A payload names a person by `person_ref` and `case_ref`, the case system's own
ids; numbers appear masked only, names never. Each type has a JSON Schema beside this module, in `schemas/`.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources

import msgspec

from dialer.compliance.proof import Link
from dialer.model.attempt import Attempt
from dialer.model.campaign import Campaign, CampaignState
from dialer.model.collecting import IdentityCheck
from dialer.model.contact import mask_number
from dialer.model.entry import NextStep
from dialer.model.outcome import EventType, FormValue, OutboxEvent, WrapUp
from dialer.model.recording import NewRecording
from dialer.redaction import mask_numbers

SPEC_VERSION = "1.0"  # CloudEvents 1.0 §3.1.1 specversion
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"  # CloudEvents JSON format 1.0 §3
SCHEMA_BASE = "urn:dialer:schema:"

Payload = dict[str, object]


def attempt_settled(attempt: Attempt, proof: Link, next_step: NextStep | None = None) -> Payload:
    """How an attempt ended, and what becomes of the contact in its campaign.

    `attempt` is as settled, or as reconciled by a person after a crash; `next_step` is None for a call dialed by hand.
    `proof` is the link that says so: whoever keeps its hash can tell later whether the chain was altered.
    """
    return {
        **_attempt(attempt),
        "state": attempt.state.value,
        "disposition": attempt.disposition.value if attempt.disposition else None,
        "verdict": attempt.verdict or None,
        "verdict_confidence": attempt.verdict_confidence if attempt.verdict else None,
        "hangup_side": attempt.hangup_side.value if attempt.hangup_side else None,
        "ringing_at": _instant(attempt.ringing_at),
        "answered_at": _instant(attempt.answered_at),
        "greeting_end_at": _instant(attempt.greeting_end_at),
        "connected_at": _instant(attempt.connected_at),
        "notice_at": _instant(attempt.notice_at),
        "ended_at": _instant(attempt.ended_at),
        "sip_status": attempt.cause.sip_status,
        "sip_phrase": mask_numbers(attempt.cause.sip_phrase) or None,
        "reasons": [mask_numbers(reason) for reason in attempt.cause.reasons],
        "q850": attempt.cause.q850,
        "recording_id": attempt.recording_id or None,
        "next": _next_step(next_step),
        "proof": {"chain": proof.chain, "sequence": proof.sequence, "hash": proof.hash.hex()},
    }


def attempt_unknown(attempt: Attempt) -> Payload:
    """A crash lost the end of an attempt: it counts as made and is not dialed again until somebody reconciles it."""
    return {**_attempt(attempt), "state": attempt.state.value, "recording_id": attempt.recording_id or None}


def wrap_up(record: WrapUp, attempt: Attempt, identity: IdentityCheck | None = None) -> Payload:
    """What the collector recorded after a call. Text is passed on with phone numbers masked.

    `identity` is what counts of who was on the line; None: nobody recorded it.
    """
    return {
        **_attempt(attempt),
        "agent_id": record.agent_id,
        "code": record.code,
        "recorded_at": _instant(record.recorded_at),
        "values": {name: form_value(value) for name, value in record.values.items()},
        "callback_at": _instant(record.callback_at),
        "note": mask_numbers(record.note),
        "identity": None if identity is None else {"result": identity.result.value, "at": _instant(identity.at)},
    }


def do_not_call(number: str, case_ref: str, person_ref: str, reason: str, attempt_id: int | None) -> Payload:
    """A number (E.164, leaves masked) went onto the do-not-call list; `attempt_id` names the call it was asked in."""
    return {
        "case_ref": case_ref,
        "person_ref": person_ref,
        "number_masked": mask_number(number),
        "reason": mask_numbers(reason),
        "attempt_id": attempt_id,
    }


def recording_ready(recording: NewRecording, attempt: Attempt) -> Payload:
    """A recording was finalised and can be fetched at `/v1/recordings/{recording_id}`."""
    return {
        "recording_id": recording.recording_id,
        "attempt_id": recording.attempt_id,
        "campaign_id": attempt.campaign_id,
        "case_ref": attempt.case_ref,
        "person_ref": attempt.person_ref,
        "started_at": _instant(recording.started_at),
        "duration_s": recording.duration_s,
        "sha256": recording.sha256,
        "size_bytes": recording.size_bytes,
        "lost_ms": recording.lost_ms,
        "truncated": recording.truncated,
    }


def campaign_state(campaign: Campaign, old: CampaignState) -> Payload:
    """A campaign went from `old` to the state it is in now."""
    return {
        "campaign_id": campaign.campaign_id,
        "name": campaign.name,
        "old": old.value,
        "new": campaign.state.value,
        "reason": campaign.state_reason,
    }


def envelope(event: OutboxEvent, source: str) -> bytes:
    """The event as CloudEvents JSON. The same event gives the same bytes at every try, so a signature can be compared.

    `source` is a URI reference that names this installation. `sequence` orders the events of one case
    (CloudEvents sequence extension: a string; ours are decimal numbers).
    """
    fields: Payload = {
        "specversion": SPEC_VERSION,
        "id": event.event_id,
        "source": source,
        "type": event.type.value,
        "time": _instant(event.occurred_at),
        "datacontenttype": "application/json",
        "dataschema": SCHEMA_BASE + event.type.value,
        "sequence": str(event.sequence),
    }
    if event.case_ref:
        fields["subject"] = event.case_ref
    return msgspec.json.encode(fields | {"data": event.data}, order="sorted")


@cache
def schema(event_type: EventType) -> Mapping[str, object]:
    """The JSON Schema (2020-12) of the type's `data`."""
    text = resources.files(__package__).joinpath("schemas", f"{event_type.value}.json").read_text(encoding="utf-8")
    return msgspec.json.decode(text, type=dict[str, object])


def _attempt(attempt: Attempt) -> Payload:
    return {
        "attempt_id": attempt.attempt_id,
        "campaign_id": attempt.campaign_id,
        "case_ref": attempt.case_ref,
        "person_ref": attempt.person_ref,
        "number_masked": attempt.number_masked,
        "path": attempt.path.value,
        "agent_id": attempt.agent_id,
        "trunk": attempt.trunk or None,
        "caller_id_masked": mask_number(attempt.caller_id) if attempt.caller_id else None,
        "reserved_at": _instant(attempt.reserved_at),
    }


def _next_step(step: NextStep | None) -> Payload | None:
    if step is None:
        return None
    return {"exhausted": step.exhausted, "not_before": _instant(step.not_before), "reason": step.reason}


def form_value(value: FormValue) -> str | bool:
    """A field of a form as it leaves the house: amounts as decimal text, days as YYYY-MM-DD, numbers in text masked."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return _instant(value) or ""
    if isinstance(value, date):
        return value.isoformat()
    return mask_numbers(value)


def _instant(at: datetime | None) -> str | None:
    """RFC 3339 in UTC with milliseconds."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
