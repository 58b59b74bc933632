"""Deletions: what may go, asking for it, and another person's word on it."""

from collections.abc import Sequence
from http import HTTPStatus

from dialer.api.auditing import audit
from dialer.api.deletion_models import (
    DeletionIn,
    DeletionOut,
    DeletionPage,
    DeletionPath,
    DeletionQuery,
    DeletionShown,
    DryRunOut,
    ItemOut,
    ItemPage,
    ItemQuery,
    RefuseIn,
    Selection,
)
from dialer.api.paging import next_cursor
from dialer.api.problems import ApiError, bad_field, conflict, not_found
from dialer.api.routing import AnyCall, Call, Nothing, Routes
from dialer.evidence.retention import MAX_ITEMS, dry_run, judge_due, judge_named
from dialer.evidence.retention_terms import terms_book
from dialer.model.retention import Deletion, DeletionState, DryRun, Judged, NewDeletion, NotDecided, Person

routes = Routes("retention")


@routes.add("POST", "/v1/deletions/dry-run", "deletions.dry_run")
async def try_out(call: Call[Nothing, Nothing, Selection]) -> DryRunOut:
    """Says what a deletion would do and what keeps the rest; nothing is changed."""
    _, run = await _selected(call)
    return DryRunOut.of(run)


@routes.add("POST", "/v1/deletions", "deletions.ask", status=201)
async def ask(call: Call[Nothing, Nothing, DeletionIn]) -> DeletionShown:
    """Asks for a deletion: nothing goes before another person allows it.

    It is of the recordings that may go now; what is kept is left out of it. Each is judged once more when it goes.
    """
    person = _person(call)
    judged, run = await _selected(call)
    goes = tuple(each.recording_id for each in judged if each.goes)
    if not goes:
        raise conflict("none of these recordings may go; a dry run says why")
    body, now = call.body, call.services.clock.utcnow()
    by = None if body.recording_ids is not None else body.by or now
    asked = await call.services.storage.deletions.ask(NewDeletion(goes, body.reason, by), person, now)
    await audit(call, "deletions.ask", _subject(asked.deletion_id), f"{len(goes)} recordings: {body.reason}")
    return _shown(asked, run)


@routes.add("GET", "/v1/deletions", "deletions.list")
async def list_deletions(call: Call[Nothing, DeletionQuery, Nothing]) -> DeletionPage:
    """Lists requests to delete recordings, newest first."""
    asked = call.query
    found = await call.services.storage.deletions.list(asked.state, asked.cursor, asked.limit)
    following = next_cursor([deletion.deletion_id for deletion in found], asked.limit)
    return DeletionPage(items=[DeletionOut.of(deletion) for deletion in found], next=following)


@routes.add("GET", "/v1/deletions/{deletion_id}", "deletions.get")
async def get_deletion(call: Call[DeletionPath, Nothing, Nothing]) -> DeletionShown:
    """Shows a request; while nobody has decided on it, with what it would do now."""
    deletion = await call.services.storage.deletions.get(call.path.deletion_id)
    if deletion is None:
        raise not_found("deletion")
    if deletion.state is not DeletionState.ASKED:
        return _shown(deletion, None)
    judged = await _judge(call, await _pending(call, deletion), named=deletion.is_named)
    return _shown(deletion, dry_run(judged, call.services.clock.utcnow()))


@routes.add("GET", "/v1/deletions/{deletion_id}/items", "deletions.items")
async def list_items(call: Call[DeletionPath, ItemQuery, Nothing]) -> ItemPage:
    """Lists the recordings of a request, and what became of each."""
    asked, deletions = call.query, call.services.storage.deletions
    if await deletions.get(call.path.deletion_id) is None:
        raise not_found("deletion")
    found = await deletions.items(call.path.deletion_id, asked.state, asked.after, asked.limit)
    following = found[-1].recording_id if len(found) == asked.limit else None
    return ItemPage(items=[ItemOut.of(item) for item in found], next=following)


@routes.add("POST", "/v1/deletions/{deletion_id}/allow", "deletions.allow")
async def allow(call: Call[DeletionPath, Nothing, Nothing]) -> DeletionOut:
    """Allows a deletion that another person asked for: its recordings go within seconds, for good."""
    person, deletion_id = _person(call), call.path.deletion_id
    now = call.services.clock.utcnow()
    return await _decided(call, await call.services.storage.deletions.allow(deletion_id, person, now), "allow")


@routes.add("POST", "/v1/deletions/{deletion_id}/refuse", "deletions.refuse")
async def refuse(call: Call[DeletionPath, Nothing, RefuseIn]) -> DeletionOut:
    """Refuses a deletion; who asked for it takes it back so."""
    person, deletion_id, reason = _person(call), call.path.deletion_id, call.body.reason
    now = call.services.clock.utcnow()
    decided = await call.services.storage.deletions.refuse(deletion_id, person, reason, now)
    return await _decided(call, decided, "refuse", reason)


async def _decided(call: AnyCall, decided: Deletion | NotDecided | None, what: str, detail: str = "") -> DeletionOut:
    subject = _subject(call.path.deletion_id)
    if decided is None:
        raise not_found("deletion")
    if isinstance(decided, NotDecided):
        await audit(call, f"deletions.{what}", subject, f"refused: {decided.reason}")
        raise ApiError(HTTPStatus.FORBIDDEN if decided.forbidden else HTTPStatus.CONFLICT, decided.reason)
    await audit(call, f"deletions.{what}", subject, detail)
    return DeletionOut.of(decided)


async def _selected(call: AnyCall) -> tuple[Sequence[Judged], DryRun]:
    body: Selection = call.body
    now = call.services.clock.utcnow()
    if body.by is not None and body.by > now:
        raise bad_field("body.by", "lies in the future", "what is not over yet cannot be asked for")
    if body.recording_ids is not None:
        judged = await _judge(call, list(dict.fromkeys(body.recording_ids)))
        return judged, dry_run(judged, now)
    storage = call.services.storage
    book = await terms_book(storage, call.services.policy.current(now), now)
    judged, complete = await judge_due(storage, book, body.by or now, overdue=body.overdue)
    return judged, dry_run(judged, now, complete=complete)


async def _judge(call: AnyCall, recording_ids: Sequence[str], *, named: bool = True) -> list[Judged]:
    storage, now = call.services.storage, call.services.clock.utcnow()
    book = await terms_book(storage, call.services.policy.current(now), now)
    return await judge_named(storage, book, recording_ids, named=named)


async def _pending(call: AnyCall, deletion: Deletion) -> list[str]:
    items = await call.services.storage.deletions.items(deletion.deletion_id, limit=MAX_ITEMS)
    return [item.recording_id for item in items]


def _person(call: AnyCall) -> Person:
    """Who acts; a program is nobody's second person."""
    actor = call.actor
    if actor.account_id is None or actor.role is None:
        raise ApiError(
            HTTPStatus.FORBIDDEN, "deletions are asked for and decided by persons: use an account's own token"
        )
    return Person(actor.account_id, actor.name, actor.role)


def _shown(deletion: Deletion, run: DryRun | None) -> DeletionShown:
    return DeletionShown(**DeletionOut.of(deletion).model_dump(), dry_run=None if run is None else DryRunOut.of(run))


def _subject(deletion_id: int) -> str:
    return f"deletion/{deletion_id}"
