"""Whatever is heard, the detectors answer in order, at most once, and never fail."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.progress.amd import AmdDetector
from dialer.progress.beep import BeepDetector, BeepEventKind
from dialer.progress.early_media import EarlyMediaDetector
from dialer.progress.frames import FRAME_BYTES, FRAME_MS
from dialer.progress.verdict import Label
from dialer.prompts.signals import silence, tone


def noise(seed: int, length_ms: int, level_dbfs: float) -> bytes:
    samples = np.random.default_rng(seed).normal(0, 32768 * 10 ** (level_dbfs / 20), length_ms * 8)
    return bytes(samples.clip(-32768, 32767).astype("<i2").tobytes())


lengths_ms = st.integers(20, 1500)
levels_dbfs = st.floats(-60, 0)
sounds = st.one_of(
    lengths_ms.map(silence),
    st.builds(tone, st.lists(st.floats(50, 3900), min_size=1, max_size=3).map(tuple), lengths_ms, levels_dbfs),
    st.builds(noise, st.integers(0, 99), lengths_ms, levels_dbfs),
    st.binary(max_size=4000),
    st.builds(lambda sample, n: sample * n, st.binary(min_size=2, max_size=2), st.integers(1, 8000)),
)
calls = st.lists(sounds, max_size=8).map(b"".join)


def frames(pcm: bytes) -> list[bytes]:
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]


@settings(max_examples=60, deadline=None)
@given(calls)
def test_one_verdict_a_call_and_its_times_are_in_order(pcm: bytes) -> None:
    detector = AmdDetector()
    given_at = [(n * FRAME_MS, verdict) for n, frame in enumerate(frames(pcm), 1) if (verdict := detector.feed(frame))]
    flushed = detector.flush()
    verdicts = [verdict for _, verdict in given_at] + ([flushed] if flushed else [])
    (verdict,) = verdicts
    assert all(at == verdict.decided_ms for at, _ in given_at), "decided when it was told, not in hindsight"
    assert verdict.label in (Label.HUMAN, Label.MACHINE, Label.SILENCE, Label.FAX, Label.UNKNOWN)
    assert 0 <= verdict.confidence <= 1
    times = (verdict.first_speech_ms, verdict.greeting_end_ms, verdict.beep_ms)
    assert all(at is None or 0 <= at <= verdict.decided_ms for at in times)
    if verdict.first_speech_ms is not None and verdict.greeting_end_ms is not None:
        assert verdict.first_speech_ms < verdict.greeting_end_ms


@settings(max_examples=40, deadline=None)
@given(calls)
def test_early_media_never_says_the_same_twice_in_a_row(pcm: bytes) -> None:
    detector = EarlyMediaDetector()
    verdicts = [verdict for frame in frames(pcm) if (verdict := detector.feed(frame))]
    flushed = detector.flush()
    labels = [verdict.label for verdict in verdicts]
    assert all(one is not other for one, other in pairwise(labels))
    assert (flushed is None) == bool(labels)


@settings(max_examples=40, deadline=None)
@given(calls)
def test_a_message_starts_at_most_once_and_never_before_its_beep(pcm: bytes) -> None:
    detector = BeepDetector()
    events = [event for frame in frames(pcm) if (event := detector.feed(frame))]
    kinds = [event.kind for event in events]
    assert kinds in (
        [],
        [BeepEventKind.FOUND],
        [BeepEventKind.FOUND, BeepEventKind.READY],
        [BeepEventKind.READY],
    )
    assert all(event.beep_ms is None or event.beep_ms < event.at_ms for event in events)
