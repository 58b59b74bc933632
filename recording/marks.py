"""Marks: where a recording is not what was said, and why. Pure.

A mark is a span of time on one channel or both. Marks of one kind that touch are one. A line that loses packets for
an hour has thousands: then neighbours are joined over ever longer gaps until few enough are left, and each says of how
many it is made, so that what was joined is not taken for one long loss.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import msgspec

from recording.spool import RATE_HZ

MARK_LIMIT = 250
"""Of one recording: some 15 kB in its row and its entry in the ledger."""
_FIRST_JOIN_SAMPLES = RATE_HZ // 10
_SAMPLES_PER_MS = RATE_HZ // 1000


class MarkKind(str, Enum):
    """What happened there."""

    LOST = "lost"
    """The network lost it: silence."""
    CONCEALED = "concealed"
    """The network lost it: what came before is repeated and faded out."""
    LATE = "late"
    """It reached the file too late to be placed: silence."""
    PAUSED = "paused"
    """The recording was paused: silence."""
    DAMAGED = "damaged"
    """The spool was damaged there: silence where nothing else is known."""
    REDACTED = "redacted"
    """Taken out of a redaction: silence."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Milliseconds since the start. `channel` None: both. `parts` > 1: so many spans, with good audio between them.

    `why` something was taken out: a word of `recording.redaction.Why`, "" for other kinds.
    """

    from_ms: int
    to_ms: int
    kind: MarkKind
    channel: int | None
    parts: int = 1
    why: str = ""


class MarkBook:
    """Collects spans, nearly in order, in bounded memory."""

    def __init__(self) -> None:
        self._spans: dict[tuple[MarkKind, int | None], list[list[int]]] = {}
        self._join_samples = 0
        self._n_spans = 0

    def add(self, kind: MarkKind, channel: int | None, start: int, end: int) -> None:
        """A span of samples; an empty one is none."""
        if end <= start:
            return
        spans = self._spans.setdefault((kind, channel), [])
        before = len(spans)
        _append(spans, [start, end, 1], self._join_samples)
        self._n_spans += len(spans) - before
        while self._n_spans > 2 * MARK_LIMIT:
            self._join_more()

    def marks(self) -> tuple[Mark, ...]:
        """At most `MARK_LIMIT`, by time."""
        for spans in self._spans.values():
            spans[:] = _joined(spans, self._join_samples)
        self._n_spans = sum(map(len, self._spans.values()))
        while self._n_spans > MARK_LIMIT:
            self._join_more()
        found = [
            Mark(start // _SAMPLES_PER_MS, -(-end // _SAMPLES_PER_MS), kind, channel, parts)
            for (kind, channel), spans in self._spans.items()
            for start, end, parts in spans
        ]
        return tuple(sorted(found, key=lambda mark: (mark.from_ms, mark.to_ms, mark.kind.value)))

    def _join_more(self) -> None:
        self._join_samples = max(2 * self._join_samples, _FIRST_JOIN_SAMPLES)
        for spans in self._spans.values():
            spans[:] = _joined(spans, self._join_samples)
        self._n_spans = sum(map(len, self._spans.values()))


def _joined(spans: Iterable[list[int]], join_samples: int) -> list[list[int]]:
    found: list[list[int]] = []
    for span in sorted(spans):
        _append(found, span, join_samples)
    return found


def _append(spans: list[list[int]], span: list[int], join_samples: int) -> None:
    """Adds a span, or lengthens the last one when they are near: what only touches is one part, not two."""
    start, end, parts = span
    if spans and spans[-1][0] <= start <= spans[-1][1] + join_samples:
        last = spans[-1]
        last[2] += parts - (start <= last[1])
        last[1] = max(last[1], end)
    else:
        spans.append([start, end, parts])


def encode_marks(marks: Iterable[Mark]) -> bytes:
    """JSON: a list of {"kind", "channel": 0 | 1 | "both", "from_ms", "to_ms"}, with "parts" where there are several,
    and "why" where there is a reason.
    """
    return msgspec.json.encode([_plain(mark) for mark in marks])


def decode_marks(data: bytes) -> tuple[Mark, ...]:
    """What `encode_marks` wrote. Raises msgspec.MsgspecError, KeyError or ValueError for anything else."""
    return tuple(
        Mark(
            one["from_ms"],
            one["to_ms"],
            MarkKind(one["kind"]),
            None if one["channel"] == "both" else one["channel"],
            one.get("parts", 1),
            one.get("why", ""),
        )
        for one in msgspec.json.decode(data)
    )


def _plain(mark: Mark) -> dict[str, str | int]:
    plain: dict[str, str | int] = {
        "kind": mark.kind.value,
        "channel": "both" if mark.channel is None else mark.channel,
        "from_ms": mark.from_ms,
        "to_ms": mark.to_ms,
    }
    parts: dict[str, str | int] = {"parts": mark.parts} if mark.parts > 1 else {}
    why: dict[str, str | int] = {"why": mark.why} if mark.why else {}
    return plain | parts | why
