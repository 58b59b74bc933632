"""The pool: dry speech of all texts by several voices, made once, as FLAC files with an index.

It is made once, or added to where something is missing. Which voice says what, how fast and how high depends on the
text alone, so a pool is the same each time.
"""

import csv
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from dialer.prompts.audio import resample
from speech.neural import KOKORO_RATE_HZ, PIPER_RATE_HZ, Kokoro, Piper
from speech.programs import espeak, flite
from speech.sound import Samples
from speech.texts import Split, Text, read_texts

INDEX = "index.csv"
_PEAK = 0.7

VOICES = {
    "cmn": {
        "k": "zf_xiaobei zm_yunxia zm_yunyang zf_xiaoni zf_xiaobei+zm_yunyang*0.6 zm_yunxia+zf_xiaobei*0.3",
        "e": "cmn+f1 cmn+f2 cmn+f3 cmn+f4 cmn+f5 cmn+m1 cmn+m2 cmn+m3 cmn+m4 cmn+m5 cmn+m6 cmn+m7 cmn+m8",
    },
    "en": {
        "k": "af_bella af_nova am_adam bm_lewis am_puck bf_alice af_bella+am_adam*0.5 bm_lewis+af_nova*0.4",
        "p": "joe",
        "e": "en-us+f1 en-us+f2 en-us+f3 en-us+f4 en-us+m1 en-us+m3 en-us+m6 en-gb+m1 en-gb+m2 en-gb+f2 en-gb+f5",
        "f": "rms kal16",
    },
}
"""By language and engine: k Kokoro, p Piper, e espeak-ng, f flite."""
HELD_OUT = frozenset({"k:zf_xiaoni", "k:am_puck", "k:bf_alice", "e:cmn+f3", "e:cmn+m7", "e:en-us+m6", "e:en-gb+f2"})
"""Voices that say nothing for training."""
_N_VOICES = {"k": 2, "p": 1, "e": 2, "f": 1}
_SHARE = {"p": 0.3, "f": 0.5}
"""Engines with one or two voices say only a share of the texts."""
_JOINED = frozenset({"digit", "concat_open", "concat_close", "human_second"})
"""Sections whose lines are put together with other lines of the same voice: more voices say them."""
_MORE_VOICES = {"k": 3, "e": 4}
_LONG_CHARS = {"cmn": 18, "en": 50}

Speak = Callable[[str, str, random.Random], tuple[NDArray[np.float32], int]]


@dataclass(frozen=True, slots=True)
class Utterance:
    """One part of one text by one voice; `file` lies in the pool's folder."""

    file: str
    voice: str
    language: str
    section: str
    place: int
    part: int
    split: str
    text: str


class Pool:
    """What is there to be said, by section, language and voice."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with (folder / INDEX).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        self.utterances = tuple(
            Utterance(**{**row, "place": int(row["place"]), "part": int(row["part"])})  # type: ignore[arg-type]
            for row in rows
        )

    def samples(self, utterance: Utterance, pace: float) -> Samples:
        """The utterance at 8 kHz, played `pace` times as fast (and as high)."""
        samples, rate_hz = soundfile.read(self._folder / utterance.file, dtype="float32")
        return resample(samples, round(rate_hz * pace / 50) * 50)  # a round rate keeps the resampler's ratio small


def make_pool(folder: Path, neural: Path | None) -> None:
    """Makes what is missing in the pool; voices that cannot speak here are named and left out."""
    folder.mkdir(parents=True, exist_ok=True)
    engines = available(neural)
    made = {said.file: said for said in Pool(folder).utterances} if (folder / INDEX).is_file() else {}
    plan = list(planned(set(engines)))
    known = {wanted.file: wanted for wanted in plan if made.get(wanted.file) == wanted}
    for wanted in plan:
        if wanted.file not in known:
            engine, _, voice = wanted.voice.partition(":")
            samples, rate_hz = engines[engine](wanted.text, voice, random.Random(wanted.file))
            samples = samples * (_PEAK / max(float(np.abs(samples).max(initial=0.0)), 1e-6))
            soundfile.write(folder / wanted.file, samples, rate_hz, format="FLAC", subtype="PCM_16")
            known[wanted.file] = wanted
            write_index(folder, sorted(known.values(), key=lambda said: said.file))


def available(neural: Path | None) -> dict[str, Speak]:
    """The engines that can speak on this machine. Raises SystemExit without espeak-ng, which everything needs."""
    if shutil.which("espeak-ng") is None:
        raise SystemExit("espeak-ng is not installed; on Debian and Ubuntu: apt-get install espeak-ng")
    engines: dict[str, Speak] = {"e": _espeak}
    if shutil.which("flite") is None:
        print("flite is not installed: its two English voices are left out")
    else:
        engines["f"] = lambda text, voice, rng: flite(text, voice, rng.uniform(0.85, 1.2))
    if neural is None:
        print("no folder for --neural: the voices of Kokoro and Piper are left out")
        return engines
    kokoro, piper = Kokoro(neural), Piper(neural)
    engines["k"] = lambda text, voice, rng: (kokoro.say(text, voice, rng.uniform(0.85, 1.3)), KOKORO_RATE_HZ)
    engines["p"] = lambda text, voice, rng: (piper.say(text, voice, rng.uniform(0.85, 1.25)), PIPER_RATE_HZ)
    return engines


def planned(engines: set[str]) -> Iterator[Utterance]:
    """Who says what, the cheap engines first; in a mixed order, so that a pool that was broken off is of use."""
    texts = read_texts()
    random.Random(0).shuffle(texts)
    for engine in sorted(engines, key="efpk".index):
        for text in texts:
            for voice in _cast(text, engine):
                yield from _lines(text, f"{engine}:{voice}")


def _cast(text: Text, engine: str) -> list[str]:
    """The voices of an engine that say a text: none that is held out for a text of the training."""
    voices = VOICES[text.language].get(engine, "").split()
    rng = random.Random(f"{engine} {text.language} {text.section} {text.place}")
    if text.section in _JOINED:
        heard = [voice for voice in voices if f"{engine}:{voice}" not in HELD_OUT][: _MORE_VOICES.get(engine, 0)]
        return heard + (_held(engine, voices) if text.split is not Split.TRAIN else [])
    if not voices or rng.random() >= _SHARE.get(engine, 1.0):
        return []
    if text.split is Split.TRAIN:
        voices = [voice for voice in voices if f"{engine}:{voice}" not in HELD_OUT]
    elif _held(engine, voices):  # one that was heard in training, one that was not
        voices = [rng.choice(voices), rng.choice(_held(engine, voices))]
    n_voices = 1 if engine == "k" and _is_long(text) else _N_VOICES[engine]
    return sorted(set(rng.sample(voices, min(len(voices), n_voices))))


def _is_long(text: Text) -> bool:
    """Too long for a slow engine to say it often."""
    return sum(len(part) for part in text.parts) > _LONG_CHARS[text.language]


def _held(engine: str, voices: list[str]) -> list[str]:
    return [voice for voice in voices if f"{engine}:{voice}" in HELD_OUT]


def _lines(text: Text, voice: str) -> Iterator[Utterance]:
    slug = "".join(letter if letter.isalnum() else "-" for letter in voice)
    split = text.split
    if split is None and voice in HELD_OUT:
        split = Split.VALID
    for number, part in enumerate(text.parts):
        file = f"{text.language}-{text.section}-{text.place:02}-{number}-{slug}.flac"
        held = split.value if split is not None else ""
        yield Utterance(file, voice, text.language, text.section, text.place, number, held, part)


def _espeak(text: str, voice: str, rng: random.Random) -> tuple[NDArray[np.float32], int]:
    slowest, fastest = (1.05, 1.75) if voice.startswith("cmn") else (0.8, 1.35)
    return espeak(text, voice, rng.uniform(slowest, fastest), rng.randint(25, 75))


def write_index(folder: Path, utterances: list[Utterance]) -> None:
    """Writes the index; a reader never sees half of it."""
    part = folder / f"{INDEX}.part"
    with part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Utterance)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(utterance) for utterance in utterances)
    part.replace(folder / INDEX)
