"""Redactions: a recording made anew with spans of it taken out; the original stays as it is. Pure.

What is taken out is silence, from the first sample of the span to the last; every other sample is the original's. So
anyone with both can see that nothing else was changed. What an earlier redaction took out, no later one brings back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from recording.decoding import AudioReader, Side
from recording.finalize import Feed, Laid
from recording.marks import Mark, MarkKind
from recording.spool import RATE_HZ
from recording.timeline import Sink

MAX_SPANS = 100
_SAMPLES_PER_MS = RATE_HZ // 1000


class Why(str, Enum):
    """What is taken out. A list, not words of one's own: those could say again what must not be heard."""

    CARD_NUMBER = "card_number"
    IDENTITY_NUMBER = "identity_number"
    CREDENTIALS = "credentials"
    HEALTH = "health"
    THIRD_PARTY = "third_party"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Span:
    """What to take out, in milliseconds from the start of the recording."""

    side: Side
    from_ms: int
    to_ms: int
    why: Why

    def facts(self) -> dict[str, str | int]:
        """As the ledger holds it."""
        return {"channel": self.side.value, "from_ms": self.from_ms, "to_ms": self.to_ms, "why": self.why.value}


def redacted(audio: AudioReader, spans: Sequence[Span], original: Laid, earlier: Iterable[Mark] = ()) -> Feed:
    """The samples of a recording without the spans, nor what `earlier` marks say was redacted before.

    Reading the original is left to the feed, and what it raises.
    """
    marks = {*original.marks, *earlier, *map(_mark, spans)}
    taken = [mark for mark in marks if mark.kind is MarkKind.REDACTED]

    def feed(sink: Sink) -> Laid:
        at = 0
        for block in audio.blocks(0, audio.n_samples):
            sink(_silenced(block, at, taken).T)
            at += len(block)
        return Laid(audio.n_samples, original.lost_samples, original.truncated, tuple(sorted(marks, key=_by_time)))

    return feed


def _silenced(block: NDArray[np.int16], at: int, taken: Iterable[Mark]) -> NDArray[np.int16]:
    """The samples from `at` on, int16[n, 2]."""
    result = block.copy()
    for mark in taken:
        begin, end = mark.from_ms * _SAMPLES_PER_MS - at, mark.to_ms * _SAMPLES_PER_MS - at
        columns = slice(None) if mark.channel is None else mark.channel
        result[max(0, begin) : max(0, end), columns] = 0
    return result


def _mark(span: Span) -> Mark:
    channel = {Side.BOTH: None, Side.FAR: 0, Side.NEAR: 1}[span.side]
    return Mark(span.from_ms, span.to_ms, MarkKind.REDACTED, channel, why=span.why.value)


def _by_time(mark: Mark) -> tuple[int, int, str]:
    return mark.from_ms, mark.to_ms, mark.kind.value
