"""What else is heard in a room or on a line, computed: every noise is scaled to a level (RMS) of 1.

Chance comes in as a generator. Voices for babble and television come in as sounds.
"""

from collections.abc import Callable, Sequence

import numpy as np

from speech.sound import RATE_HZ, Samples, add_at, band_pass, faded, n_samples, rms, sine

VOICELESS = ("white", "pink", "car", "street", "hum", "wind", "clatter")
"""Noises without words."""
VOICED = ("babble", "tv")
"""Noises that are made of voices."""
NOISES = (*VOICELESS, "music", *VOICED)
_N_BABBLERS = (4, 9)
_TV_MUSIC = 0.25


def noise(name: str, size: int, rng: np.random.Generator, voices: Sequence[Samples] = ()) -> Samples:
    """`size` samples of the noise called `name`; `voices` is needed for babble and tv."""
    if name in VOICED:
        made = babble(size, rng, voices) if name == "babble" else television(size, rng, voices)
    else:
        made = _MAKERS[name](size, rng)
    return np.asarray(made / rms(made), dtype=np.float32)


def white(size: int, rng: np.random.Generator) -> Samples:
    """The same power at each frequency."""
    return rng.standard_normal(size, dtype=np.float32)


def coloured(size: int, rng: np.random.Generator, db_per_octave: float, from_hz: float = 40.0) -> Samples:
    """Noise whose power falls (or rises) evenly with the frequency."""
    spectrum = np.fft.rfft(rng.standard_normal(size))
    hz = np.maximum(np.fft.rfftfreq(size, 1 / RATE_HZ), from_hz)
    return np.asarray(np.fft.irfft(spectrum * hz ** (db_per_octave / 6.02), size), dtype=np.float32)


def swell(size: int, rng: np.random.Generator, period_ms: float, depth_db: float) -> Samples:
    """A gain that wanders, by `depth_db` either way, about as fast as `period_ms`."""
    n_points = max(2, int(size / n_samples(period_ms)) + 2)
    points = rng.uniform(-depth_db, depth_db, n_points)
    at = np.linspace(0, n_points - 1, size)
    return (10 ** (np.interp(at, np.arange(n_points), points) / 20)).astype(np.float32)


def pink(size: int, rng: np.random.Generator) -> Samples:
    """3 dB less an octave, as in most rooms."""
    return coloured(size, rng, -3.0)


def car(size: int, rng: np.random.Generator) -> Samples:
    """A low rumble and the harmonics of an engine."""
    rumble = coloured(size, rng, rng.uniform(-9.0, -5.0))
    hz = rng.uniform(25.0, 60.0)
    engine = np.sum([sine(hz * number, size, rng.uniform(0, 6.3)) / number for number in range(1, 9)], axis=0)
    return np.asarray(rumble / rms(rumble) + rng.uniform(0.1, 0.5) * engine / rms(engine), dtype=np.float32)


def street(size: int, rng: np.random.Generator) -> Samples:
    """Traffic that comes and goes, now and then a horn."""
    traffic = coloured(size, rng, -4.0) * swell(size, rng, 900, 7.0)
    traffic = np.asarray(traffic / rms(traffic), dtype=np.float32)
    for _ in range(rng.poisson(0.5 * size / RATE_HZ / 4)):
        hz, length = rng.uniform(300, 600), n_samples(rng.uniform(150, 700))
        horn = sum(sine(hz * ratio * number, length) / number for ratio in (1.0, 1.26) for number in (1, 2, 3, 4))
        add_at(traffic, faded(np.asarray(horn, dtype=np.float32), 20) * rng.uniform(0.2, 0.9), int(rng.integers(size)))
    return traffic


def hum(size: int, rng: np.random.Generator) -> Samples:
    """A mains hum with its harmonics and a fan behind it."""
    mains_hz = rng.choice((50.0, 60.0))
    tones = sum(sine(mains_hz * number, size, rng.uniform(0, 6.3)) * rng.uniform(0.2, 1) for number in range(1, 9))
    fan = coloured(size, rng, -3.0)
    return np.asarray(tones / rms(np.asarray(tones)) + rng.uniform(0.3, 1.5) * fan / rms(fan), dtype=np.float32)


def wind(size: int, rng: np.random.Generator) -> Samples:
    """Gusts on the microphone."""
    return np.asarray(coloured(size, rng, -8.0) * swell(size, rng, 350, 14.0), dtype=np.float32)


def clatter(size: int, rng: np.random.Generator) -> Samples:
    """Dishes, keys, typing: short knocks over a faint room."""
    made = pink(size, rng)
    made = np.asarray(made / rms(made), dtype=np.float32)
    for _ in range(rng.poisson(rng.uniform(1.0, 6.0) * size / RATE_HZ)):
        length = n_samples(rng.uniform(8, 90))
        decay = np.exp(-np.arange(length) / (length / rng.uniform(3, 8)))
        low_hz = rng.uniform(300, 1500)
        knock = band_pass((white(length, rng) * decay).astype(np.float32), low_hz, low_hz + rng.uniform(400, 2000))
        add_at(made, knock / max(rms(knock), 1e-6) * rng.uniform(1, 8), int(rng.integers(size)))
    return made


def music(size: int, rng: np.random.Generator) -> Samples:
    """A tune over chords, with a beat or without."""
    made = np.zeros(size, dtype=np.float32)
    beat, root_hz = n_samples(rng.uniform(220, 650)), rng.uniform(110, 260)
    scale = rng.choice(((0, 2, 4, 7, 9), (0, 3, 5, 7, 10)))
    for number, at in enumerate(range(0, size, beat)):
        step = int(rng.choice(scale)) + 12 * int(rng.integers(1, 3))
        add_at(made, _note(root_hz * 2 ** (step / 12), beat * int(rng.integers(1, 3)), rng), at)
        if number % 4 == 0:
            for step in (0, int(scale[2]), int(scale[3])):
                add_at(made, 0.5 * _note(root_hz * 2 ** (step / 12), 4 * beat, rng), at)
    if rng.random() < 0.5:
        hit = white(n_samples(60), rng) * np.exp(-np.arange(n_samples(60)) / 100).astype(np.float32)
        for at in range(0, size, beat):
            add_at(made, hit * rng.uniform(0.2, 0.8), at)
    return made


def babble(size: int, rng: np.random.Generator, voices: Sequence[Samples]) -> Samples:
    """Several voices at once, over and over."""
    made = np.zeros(size, dtype=np.float32)
    for _ in range(int(rng.integers(*_N_BABBLERS))):
        made += _talk(size, rng, voices) * rng.uniform(0.4, 1.0)
    return made


def television(size: int, rng: np.random.Generator, voices: Sequence[Samples]) -> Samples:
    """One voice after the other from a small loudspeaker, with music under it."""
    made = _talk(size, rng, voices)
    tune = music(size, rng)
    made = made / rms(made) + _TV_MUSIC * rng.uniform(0.2, 2.0) * tune / rms(tune)
    return band_pass(np.asarray(made, dtype=np.float32), 250, 3200, 200)


def _talk(size: int, rng: np.random.Generator, voices: Sequence[Samples]) -> Samples:
    made = np.zeros(size, dtype=np.float32)
    at = -int(rng.integers(RATE_HZ))
    while at < size:
        voice = voices[int(rng.integers(len(voices)))]
        add_at(made, voice / rms(voice), at)
        at += voice.size + n_samples(rng.uniform(50, 700))
    return made


def _note(hz: float, length: int, rng: np.random.Generator) -> Samples:
    """A plucked or held note: harmonics that fade."""
    made = np.zeros(length, dtype=np.float32)
    fade = np.exp(-np.arange(length) / (length * rng.uniform(0.2, 1.0))).astype(np.float32)
    for number in range(1, 6):
        if hz * number < RATE_HZ / 2:
            made += sine(hz * number, length) / number ** float(rng.uniform(1, 2))
    return faded(made * fade, 8)


_MAKERS: dict[str, Callable[[int, np.random.Generator], Samples]] = {
    "white": white,
    "pink": pink,
    "car": car,
    "street": street,
    "hum": hum,
    "wind": wind,
    "clatter": clatter,
    "music": music,
}
