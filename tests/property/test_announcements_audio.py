"""Whatever bytes come: fingerprints are made, kept and read back or refused; matchers go on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.progress.announcements import AnnouncementLibrary, matches_in
from dialer.progress.clusters import likeness
from dialer.progress.fingerprint import WIDTH, Fingerprint, fingerprint_of
from dialer.progress.frames import FRAME_BYTES
from tests.support.announcements import entries

LIBRARY = AnnouncementLibrary(entries())


@st.composite
def sounds(draw: st.DrawFn) -> bytes:
    """Up to four seconds of noise bursts, silence, full scale and direct current."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parts = []
    for _ in range(draw(st.integers(0, 8))):
        size = draw(st.integers(1, 4000))
        kind = draw(st.sampled_from(("noise", "silence", "loud", "steady")))
        level = draw(st.integers(1, 32767))
        noise = chance.integers(-level, level + 1, size)
        part = {"noise": noise, "silence": noise * 0, "loud": np.sign(noise) * 32767, "steady": noise * 0 + level}[kind]
        parts.append(part.astype("<i2"))
    return b"".join(part.tobytes() for part in parts)


@given(sounds())
def test_any_sound_has_a_fingerprint_that_is_like_itself(pcm: bytes) -> None:
    made = fingerprint_of(pcm)
    assert 0 <= made.length_ms <= len(pcm) / 16
    assert (Fingerprint.from_bytes(made.to_bytes()).rows == made.rows).all()
    assert likeness(made, made) == pytest.approx(1.0, abs=0.01) or likeness(made, made) == 0.0


@given(sounds())
def test_no_sound_stops_a_matcher_or_is_an_announcement(pcm: bytes) -> None:
    assert matches_in(LIBRARY, pcm[: len(pcm) // FRAME_BYTES * FRAME_BYTES]) == ()


@given(st.binary(max_size=8 * WIDTH))
def test_bytes_are_a_fingerprint_or_refused(stored: bytes) -> None:
    try:
        made = Fingerprint.from_bytes(stored)
    except ValueError:
        return
    assert made.to_bytes() == stored
