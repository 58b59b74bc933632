"""Two channels laid out in time from the records of a spool, in flat memory however long the call was.

Records come nearly in order. A window of half a minute holds what may still change; what falls out of it goes to the
sink. Where nothing was recorded there is silence; where the network lost packets the last 20 ms are repeated and faded
out, so that a listener hears a dip and not a click. What was concealed is counted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recording.g711 import decode
from recording.spool import CHANNELS, RATE_HZ, RecordKind, SpoolCodec, SpoolRecord

WINDOW_SAMPLES = 30 * RATE_HZ
CONCEAL_SAMPLES = 60 * RATE_HZ // 1000
"""A repeated sound has faded out after 60 ms, as in ITU-T G.711 appendix I."""
_REPEAT_SAMPLES = 20 * RATE_HZ // 1000
_MARGIN = _REPEAT_SAMPLES
_LONGEST_RUN_SAMPLES = RATE_HZ

Sink = Callable[[NDArray[np.int16]], None]
"""Takes int16[n, 2], the next n samples of both channels; the array is only valid during the call."""


@dataclass(slots=True)
class _Run:
    """Audio of one channel that follows on without a gap, not decoded yet: one table look-up for a second of it."""

    position: int = 0
    codec: SpoolCodec = SpoolCodec.PCMA
    payloads: list[bytes] = field(default_factory=list)
    n_samples: int = 0


class Timeline:
    """Feed it records in the order of the spool, then `finish`."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._base = 0
        self._window = np.zeros((_MARGIN + WINDOW_SAMPLES, CHANNELS), dtype=np.int16)
        self._runs = [_Run() for _ in range(CHANNELS)]
        self._losses: list[tuple[int, int, int]] = []
        self._end = 0
        self.lost_samples = 0
        """Samples of either channel that the network lost or that came too late to be placed."""

    def add(self, record: SpoolRecord) -> None:
        """Takes the next record of the spool."""
        if record.kind is RecordKind.AUDIO:
            self._add_audio(record)
        elif record.kind is RecordKind.LOST:
            self.lost_samples += record.n_lost
            self._losses.append((record.channel, record.position, record.end))
        else:
            self._end = max(self._end, record.position)

    def finish(self) -> int:
        """Hands the rest to the sink; returns the length in samples."""
        for channel in range(CHANNELS):
            self._decode_run(channel)
        self._move_to(self._end)
        return self._end

    def _add_audio(self, record: SpoolRecord) -> None:
        run = self._runs[record.channel]
        follows = record.position == run.position + run.n_samples and record.codec is run.codec
        if not follows or run.n_samples >= _LONGEST_RUN_SAMPLES:
            self._decode_run(record.channel)
            run.position, run.codec = record.position, record.codec
        run.payloads.append(record.payload)
        run.n_samples += len(record.payload)

    def _decode_run(self, channel: int) -> None:
        run = self._runs[channel]
        if run.payloads:
            self._place(channel, run.position, decode(b"".join(run.payloads), run.codec))
        run.payloads, run.n_samples = [], 0

    def _place(self, channel: int, position: int, samples: NDArray[np.int16]) -> None:
        end = position + len(samples)
        if end > self._base + WINDOW_SAMPLES:
            self._move_to(end - WINDOW_SAMPLES // 2)
        too_late = min(max(self._base - position, 0), len(samples))
        self.lost_samples += too_late
        at = _MARGIN + position + too_late - self._base
        self._window[at : at + len(samples) - too_late, channel] = samples[too_late:]
        self._end = max(self._end, end)

    def _move_to(self, position: int) -> None:
        """Hands everything before `position` to the sink, a window at a time."""
        self._conceal(position)
        while self._base < position:
            n_samples = min(position - self._base, WINDOW_SAMPLES)
            self._sink(self._window[_MARGIN : _MARGIN + n_samples])
            self._window[: len(self._window) - n_samples] = self._window[n_samples:].copy()
            self._window[len(self._window) - n_samples :] = 0
            self._base += n_samples

    def _conceal(self, before: int) -> None:
        """Fills the losses that begin before `before`. One that begins right after another goes on fading with it."""
        due = sorted(loss for loss in self._losses if loss[1] < before)
        self._losses = [loss for loss in self._losses if loss[1] >= before]
        faded_from: tuple[int, int, int] | None = None
        for channel, start, end in due:
            if faded_from is not None and faded_from[0] == channel and faded_from[2] == start:
                faded_from = (channel, faded_from[1], end)
            else:
                faded_from = (channel, start, end)
            self._fill(channel, start, end, n_faded=start - faded_from[1])

    def _fill(self, channel: int, start: int, end: int, n_faded: int) -> None:
        first = start - n_faded
        n_samples = min(end - first, CONCEAL_SAMPLES) - n_faded
        at = _MARGIN + start - self._base
        source = _MARGIN + first - self._base - _REPEAT_SAMPLES
        if n_samples <= 0 or source < 0 or at + n_samples > len(self._window):
            return
        index = np.arange(n_faded, n_faded + n_samples)
        repeated = self._window[source + index % _REPEAT_SAMPLES, channel].astype(np.float32)
        fade = 1.0 - index / CONCEAL_SAMPLES
        self._window[at : at + n_samples, channel] = np.rint(repeated * fade).astype(np.int16)
