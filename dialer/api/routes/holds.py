"""Legal holds: what must be kept, whatever its time, until somebody lifts the hold."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, StringConstraints

from dialer.api.auditing import audit
from dialer.api.paging import PageQuery, next_cursor
from dialer.api.problems import bad_field, not_found
from dialer.api.routes.suppression import Ref
from dialer.api.routing import AnyCall, Call, Id, Input, Nothing, Routes
from dialer.errors import InputError
from dialer.model.retention import By, LegalHold, NewHold
from dialer.redaction import mask_numbers
from recording.retention import HoldScope

routes = Routes("retention")

Why = Annotated[
    str, StringConstraints(min_length=3, max_length=500, strip_whitespace=True), AfterValidator(mask_numbers)
]
"""Stands in the ledger, the audit log and evidence packs for good."""


class HoldPath(Input):
    hold_id: Id


class HoldIn(Input):
    """`ref` names what is kept: a recording's id, a `case_ref`, a `person_ref`, or a campaign's number.

    The reason goes into the ledger for good: name no person in it. What looks like a phone number is masked.
    """

    scope: HoldScope
    ref: Ref
    reason: Why


class LiftIn(Input):
    """Why it is kept no longer; it goes into the ledger, too."""

    reason: Why


class HoldQuery(PageQuery):
    """All given filters must fit; `in_force` false: the lifted ones."""

    in_force: bool | None = None
    scope: HoldScope | None = None
    ref: Ref | None = None


class HoldOut(BaseModel):
    """A hold on record; in force while `lifted_at` is null."""

    hold_id: int
    scope: HoldScope
    ref: str
    reason: str
    placed_at: datetime
    placed_by: str
    lifted_at: datetime | None
    lifted_by: str
    lift_reason: str

    @classmethod
    def of(cls, stored: LegalHold) -> Self:
        """As stored."""
        of_hold = ("hold_id", "scope", "ref", "reason", "placed_at")
        plain = {name: getattr(stored.hold if name in of_hold else stored, name) for name in cls.model_fields}
        return cls(**plain)


class HoldPlaced(HoldOut):
    """`n_recordings`: what there is now of what it keeps. 0 is right where it is all yet to come, or a slip of the pen.

    Redactions are not counted: they go with their originals.
    """

    n_recordings: int


class HoldPage(BaseModel):
    """Holds, newest first."""

    items: list[HoldOut]
    next: int | None


@routes.add("GET", "/v1/holds", "holds.list")
async def list_holds(call: Call[Nothing, HoldQuery, Nothing]) -> HoldPage:
    """Lists legal holds, newest first."""
    asked = call.query
    found = await call.services.storage.holds.list(
        in_force=asked.in_force, scope=asked.scope, ref=asked.ref, before=asked.cursor, limit=asked.limit
    )
    following = next_cursor([stored.hold.hold_id for stored in found], asked.limit)
    return HoldPage(items=[HoldOut.of(stored) for stored in found], next=following)


@routes.add("POST", "/v1/holds", "holds.place", status=201)
async def place(call: Call[Nothing, Nothing, HoldIn]) -> HoldPlaced:
    """Places a legal hold: nothing it keeps can be deleted before it is lifted. Several stand side by side."""
    asked, services = call.body, call.services
    if asked.scope is HoldScope.CAMPAIGN:
        await _check_campaign(call)
    new = NewHold(asked.scope, asked.ref, asked.reason)
    now, node = services.clock.utcnow(), services.config.node.name
    try:
        placed = await services.storage.holds.place(new, _by(call), now, node=node)
    except InputError as error:
        raise bad_field("body.ref", str(error)) from error
    await audit(call, "holds.place", f"hold/{placed.hold.hold_id}", f"{asked.scope.value} {asked.ref}")
    n_recordings = await services.storage.holds.n_held(asked.scope, asked.ref)
    return HoldPlaced(**HoldOut.of(placed).model_dump(), n_recordings=n_recordings)


@routes.add("POST", "/v1/holds/{hold_id}/lift", "holds.lift")
async def lift(call: Call[HoldPath, Nothing, LiftIn]) -> HoldOut:
    """Lifts a legal hold; a second time changes nothing. What other holds keep stays."""
    services, hold_id = call.services, call.path.hold_id
    now, node = services.clock.utcnow(), services.config.node.name
    lifted = await services.storage.holds.lift(hold_id, call.body.reason, _by(call), now, node=node)
    if lifted is None:
        raise not_found("hold")
    await audit(call, "holds.lift", f"hold/{hold_id}", call.body.reason)
    return HoldOut.of(lifted)


async def _check_campaign(call: AnyCall) -> None:
    ref: str = call.body.ref
    known = ref.isascii() and ref.isdecimal() and len(ref) <= len(str(2**62))
    if not known or await call.services.storage.campaigns.get(int(ref)) is None:
        raise bad_field("body.ref", "names no campaign", "write its number")


def _by(call: AnyCall) -> By:
    return By(call.actor.actor, call.actor.account_id)
