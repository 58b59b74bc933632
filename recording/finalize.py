"""One pass over a recording's samples: the file for people, its waveform, and what is found by listening roughly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recording.flac import FlacWriter
from recording.marks import Mark
from recording.peaks import Peaks
from recording.spool import CHANNELS, RATE_HZ
from recording.spool_parts import SpoolParts
from recording.talk import TalkMeter, TalkShares
from recording.timeline import FRAME_SAMPLES, Sink, Timeline


@dataclass(frozen=True, slots=True)
class Laid:
    """What is known of audio that was handed over whole. `lost_samples` counts both channels."""

    n_samples: int
    lost_samples: int = 0
    truncated: bool = False
    marks: tuple[Mark, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length of the recording."""
        return self.n_samples / RATE_HZ

    @property
    def lost_ms(self) -> int:
        """Of both channels together."""
        return self.lost_samples * 1000 // RATE_HZ


Feed = Callable[[Sink], Laid]
"""Hands a recording's samples to a sink, in order, and says what they are."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one pass over the samples gave."""

    laid: Laid
    shares: TalkShares
    peaks: bytes


class _Ear:
    """Waveform and levels, in frames of 20 ms."""

    def __init__(self) -> None:
        self.peaks = Peaks()
        self.talk = TalkMeter()
        self._rest = np.empty((CHANNELS, 0), dtype=np.int16)

    def add(self, samples: NDArray[np.int16]) -> None:
        """The next samples of both channels, int16[2, n]."""
        if self._rest.shape[1]:
            samples = np.concatenate((self._rest, samples), axis=1)
        n_whole = samples.shape[1] // FRAME_SAMPLES * FRAME_SAMPLES
        self._rest = samples[:, n_whole:].copy()
        if n_whole:
            self._measure([channel[:n_whole].reshape(-1, FRAME_SAMPLES) for channel in samples])

    def finish(self) -> None:
        """Whatever is left is one more frame, the rest of it silence."""
        if self._rest.shape[1]:
            self._measure(list(np.pad(self._rest, ((0, 0), (0, FRAME_SAMPLES - self._rest.shape[1])))[:, None]))

    def _measure(self, frames: Sequence[NDArray[np.int16]]) -> None:
        """int16[n, 160] of each channel, not copied where they lie in one piece."""
        self.peaks.add(np.stack([each.min(axis=1) for each in frames]), np.stack([each.max(axis=1) for each in frames]))
        self.talk.add(np.stack([_mean_square(each) for each in frames]))


def _mean_square(frames: NDArray[np.int16]) -> NDArray[np.float32]:
    linear = frames.astype(np.float32)
    power: NDArray[np.float32] = np.einsum("fs,fs->f", linear, linear) / FRAME_SAMPLES
    return power


def write_audio(feed: Feed, audio: FlacWriter) -> Heard:
    """Takes all samples from `feed`; memory does not grow with their number. Raises what either side raises."""
    ear = _Ear()

    def sink(samples: NDArray[np.int16]) -> None:
        audio.write(samples)
        ear.add(samples)

    laid = feed(sink)
    audio.finish()
    ear.finish()
    return Heard(laid, ear.talk.shares(), ear.peaks.encode())


def lay_out(spool: SpoolParts, sink: Sink) -> Laid:
    """The samples of a spool, laid out in time."""
    timeline = Timeline(sink)
    skipped_bytes = 0
    for record in spool:
        if spool.skipped_bytes > skipped_bytes:
            skipped_bytes = spool.skipped_bytes
            timeline.damaged()
        timeline.add(record)
    if spool.skipped_bytes > skipped_bytes:
        timeline.damaged()
    n_samples = timeline.finish()
    return Laid(n_samples, timeline.lost_samples, spool.truncated, timeline.marks.marks())
