"""Who may say what in one data set: lines of the pool, by section, language and voice."""

from collections import Counter, defaultdict

import numpy as np

from speech.pool import Pool, Utterance
from speech.sound import Samples
from speech.texts import LANGUAGES, Split, read_texts

Line = tuple[Utterance, ...]
"""The parts of one text by one voice, in order."""
_ENGINE_WEIGHTS = {"k": 0.6, "e": 0.25, "p": 0.08, "f": 0.07}
_BEHIND = ("chatter", "human_normal", "personal")
_MANDARIN_SHARE = 0.6
_PACES = (0.91, 1.11)
_N_BEHIND = 12
_ENOUGH_DIGITS = 7


class Lines:
    """Draws lines for one split. A text whose parts are not all in the pool is left out."""

    def __init__(self, pool: Pool, split: Split) -> None:
        self._pool = pool
        grouped: dict[tuple[str, str, str, int], list[Utterance]] = defaultdict(list)
        for said in pool.utterances:
            if said.split in {"", split.value}:
                grouped[said.section, said.language, said.voice, said.place].append(said)
        n_parts = {(text.section, text.language, text.place): len(text.parts) for text in read_texts()}
        self._n_said: Counter[tuple[str, str, int]] = Counter()
        self._lines: dict[tuple[str, str], list[Line]] = defaultdict(list)
        for (section, language, _, place), parts in sorted(grouped.items()):
            if len(parts) == n_parts[section, language, place]:
                self._lines[section, language].append(tuple(sorted(parts, key=lambda said: said.part)))
        for language in LANGUAGES:
            self._leave_numbers_to_those_who_count(language)

    def draw(self, rng: np.random.Generator, section: str, language: str, voice: str = "") -> Line | None:
        """A line of a section, of those said least so far, by any voice or a given one; None when there is none."""
        there = self._lines[section, language]
        if voice:
            there = [line for line in there if line[0].voice == voice]
        if not there:
            return None
        engines = sorted({line[0].voice[0] for line in there})
        weights = np.array([_ENGINE_WEIGHTS[engine] for engine in engines])
        engine = engines[int(rng.choice(len(engines), p=weights / weights.sum()))]
        there = [line for line in there if line[0].voice[0] == engine]
        fewest = min(self._n_said[_text_of(line)] for line in there)
        there = [line for line in there if self._n_said[_text_of(line)] == fewest]
        line = there[int(rng.integers(len(there)))]
        self._n_said[_text_of(line)] += 1
        return line

    def _leave_numbers_to_those_who_count(self, language: str) -> None:
        """A prompt with a number needs a voice that has most digits, and words to end with."""
        digits = Counter(line[0].voice for line in self._lines["digit", language])
        closing = {line[0].voice for line in self._lines["concat_close", language]}
        able = {voice for voice, count in digits.items() if count >= _ENOUGH_DIGITS} & closing
        opening = self._lines["concat_open", language]
        self._lines["concat_open", language] = [line for line in opening if line[0].voice in able]

    def language(self, rng: np.random.Generator) -> str:
        """Mandarin more often than English."""
        return "cmn" if rng.random() < _MANDARIN_SHARE else "en"

    def pace(self, rng: np.random.Generator) -> float:
        """How fast and high a call's voice is played; makes more voices of few."""
        return float(rng.uniform(*_PACES))

    def samples(self, utterance: Utterance, pace: float) -> Samples:
        """The sound of an utterance."""
        return self._pool.samples(utterance, pace)

    def behind(self, rng: np.random.Generator) -> list[Samples]:
        """Some voices for babble and television."""
        voices: list[Samples] = []
        while len(voices) < _N_BEHIND:
            line = self.draw(rng, _BEHIND[int(rng.integers(len(_BEHIND)))], self.language(rng))
            if line is not None:
                voices.append(self.samples(line[0], self.pace(rng)))
        return voices


def _text_of(line: Line) -> tuple[str, str, int]:
    return line[0].section, line[0].language, line[0].place
