"""Proofs: the chains as an export anyone can check, their heads, and what the links of one attempt say."""

from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from dialer.api.auditing import audit
from dialer.api.problems import bad_field, not_found
from dialer.api.proof_lines import export_lines, plan_export
from dialer.api.proof_words import LinkOut, link_out
from dialer.api.routing import Call, Id, Input, Instant, Nothing, Routes
from dialer.api.streaming import JSON_LINES, stream_lines
from dialer.compliance.proof_export import parse_place

routes = Routes("proofs")

MAX_CHAINS = 1000


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("needs a UTC offset; write it like 2026-11-23T09:00:00+08:00")
    return at


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _place(text: str) -> str:
    parse_place(text)
    return text


Bound = Annotated[Instant, AfterValidator(_aware)]


class ExportQuery(Input):
    """`since` and `until` bound the instants of the links, half open; `after` leaves out what the caller has."""

    since: Bound | None = None
    until: Bound | None = None
    after: Annotated[
        tuple[Annotated[str, AfterValidator(_place)], ...],
        BeforeValidator(_as_list),
        Field(max_length=MAX_CHAINS, description="CHAIN:SEQUENCE of the last link the caller has; one per chain."),
    ] = ()


class HeadOut(BaseModel):
    """The newest link of a chain; noted elsewhere it proves later that nothing up to it was cut off or rewritten."""

    chain: str
    sequence: int
    hash: str


class Heads(BaseModel):
    """Of every chain."""

    items: list[HeadOut]


class AttemptPath(Input):
    attempt_id: Id


class AttemptProof(BaseModel):
    """The links of an attempt, oldest first: why it was allowed, and what became of it."""

    attempt_id: int
    links: list[LinkOut]


@routes.add("GET", "/v1/proofs/export", "proofs.export", produces=(JSON_LINES,))
async def export_proofs(call: Call[Nothing, ExportQuery, Nothing]) -> web.StreamResponse:
    """Streams proofs as JSON Lines with everything needed to check them; docs/proofs.md says how."""
    asked = call.query
    if asked.since is not None and asked.until is not None and asked.since >= asked.until:
        raise bad_field("query.until", "is not after since")
    now = call.services.clock.utcnow()
    proofs = call.services.storage.proof_reading
    export = await plan_export(proofs, now, asked.since, asked.until, asked.after)
    n_links = sum(links.last - links.first + 1 for links in export.ranges)
    await audit(call, "proofs.export", "proofs", f"{n_links} links")
    return await stream_lines(call, export_lines(call.services.storage.proof_reading, export), "export of proofs")


@routes.add("GET", "/v1/proofs/heads", "proofs.heads")
async def list_heads(call: Call[Nothing, Nothing, Nothing]) -> Heads:
    """Lists the newest link of every chain, to be noted elsewhere."""
    await audit(call, "proofs.heads", "proofs")
    heads = await call.services.storage.proof_reading.heads()
    return Heads(items=[HeadOut(chain=head.chain, sequence=head.sequence, hash=head.hash) for head in heads])


@routes.add("GET", "/v1/attempts/{attempt_id}/proof", "proofs.of_attempt")
async def attempt_proof(call: Call[AttemptPath, Nothing, Nothing]) -> AttemptProof:
    """Shows what the proofs of an attempt say: every rule with its counters, in English and Chinese."""
    attempt_id = call.path.attempt_id
    storage = call.services.storage
    links = await storage.proof_reading.of_attempt(attempt_id)
    if not links:
        raise not_found("attempt with a proof")
    await audit(call, "proofs.read", f"attempt/{attempt_id}")
    return AttemptProof(attempt_id=attempt_id, links=[await link_out(storage.proof_reading, link) for link in links])
