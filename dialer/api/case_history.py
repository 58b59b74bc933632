"""What is on record of the case on a collector's screen: earlier calls, what came of them, what was promised.

Text that collectors typed comes with phone numbers masked. A recording is named where the caller may hear it.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from pydantic import BaseModel

from dialer.api.hearing import in_its_place, may_hear_call
from dialer.api.routing import AnyCall
from dialer.model.attempt import Attempt, AttemptFilter, CallPath, Disposition
from dialer.model.campaign import Campaign, DispositionForm, FormFieldKind
from dialer.model.collecting import IdentityCheck, IdentityResult, LocalText
from dialer.model.outcome import FormValue, WrapUp
from dialer.model.recording import RecordingState
from dialer.outcomes.payloads import form_value
from dialer.redaction import mask_numbers

MAX_CALLS = 50
"""The newest calls of a case that are shown."""
NO_FORM = DispositionForm(codes=())


class HistoryValue(BaseModel):
    """A field that was filled in; amounts as decimal text, dates as YYYY-MM-DD."""

    name: str
    label: LocalText
    kind: FormFieldKind
    value: str | bool


class HistoryOutcome(BaseModel):
    """What the collector recorded after the call."""

    code: str
    label: LocalText
    right_party: bool
    promise: bool
    values: list[HistoryValue]
    callback_at: datetime | None
    note: str
    recorded_at: datetime


class HistoryCall(BaseModel):
    """One earlier call. `recording_id` only where the caller may hear it: of a redacted one, its newest redaction."""

    attempt_id: int
    campaign_id: int
    campaign: str
    at: datetime
    path: CallPath
    number_masked: str
    disposition: Disposition | None
    talk_s: float | None
    collector: str
    identity: IdentityResult | None
    outcome: HistoryOutcome | None
    recording_id: str | None


class CaseHistory(BaseModel):
    """The calls of a case, newest first; the call at hand is not among them."""

    items: list[HistoryCall]


async def case_history(call: AnyCall, case_ref: str, without: int | None) -> CaseHistory:
    """`without` is the attempt at hand."""
    storage = call.services.storage
    found = await storage.attempts.list(AttemptFilter(case_ref=case_ref), limit=MAX_CALLS)
    attempts = [attempt for attempt in found if attempt.attempt_id != without]
    ids = [attempt.attempt_id for attempt in attempts]
    wrap_ups, checks = await storage.wrap_ups.of_attempts(ids), await storage.identity_checks.of_attempts(ids)
    campaigns = await _campaigns(call, {attempt.campaign_id for attempt in attempts})
    names = await _names(call, {attempt.agent_id for attempt in attempts if attempt.agent_id is not None})
    return CaseHistory(
        items=[
            HistoryCall(
                attempt_id=attempt.attempt_id,
                campaign_id=attempt.campaign_id,
                campaign=_name(campaigns.get(attempt.campaign_id)),
                at=attempt.reserved_at,
                path=attempt.path,
                number_masked=attempt.number_masked,
                disposition=attempt.disposition,
                talk_s=_talk_s(attempt),
                collector=names.get(attempt.agent_id or 0, ""),
                identity=_result(checks.get(attempt.attempt_id, ())),
                outcome=_outcome(wrap_ups.get(attempt.attempt_id), campaigns.get(attempt.campaign_id)),
                recording_id=await _recording(call, attempt),
            )
            for attempt in attempts
        ]
    )


async def _campaigns(call: AnyCall, campaign_ids: Collection[int]) -> Mapping[int, Campaign]:
    found = [await call.services.storage.campaigns.get(campaign_id) for campaign_id in sorted(campaign_ids)]
    return {campaign.campaign_id: campaign for campaign in found if campaign is not None}


async def _names(call: AnyCall, agent_ids: Collection[int]) -> Mapping[int, str]:
    found = [await call.services.storage.accounts.get(agent_id) for agent_id in sorted(agent_ids)]
    return {account.account_id: account.name for account in found if account is not None}


async def _recording(call: AnyCall, attempt: Attempt) -> str | None:
    if not attempt.recording_id or not may_hear_call(call, attempt.agent_id):
        return None
    info = await call.services.storage.recordings.get(attempt.recording_id)
    heard = None if info is None else await in_its_place(call, info)
    return None if heard is None or heard.state is RecordingState.DELETED else heard.recording_id


def _name(campaign: Campaign | None) -> str:
    return "" if campaign is None else campaign.name


def _talk_s(attempt: Attempt) -> float | None:
    if attempt.connected_at is None or attempt.ended_at is None:
        return None
    return (attempt.ended_at - attempt.connected_at).total_seconds()


def _result(checks: tuple[IdentityCheck, ...]) -> IdentityResult | None:
    return checks[-1].result if checks else None


def _outcome(wrap_up: WrapUp | None, campaign: Campaign | None) -> HistoryOutcome | None:
    if wrap_up is None:
        return None
    form = NO_FORM if campaign is None else campaign.settings.form
    code = next((known for known in form.codes if known.code == wrap_up.code), None)
    return HistoryOutcome(
        code=wrap_up.code,
        label=LocalText(wrap_up.code) if code is None else LocalText(code.label, code.label_en),
        right_party=code is not None and code.right_party,
        promise=code is not None and code.promise,
        values=[_value(form, name, value) for name, value in wrap_up.values.items()],
        callback_at=wrap_up.callback_at,
        note=mask_numbers(wrap_up.note),
        recorded_at=wrap_up.recorded_at,
    )


def _value(form: DispositionForm, name: str, value: FormValue) -> HistoryValue:
    field = next((known for known in form.fields if known.name == name), None)
    label = LocalText(name) if field is None else LocalText(field.label, field.label_en)
    kind = FormFieldKind.TEXT if field is None else field.kind
    return HistoryValue(name=name, label=label, kind=kind, value=form_value(value))
