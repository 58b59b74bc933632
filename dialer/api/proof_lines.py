"""The lines of an export of proofs, page by page, as the storage gives them: never more than a page in memory."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dialer.compliance.proof_chain import Head
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
from dialer.storage.proof_reading import ChainRange, ProofReading


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
    n_links = 0
    for links in export.ranges:
        async for n, piece in _link_lines(proofs, links):
            n_links += n
            yield piece
    for head in export.heads:
        yield encode_line(HeadLine(head.chain, head.sequence, head.hash))
    yield encode_line(EndLine(n_links))


async def _link_lines(proofs: ProofReading, links: ChainRange) -> AsyncIterator[tuple[int, bytes]]:
    """How many links, and their lines."""
    while links.first <= links.last:
        page = await proofs.page(links)
        if not page:
            return
        yield len(page), b"".join(encode_link(link.hash, link.body) for link in page)
        links = replace(links, first=page[-1].sequence + 1)
