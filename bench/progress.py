"""CPU time of listening: one 20 ms frame through each detector, and how many calls a core can listen to."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import dialer.simulator
from bench.row import BenchRow
from dialer.media.meter import NativeMeter
from dialer.model.announcement import AnnouncementMeaning
from dialer.progress.amd import AmdConfig, AmdDetector
from dialer.progress.announcements import AnnouncementLibrary, LibraryEntry
from dialer.progress.beep import BeepDetector
from dialer.progress.early_media import EarlyMediaDetector
from dialer.progress.fingerprint import WIDTH, Fingerprint
from dialer.progress.frames import FRAME_BYTES, FRAME_MS
from dialer.prompts.audio import read_audio

RUNS = 5
MICROSECONDS = 1e6
BUDGET_US = 60.0
"""Three thousandths of real time: 300 calls listened to at once on a core, each for its first few seconds."""
CLIP = Path(dialer.simulator.__file__).parent / "voices" / "machine_zh_personal.flac"
N_ANNOUNCEMENTS, ANNOUNCEMENT_S = 200, 10
ROWS_ALIKE = 5
"""Rows change about as fast as in speech."""
PATIENT = AmdConfig(lost_person_cost_s=1e9, patient=True, give_up_after_ms=600_000)
"""Never decides, so that every frame costs what it costs."""


def run() -> list[BenchRow]:
    """The rows of this module."""
    pcm = read_audio(CLIP)[: -2 * 8 * 1100]  # without the beep at the end
    frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]
    anchor = "webrtcvad alone 6 µs; silero 900 µs"
    amd_us = _per_frame_us(lambda: AmdDetector(PATIENT, meter=NativeMeter()).feed, frames)
    note = f"{FRAME_MS * 1000 / amd_us:.0f} calls a core"
    python_us = _per_frame_us(lambda: AmdDetector(PATIENT).feed, frames)
    beep_us = _per_frame_us(lambda: BeepDetector(meter=NativeMeter()).feed, frames)
    early_us = _per_frame_us(lambda: EarlyMediaDetector(meter=NativeMeter()).feed, frames)
    return [
        BenchRow("AMD, a 20 ms frame of speech", amd_us, "µs", BUDGET_US, anchor, note),
        BenchRow("the same, measured in Python", python_us, "µs", BUDGET_US),
        BenchRow("beep, a 20 ms frame of speech", beep_us, "µs", BUDGET_US),
        BenchRow("early media, a frame", early_us, "µs", BUDGET_US),
        BenchRow("200 known announcements, a frame of speech", _announcements_us(frames), "µs", BUDGET_US),
    ]


def _announcements_us(frames: list[bytes]) -> float:
    """A library of as many different sounds, of ten seconds each; none of them is what is heard."""
    chance = np.random.default_rng(1)
    meanings = list(AnnouncementMeaning)
    entries = []
    for number in range(N_ANNOUNCEMENTS):
        rows = chance.integers(-100, 101, (ANNOUNCEMENT_S * 1000 // FRAME_MS // ROWS_ALIKE, WIDTH))
        slow = np.repeat(rows, ROWS_ALIKE, axis=0).astype(np.int8)
        entries.append(LibraryEntry(number, str(number), meanings[number % len(meanings)], Fingerprint(slow)))
    library = AnnouncementLibrary(entries)
    return _per_frame_us(lambda: library.matcher().feed, frames)


def _per_frame_us(make: Callable[[], Callable[[bytes], object]], frames: list[bytes]) -> float:
    """Median over the runs of the mean CPU time of a frame."""
    means = []
    for _ in range(RUNS):
        feed = make()
        started = time.process_time()
        for frame in frames:
            feed(frame)
        means.append((time.process_time() - started) / len(frames) * MICROSECONDS)
    return statistics.median(means)
