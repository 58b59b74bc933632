"""The lines of an export of proofs, page by page, as the storage gives them: never more than a page in memory."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dialer.compliance.proof import ProofKind
from dialer.compliance.proof_attempts import AttemptSet, StoredAttempts
from dialer.compliance.proof_chain import MAX_FAULTS, Head
from dialer.compliance.proof_export import (
    FORMAT,
    EndLine,
    ExportLine,
    HeadLine,
    PackLine,
    PolicyLine,
    encode_line,
    encode_link,
    parse_place,
)
from dialer.storage.proof_reading import ChainRange, ProofReading, StoredLink


@dataclass(frozen=True, slots=True)
class Export:
    """What an export will hold, fixed before its first line leaves: links that come later are not part of it."""

    asked: ExportLine
    heads: tuple[Head, ...]
    ranges: tuple[ChainRange, ...]


async def plan_export(
    proofs: ProofReading, now: datetime, since: datetime | None, until: datetime | None, after: Sequence[str]
) -> Export:
    """An export of the links of [since, until), of each chain those after the place (`CHAIN:SEQUENCE`) in `after`."""
    heads = await proofs.heads()
    known = dict(parse_place(place) for place in after)
    ranges = await proofs.ranges(heads, since, until)
    rest = (replace(links, first=max(links.first, known.get(links.chain, 0) + 1)) for links in ranges)
    asked = ExportLine(FORMAT, now, since, until, tuple(after))
    return Export(asked, heads, tuple(links for links in rest if links.first <= links.last))


async def export_lines(proofs: ProofReading, export: Export) -> AsyncIterator[bytes]:
    """The export in pieces of whole lines, none of them empty."""
    yield encode_line(export.asked)
    for sha256 in await proofs.packs():
        pack = await proofs.pack(sha256)
        if pack is not None:
            yield encode_line(PackLine(pack.sha256, pack.name, pack.content))
    for packs in await proofs.pack_sets():
        yield encode_line(PolicyLine(packs.pack_hash, str(packs)))
    n_links, stored = 0, {head.chain: _Stored() for head in export.heads}
    for links in export.ranges:
        async for page in _pages(proofs, links):
            n_links += len(page)
            stored[links.chain].add(page, await proofs.stored_attempts(page))
            yield b"".join(encode_link(link.hash, link.body) for link in page)
    for head in export.heads:
        yield encode_line(HeadLine(head.chain, head.sequence, head.hash))
    for node, attempt_id in await proofs.unproved_attempts(export.asked.since, export.asked.until, MAX_FAULTS):
        stored.setdefault(node, _Stored()).unproved.append(attempt_id)
    yield encode_line(EndLine(n_links, tuple(rows.of(node) for node, rows in sorted(stored.items()))))


async def _pages(proofs: ProofReading, links: ChainRange) -> AsyncIterator[tuple[StoredLink, ...]]:
    while links.first <= links.last:
        page = await proofs.page(links)
        if not page:
            return
        yield page
        links = replace(links, first=page[-1].sequence + 1)


class _Stored:
    """The attempts of one node, as far as its links were read."""

    def __init__(self) -> None:
        self.unproved: list[int] = []
        self._found = AttemptSet()
        self._gone: list[int] = []

    def add(self, page: Sequence[StoredLink], stored: frozenset[int]) -> None:
        for link in page:
            if link.kind is not ProofKind.ALLOWED or link.attempt_id is None:
                continue
            if link.attempt_id in stored:
                self._found.add(link.attempt_id)
            elif len(self._gone) < MAX_FAULTS:
                self._gone.append(link.attempt_id)

    def of(self, node: str) -> StoredAttempts:
        found = self._found
        return StoredAttempts(node, found.count, found.digest, tuple(self.unproved), tuple(self._gone))
