"""Fingerprints: the same rows however audio comes in, kept as bytes, and clusters of the same announcement."""

import numpy as np
import pytest

from dialer.media.interface import Codec
from dialer.progress.clusters import likeness, nearest
from dialer.progress.fingerprint import MAX_LENGTH_S, WIDTH, Fingerprint, FingerprintStream, fingerprint_of, weighted
from dialer.progress.frames import FRAME_BYTES, FRAME_MS
from dialer.prompts.signals import silence, tone
from tests.support.announcements import TITLES, companded, lossy, louder, noisy, recording

OFF, SUSPENDED = "powered_off", "suspended"


@pytest.mark.parametrize("n_frames", [1, 3, 5, 8, 50])
def test_rows_do_not_depend_on_how_audio_comes_in(n_frames: int) -> None:
    pcm = recording("busy")[: 200 * FRAME_BYTES]
    stream, size = FingerprintStream(), n_frames * FRAME_BYTES
    pieces = np.concatenate([stream.feed(pcm[at : at + size]) for at in range(0, len(pcm), size)])
    whole = FingerprintStream().feed(pcm)
    assert pieces.shape == (200, WIDTH)
    assert np.abs(pieces.astype(int) - whole).max() <= 1  # float sums in another order


def test_no_audio_has_no_rows() -> None:
    assert FingerprintStream().feed(b"").shape == (0, WIDTH)
    assert fingerprint_of(b"").length_ms == 0


def test_silence_around_a_recording_is_left_out() -> None:
    plain, padded = fingerprint_of(recording("busy")), fingerprint_of(silence(3000) + recording("busy") + silence(2000))
    assert abs(padded.length_ms - plain.length_ms) <= 2 * FRAME_MS
    assert likeness(plain, padded) > 0.99


def test_silence_and_steady_tones_say_nothing() -> None:
    assert fingerprint_of(silence(3000)).length_ms == 0
    assert fingerprint_of(tone((450.0,), 3000)).active_ms < 400


def test_what_is_too_long_is_cut() -> None:
    long = recording("busy") * 14
    assert len(long) > MAX_LENGTH_S * 16_000
    assert MAX_LENGTH_S * 900 < fingerprint_of(long).length_ms <= MAX_LENGTH_S * 1000


def test_bytes_are_the_whole_fingerprint() -> None:
    made = fingerprint_of(recording("busy"))
    again = Fingerprint.from_bytes(made.to_bytes())
    assert (again.rows == made.rows).all()
    assert len(made.to_bytes()) == 4 + made.length_ms // FRAME_MS * WIDTH
    assert weighted(again.rows).dtype == np.float32


@pytest.mark.parametrize(
    "stored", [b"", b"AFP", b"AFP\x02" + bytes(WIDTH), b"AFP\x01" + bytes(WIDTH + 1), b"AFP\x01" + bytes(WIDTH * 3001)]
)
def test_other_bytes_are_refused(stored: bytes) -> None:
    with pytest.raises(ValueError, match="not a fingerprint"):
        Fingerprint.from_bytes(stored)


@pytest.mark.parametrize("title", TITLES)
def test_copies_are_the_same_announcement(title: str) -> None:
    made = fingerprint_of(recording(title))
    for copy in (
        companded(louder(recording(title), -20), Codec.PCMU),
        noisy(recording(title), 12),
        lossy(recording(title), 0.05, repeat=True),
        recording(title)[: len(recording(title)) * 3 // 4 // 2 * 2],
    ):
        assert nearest(fingerprint_of(copy), [(7, made)]) == 7


def test_no_two_announcements_are_the_same() -> None:
    """They begin alike, and two differ in one syllable only."""
    made = {title: fingerprint_of(recording(title)) for title in TITLES}
    for title in TITLES:
        others = [(n, made[other]) for n, other in enumerate(TITLES) if other != title]
        assert nearest(made[title], others) is None
    assert likeness(made[OFF], made[SUSPENDED]) == 0.0


def test_the_nearest_of_several_is_found() -> None:
    made = fingerprint_of(recording(OFF))
    worse = fingerprint_of(noisy(recording(OFF), 12))
    assert nearest(made, [(1, worse), (2, made), (3, worse)]) == 2
    assert nearest(made, []) is None


def test_what_is_too_short_is_like_nothing() -> None:
    short = fingerprint_of(recording("busy")[: 16 * 900])
    assert likeness(short, short) == 0.0
