"""A picture of what was heard in a file: its wave and level, speech and tones in it, and the verdict with its reason.

Drawn without a screen, by matplotlib (the extra `plots`). What lies after the moment at which a call would have stopped
listening is greyed out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import groupby, islice
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from dialer.cli.amd_hearing import Heard, Listening, frames_of
from dialer.cli.pictures import drawable, fonts, new_figure, save_png
from dialer.progress.frames import FRAME_MS, FrameMeter
from dialer.progress.speech import SpeechTracker
from dialer.progress.tones import ToneTracker
from dialer.progress.verdict import Verdict
from dialer.prompts.audio import RATE_HZ, AudioFile

AFTERWARDS_MS = 2000
"""Shown of what comes after the last moment heard."""
_SHORTEST_S = 0.1
_BARS = 1200
"""Across the wave: about one a pixel."""
_FULL_SCALE = 32768.0
_SIZE_INCHES = (12.0, 5.5)
_QUIETEST_DBFS = -80.0
_SMALLEST_WAVE = 0.05
"""A quiet file is drawn larger, but not so far that its noise looks like a voice."""
_VERDICT, _MARK = "#c0392b", "#2c3e50"


class _Kind(Enum):
    SPEECH = "speech"
    TONE = "tone"


@dataclass(frozen=True, slots=True)
class _Picture:
    """What is drawn: samples of ±1, and per 20 ms frame its level and what it is, if anything."""

    samples: NDArray[np.float32]
    levels_dbfs: tuple[float, ...]
    kinds: tuple[_Kind | None, ...]

    @property
    def length_s(self) -> float:
        return len(self.levels_dbfs) * FRAME_MS / 1000


_COLORS = {_Kind.SPEECH: "#4c8dd6", _Kind.TONE: "#e8a33d"}


def draw(path: Path, heard: Heard, listening: Listening, target: Path) -> None:
    """Writes a PNG file. Raises InputError, naming the file that cannot be read or written."""
    picture = _measure(path, heard.until_ms + AFTERWARDS_MS, listening.channel)
    figure = new_figure(_SIZE_INCHES)
    wave, level = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _draw_wave(wave, picture)
    _draw_level(level, picture)
    for axes in (wave, level):
        axes.axvspan(heard.until_ms / 1000, max(picture.length_s, heard.until_ms / 1000), color="0.85", zorder=0)
        axes.set_xlim(0, max(picture.length_s, _SHORTEST_S))
        _mark(axes, heard)
    figure.legend(*wave.get_legend_handles_labels(), loc="outside lower center", ncols=8, fontsize=9)
    figure.suptitle(drawable(f"{path.name}\n{_sentence(heard.verdict)}"), family=fonts(), fontsize=11)
    save_png(figure, target)


def _measure(path: Path, until_ms: int, channel: int | None) -> _Picture:
    meter, tones, speech = FrameMeter(), ToneTracker(), SpeechTracker()
    pcm: list[bytes] = []
    levels_dbfs: list[float] = []
    kinds: list[_Kind | None] = []
    with AudioFile(path, channel) as audio:
        for frame_pcm in islice(frames_of(audio.pcm()), until_ms // FRAME_MS):
            pcm.append(frame_pcm)
            frame = meter.measure(frame_pcm)
            tones.feed(frame)
            levels_dbfs.append(frame.level_dbfs)
            kinds.append(_Kind.SPEECH if speech.feed(frame, in_tone=tones.suspected) else None)
            if tones.current is not None:  # certain only now, but a tone from its start on
                start = tones.current.start_ms // FRAME_MS
                kinds[start:] = [_Kind.TONE] * (len(kinds) - start)
    samples = np.frombuffer(b"".join(pcm), dtype="<i2").astype(np.float32) / _FULL_SCALE
    return _Picture(samples, tuple(levels_dbfs), tuple(kinds))


def _draw_wave(axes: Axes, picture: _Picture) -> None:
    per_bar = max(1, picture.samples.size // _BARS)
    bars = picture.samples[: picture.samples.size // per_bar * per_bar].reshape(-1, per_bar)
    at_s = np.arange(len(bars)) * per_bar / RATE_HZ
    axes.fill_between(at_s, bars.min(axis=1), bars.max(axis=1), color="0.35", linewidth=0.5)
    named: set[_Kind] = set()
    for kind, start_s, end_s in _spans(picture.kinds):
        name = None if kind in named else kind.value
        axes.axvspan(start_s, end_s, color=_COLORS[kind], alpha=0.3, linewidth=0, label=name)
        named.add(kind)
    loudest = max(_SMALLEST_WAVE, float(np.abs(picture.samples).max(initial=0.0)))
    axes.set_ylim(-loudest, loudest)
    axes.set_ylabel("wave")


def _draw_level(axes: Axes, picture: _Picture) -> None:
    at_s = (np.arange(len(picture.levels_dbfs)) + 0.5) * FRAME_MS / 1000
    axes.plot(at_s, picture.levels_dbfs, color="0.35", linewidth=1)
    axes.set_ylim(_QUIETEST_DBFS, 0)
    axes.set_ylabel("level (dBFS)")
    axes.set_xlabel("seconds from the start of the file")
    axes.grid(visible=True, axis="y", color="0.9")


def _mark(axes: Axes, heard: Heard) -> None:
    """The same lines in both parts; the first part's legend names them."""
    verdict = heard.verdict
    marks = (
        ("first speech", verdict.first_speech_ms, ":"),
        ("greeting's end", verdict.greeting_end_ms, "--"),
        ("beep", verdict.beep_ms, "-."),
    )
    for name, at_ms, style in marks:
        if at_ms is not None:
            axes.axvline(at_ms / 1000, color=_MARK, linestyle=style, linewidth=1.3, label=name)
    for earlier in heard.earlier:
        name = f"{earlier.label.value}, for a while"
        axes.axvline(earlier.decided_ms / 1000, color=_VERDICT, linestyle=":", linewidth=1.3, label=name)
    axes.axvline(verdict.decided_ms / 1000, color=_VERDICT, linewidth=2.2, label=f"verdict: {verdict.label.value}")


def _sentence(verdict: Verdict) -> str:
    kind = f"{verdict.label.value} ({verdict.subclass})" if verdict.subclass else verdict.label.value
    return f"{kind} at {verdict.decided_ms} ms, confidence {verdict.confidence:.2f}: {verdict.reason}"


def _spans(kinds: tuple[_Kind | None, ...]) -> Iterator[tuple[_Kind, float, float]]:
    """Every run of frames of one kind, with its start and end in seconds."""
    at = 0
    for kind, run in groupby(kinds):
        start, at = at, at + len(list(run))
        if kind is not None:
            yield kind, start * FRAME_MS / 1000, at * FRAME_MS / 1000
