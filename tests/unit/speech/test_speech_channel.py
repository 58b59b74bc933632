"""The simulated telephone channel and what is heard behind a voice."""

import io

import numpy as np
import pytest
import soundfile
from speech.channel import (
    Channel,
    coded_wav,
    draw_channel,
    draw_losses,
    in_room,
    muted_between,
    pass_through,
    through_gsm,
    with_losses,
)
from speech.noises import NOISES, noise
from speech.sound import FRAME, RATE_HZ, Samples, active_level, band_pass, dbfs, n_samples, rms, sine, spoken_bounds

SECOND = RATE_HZ


def burst(at_ms: float, length_ms: float) -> Samples:
    """A second of silence with a tone in it."""
    track = np.zeros(SECOND, dtype=np.float32)
    at = n_samples(at_ms)
    track[at : at + n_samples(length_ms)] = 0.5 * sine(800, n_samples(length_ms))
    return track


def test_an_utterance_ends_where_it_is_35_db_below_its_peak() -> None:
    track = burst(200, 300)
    track[n_samples(600) : n_samples(700)] = 0.5 * 10 ** (-36 / 20)  # too soft to count
    first, last = spoken_bounds(track)
    assert abs(first - n_samples(200)) <= 8
    assert abs(last - n_samples(500)) <= 8
    assert spoken_bounds(np.zeros(10, dtype=np.float32)) == (0, 0)


def test_active_level_leaves_the_pauses_out() -> None:
    assert dbfs(active_level(burst(200, 300))) == pytest.approx(dbfs(0.5 / np.sqrt(2)), abs=0.3)


@pytest.mark.parametrize(("hz", "kept"), [(60, False), (200, False), (500, True), (3000, True), (3800, False)])
def test_telephone_band(hz: float, kept: bool) -> None:
    level = rms(band_pass(sine(hz, SECOND), 300, 3400))
    assert (level > 0.6) if kept else (level < 0.08)


def test_gsm_keeps_length_and_place() -> None:
    track = burst(300, 200)
    heard = through_gsm(track)
    assert heard.size == track.size
    first, last = spoken_bounds(np.where(np.abs(heard) > 0.1, heard, 0).astype(np.float32))
    assert abs(first - n_samples(300)) <= FRAME
    assert abs(last - n_samples(500)) <= FRAME


def test_lost_frames_are_zero_or_the_last_again() -> None:
    track = np.arange(5 * FRAME, dtype=np.float32)
    zeroed = with_losses(track, (2,), conceal=False)
    assert not zeroed[2 * FRAME : 3 * FRAME].any()
    assert np.array_equal(zeroed[3 * FRAME :], track[3 * FRAME :])
    concealed = with_losses(track, (2, 3), conceal=True)
    assert np.allclose(concealed[2 * FRAME : 3 * FRAME], 0.8 * track[FRAME : 2 * FRAME])
    assert np.allclose(concealed[3 * FRAME : 4 * FRAME], 0.64 * track[FRAME : 2 * FRAME])


def test_losses_come_in_bursts_of_the_wanted_share() -> None:
    lost = draw_losses(np.random.default_rng(1), 100_000)
    assert 0.005 < len(lost) / 100_000 < 0.08
    assert len(set(lost)) == len(lost)


def test_discontinuous_transmission_mutes_what_is_soft() -> None:
    track = burst(200, 300) + np.float32(0.001)
    heard = muted_between(track, 30)
    assert not heard[: n_samples(180)].any()
    assert not heard[n_samples(600) :].any()
    assert np.array_equal(heard[n_samples(200) : n_samples(500)], track[n_samples(200) : n_samples(500)])


def test_a_room_goes_on_after_the_voice() -> None:
    heard = in_room(burst(200, 300), 0.4, 0.5, np.random.default_rng(2))
    assert rms(heard[n_samples(520) : n_samples(600)]) > 0.01
    assert not np.abs(heard[: n_samples(199)]).max() > 1e-4


def test_a_perfect_channel_changes_nothing() -> None:
    track = burst(200, 300)
    heard = pass_through(track, np.zeros_like(track), Channel(), np.random.default_rng(3))
    assert np.array_equal(heard, track)
    assert Channel().impairments() == ""


def test_impairments_are_named() -> None:
    channel = Channel(gsm=True, reverb_s=0.2, lost_frames=(1, 2), conceal=True, dc=-30, band_hz=(300, 3400))
    assert channel.impairments() == "reverb bp300-3400 gsm loss-plc:2 dc:-30"


def test_channels_differ_and_are_the_same_for_the_same_seed() -> None:
    drawn = [draw_channel(np.random.default_rng(seed), SECOND) for seed in range(40)]
    assert drawn == [draw_channel(np.random.default_rng(seed), SECOND) for seed in range(40)]
    assert len({channel.impairments() for channel in drawn}) > 15


@pytest.mark.parametrize("codec", ["alaw", "ulaw"])
def test_files_are_g711(codec: str) -> None:
    wav = coded_wav(burst(200, 300) * 3, codec)
    info = soundfile.info(io.BytesIO(wav))
    assert (info.subtype, info.samplerate, info.frames) == (codec.upper(), RATE_HZ, SECOND)


@pytest.mark.parametrize("name", NOISES)
def test_noises_have_a_level_of_one_and_differ_by_seed(name: str) -> None:
    voices = [burst(100, 500), burst(200, 700)]
    made = noise(name, 2 * SECOND, np.random.default_rng(4), voices)
    assert rms(made) == pytest.approx(1.0, abs=0.01)
    assert np.array_equal(made, noise(name, 2 * SECOND, np.random.default_rng(4), voices))
    assert not np.array_equal(made, noise(name, 2 * SECOND, np.random.default_rng(5), voices))
