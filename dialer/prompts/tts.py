"""Text to speech: the interface, espeak-ng as the local default, and recorded fragments where that is not installed.

Audio is int16 little-endian, mono, 8 kHz. espeak-ng is a program of its own, run and never linked.
"""

import asyncio
import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import soundfile

from dialer.errors import ConfigError, InputError
from dialer.prompts.audio import at_speech_level, read_audio, resample, to_pcm, write_flac
from dialer.prompts.pinyin import to_pinyin
from dialer.prompts.signals import silence
from dialer.prompts.spoken import EN, ZH

SAY_TIMEOUT_S = 20.0
"""A sentence takes espeak-ng some 20 ms; a machine that is busy for longer than this cannot speak in time either."""
MAX_TEXT_CHARS = 2000
ESPEAK_VOICES = {ZH: "cmn-latn-pinyin", EN: "en-us"}
_WORDS_PER_MINUTE = {ZH: 190, EN: 170}
FRAGMENTS_DIR = Path(__file__).parent / "data" / "fragments"
_PAUSE_MS = 220
_PAUSES = frozenset("，。！？、；：,.!?;:")


class TextToSpeech(Protocol):
    """Speaks a text."""

    async def say(self, text: str, language: str) -> bytes:
        """Audio of `text`. Raises ConfigError (not installed, no such language) or InputError (cannot say this)."""
        ...


class EspeakNg:
    """Speaks with the espeak-ng program; what was said once is kept on disk under the hash of its text."""

    def __init__(self, cache_dir: Path, program: str = "espeak-ng") -> None:
        self._cache_dir = cache_dir
        self._program = program

    async def say(self, text: str, language: str) -> bytes:
        if len(text) > MAX_TEXT_CHARS:
            raise InputError(f"a text of {len(text)} characters is too long to speak; at most {MAX_TEXT_CHARS}")
        command = self._command(language)
        text = _readable(text, language)
        key = hashlib.sha256("\0".join([*command[1:], text]).encode()).hexdigest()
        cached = self._cache_dir / f"{key}.flac"
        if await asyncio.to_thread(cached.is_file):
            return await asyncio.to_thread(read_audio, cached)
        wav = await self._run(command, text)
        return await asyncio.to_thread(_keep, wav, cached)

    def _command(self, language: str) -> list[str]:
        if language not in ESPEAK_VOICES:
            raise ConfigError(f"no espeak-ng voice for language {language!r}; known: {', '.join(ESPEAK_VOICES)}")
        speed = str(_WORDS_PER_MINUTE[language])
        return [self._program, "-v", ESPEAK_VOICES[language], "-s", speed, "--stdin", "--stdout"]

    async def _run(self, command: list[str], text: str) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
        except FileNotFoundError as error:
            raise ConfigError(
                f"text to speech needs the program {self._program}, which is not installed; on Debian and Ubuntu: "
                "apt-get install espeak-ng"
            ) from error
        try:
            async with asyncio.timeout(SAY_TIMEOUT_S):
                wav, errors = await process.communicate(text.encode())
        except TimeoutError as error:
            raise InputError(f"{self._program} did not finish within {SAY_TIMEOUT_S:.0f} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0 or not wav:
            raise InputError(f"{self._program} failed: {errors.decode(errors='replace').strip() or 'no audio'}")
        return wav


class FragmentSpeech:
    """Speaks numbers, amounts and dates from recorded words, on machines without espeak-ng.

    Knows the words of `dialer.prompts.spoken` and the punctuation between them, nothing else.
    """

    def __init__(self, directory: Path = FRAGMENTS_DIR) -> None:
        self._directory = directory
        self._words: dict[str, dict[str, bytes]] = {}

    async def say(self, text: str, language: str) -> bytes:
        if language not in self._words:
            self._words[language] = await asyncio.to_thread(load_fragments, self._directory, language)
        words = self._words[language]
        spoken = []
        rest = text.strip()
        while rest:
            piece = _longest_word(rest, words)
            if piece is None:
                raise InputError(
                    f"cannot speak {rest[:20]!r} from recorded words; install espeak-ng, or put the prompt into a file"
                )
            spoken.append(words.get(piece) or silence(_PAUSE_MS if piece in _PAUSES else 0))
            rest = rest[len(piece) :].lstrip()
        return b"".join(spoken)


def _readable(text: str, language: str) -> str:
    if language != ZH:
        return text
    try:
        return to_pinyin(text)
    except ValueError as error:
        problem = f"{text[:20]!r}: espeak-ng cannot read {error}"
        raise InputError(f"{problem}; record this text as an audio file, or write it in pinyin (ni3 hao3)") from error


def local_speech(cache_dir: Path) -> TextToSpeech:
    """espeak-ng where it is installed, else recorded words."""
    return EspeakNg(cache_dir) if shutil.which("espeak-ng") else FragmentSpeech()


def load_fragments(directory: Path, language: str) -> dict[str, bytes]:
    """Recorded words of a language: one audio file and an index of (start, end) in samples.

    Raises ConfigError when the language has none.
    """
    index_path = directory / f"{language}.json"
    try:
        index = json.loads(index_path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"no recorded words for language {language!r} in {directory}") from error
    pcm = read_audio(directory / f"{language}.flac")
    return {word: pcm[2 * start : 2 * end] for word, (start, end) in index.items()}


def _longest_word(text: str, words: dict[str, bytes]) -> str | None:
    if text[0] in _PAUSES:
        return text[0]
    fitting = [word for word in words if text.startswith(word)]
    return max(fitting, key=len, default=None)


def _keep(wav: bytes, path: Path) -> bytes:
    """Decodes what espeak-ng wrote, to 8 kHz, and keeps it; a reader never sees half a file."""
    samples, rate_hz = soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=True)
    pcm = to_pcm(at_speech_level(resample(samples[:, 0], rate_hz)))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.{uuid4().hex}.part")  # the same words may be asked for twice at once
    write_flac(part, pcm)
    part.replace(path)
    return pcm
