"""What happens in a call after the answer, by class: who speaks when, and what must be known about it afterwards.

Times are drawn wider than real calls spread, so that nothing trained on the clips leans on one of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from speech.lines import Line, Lines
from speech.sound import (
    RATE_HZ,
    Samples,
    active_level,
    add_at,
    faded,
    gain,
    in_ms,
    n_samples,
    sine,
    spoken_bounds,
)

LONGEST_MS = 10_000
SHORTEST_MS = 6_000
_REPEAT_SHARE = 0.35
_FAX_HZ = (1100.0, 2100.0)
_BEEPS_HZ = (400, 425, 440, 480, 500, 550, 600, 620, 700, 750, 800, 850, 900, 950, 1000, 1200, 1300, 1400, 1600, 1800)


@dataclass(slots=True)
class Scene:
    """A call's own sound, without noise and channel, and the truth about it; times in ms from the answer."""

    label: str
    subclass: str
    longest_ms: int = LONGEST_MS
    language: str = ""
    voice: str = ""
    texts: list[str] = field(default_factory=list)
    track: Samples = field(default_factory=lambda: np.zeros(n_samples(LONGEST_MS), dtype=np.float32))
    level_dbfs: float = -20.0
    first_ms: int | None = None
    end_ms: int | None = None
    speech_ms: int | None = None
    beep_ms: int | None = None
    beep_hz: int | None = None
    last_ms: int = 0
    """End of the last sound of all."""
    notes: list[str] = field(default_factory=list)

    def say(self, samples: Samples, text: str, at_ms: float) -> None:
        """The next part of the greeting, its first spoken sample at `at_ms`."""
        start, end = self._put(samples, at_ms)
        self.first_ms = start if self.first_ms is None else self.first_ms
        self.end_ms = end
        self.speech_ms = (self.speech_ms or 0) + end - start
        self.texts.append(text)

    def say_again(self, samples: Samples, at_ms: float) -> None:
        """Speech after the greeting."""
        self._put(samples, at_ms)

    def beep(self, sound: Samples, hz: int, at_ms: float) -> None:
        """The machine's beep, if it still fits into the clip."""
        if at_ms < self.longest_ms - 100:
            add_at(self.track, sound, n_samples(at_ms))
            self.beep_ms, self.beep_hz = round(at_ms), hz
            self.last_ms = round(at_ms) + in_ms(sound.size)

    def finish(self, dur_ms: float) -> None:
        """Cuts the clip; a greeting that is longer ends with it."""
        dur_ms = min(round(dur_ms), self.longest_ms)
        self.track = self.track[: n_samples(dur_ms)]
        if self.end_ms is not None and self.end_ms >= dur_ms:
            self.speech_ms = (self.speech_ms or 0) - (self.end_ms - dur_ms)
            self.end_ms = dur_ms
            self.notes.append("truncated")

    def _put(self, samples: Samples, at_ms: float) -> tuple[int, int]:
        first, last = spoken_bounds(samples)
        at = n_samples(at_ms)
        add_at(self.track, faded(samples * gain(self.level_dbfs) / active_level(samples), 4), at - first)
        self.last_ms = max(self.last_ms, in_ms(at + last - first))
        return in_ms(at), in_ms(at + last - first)


class Stage:
    """Draws scenes from the lines of a set."""

    def __init__(self, lines: Lines, longest_ms: int = LONGEST_MS) -> None:
        self._lines = lines
        self._longest_ms = longest_ms

    def draw(self, label: str, subclass: str, rng: np.random.Generator) -> Scene:
        """One scene of a class."""
        make: dict[str, Callable[[str, np.random.Generator], Scene]] = {
            "human": self._human,
            "machine": self._machine,
            "silence": self._silence,
            "fax": self._fax,
        }
        return make[label](subclass, rng)

    def _human(self, subclass: str, rng: np.random.Generator) -> Scene:
        sections = {"short": ("human_short",), "normal": ("human_normal",), "business": ("human_business",)}
        among = sections.get(subclass, ("human_short", "human_short", "human_normal"))
        if subclass == "noisy":
            among = ("human_short", "human_normal", "human_business")
        scene, line, pace = self._cast("human", subclass, among[int(rng.integers(len(among)))], rng)
        late = subclass == "late"
        said = self._lines.samples(line[0], pace)
        scene.say(said, line[0].text, rng.uniform(1900, 4300) if late else _start_ms(rng))
        again = self._lines.draw(rng, "human_second", scene.language, scene.voice)
        if subclass == "two_utterances":
            second, text = (self._lines.samples(again[0], pace), again[0].text) if again else (said, line[0].text)
            scene.say(second, text, _end(scene) + rng.uniform(550, 3200))
        elif rng.random() < _REPEAT_SHARE:
            same = again is None or rng.random() < 0.6
            at_ms = _end(scene) + rng.uniform(1300, 4500)
            if at_ms < self._longest_ms - 500:
                scene.say_again(said if same or again is None else self._lines.samples(again[0], pace), at_ms)
                scene.notes.append(f"repeat@{round(at_ms)}")
        scene.finish(max(SHORTEST_MS, _end(scene) + rng.uniform(2600, 4800), scene.last_ms + 300))
        return scene

    def _machine(self, subclass: str, rng: np.random.Generator) -> Scene:
        if subclass == "concat":
            return self._concatenated(rng)
        section = {"short": "machine_short"}.get(subclass, subclass)
        scene, line, pace = self._cast("machine", subclass, section, rng)
        at_ms = _start_ms(rng)
        for part in line:
            scene.say(self._lines.samples(part, pace), part.text, at_ms)
            at_ms = _end(scene) + rng.uniform(300, 1500)
        if subclass in {"carrier", "assistant"} and rng.random() < 0.1 and at_ms < self._longest_ms - 2000:
            scene.say_again(self._lines.samples(line[0], pace), at_ms + 400)
            scene.notes.append(f"repeat@{round(at_ms + 400)}")
        if subclass == "assistant":
            scene.notes.append("then-listens")
        elif rng.random() < 0.8:
            self._beep(scene, rng)
        return _ended(scene, rng)

    def _concatenated(self, rng: np.random.Generator) -> Scene:
        """A prompt put together from recorded words: a number read out, or sentences one after the other."""
        scene, line, pace = self._cast("machine", "concat", "concat_open", rng)
        lines: list[Line | None]
        if rng.random() < 0.6:
            digits = [self._lines.draw(rng, "digit", scene.language, scene.voice) for _ in range(rng.integers(3, 9))]
            close = self._lines.draw(rng, "concat_close", scene.language, scene.voice)
            lines = [line, *digits, close]
        else:
            sections = rng.choice(("machine_short", "human_normal", "concat_open", "concat_close"), rng.integers(2, 5))
            lines = [line, *(self._lines.draw(rng, str(name), scene.language, scene.voice) for name in sections)]
        at_ms, gap_ms = _start_ms(rng), rng.uniform(20, 420)
        for said in lines:
            if said is not None:
                scene.say(self._lines.samples(said[0], pace), said[0].text, at_ms)
                at_ms = _end(scene) + gap_ms * rng.uniform(0.5, 1.6)
        if rng.random() < 0.5:
            self._beep(scene, rng)
        return _ended(scene, rng)

    def _cast(self, label: str, subclass: str, section: str, rng: np.random.Generator) -> tuple[Scene, Line, float]:
        language = self._lines.language(rng)
        line = self._lines.draw(rng, section, language)
        if line is None:
            raise SystemExit(f"the pool has no {section} in {language}; make it again")
        scene = Scene(
            label, subclass, self._longest_ms, language, line[0].voice, level_dbfs=float(rng.uniform(-36, -11))
        )
        return scene, line, self._lines.pace(rng)

    def _beep(self, scene: Scene, rng: np.random.Generator) -> None:
        hz = int(rng.choice(_BEEPS_HZ))
        if rng.random() < 0.4:
            hz = round(hz * rng.uniform(0.97, 1.03))
        size = n_samples(rng.uniform(130, 900))
        sound = sine(hz, size)
        if rng.random() < 0.08:
            sound = 0.5 * (sound + sine(hz * float(rng.uniform(1.2, 1.6)), size))
        level = gain(min(scene.level_dbfs + float(rng.uniform(-14, 6)), -6) + 3)
        scene.beep(faded(sound * level, 5), hz, scene.last_ms + rng.uniform(80, 2500))

    def _silence(self, subclass: str, rng: np.random.Generator) -> Scene:
        scene = Scene("silence", subclass, self._longest_ms, level_dbfs=float(rng.uniform(-65, -28)))
        if subclass == "clicks":
            for at in rng.integers(0, n_samples(SHORTEST_MS), rng.integers(1, 6)):
                click = rng.standard_normal(n_samples(rng.uniform(2, 25))) * gain(rng.uniform(-45, -12))
                add_at(scene.track, click.astype(np.float32), int(at))
        scene.finish(rng.uniform(SHORTEST_MS, LONGEST_MS))
        return scene

    def _fax(self, subclass: str, rng: np.random.Generator) -> Scene:
        """ITU-T T.30: the calling tone, or the answering tone and then V.21 flags."""
        scene = Scene("fax", subclass, self._longest_ms, level_dbfs=float(rng.uniform(-32, -10)))
        at_ms, dur_ms = float(rng.uniform(0, 2200)), float(rng.uniform(SHORTEST_MS, LONGEST_MS))
        scene.first_ms, amplitude = round(at_ms), gain(scene.level_dbfs) * np.sqrt(2)
        if subclass == "cng":
            hz = _FAX_HZ[0] + rng.uniform(-30, 30)
            for at in np.arange(at_ms, dur_ms, 500 + 3000 * rng.uniform(0.95, 1.05)):
                add_at(scene.track, faded(sine(hz, n_samples(500)), 4) * amplitude, n_samples(float(at)))
            scene.end_ms = round(dur_ms)
        else:
            answer = answer_tone(rng, modulated=subclass == "ansam")
            add_at(scene.track, answer * amplitude, n_samples(at_ms))
            scene.end_ms = round(min(at_ms + in_ms(answer.size), dur_ms))
            flags = v21_flags(n_samples(max(dur_ms - scene.end_ms - 75, 0)))
            add_at(scene.track, flags * amplitude, n_samples(scene.end_ms + 75))
        scene.finish(dur_ms)
        scene.notes.clear()
        return scene


def answer_tone(rng: np.random.Generator, *, modulated: bool) -> Samples:
    """CED (T.30), or ANSam (ITU-T V.8): 2100 Hz, turned round every 450 ms and swelling 15 times a second."""
    size = n_samples(rng.uniform(2600, 4000))
    tone = sine(_FAX_HZ[1] + rng.uniform(-12, 12), size)
    if modulated:
        turned = 1 - 2 * ((np.arange(size) // n_samples(450)) % 2)
        tone = np.asarray(tone * turned * (1 + 0.2 * sine(15, size)), dtype=np.float32)
    return faded(tone, 4)


def v21_flags(size: int) -> Samples:
    """Flags of HDLC at 300 bit/s, channel 2 of ITU-T V.21: 1650 Hz for a one, 1850 Hz for a zero."""
    bits = np.resize([0, 1, 1, 1, 1, 1, 1, 0], size * 300 // RATE_HZ + 1)
    hz = np.where(np.repeat(bits, -(-RATE_HZ // 300))[:size], 1650.0, 1850.0)
    return np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ).astype(np.float32)


def _start_ms(rng: np.random.Generator) -> float:
    """From the answer to the first word: most within a second, some much later."""
    return float(60 + 2300 * rng.beta(1.5, 3.4))


def _end(scene: Scene) -> int:
    return scene.end_ms or 0


def _ended(scene: Scene, rng: np.random.Generator) -> Scene:
    scene.finish(max(SHORTEST_MS, _end(scene) + rng.uniform(1200, 3500), scene.last_ms + rng.uniform(300, 1500)))
    return scene
