"""`scripts/speech` is a package of its own; its tests find it, and bring a pool that needs no synthesizer."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))

from speech.pool import Pool, Utterance, write_index
from speech.sound import Samples
from speech.texts import read_texts

PERIODS = {"e:one": 70, "e:two": 45}
"""Two voices that hum at different heights: period in samples at 8 kHz."""
LONGEST_CHARS = 12


def hummed(length: int, period: int) -> Samples:
    """As long as a text of `length` characters would be, with syllables, and clear edges."""
    size = 1200 + 400 * length
    at = np.arange(size)
    pulses = (at % period < 6) * (1 + 0.5 * np.sin(2 * np.pi * at / 1600))
    return np.asarray(0.5 * pulses / pulses.max(), dtype=np.float32)


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """All texts, shortened, by two humming voices."""
    folder = tmp_path_factory.mktemp("pool")
    said = []
    for text in read_texts():
        for voice, period in PERIODS.items():
            for number, part in enumerate(text.parts):
                length = min(len(part), LONGEST_CHARS)
                file = f"{length}-{voice[2:]}.flac"  # texts of one length sound alike, and share a file
                if not (folder / file).exists():
                    soundfile.write(folder / file, hummed(length, period), 8000, format="FLAC", subtype="PCM_16")
                split = text.split.value if text.split else ""
                said.append(Utterance(file, voice, text.language, text.section, text.place, number, split, part))
    write_index(folder, said)
    return Pool(folder)
