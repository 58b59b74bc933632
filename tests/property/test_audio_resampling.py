"""However a file is cut into blocks, the telephone hears the same samples."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.prompts.audio import RATE_HZ, Resampler, Samples, resample

rates_hz = st.one_of(st.sampled_from([4000, 8000, 11_025, 16_000, 44_100, 48_000]), st.integers(4000, 50_000))


@settings(max_examples=25, deadline=None)
@given(rates_hz, st.floats(0, 4.5), st.lists(st.integers(1, 60_000), min_size=1, max_size=8), st.integers(0, 99))
def test_blocks_of_any_size_give_the_same_samples(rate_hz: int, seconds: float, sizes: list[int], seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, int(seconds * rate_hz)).astype(np.float32)
    resampler, at = Resampler(rate_hz), 0
    heard: list[Samples] = []
    while at < samples.size:
        size = sizes[len(heard) % len(sizes)]
        heard.append(resampler.feed(samples[at : at + size]))
        at += size
    heard.append(resampler.flush())
    in_blocks, at_once = np.concatenate(heard), resample(samples, rate_hz)
    assert np.array_equal(in_blocks, at_once)
    assert in_blocks.size == -(-samples.size * RATE_HZ // rate_hz)
