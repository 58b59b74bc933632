"""Verdicts with their audio: kept, found, drawn by chance for a listener, labelled; what they say of the detector."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select, update

from dialer.model.quality_work import WorkKind
from dialer.model.verdict_sample import (
    FalseMachines,
    Heard,
    NewVerdictSample,
    SampleFilter,
    VerdictCount,
    VerdictPhase,
    VerdictSample,
)
from dialer.progress.verdict import Label
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import among, insert_row
from dialer.storage.qa_work import complete_subject
from dialer.storage.tables.base import AnyRow

samples = tables.verdict_samples


class VerdictSamples:
    """The `verdict_samples` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, sample: NewVerdictSample) -> int:
        """Puts a verdict on record and returns its id; of a second one of the same attempt and phase, the first's."""
        return await self._database.write(lambda connection: _keep(connection, sample))

    async def find(
        self, asked: SampleFilter, limit: int = 100, before_id: int | None = None
    ) -> tuple[VerdictSample, ...]:
        """A page, newest first; the next page is that `before_id` the last of this one."""
        query = _matching(select(samples), asked).order_by(samples.c.sample_id.desc()).limit(limit)
        if before_id is not None:
            query = query.where(samples.c.sample_id < before_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_value(row) for row in rows)

    async def get(self, sample_id: int) -> VerdictSample | None:
        """The verdict, or None."""
        return await self._database.read(lambda connection: _get(connection, sample_id))

    async def label(self, sample_id: int, truth: Label, actor: str, now: datetime) -> VerdictSample | None:
        """Puts on record what a listener heard, instead of what was heard before; None: there is no such verdict."""
        return await self._database.write(lambda connection: _label(connection, sample_id, truth, actor, now))

    async def draw(
        self, campaign_id: int, label: Label, n: int, seed: str, now: datetime, since: datetime | None = None
    ) -> tuple[VerdictSample, ...]:
        """Chance's choice of `n` verdicts that nobody has listened to, of those with audio; it is on record.

        The same seed gives the same verdicts while none of them is labelled, whatever comes in beside them.
        """
        asked = SampleFilter(campaign_id, label.value, labelled=False, since=since)
        pool = await self._database.read(lambda connection: drawable(connection, asked))
        return await self._database.write(lambda connection: mark_drawn(connection, first_of(pool, n, seed), now))

    async def false_machines(self, campaign_id: int, since: datetime | None = None) -> FalseMachines:
        """The share of people among a campaign's machine verdicts, as far as listeners know, with its interval."""
        return await self._database.read(lambda connection: _false_machines(connection, campaign_id, since))

    async def counts(self, campaign_id: int, since: datetime | None = None) -> tuple[VerdictCount, ...]:
        """How many verdicts of each kind there are, and what listeners heard in them."""
        return await self._database.read(lambda connection: _counts(connection, campaign_id, since))

    async def expired(self, node: str, before: datetime, max_bytes: int, limit: int) -> Mapping[int, str]:
        """Ids and paths of up to `limit` verdicts of a node whose audio must go.

        Those from before an instant, and the oldest while all audio together is larger than `max_bytes`.
        """
        return await self._database.read(lambda connection: _expired(connection, node, before, max_bytes, limit))

    async def forget_audio(self, sample_ids: Collection[int]) -> None:
        """Puts on record that the audio of these is gone."""
        await self._database.write(lambda connection: _forget_audio(connection, list(sample_ids)))


def heard_machines(
    connection: Connection, campaign_id: int, since: datetime | None = None, as_of: datetime | None = None
) -> Heard:
    """What listeners heard of the drawn machine verdicts of a campaign, as far as it was said by `as_of`."""
    known = {"since": since, "as_of": as_of}
    asked = {name: at for name, at in known.items() if at is not None}
    rows = connection.execute(_hearing(frozenset(asked)), {"of_campaign": campaign_id, **asked})
    counts = {row[0]: int(row[1]) for row in rows}
    unclear = counts.pop(Label.UNKNOWN.value, 0)
    return Heard(sum(counts.values()), counts.get(Label.HUMAN.value, 0), unclear)


@cache
def _hearing(bounds: frozenset[str]) -> Select[Any]:
    """Drawn and labelled machine verdicts of a campaign by their truth; built once for each set of bounds."""
    limits = {
        "since": samples.c.made_at >= bindparam("since", type_=samples.c.made_at.type),
        "as_of": samples.c.labelled_at <= bindparam("as_of", type_=samples.c.labelled_at.type),
    }
    return (
        select(samples.c.truth, func.count())
        .where(samples.c.campaign_id == bindparam("of_campaign"), samples.c.label == Label.MACHINE.value)
        .where(samples.c.truth.is_not(None), samples.c.drawn_at.is_not(None))
        .where(*(limits[name] for name in sorted(bounds)))
        .group_by(samples.c.truth)
    )


def _keep(connection: Connection, sample: NewVerdictSample) -> int:
    query = select(samples.c.sample_id).where(
        samples.c.attempt_id == sample.attempt_id, samples.c.phase == sample.phase.value
    )
    known = connection.execute(query).scalar()
    if known is not None:
        return int(known)
    row = {name: getattr(sample, name) for name in NewVerdictSample.__slots__}
    return insert_row(connection, samples, row | {"phase": sample.phase.value, "labelled_by": ""})


def _get(connection: Connection, sample_id: int) -> VerdictSample | None:
    row = connection.execute(select(samples).where(samples.c.sample_id == sample_id)).first()
    return None if row is None else _value(row)


def _label(connection: Connection, sample_id: int, truth: Label, actor: str, now: datetime) -> VerdictSample | None:
    said = {"truth": truth.value, "labelled_by": actor, "labelled_at": now}
    connection.execute(update(samples).where(samples.c.sample_id == sample_id).values(said))
    complete_subject(connection, WorkKind.VERDICT, sample_id, actor, now)
    return _get(connection, sample_id)


def drawable(connection: Connection, asked: SampleFilter) -> Sequence[int]:
    """The ids of those with audio."""
    query = _matching(select(samples.c.sample_id), asked).where(samples.c.audio_bytes > 0)
    return connection.execute(query).scalars().all()


def first_of(pool: Sequence[int], n: int, seed: str) -> list[int]:
    """The `n` whose lots come first."""
    return sorted(pool, key=lambda sample_id: _lot(seed, sample_id))[:n]


def campaigns_with(connection: Connection, asked: SampleFilter) -> Sequence[int]:
    """The campaigns that have such verdicts."""
    query = _matching(select(samples.c.campaign_id).distinct(), asked).order_by(samples.c.campaign_id)
    return connection.execute(query).scalars().all()


def mark_drawn(connection: Connection, drawn: list[int], now: datetime) -> tuple[VerdictSample, ...]:
    """Puts a draw on record; who was drawn before stays drawn then."""
    chosen = among(connection.dialect.name, samples.c.sample_id, "ids")
    fresh = update(samples).where(chosen, samples.c.drawn_at.is_(None)).values(drawn_at=now)
    connection.execute(fresh, {"ids": drawn})
    found = {row.sample_id: _value(row) for row in connection.execute(select(samples).where(chosen), {"ids": drawn})}
    return tuple(found[sample_id] for sample_id in drawn)


def _lot(seed: str, sample_id: int) -> bytes:
    """What decides who is drawn first: it depends on nothing but the seed and the verdict itself."""
    return hashlib.blake2b(f"{seed}:{sample_id}".encode(), digest_size=16).digest()


def _false_machines(connection: Connection, campaign_id: int, since: datetime | None) -> FalseMachines:
    heard = heard_machines(connection, campaign_id, since)  # first: verdicts only become more
    asked = SampleFilter(campaign_id, Label.MACHINE.value, since=since)
    verdicts = int(connection.execute(_matching(select(func.count()), asked)).scalar_one())
    return FalseMachines.of(verdicts, heard)


def _counts(connection: Connection, campaign_id: int, since: datetime | None) -> tuple[VerdictCount, ...]:
    by = (samples.c.phase, samples.c.label, samples.c.truth)
    query = _matching(select(*by, func.count().label("n")), SampleFilter(campaign_id, since=since))
    rows = connection.execute(query.group_by(*by).order_by(*by)).all()
    return tuple(VerdictCount(VerdictPhase(row.phase), row.label, row.truth, int(row.n)) for row in rows)


def _expired(connection: Connection, node: str, before: datetime, max_bytes: int, limit: int) -> dict[int, str]:
    of_node = (samples.c.node == node, samples.c.audio_bytes > 0)
    kept = connection.execute(select(func.coalesce(func.sum(samples.c.audio_bytes), 0)).where(*of_node)).scalar_one()
    excess = int(kept) - max_bytes
    oldest = select(samples.c.sample_id, samples.c.audio_path, samples.c.audio_bytes, samples.c.made_at)
    found: dict[int, str] = {}
    for row in connection.execute(oldest.where(*of_node).order_by(samples.c.sample_id).limit(limit)):
        if row.made_at >= before and excess <= 0:
            break
        found[row.sample_id] = row.audio_path
        excess -= row.audio_bytes
    return found


def _forget_audio(connection: Connection, sample_ids: list[int]) -> None:
    chosen = among(connection.dialect.name, samples.c.sample_id, "ids")
    connection.execute(update(samples).where(chosen).values(audio_path="", audio_bytes=0), {"ids": sample_ids})


def _matching(query: Select[Any], asked: SampleFilter) -> Select[Any]:
    if asked.campaign_id is not None:
        query = query.where(samples.c.campaign_id == asked.campaign_id)
    if asked.label is not None:
        query = query.where(samples.c.label == asked.label)
    if asked.phase is not None:
        query = query.where(samples.c.phase == asked.phase.value)
    if asked.labelled is not None:
        query = query.where(samples.c.truth.is_not(None) if asked.labelled else samples.c.truth.is_(None))
    if asked.drawn is not None:
        query = query.where(samples.c.drawn_at.is_not(None) if asked.drawn else samples.c.drawn_at.is_(None))
    if asked.since is not None:
        query = query.where(samples.c.made_at >= asked.since)
    if asked.until is not None:
        query = query.where(samples.c.made_at < asked.until)
    return query


def _value(row: AnyRow) -> VerdictSample:
    plain = {name: getattr(row, name) for name in samples.c.keys()}  # noqa: SIM118  a column collection
    return VerdictSample(**plain | {"phase": VerdictPhase(row.phase)})
