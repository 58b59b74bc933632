"""A campaign's history as JSON Lines: what the service answers, what `--save` keeps, and what a replay reads.

In this order: the outline, the attempts, the collectors' changes, one `end` line.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec

from dialer.api.routing import YEARS
from dialer.campaigns.loop.running import TICK_S
from dialer.errors import InputError
from dialer.model.history import FORMAT, LONGEST, End, History, Outline, RecordedAttempt, RecordedChange, for_pacing
from dialer.sip.trunks import TrunkStatus
from dialer.storage.campaign_history import CampaignHistory, Extent

Line = Outline | RecordedAttempt | RecordedChange | End

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def outline_of(extent: Extent, zone: ZoneInfo, packs: tuple[str, ...], trunks: Sequence[TrunkStatus]) -> Outline:
    """The first line for what the storage knows, on a house's clock, under its packs and over a group's trunks."""
    return Outline(
        campaign=extent.campaign.name,
        begins=extent.begins,
        ends=extent.ends,
        zone=zone.key,
        settings=for_pacing(extent.campaign.settings),
        tick_s=TICK_S,
        channels=sum(trunk.channels for trunk in trunks),
        cps=sum(trunk.cps for trunk in trunks),
        packs=packs,
        waiting=extent.waiting,
        numbers=extent.numbers,
        tried=dict(extent.tried),
        earlier_live_s=extent.earlier_live_s,
        earlier_abandoned_s=extent.earlier_abandoned_s,
    )


async def history_lines(stored: CampaignHistory, extent: Extent, outline: Outline) -> AsyncIterator[bytes]:
    """The history in pieces of whole lines, never more than a page in memory."""
    yield encode((outline,))
    n_attempts = n_changes = 0
    async for page in stored.pages(extent):
        yield encode(page)
        n_changes += sum(isinstance(record, RecordedChange) for record in page)
        n_attempts += sum(isinstance(record, RecordedAttempt) for record in page)
    yield encode((End(n_attempts, n_changes),))


def encode(lines: Sequence[Line]) -> bytes:
    """Lines as they leave."""
    return _encoder.encode_lines(lines)


def write_history(history: History) -> bytes:
    """The whole of a history; `read_history` gives the same again."""
    end = End(len(history.attempts), len(history.changes))
    return encode((history.outline, *history.attempts, *history.changes, end))


def read_history(lines: Iterable[bytes], source: str) -> History:
    """A history from its lines; `source` names it in errors. InputError: it is none, or was cut off."""
    outline: Outline | None = None
    attempts: list[RecordedAttempt] = []
    changes: list[RecordedChange] = []
    end: End | None = None
    for number, line in enumerate(lines, start=1):
        match _decoded(line, f"{source}: line {number}"):
            case Outline() as read if outline is None:
                outline = _known(read, source)
            case RecordedAttempt() as attempt if outline is not None and end is None:
                attempts.append(attempt)
            case RecordedChange() as change if outline is not None and end is None:
                changes.append(change)
            case End() as read_end if outline is not None and end is None:
                end = read_end
            case _:
                raise InputError(f"{source}: line {number} is not in its place; save the history anew")
    if outline is None or end is None or end != End(len(attempts), len(changes)):
        raise InputError(f"{source}: the history has no end, it was cut off while it was written; save it anew")
    return History(outline, tuple(attempts), tuple(changes))


def _decoded(line: bytes, place: str) -> Line:
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:  # the last one of thousands of brackets
        raise InputError(f"{place} is no line of a history: {error}") from error


def _known(outline: Outline, source: str) -> Outline:
    if outline.format != FORMAT:
        raise InputError(f"{source}: format {outline.format} is not known here; this version reads format {FORMAT}")
    try:
        ZoneInfo(outline.zone)
    except (KeyError, ValueError, OSError) as error:  # as zoneinfo fails of unknown names, paths, and folders
        raise InputError(f"{source}: {outline.zone!r} is no zone; save the history anew") from error
    bounds = (outline.begins, outline.ends)
    are_instants = all(at.tzinfo is not None and at.year in YEARS for at in bounds)
    if not are_instants or not timedelta() < outline.ends - outline.begins <= LONGEST:
        raise InputError(f"{source}: a history from {bounds[0]} to {bounds[1]} cannot be; save it anew")
    return outline
