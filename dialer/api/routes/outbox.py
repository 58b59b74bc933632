"""The outbox: what waits for the case system, what was given up, and offering it again."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, StringConstraints

from dialer.api.auditing import audit
from dialer.api.paging import PageQuery, next_cursor
from dialer.api.problems import not_found
from dialer.api.routing import AnyCall, Call, Id, Input, Nothing, Routes
from dialer.model.outcome import DeadLetter, EventType
from dialer.outcomes.delivery import destination_names

routes = Routes("outbox")


class DestinationPath(Input):
    destination: Annotated[str, StringConstraints(min_length=1, max_length=300)]


class DestinationStatus(BaseModel):
    """One receiver of events."""

    destination: str
    waiting: int
    dead_letters: int
    """Given up after many tries; `replay` offers them again."""
    configured: bool
    """False: it is not in the configuration any more; what waits for it stays until it returns."""


class OutboxStatus(BaseModel):
    """All receivers of events."""

    items: list[DestinationStatus]


class DeadLetterOut(BaseModel):
    """An event a destination did not take in time; `sequence` is what `replay` starts from."""

    sequence: int
    event_id: str
    type: EventType
    case_ref: str
    occurred_at: datetime
    failures: int
    error: str
    at: datetime

    @classmethod
    def of(cls, letter: DeadLetter) -> "DeadLetterOut":
        """As stored, without its data."""
        event = letter.event
        return cls(
            sequence=event.sequence,
            event_id=event.event_id,
            type=event.type,
            case_ref=event.case_ref,
            occurred_at=event.occurred_at,
            failures=letter.failures,
            error=letter.error,
            at=letter.at,
        )


class DeadLetterPage(BaseModel):
    """Dead letters in the order of their events."""

    items: list[DeadLetterOut]
    next: int | None


class ReplayIn(Input):
    """Everything from this sequence number on is offered again, under the same ids."""

    from_sequence: Id


class Replayed(BaseModel):
    """How many events are on their way again."""

    events: int


@routes.add("GET", "/v1/outbox", "outbox.status")
async def status(call: Call[Nothing, Nothing, Nothing]) -> OutboxStatus:
    """Counts what waits and what was given up, per destination."""
    outbox = call.services.storage.outbox
    waiting, dead = await outbox.undelivered(), await outbox.dead()
    configured = destination_names(call.services.config)
    return OutboxStatus(
        items=[
            DestinationStatus(
                destination=name,
                waiting=waiting.get(name, 0),
                dead_letters=dead.get(name, 0),
                configured=name in configured,
            )
            for name in sorted({*waiting, *dead, *configured})
        ]
    )


@routes.add("GET", "/v1/outbox/{destination}/dead-letters", "outbox.dead_letters")
async def dead_letters(call: Call[DestinationPath, PageQuery, Nothing]) -> DeadLetterPage:
    """Lists events this destination did not take."""
    await _check_known(call)
    after, limit = call.query.cursor or 0, call.query.limit
    found = await call.services.storage.outbox.dead_letters(call.path.destination, after, limit)
    items = [DeadLetterOut.of(letter) for letter in found]
    return DeadLetterPage(items=items, next=next_cursor([item.sequence for item in items], limit))


@routes.add("POST", "/v1/outbox/{destination}/replay", "outbox.replay")
async def replay(call: Call[DestinationPath, Nothing, ReplayIn]) -> Replayed:
    """Offers events again from a cursor on: delivered ones, dead letters, and those from before the destination was."""
    await _check_known(call)
    name, start = call.path.destination, call.body.from_sequence
    await audit(call, "outbox.replay", f"outbox/{name}", f"from {start}")
    count = await call.services.storage.outbox.replay(name, start, call.services.clock.utcnow())
    call.services.outcomes_wake()
    return Replayed(events=count)


async def _check_known(call: AnyCall) -> None:
    outbox = call.services.storage.outbox
    known = {*await outbox.undelivered(), *await outbox.dead(), *destination_names(call.services.config)}
    if call.path.destination not in known:
        raise not_found("destination")
