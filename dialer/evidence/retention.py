"""What may go, what must go and what stays: dry runs over recordings, and requests made of them."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime

from dialer.evidence.retention_terms import TermsBook
from dialer.model.retention import DryRun, Judged, KeptBack
from dialer.storage import Storage
from recording.retention import Standing, kept_after

MAX_ITEMS = 10_000
"""Recordings of one request: who allows it is to have an idea of what it holds."""
EXAMPLES = 5
PAGE = 200
"""Judged between two looks of the event loop at something else."""


async def judge_named(
    storage: Storage, book: TermsBook, recording_ids: Sequence[str], *, named: bool = True
) -> list[Judged]:
    """What may be done with these recordings, in the order given; `named`: somebody asked for each by its id."""
    found = {}
    for start in range(0, len(recording_ids), PAGE):
        page = await storage.keeping.of(recording_ids[start : start + PAGE])
        found.update({recording.recording_id: recording for recording in page})
    return [book.judge(recording_id, found.get(recording_id), named=named) for recording_id in recording_ids]


async def judge_due(
    storage: Storage, book: TermsBook, by: datetime, *, overdue: bool = False
) -> tuple[list[Judged], bool]:
    """All recordings whose time was over at `by`, oldest first, those that something keeps all the same among them.

    At most MAX_ITEMS of those that may go; the answer's second part says whether that was all. `overdue`: only what
    should be gone already.
    """
    found: list[Judged] = []
    n_goes = 0
    async for judged in _old(storage, book, by):
        if judged.verdict is None or not _is_over(judged, by) or (overdue and not _is_overdue(judged)):
            continue
        found.append(judged)
        n_goes += judged.goes
        if n_goes >= MAX_ITEMS:
            return found, False
    return found, True


def dry_run(judged: Iterable[Judged], at: datetime, *, complete: bool = True) -> DryRun:
    """What a deletion of these would do."""
    everything = list(judged)
    goes = [(each, each.recording) for each in everything if each.goes and each.recording is not None]
    kept: dict[str, list[Judged]] = {}
    for each in everything:
        if not each.goes:
            kept.setdefault(each.reasons[0].code, []).append(each)
    return DryRun(
        at=at,
        n_goes=len(goes),
        n_overdue=sum(_is_overdue(each) for each, _ in goes),
        n_derived=sum(recording.n_derived for _, recording in goes),
        size_bytes=sum(recording.size_bytes for _, recording in goes),
        duration_s=sum(recording.duration_s for _, recording in goes),
        examples=tuple(each for each, _ in goes[:EXAMPLES]),
        kept=tuple(KeptBack(code, len(several), tuple(several[:EXAMPLES])) for code, several in kept.items()),
        complete=complete,
    )


async def count_overdue(storage: Storage, book: TermsBook) -> int:
    """How many recordings should be gone and are not, as far as one request could take them; held ones are not."""
    found, _ = await judge_due(storage, book, book.now, overdue=True)
    return sum(judged.goes for judged in found)


async def _old(storage: Storage, book: TermsBook, by: datetime) -> AsyncIterator[Judged]:
    """Every recording that is old enough to be looked at."""
    before = kept_after(book.terms, min(by, book.now))
    place: tuple[datetime, str] | None = None
    while before is not None:
        page = await storage.keeping.oldest(before, place, PAGE)
        for recording in page:
            yield book.judge(recording.recording_id, recording, named=False)
        if len(page) < PAGE:
            return
        place = page[-1].started_at, page[-1].recording_id
        await asyncio.sleep(0)


def _is_over(judged: Judged, by: datetime) -> bool:
    """Whether the periods of law and house were over at `by`, holds aside."""
    verdict = judged.verdict
    return verdict is not None and verdict.house_until is not None and verdict.house_until <= by


def _is_overdue(judged: Judged) -> bool:
    """Whether it should be gone, holds aside."""
    return judged.verdict is not None and judged.verdict.standing is Standing.OVERDUE
