"""The way from the mouth to our ear: room, handset, codecs and network, in that order.

A `Channel` says what happens on the way and `pass_through` lets it happen; `draw_channel` draws one. Only the drawing
and the noises within take chance, from the generator that is given. Nothing here moves a sound in time.
"""

import io
from dataclasses import dataclass, replace

import numpy as np
import soundfile

from speech.sound import FRAME, RATE_HZ, Samples, add_at, band_pass, convolved, gain, n_samples, sine

_FULL_SCALE = 32768.0
_GSM_FRAME = 320


@dataclass(frozen=True, slots=True)
class Channel:
    """What a call's sound goes through; None and 0 mean: not at all."""

    codec: str = "alaw"
    reverb_s: float = 0.0
    """Time in which the room's sound falls by 60 dB."""
    reverb_wet: float = 0.0
    dtx_db: float = 0.0
    """The handset mutes frames this far below the loudest."""
    band_hz: tuple[float, float] | None = None
    echo_ms: float = 0.0
    echo_db: float = 0.0
    comfort_dbfs: float | None = None
    click_at: int | None = None
    ring_tail_ms: float = 0.0
    ring_hz: float = 450.0
    dc: int = 0
    """Offset in steps of 16 bits."""
    gsm: bool = False
    lost_frames: tuple[int, ...] = ()
    conceal: bool = False
    """A lost frame is the last one again; else it is zero."""

    def impairments(self) -> str:
        """The words of the manifest."""
        words = {
            "reverb": self.reverb_s > 0,
            "echo": self.echo_ms > 0,
            "dtx": self.dtx_db > 0,
            "click": self.click_at is not None,
            "ringtail": self.ring_tail_ms > 0,
            "bp300-3400": self.band_hz is not None,
            "cn": self.comfort_dbfs is not None,
            "gsm": self.gsm,
        }
        said = [word for word, there in words.items() if there]
        if self.lost_frames:
            said.append(f"{'loss-plc' if self.conceal else 'loss'}:{len(self.lost_frames)}")
        if self.dc:
            said.append(f"dc:{self.dc}")
        return " ".join(said)


def draw_channel(rng: np.random.Generator, size: int) -> Channel:
    """A channel for a clip of `size` samples: two impairments in the mean, often none, sometimes many."""
    return _draw_line(_draw_handset(rng), rng, size)


def _draw_handset(rng: np.random.Generator) -> Channel:
    """What happens before the network."""
    channel = Channel()
    if rng.random() < 0.25:
        channel = replace(channel, reverb_s=rng.uniform(0.08, 0.7), reverb_wet=rng.uniform(0.1, 0.7))
    if rng.random() < 0.1:
        channel = replace(channel, dtx_db=rng.uniform(22, 45))
    if rng.random() < 0.65:
        channel = replace(channel, band_hz=(rng.uniform(180, 380), rng.uniform(2900, 3650)))
    if rng.random() < 0.12:
        channel = replace(channel, echo_ms=rng.uniform(30, 320), echo_db=rng.uniform(-32, -12))
    return channel


def _draw_line(channel: Channel, rng: np.random.Generator, size: int) -> Channel:
    """What the network does."""
    channel = replace(channel, codec="alaw" if rng.random() < 0.65 else "ulaw", gsm=bool(rng.random() < 0.25))
    if rng.random() < 0.75:
        channel = replace(channel, comfort_dbfs=rng.uniform(-75, -48))
    if rng.random() < 0.1:
        channel = replace(channel, click_at=n_samples(rng.uniform(0, 250)))
    if rng.random() < 0.1:
        ring_hz = float(rng.choice((425.0, 440.0, 450.0)))
        channel = replace(channel, ring_tail_ms=rng.uniform(30, 350), ring_hz=ring_hz)
    if rng.random() < 0.1:
        channel = replace(channel, dc=int(rng.integers(-500, 500)))
    if rng.random() < 0.2:
        channel = replace(channel, lost_frames=draw_losses(rng, size // FRAME), conceal=bool(rng.random() < 0.6))
    return channel


def draw_losses(rng: np.random.Generator, n_frames: int) -> tuple[int, ...]:
    """Frames lost in bursts: a chain of two states (Gilbert 1960), 1 to 6 % lost, bursts of one to four frames."""
    share, burst = rng.uniform(0.01, 0.06), rng.uniform(1.0, 4.0)
    leave = 1 / burst
    enter = share * leave / (1 - share)
    lost, bad = [], False
    for number, chance in enumerate(rng.random(n_frames)):
        bad = chance >= leave if bad else chance < enter
        if bad:
            lost.append(number)
    return tuple(lost)


def pass_through(speech: Samples, behind: Samples, channel: Channel, rng: np.random.Generator) -> Samples:
    """What is heard of `speech`, with the noise `behind` it, before the line's own codec (`coded_wav` is that)."""
    heard = speech if not channel.reverb_s else in_room(speech, channel.reverb_s, channel.reverb_wet, rng)
    heard = heard + behind
    if channel.dtx_db:
        heard = muted_between(heard, channel.dtx_db)
    if channel.band_hz is not None:
        heard = band_pass(heard, *channel.band_hz)
    if channel.echo_ms:
        delayed = np.zeros_like(heard)
        add_at(delayed, heard * gain(channel.echo_db), n_samples(channel.echo_ms))
        heard = heard + delayed
    heard = with_line_sounds(heard, channel, rng)
    if channel.gsm:
        heard = through_gsm(heard)
    if channel.lost_frames:
        heard = with_losses(heard, channel.lost_frames, conceal=channel.conceal)
    return np.asarray(heard + channel.dc / _FULL_SCALE, dtype=np.float32)


def in_room(dry: Samples, reverb_s: float, wet: float, rng: np.random.Generator) -> Samples:
    """The sound and what the walls send back: noise that dies away."""
    length = int(reverb_s * RATE_HZ)
    tail = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    tail[: n_samples(3)] = 0.0
    tail *= wet / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return convolved(dry, tail.astype(np.float32))


def muted_between(samples: Samples, below_db: float) -> Samples:
    """Discontinuous transmission: frames far below the loudest are not sent; two frames of hangover."""
    n_frames = samples.size // FRAME
    frames = samples[: n_frames * FRAME].reshape(n_frames, FRAME).copy()
    powers = np.mean(np.square(frames), axis=1)
    sent = powers > powers.max() * gain(-2 * below_db)
    sent[1:] |= sent[:-1].copy()
    sent[1:] |= sent[:-1].copy()
    frames[~sent] = 0.0
    return np.concatenate([frames.ravel(), samples[n_frames * FRAME :]])


def with_line_sounds(samples: Samples, channel: Channel, rng: np.random.Generator) -> Samples:
    """Comfort noise, the click of pick-up, and what is left of the ringing tone."""
    heard = samples.copy()
    if channel.comfort_dbfs is not None:
        heard += gain(channel.comfort_dbfs) * rng.standard_normal(samples.size, dtype=np.float32)
    if channel.click_at is not None:
        length = n_samples(rng.uniform(2, 14))
        click = rng.standard_normal(length) * np.exp(-np.arange(length) / 20) * rng.uniform(0.1, 0.7)
        add_at(heard, click.astype(np.float32), channel.click_at)
    if channel.ring_tail_ms:
        add_at(heard, rng.uniform(0.05, 0.25) * sine(channel.ring_hz, n_samples(channel.ring_tail_ms)), 0)
    return heard


def through_gsm(samples: Samples) -> Samples:
    """A round trip through GSM full rate (ETSI EN 300 961), as libsndfile codes it."""
    padded = np.zeros(-(-samples.size // _GSM_FRAME) * _GSM_FRAME, dtype=np.float32)
    padded[: samples.size] = np.clip(samples, -1, 1)
    coded = io.BytesIO()
    soundfile.write(coded, padded, RATE_HZ, format="WAV", subtype="GSM610")
    coded.seek(0)
    decoded, _ = soundfile.read(coded, dtype="float32")
    return np.asarray(decoded[: samples.size], dtype=np.float32)


def with_losses(samples: Samples, lost_frames: tuple[int, ...], *, conceal: bool) -> Samples:
    """Lost frames are zero, or the last frame again, a little softer each time."""
    heard = samples.copy()
    for number in lost_frames:
        at = number * FRAME
        if conceal and number:
            heard[at : at + FRAME] = 0.8 * heard[at - FRAME : at][: heard[at : at + FRAME].size]
        else:
            heard[at : at + FRAME] = 0.0
    return heard


def coded_wav(samples: Samples, codec: str) -> bytes:
    """A WAV file in A-law or u-law (ITU-T G.711); what is too loud is clipped."""
    wav = io.BytesIO()
    soundfile.write(wav, np.clip(samples, -1, 1), RATE_HZ, format="WAV", subtype=codec.upper())
    return wav.getvalue()
