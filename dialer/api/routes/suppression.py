"""What stops calls: the do-not-call list, and what the case system says of a case."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, StringConstraints, model_validator

from dialer.api.auditing import audit
from dialer.api.problems import bad_field, not_found
from dialer.api.routing import Call, Id, Input, Nothing, Routes
from dialer.campaigns.phone_numbers import BadNumber, to_e164
from dialer.model.contact import CaseStatus, mask_number
from dialer.storage import Listing
from dialer.storage.do_not_call import STOP_REASON

routes = Routes("suppression")

Ref = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class DoNotCallPath(Input):
    do_not_call_id: Id


class CasePath(Input):
    case_ref: Ref


class DoNotCallIn(Input):
    """A number or a person. The number stands in the body, never in a URL."""

    number: Annotated[str, StringConstraints(min_length=3, max_length=40)] | None = None
    person_ref: Ref | None = None
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    case_ref: Annotated[str, StringConstraints(max_length=200)] = ""

    @model_validator(mode="after")
    def _one(self) -> "DoNotCallIn":
        if (self.number is None) == (self.person_ref is None):
            raise ValueError("give either number or person_ref")
        return self


class DoNotCallOut(BaseModel):
    """What the list holds; numbers are masked."""

    do_not_call_id: int
    number_masked: str
    person_ref: str | None
    source: str
    reason: str
    added_at: datetime
    removed_at: datetime | None


class DoNotCallCheckIn(Input):
    """A number or a person to look up."""

    number: Annotated[str, StringConstraints(min_length=3, max_length=40)] | None = None
    person_ref: Ref | None = None

    @model_validator(mode="after")
    def _one(self) -> "DoNotCallCheckIn":
        if (self.number is None) == (self.person_ref is None):
            raise ValueError("give either number or person_ref")
        return self


class DoNotCallFound(BaseModel):
    """`listed` is what counts; `items` holds removed entries too."""

    listed: bool
    items: list[DoNotCallOut]


class DoNotCallAdded(BaseModel):
    """The entry; listing again what is listed already gives the same one."""

    do_not_call_id: int


class CaseStatusIn(Input):
    """Every status but open stops calls of the case at once, also one that rings.

    Complaint and bereavement stop the whole person: every case of every person of this one.
    """

    status: CaseStatus


class CaseStatusOut(BaseModel):
    """`entries_changed` counts the campaign entries that were stopped or, for open, freed."""

    case_ref: str
    status: CaseStatus
    entries_changed: int


@routes.add("POST", "/v1/do-not-call", "do_not_call.add", status=201)
async def add(call: Call[Nothing, Nothing, DoNotCallIn]) -> DoNotCallAdded:
    """Lists a number or a person: no campaign dials it any more."""
    asked, now = call.body, call.services.clock.utcnow()
    source, node = f"api: {call.actor.actor}", call.services.config.node.name
    listing = Listing(source, asked.reason, asked.case_ref, asked.person_ref or "", node=node)
    do_not_call = call.services.storage.do_not_call
    if asked.number is not None:
        number = e164(asked.number)
        listed, whom = await do_not_call.add_number(number, listing, now), f"number {mask_number(number)}"
        call.services.campaigns.stop_calls(STOP_REASON, number=number)
    else:
        whom = f"person {asked.person_ref}"
        listed = await do_not_call.add_person(asked.person_ref or "", listing, now)
        call.services.campaigns.stop_calls(STOP_REASON, person_ref=asked.person_ref)
    await audit(call, "do_not_call.add", f"do_not_call/{listed}", whom)
    call.services.outcomes_wake()
    return DoNotCallAdded(do_not_call_id=listed)


@routes.add("POST", "/v1/do-not-call/check", "do_not_call.check")
async def check(call: Call[Nothing, Nothing, DoNotCallCheckIn]) -> DoNotCallFound:
    """Says whether a number or a person is listed."""
    do_not_call, asked = call.services.storage.do_not_call, call.body
    if asked.number is not None:
        found = await do_not_call.of_number(e164(asked.number))
    else:
        found = await do_not_call.of_person(asked.person_ref or "")
    items = [DoNotCallOut(**{name: getattr(entry, name) for name in DoNotCallOut.model_fields}) for entry in found]
    return DoNotCallFound(listed=any(item.removed_at is None for item in items), items=items)


@routes.add("DELETE", "/v1/do-not-call/{do_not_call_id}", "do_not_call.remove")
async def remove(call: Call[DoNotCallPath, Nothing, Nothing]) -> None:
    """Takes an entry off the list; who did it and when stays on record."""
    now = call.services.clock.utcnow()
    if not await call.services.storage.do_not_call.remove(call.path.do_not_call_id, call.actor.actor, now):
        raise not_found("listed entry")
    await audit(call, "do_not_call.remove", f"do_not_call/{call.path.do_not_call_id}")


@routes.add("PUT", "/v1/cases/{case_ref}/status", "cases.status")
async def set_case_status(call: Call[CasePath, Nothing, CaseStatusIn]) -> CaseStatusOut:
    """Says how a case stands: a payment, a hold or a dispute stops its calls, a complaint those to the person."""
    case_ref, status, services = call.path.case_ref, call.body.status, call.services
    source, node = f"api: {call.actor.actor}", services.config.node.name
    now = services.clock.utcnow()
    changed = await services.storage.cases.set_status(case_ref, status, now, source=source, node=node)
    for stop in changed.stops:
        services.campaigns.stop_calls(stop.reason, person_ref=stop.person_ref, case_ref=stop.case_ref)
    await audit(call, "cases.status", f"case/{case_ref}", status.value)
    return CaseStatusOut(case_ref=case_ref, status=status, entries_changed=changed.entries)


def e164(number: str) -> str:
    """The number a caller wrote, in E.164; 422 says what is wrong with it."""
    parsed = to_e164(number)
    if isinstance(parsed, BadNumber):
        raise bad_field("body.number", parsed.reason, "write it with its country code, like +86 138…")
    return parsed
