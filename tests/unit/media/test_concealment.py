"""Lost packets: the last pitch goes on and fades."""

import numpy as np

from dialer.media.concealment import FADED, FULL, Concealer, Samples


def voice(period: int, n_samples: int) -> Samples:
    """A pulse train with a tail: a voice of this pitch, roughly."""
    return (6000 >> np.minimum(np.arange(n_samples) % period // 4, 12)).astype(np.int16)


def after(heard: Samples, n_samples: int) -> Samples:
    """What is heard in place of the next samples."""
    concealer = Concealer()
    concealer.heard(heard)
    return concealer.fill(n_samples)


def test_a_voice_goes_on_in_its_pitch() -> None:
    whole = voice(67, 480)
    assert after(whole[:320], FULL).tolist() == whole[320:].tolist()


def test_it_fades_out() -> None:
    filled = after(np.full(320, 8000, dtype=np.int16), 500)
    assert set(filled[:FULL].tolist()) == {8000}
    assert filled[[320, FADED - 1, FADED]].tolist() == [4000, 25, 0]


def test_a_gap_in_parts_is_one_gap() -> None:
    concealer = Concealer()
    concealer.heard(voice(80, 320))
    parts = np.concatenate([concealer.fill(160) for _ in range(3)])
    assert parts.tolist() == after(voice(80, 320), 480).tolist()


def test_nothing_is_repeated_across_silence() -> None:
    concealer = Concealer()
    concealer.heard(voice(80, 320))
    concealer.silent()
    assert not concealer.fill(160).any()
    concealer.heard(voice(80, 320))
    assert concealer.fill(160).any()


def test_before_anything_was_heard_it_is_silent() -> None:
    assert not Concealer().fill(320).any()
