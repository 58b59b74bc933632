"""What a pack says of a case in JSON: the case, its recordings, its attempts, their wrap-ups. No clear number, no name.

Numbers are masked where the house knows them, and looked for in whatever people or networks wrote.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from dialer.model.attempt import Attempt
from dialer.model.contact import CaseStatus, mask_number
from dialer.model.outcome import WrapUp
from dialer.model.recording import RecordingInfo
from dialer.model.retention import Judged, LegalHold
from dialer.model.suppression import CaseChange
from dialer.outcomes.payloads import form_value
from dialer.redaction import mask_numbers
from recording.retention_words import say

_LEFT_OUT = ("path", "peaks_path", "qa_state", "marks", "parent_id")
"""What a reader of the pack cannot use, and what is said in another form."""


def as_json(value: object) -> bytes:
    """A document for people and programs."""
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=1) + b"\n"


def case_facts(
    case_ref: str, status: CaseStatus, changes: Sequence[CaseChange], holds: Sequence[LegalHold]
) -> dict[str, Any]:
    """The case as the case system told of it, and the legal holds on it and its recordings, lifted ones too."""
    return {
        "case_ref": case_ref,
        "status": status.value,
        "changes": [{"status": change.status.value, "at": change.at} for change in changes],
        "holds": [_hold_facts(hold) for hold in holds],
    }


def recording_facts(info: RecordingInfo, judged: Judged, file: str, problem: str) -> dict[str, Any]:
    """A recording. `file` is its member of the pack, "" where there is none; `problem` why there should be one."""
    facts = {name: value for name, value in asdict(info).items() if name not in _LEFT_OUT}
    return {
        **facts,
        "redaction_of": info.parent_id,
        "file": file,
        "problem": problem,
        "retention": _retention_facts(judged),
    }


def attempt_facts(attempt: Attempt) -> dict[str, Any]:
    """An attempt as on record."""
    cause = attempt.cause
    return asdict(attempt) | {
        "caller_id": mask_number(attempt.caller_id) if attempt.caller_id else "",
        "cause": {
            "sip_status": cause.sip_status,
            "sip_phrase": mask_numbers(cause.sip_phrase),
            "reasons": [mask_numbers(reason) for reason in cause.reasons],
            "q850": cause.q850,
        },
    }


def wrap_up_facts(wrap_up: WrapUp) -> dict[str, Any]:
    """What the collector recorded."""
    values = {name: form_value(value) for name, value in wrap_up.values.items()}
    return asdict(wrap_up) | {"values": values, "note": mask_numbers(wrap_up.note)}


def _hold_facts(legal: LegalHold) -> dict[str, Any]:
    hold = legal.hold
    return {
        "hold_id": hold.hold_id,
        "scope": hold.scope.value,
        "ref": hold.ref,
        "reason": mask_numbers(hold.reason),
        "placed_at": hold.placed_at,
        "lifted_at": legal.lifted_at,
        "lift_reason": mask_numbers(legal.lift_reason),
    }


def _retention_facts(judged: Judged) -> dict[str, Any]:
    """What the rules in force on the day of the pack say; both languages."""
    verdict = judged.verdict
    said = {
        "why": [{"code": reason.code, "en": say(reason, "en"), "zh": say(reason, "zh")} for reason in judged.reasons]
    }
    if verdict is None:
        return said
    return said | {
        "standing": verdict.standing.value,
        "law_until": verdict.law_until,
        "house_until": verdict.house_until,
        "gone_by": verdict.gone_by,
    }
