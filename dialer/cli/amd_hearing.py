"""What a live call would have made of a recording: 20 ms frames, one after the other, no look ahead.

Reading stops where a call would stop listening: at the verdict, on a machine at its beep, before the answer after the
longest time that a call may ring. So a recording of hours is answered at once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from dialer.progress.amd import AmdConfig, AmdDetector
from dialer.progress.beep import BeepDetector, BeepEventKind
from dialer.progress.early_media import EarlyMediaDetector
from dialer.progress.evaluation import FoundBeep
from dialer.progress.frames import FRAME_BYTES, FRAME_MS, FrameMeter
from dialer.progress.speech import SpeechTracker
from dialer.progress.tones import ToneTracker
from dialer.progress.verdict import Label, Verdict
from dialer.prompts.audio import AudioFile

EARLY_MEDIA_MAX_MS = 180_000
"""A proxy lets a call ring for little more than three minutes (timer C, RFC 3261 §16.6)."""
CHECKED_S = 300.0
"""So far a file is read after the verdict, to find out whether it is sound."""


@dataclass(frozen=True, slots=True)
class Listening:
    """How files are heard. `channel` counts from 0, None mixes all; `cost_s` is `AmdConfig.lost_person_cost_s`."""

    early_media: bool = False
    channel: int | None = 0
    cost_s: float | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """A verdict on one file; the label and `decided_ms` are those of a live call.

    Before the answer a verdict may replace another: `earlier` holds those that did not last. `until_ms` is how far the
    file was listened to.
    """

    verdict: Verdict
    earlier: tuple[Verdict, ...] = ()
    until_ms: int = 0


def hear(path: Path, listening: Listening) -> Heard:
    """Listens to a file as to a call. Raises InputError, naming the file."""
    with AudioFile(path, listening.channel) as audio:
        frames = frames_of(audio.pcm())
        heard = _before_the_answer(frames) if listening.early_media else _answered(frames, listening)
        audio.check(CHECKED_S)
        return heard


def first_beep(path: Path, channel: int | None) -> FoundBeep | None:
    """The first beep that a detector tells of which listens from the start. Raises InputError, naming the file."""
    detector = BeepDetector()
    with AudioFile(path, channel) as audio:
        for frame in frames_of(audio.pcm()):
            event = detector.feed(frame)
            if event is not None:
                return None if event.beep_ms is None else FoundBeep(event.beep_ms, event.at_ms)
    return None


def frames_of(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks of PCM as whole frames; what is left over at the end is dropped."""
    left = b""
    for block in blocks:
        left += block
        whole = len(left) - len(left) % FRAME_BYTES
        yield from (left[at : at + FRAME_BYTES] for at in range(0, whole, FRAME_BYTES))
        left = left[whole:]


def _answered(frames: Iterator[bytes], listening: Listening) -> Heard:
    detector = AmdDetector(None if listening.cost_s is None else AmdConfig(lost_person_cost_s=listening.cost_s))
    heard: list[bytes] = []
    for frame in frames:
        heard.append(frame)
        if detector.feed(frame) is not None:
            break
    verdict = detector.verdict or detector.flush()
    if verdict is None:
        raise AssertionError("a detector that gave no verdict gives one when flushed")
    until_ms = len(heard) * FRAME_MS
    if verdict.label is Label.MACHINE and verdict.beep_ms is None:
        return _with_the_rest(verdict, chain(heard, frames))
    return Heard(verdict, until_ms=until_ms)


def _with_the_rest(verdict: Verdict, frames: Iterable[bytes]) -> Heard:
    """Listens on from the verdict for the beep, as a call does, until the beep detector is content.

    And from the start for the end of the greeting.
    """
    beeps, meter, tones, speech = BeepDetector(), FrameMeter(), ToneTracker(), SpeechTracker()
    ends_ms: list[int | None] = []
    event = None
    for frame in frames:
        measured = meter.measure(frame)
        tones.feed(measured)
        speech.feed(measured, in_tone=tones.suspected)
        ends_ms.append(speech.end_ms if speech.heard else None)
        event = beeps.feed(frame) if measured.end_ms > verdict.decided_ms else None
        if event is not None:
            break
    until_ms = len(ends_ms) * FRAME_MS
    if event is not None and event.kind is BeepEventKind.GAVE_UP:
        return Heard(replace(verdict, greeting_end_ms=None), until_ms=until_ms)
    beep_ms = None if event is None or event.beep_ms is None else verdict.decided_ms + event.beep_ms
    if beep_ms is not None:
        ends_ms = ends_ms[: max(0, beep_ms // FRAME_MS - 1)]  # the frame before shares a window with the beep
    return Heard(replace(verdict, beep_ms=beep_ms, greeting_end_ms=ends_ms[-1] if ends_ms else None), until_ms=until_ms)


def _before_the_answer(frames: Iterator[bytes]) -> Heard:
    detector = EarlyMediaDetector()
    verdicts: list[Verdict] = []
    until_ms = 0
    for frame in islice(frames, EARLY_MEDIA_MAX_MS // FRAME_MS):
        until_ms += FRAME_MS
        verdict = detector.feed(frame)
        if verdict is not None:
            verdicts.append(verdict)
    verdict = detector.flush()
    if verdict is not None:
        verdicts.append(verdict)
    if not verdicts:
        raise AssertionError("a detector that gave no verdict gives one when flushed")
    return Heard(verdicts[-1], tuple(verdicts[:-1]), until_ms)
