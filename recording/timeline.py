"""Two channels laid out in time from the records of a spool, in flat memory however long the call was.

Records come nearly in order. A window of half a minute holds what may still change; what falls out of it goes to the
sink. Where nothing was recorded there is silence; where the network lost packets the last 20 ms are repeated and faded
out, so that a listener hears a dip and not a click. What is not as it was said is marked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recording.g711 import decode_into
from recording.marks import MarkBook, MarkKind
from recording.spool import CHANNELS, RATE_HZ, RecordKind, SpoolCodec, SpoolRecord

WINDOW_SAMPLES = 30 * RATE_HZ
CONCEAL_SAMPLES = 60 * RATE_HZ // 1000
"""A repeated sound has faded out after 60 ms, as in ITU-T G.711 appendix I."""
FRAME_SAMPLES = 20 * RATE_HZ // 1000
_MARGIN = FRAME_SAMPLES
_LONGEST_RUN_SAMPLES = 4 * RATE_HZ

Sink = Callable[[NDArray[np.int16]], None]
"""Takes int16[2, n], the next n samples of both channels, valid during the call; but for the last, whole frames."""


@dataclass(slots=True)
class _Run:
    """Audio of one channel that follows on without a gap, not decoded yet: one table look-up for seconds of it."""

    position: int = 0
    codec: SpoolCodec = SpoolCodec.PCMA
    payloads: list[bytes] = field(default_factory=list)
    end: int = 0


class Timeline:
    """Feed it records in the order of the spool, then `finish`."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._base = 0
        self._window = np.zeros((CHANNELS, _MARGIN + WINDOW_SAMPLES), dtype=np.int16)
        self._runs = [_Run() for _ in range(CHANNELS)]
        self._losses: list[tuple[int, int, int]] = []
        self._paused_at: int | None = None
        self._known_until = [0] * CHANNELS
        self._damaged_from: list[int | None] = [None] * CHANNELS
        self._end = 0
        self._marks = MarkBook()
        self.lost_samples = 0
        """Samples of either channel that the network lost or that came too late to be placed."""

    @property
    def marks(self) -> MarkBook:
        """What is not as it was said; complete after `finish`."""
        return self._marks

    def add(self, record: SpoolRecord) -> None:
        """Takes the next record of the spool."""
        if record.kind is RecordKind.AUDIO:
            self._add_audio(record)
        elif record.kind is RecordKind.LOST:
            self._note_damage(record.channel, record.position, record.end)
            self.lost_samples += record.n_lost
            self._losses.append((record.channel, record.position, record.end))
        elif record.kind is RecordKind.PAUSED:
            self._paused_at = record.position if self._paused_at is None else self._paused_at
        elif record.kind is RecordKind.RESUMED:
            self._resume(record.position)
        else:
            self._end = max(self._end, record.position)

    def damaged(self) -> None:
        """What lay between the latest record and the next one could not be read; it may have been of either channel."""
        for channel in range(CHANNELS):
            if self._damaged_from[channel] is None:
                self._damaged_from[channel] = self._known_until[channel]

    def finish(self) -> int:
        """Hands the rest to the sink; returns the length in samples."""
        for channel in range(CHANNELS):
            self._place_run(channel)
        self._resume(self._end)
        for channel in range(CHANNELS):
            self._note_damage(channel, self._end, self._end)
        self._move_to(self._end)
        return self._end

    def _resume(self, position: int) -> None:
        if self._paused_at is not None:
            self._marks.add(MarkKind.PAUSED, None, self._paused_at, position)
            self._paused_at = None

    def _note_damage(self, channel: int, position: int, end: int) -> None:
        """The channel is known again from `position` to `end`."""
        begun = self._damaged_from[channel]
        if begun is not None:
            self._marks.add(MarkKind.DAMAGED, channel, begun, position)
            self._damaged_from[channel] = None
        self._known_until[channel] = end

    def _add_audio(self, record: SpoolRecord) -> None:
        channel, position, payload = record.channel, record.position, record.payload
        end = position + len(payload)
        self._note_damage(channel, position, end)
        run = self._runs[channel]
        if position != run.end or record.codec is not run.codec or end - run.position > _LONGEST_RUN_SAMPLES:
            self._place_run(channel)
            run.position = position
            run.codec = record.codec
        run.payloads.append(payload)
        run.end = end

    def _place_run(self, channel: int) -> None:
        """Decodes what waits of a channel into the window, which is moved on first where it ends too early."""
        run = self._runs[channel]
        if not run.payloads:
            return
        payload = b"".join(run.payloads)
        run.payloads = []
        if run.end > self._base + WINDOW_SAMPLES:
            self._move_past((run.end - WINDOW_SAMPLES // 2) // FRAME_SAMPLES * FRAME_SAMPLES)
        too_late = min(max(self._base - run.position, 0), len(payload))
        self.lost_samples += too_late
        self._marks.add(MarkKind.LATE, channel, run.position, run.position + too_late)
        at = _MARGIN + run.position + too_late - self._base
        decode_into(payload[too_late:], run.codec, self._window[channel, at : at + len(payload) - too_late])
        self._end = max(self._end, run.end)

    def _move_past(self, position: int) -> None:
        """Moves the window on to `position`; what waits of a channel that fell silent before it is placed first."""
        for channel, run in enumerate(self._runs):
            if run.payloads and run.position < position:
                self._move_to(run.position // FRAME_SAMPLES * FRAME_SAMPLES)
                self._place_run(channel)
        self._move_to(position)

    def _move_to(self, position: int) -> None:
        """Hands everything before `position` to the sink, a window at a time."""
        self._conceal(position)
        while self._base < position:
            n_samples = min(position - self._base, WINDOW_SAMPLES)
            self._sink(self._window[:, _MARGIN : _MARGIN + n_samples])
            self._window[:, :-n_samples] = self._window[:, n_samples:].copy()
            self._window[:, -n_samples:] = 0
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
            n_filled = self._fill(channel, start, end, n_faded=start - faded_from[1])
            self._marks.add(MarkKind.CONCEALED, channel, start, start + n_filled)
            self._marks.add(MarkKind.LOST, channel, start + n_filled, end)

    def _fill(self, channel: int, start: int, end: int, n_faded: int) -> int:
        """Conceals what is lost from `start` on, as far as there is something to repeat; says how many samples."""
        first = start - n_faded
        n_samples = min(end - first, CONCEAL_SAMPLES) - n_faded
        at = _MARGIN + start - self._base
        source = _MARGIN + first - self._base - FRAME_SAMPLES
        if n_samples <= 0 or source < 0 or at + n_samples > self._window.shape[1]:
            return 0
        index = np.arange(n_faded, n_faded + n_samples)
        repeated = self._window[channel, source + index % FRAME_SAMPLES].astype(np.float32)
        fade = 1.0 - index / CONCEAL_SAMPLES
        self._window[channel, at : at + n_samples] = np.rint(repeated * fade).astype(np.int16)
        return n_samples
