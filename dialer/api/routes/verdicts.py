"""Verdicts on what answered: hearing them, saying what they are, and how often the detector was wrong.

Whoever listens hears the voice of a called person: every time is in the audit log before the first byte leaves.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Self

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from dialer.api.auditing import audit
from dialer.api.paging import MAX_PAGE, PageQuery, next_cursor
from dialer.api.problems import ApiError, bad_field, not_found
from dialer.api.routes.proofs import Bound
from dialer.api.routing import AnyCall, Call, Id, Input, Nothing, Routes
from dialer.model.verdict_sample import SampleFilter, VerdictCount, VerdictPhase, VerdictSample
from dialer.outcomes import verdict_audio
from dialer.progress.verdict import Label

routes = Routes("verdicts")

_AFTER_ANSWER = frozenset({Label.HUMAN, Label.MACHINE, Label.SILENCE, Label.FAX, Label.UNKNOWN})
_TRUTHS: Mapping[VerdictPhase, frozenset[Label]] = {
    VerdictPhase.ANSWERED: _AFTER_ANSWER,
    VerdictPhase.EARLY: frozenset(Label) - _AFTER_ANSWER | {Label.UNKNOWN},
}
"""What there is to hear in each phase."""

Seed = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class VerdictPath(Input):
    sample_id: Id


class VerdictQuery(PageQuery):
    """All given filters must fit; `labelled`: somebody listened; `drawn`: chance chose it, only such ones count."""

    campaign_id: Id | None = None
    label: Label | None = None
    phase: VerdictPhase | None = None
    labelled: bool | None = None
    drawn: bool | None = None
    since: Bound | None = None


class VerdictOut(BaseModel):
    """A verdict with its evidence; `truth` is what a listener heard.

    Instants `*_ms` count from the start of what the detector heard; the kept audio begins `audio_from_ms` after it.
    """

    sample_id: int
    attempt_id: int
    campaign_id: int
    node: str
    made_at: datetime
    phase: VerdictPhase
    label: Label
    subclass: str
    confidence: float
    reason: str
    decided_ms: int
    first_speech_ms: int | None
    greeting_end_ms: int | None
    beep_ms: int | None
    has_audio: bool
    audio_from_ms: int
    truth: Label | None
    labelled_by: str
    labelled_at: datetime | None
    drawn_at: datetime | None

    @classmethod
    def of(cls, sample: VerdictSample) -> Self:
        """As stored, without its place on disk."""
        same = {name: getattr(sample, name) for name in cls.model_fields if name != "has_audio"}
        return cls(has_audio=bool(sample.audio_path), **same)


class VerdictPage(BaseModel):
    """Verdicts, newest first."""

    items: list[VerdictOut]
    next: int | None


class VerdictList(BaseModel):
    """Verdicts in the order in which chance drew them."""

    items: list[VerdictOut]


class LabelIn(Input):
    """What was heard; `unknown`: it cannot be told."""

    truth: Label


class DrawIn(Input):
    """How many verdicts of which kind; the same seed draws the same ones while nobody has labelled them."""

    campaign_id: Id
    label: Label = Label.MACHINE
    n: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50
    seed: Seed
    since: Bound | None = None


class AmdPath(Input):
    campaign_id: Id


class AmdQuery(Input):
    """Only verdicts made since then."""

    since: Bound | None = None


class CountOut(BaseModel):
    """Verdicts of one kind, and what listeners heard in them; `heard` lacks those nobody listened to."""

    phase: VerdictPhase
    label: Label
    verdicts: int
    heard: dict[Label, int]


class FalseMachinesOut(BaseModel):
    """People among the machine verdicts. Counted are those that chance drew for listening: `listened` were clear.

    `low` and `high` bound the share with 95 % confidence; `share` is null while nobody has listened.
    """

    verdicts: int
    listened: int
    unclear: int
    people: int
    share: float | None
    low: float
    high: float


class AmdOut(BaseModel):
    """How the detector did in one campaign."""

    campaign_id: int
    since: datetime | None
    counts: list[CountOut]
    false_machines: FalseMachinesOut


@routes.add("GET", "/v1/verdicts", "verdicts.list")
async def list_verdicts(call: Call[Nothing, VerdictQuery, Nothing]) -> VerdictPage:
    """Lists verdicts, newest first."""
    asked = call.query
    label = None if asked.label is None else asked.label.value
    wanted = SampleFilter(
        asked.campaign_id, label, asked.phase, labelled=asked.labelled, drawn=asked.drawn, since=asked.since
    )
    found = await call.services.storage.verdict_samples.find(wanted, asked.limit, asked.cursor)
    following = next_cursor([sample.sample_id for sample in found], asked.limit)
    return VerdictPage(items=[VerdictOut.of(sample) for sample in found], next=following)


@routes.add("GET", "/v1/verdicts/{sample_id}", "verdicts.get")
async def get_verdict(call: Call[VerdictPath, Nothing, Nothing]) -> VerdictOut:
    """Shows one verdict, with what a listener heard."""
    return VerdictOut.of(await _find(call))


@routes.add("GET", "/v1/verdicts/{sample_id}/audio", "verdicts.audio", produces=(verdict_audio.MEDIA_TYPE,))
async def get_audio(call: Call[VerdictPath, Nothing, Nothing]) -> web.StreamResponse:
    """Sends what the verdict was made from, as a WAV of five seconds at most; the node that took the call has it."""
    sample = await _find(call)
    if not sample.audio_path:
        raise ApiError(HTTPStatus.NOT_FOUND, "its audio is not kept any more")
    path = call.services.verdicts_dir / sample.audio_path
    if not await asyncio.to_thread(path.is_file):
        raise ApiError(HTTPStatus.NOT_FOUND, f"its audio is not on this node; ask {sample.node}")
    await audit(call, "verdict.audio", _subject(sample))
    headers = {"Content-Type": verdict_audio.MEDIA_TYPE, "Cache-Control": "private, no-store"}
    return web.FileResponse(path, headers=headers)


@routes.add("POST", "/v1/verdicts/{sample_id}/label", "verdicts.label")
async def label(call: Call[VerdictPath, Nothing, LabelIn]) -> VerdictOut:
    """Puts on record what was heard; it takes the place of what somebody heard before."""
    before, truth = await _find(call), call.body.truth
    if truth not in _TRUTHS[before.phase]:
        heard = ", ".join(sorted(label.value for label in _TRUTHS[before.phase]))
        raise bad_field("body.truth", f"is nothing that is heard in the phase {before.phase.value}", f"one of: {heard}")
    now, samples = call.services.clock.utcnow(), call.services.storage.verdict_samples
    await audit(call, "verdict.label", _subject(before), _said(before, truth))
    after = await samples.label(before.sample_id, truth, call.actor.actor, now)
    if after is None:
        raise not_found("verdict")
    return VerdictOut.of(after)


@routes.add("POST", "/v1/verdicts/draw", "verdicts.draw")
async def draw(call: Call[Nothing, Nothing, DrawIn]) -> VerdictList:
    """Draws verdicts by chance for a listener, of those with audio that nobody has listened to."""
    asked, now = call.body, call.services.clock.utcnow()
    if not await _is_campaign(call, asked.campaign_id):
        raise bad_field("body.campaign_id", "names no campaign")
    detail = f"{asked.n} {asked.label.value}, seed {asked.seed}"
    await audit(call, "verdict.draw", f"campaign/{asked.campaign_id}", detail)
    drawn = await call.services.storage.verdict_samples.draw(
        asked.campaign_id, asked.label, asked.n, asked.seed, now, asked.since
    )
    return VerdictList(items=[VerdictOut.of(sample) for sample in drawn])


@routes.add("GET", "/v1/campaigns/{campaign_id}/amd", "verdicts.rate")
async def rate(call: Call[AmdPath, AmdQuery, Nothing]) -> AmdOut:
    """Says how a campaign's verdicts came out, and how many people were taken for machines, as far as is known."""
    campaign_id, since = call.path.campaign_id, call.query.since
    if not await _is_campaign(call, campaign_id):
        raise not_found("campaign")
    samples = call.services.storage.verdict_samples
    counts = await samples.counts(campaign_id, since)
    false = await samples.false_machines(campaign_id, since)
    plain = {name: getattr(false, name) for name in FalseMachinesOut.model_fields}
    return AmdOut(
        campaign_id=campaign_id,
        since=since,
        counts=_grouped(counts),
        false_machines=FalseMachinesOut(**plain),
    )


def _grouped(counts: Sequence[VerdictCount]) -> list[CountOut]:
    found: dict[tuple[VerdictPhase, str], CountOut] = {}
    for count in counts:
        key = count.phase, count.label
        of_kind = found.setdefault(key, CountOut(phase=key[0], label=Label(key[1]), verdicts=0, heard={}))
        of_kind.verdicts += count.n
        if count.truth is not None:
            of_kind.heard[Label(count.truth)] = count.n
    return list(found.values())


async def _find(call: AnyCall) -> VerdictSample:
    sample = await call.services.storage.verdict_samples.get(call.path.sample_id)
    if sample is None:
        raise not_found("verdict")
    return sample


async def _is_campaign(call: AnyCall, campaign_id: int) -> bool:
    return await call.services.storage.campaigns.get(campaign_id) is not None


def _subject(sample: VerdictSample) -> str:
    return f"verdict/{sample.sample_id}"


def _said(before: VerdictSample, truth: Label) -> str:
    was = f", was {before.truth} by {before.labelled_by}" if before.truth else ""
    return f"{before.label} heard as {truth.value}{was}"
