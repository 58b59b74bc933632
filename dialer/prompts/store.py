"""Named prompts: audio files, and scripts that put files, texts and spoken values together.

A prompt `NAME` in a language is looked for in the operator's directory, then among those shipped:

    NAME.toml                    a script, for all languages
    LANGUAGE/NAME.flac or .wav   a recording; any rate
    NAME.flac or .wav            the same for every language (a connect tone)

A script lists parts for each language, each with one key: `audio` (another prompt), `text` (spoken), `pause_ms`, or a
slot: `amount` (yuan), `date`, `digits`, `field` (spoken as it stands). A slot's value names the contact's field, or
several of which the first present is taken.
"""

import asyncio
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from dialer.errors import ConfigError, InputError
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import silence
from dialer.prompts.spoken import LANGUAGES, ZH, spoken_amount, spoken_date, spoken_digits
from dialer.prompts.tts import TextToSpeech

SHIPPED_DIR = Path(__file__).parent / "data"
PromptValue = str | int | float | bool | Decimal | date
"""What may fill a slot; dates also as ISO text (2026-11-25)."""
MAX_PAUSE_MS = 10_000
_SUFFIXES = (".flac", ".wav")
_MAX_DEPTH = 4


class PromptStore:
    """Finds prompts and renders them: int16 little-endian, mono, 8 kHz. Recordings are kept in memory once read."""

    def __init__(self, directory: Path | None, tts: TextToSpeech) -> None:
        """`directory` may be None: only the prompts that are shipped."""
        self._directories = [path for path in (directory, SHIPPED_DIR) if path is not None]
        self._tts = tts
        self._recordings: dict[Path, bytes] = {}

    async def render(self, name: str, fields: Mapping[str, PromptValue] | None = None, language: str = ZH) -> bytes:
        """The prompt as audio.

        Raises ConfigError when there is no such prompt, its script or its audio is wrong, or speech is not available;
        InputError when a field is missing or cannot be spoken. Both name the prompt.
        """
        return await self._render(name, fields or {}, language, depth=0)

    def names(self) -> tuple[str, ...]:
        """Every prompt that can be rendered in some language, sorted. Reads the directories: not for the event loop."""
        found = set()
        for directory in self._directories:
            for folder in (directory, *(directory / language for language in LANGUAGES)):
                found |= {path.stem for path in folder.glob("*") if path.suffix in (*_SUFFIXES, ".toml")}
        return tuple(sorted(found))

    async def _render(self, name: str, fields: Mapping[str, PromptValue], language: str, *, depth: int) -> bytes:
        if depth > _MAX_DEPTH:
            raise ConfigError(f"prompt {name!r}: scripts refer to each other without end")
        path = await asyncio.to_thread(self._find, name, language)
        if path.suffix != ".toml":
            return await self._recording(name, path)
        parts = _parts_of(await asyncio.to_thread(_load_script, path), path, language)
        rendered = [await self._part(part, path, fields, language, depth) for part in parts]
        return b"".join(rendered)

    def _find(self, name: str, language: str) -> Path:
        if not name or "/" in name or name.startswith("."):
            raise ConfigError(f"{name!r} is not a prompt's name")
        for directory in self._directories:
            folders = (directory / language, directory)
            recordings = [folder / f"{name}{suffix}" for folder in folders for suffix in _SUFFIXES]
            for path in (directory / f"{name}.toml", *recordings):
                if path.is_file():
                    return path
        places = " or ".join(str(directory) for directory in self._directories)
        raise ConfigError(f"no prompt {name!r} for language {language!r} in {places}")

    async def _recording(self, name: str, path: Path) -> bytes:
        if path not in self._recordings:
            try:
                self._recordings[path] = await asyncio.to_thread(read_audio, path)
            except InputError as error:
                raise ConfigError(f"prompt {name!r}: {error}") from error
        return self._recordings[path]

    async def _part(
        self, part: tuple[str, Any], path: Path, fields: Mapping[str, PromptValue], language: str, depth: int
    ) -> bytes:
        kind, value = part
        if kind == "audio":
            return await self._render(value, fields, language, depth=depth + 1)
        if kind == "pause_ms":
            return silence(value)
        text = value if kind == "text" else _slot_text(kind, value, path.stem, fields, language)
        return await self._tts.say(text, language)


def _load_script(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the prompt script: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


def _parts_of(script: Mapping[str, Any], path: Path, language: str) -> list[tuple[str, Any]]:
    parts = script.get(language)
    if not isinstance(parts, list) or not parts:
        raise ConfigError(f"{path}: no parts for language {language!r}; write them as [[{language}]]")
    return [_checked_part(part, f"{path}: part {number} of {language}") for number, part in enumerate(parts, 1)]


def _checked_part(part: Any, where: str) -> tuple[str, Any]:
    kinds = ("audio", "text", "pause_ms", *_SLOTS)
    if not isinstance(part, dict) or len(part) != 1:
        raise ConfigError(f"{where}: has to have exactly one key, one of {', '.join(kinds)}")
    ((kind, value),) = part.items()
    if kind not in kinds:
        raise ConfigError(f"{where}: unknown key {kind!r}; known: {', '.join(kinds)}")
    if kind == "pause_ms":
        if not isinstance(value, int) or not 0 <= value <= MAX_PAUSE_MS:
            raise ConfigError(f"{where}: pause_ms is a number from 0 to {MAX_PAUSE_MS}")
    elif kind in _SLOTS and isinstance(value, list):
        if not value or not all(isinstance(name, str) for name in value):
            raise ConfigError(f"{where}: {kind} is the name of a field, or a list of names")
    elif not isinstance(value, str) or not value:
        raise ConfigError(f"{where}: {kind} is a text")
    return kind, value


def _slot_text(kind: str, names: str | list[str], prompt: str, fields: Mapping[str, PromptValue], language: str) -> str:
    candidates = [names] if isinstance(names, str) else names
    field_name = next((name for name in candidates if name in fields), "")
    if not field_name:
        raise InputError(f"prompt {prompt!r}: the contact has no field {' or '.join(map(repr, candidates))}")
    try:
        return _SLOTS[kind](fields[field_name], language)
    except (ValueError, InvalidOperation) as error:
        raise InputError(f"prompt {prompt!r}: field {field_name!r} is no {kind} that can be spoken") from error


def _amount(value: PromptValue, language: str) -> str:
    return spoken_amount(Decimal(str(value).replace(",", "").strip()), language)


def _date(value: PromptValue, language: str) -> str:
    day = value.date() if isinstance(value, datetime) else value
    return spoken_date(day if isinstance(day, date) else date.fromisoformat(str(day)[:10]), language)


def _digits(value: PromptValue, language: str) -> str:
    return spoken_digits(str(value), language)


def _field(value: PromptValue, _language: str) -> str:
    return str(value)


_SLOTS: Mapping[str, Callable[[PromptValue, str], str]] = {
    "amount": _amount,
    "date": _date,
    "digits": _digits,
    "field": _field,
}
