"""For tests of announcements: the simulator's recordings, and what lines do to them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dialer.media.g711 import decode, encode, samples_of
from dialer.media.interface import Codec
from dialer.model.announcement import AnnouncementMeaning
from dialer.progress.announcements import AnnouncementMatcher, LibraryEntry, Match
from dialer.progress.fingerprint import fingerprint_of
from dialer.progress.frames import FRAME_BYTES, FRAME_SAMPLES
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import silence
from dialer.simulator.voices import VOICES_DIR

Samples = NDArray[np.float64]

MEANINGS = {
    "busy": AnnouncementMeaning.BUSY,
    "empty_number": AnnouncementMeaning.EMPTY_NUMBER,
    "powered_off": AnnouncementMeaning.POWERED_OFF,
    "suspended": AnnouncementMeaning.SUSPENDED,
    "unreachable": AnnouncementMeaning.UNREACHABLE,
}
TITLES = tuple(MEANINGS)


def recording(title: str) -> bytes:
    """An announcement of the simulated carrier."""
    return read_audio(VOICES_DIR / f"announcement_{title}.flac")


def entry(number: int, title: str, pcm: bytes | None = None, *, in_complete_set: bool = False) -> LibraryEntry:
    fingerprint = fingerprint_of(pcm or recording(title))
    return LibraryEntry(number, title, MEANINGS[title], fingerprint, in_complete_set)


def entries(*, in_complete_set: bool = True) -> list[LibraryEntry]:
    """All announcements of the simulated carrier but its mailbox."""
    return [entry(number, title, in_complete_set=in_complete_set) for number, title in enumerate(TITLES, 1)]


def listen(matcher: AnnouncementMatcher, pcm: bytes) -> list[Match]:
    """All matches in a recording and the second of silence after it."""
    heard = pcm + silence(1000)
    whole = len(heard) // FRAME_BYTES * FRAME_BYTES
    return [match for at in range(0, whole, FRAME_BYTES) if (match := matcher.feed(heard[at : at + FRAME_BYTES]))]


def changed(pcm: bytes, change: Callable[[Samples], Samples]) -> bytes:
    """A recording whose samples were changed."""
    samples = change(np.frombuffer(pcm, dtype="<i2").astype(np.float64))
    return np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()


def louder(pcm: bytes, gain_db: float) -> bytes:
    return changed(pcm, lambda samples: samples * 10 ** (gain_db / 20))


def noisy(pcm: bytes, snr_db: float, seed: int = 1) -> bytes:
    def add(samples: Samples) -> Samples:
        spoken = samples[np.abs(samples) > np.abs(samples).max() / 20]
        deviation = np.sqrt(np.mean(spoken**2)) * 10 ** (-snr_db / 20)
        return samples + np.random.default_rng(seed).normal(0, deviation, samples.size)

    return changed(pcm, add)


def lossy(pcm: bytes, share: float, *, repeat: bool, seed: int = 1) -> bytes:
    """Packets of 20 ms are lost and left silent, or filled with the one before."""

    def lose(samples: Samples) -> Samples:
        frames = samples[: samples.size // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES).copy()
        for lost in np.flatnonzero(np.random.default_rng(seed).random(len(frames)) < share):
            frames[lost] = frames[lost - 1] if repeat and lost else 0
        return frames.ravel()

    return changed(pcm, lose)


def companded(pcm: bytes, codec: Codec) -> bytes:
    """Through G.711 and back."""
    return decode(encode(samples_of(pcm), codec), codec).tobytes()
