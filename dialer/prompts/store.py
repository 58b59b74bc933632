"""Named prompts: audio files, and scripts that put files, texts and spoken values together.

A prompt `NAME` in a language is looked for among the recordings that were uploaded, which all nodes share, then in the
operator's directory on this node, then among those shipped:

    NAME.toml                    a script, for all languages
    LANGUAGE/NAME.flac or .wav   a recording; any rate
    NAME.flac or .wav            the same for every language (a connect tone)

A script lists parts for each language, each with one key: `audio` (another prompt), `text` (spoken), `pause_ms`, or a
slot: `amount` (yuan), `date`, `digits`, `field` (spoken as it stands). A slot's value names the contact's field, or
several of which the first present is taken.
"""

import asyncio
import tomllib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Protocol

from dialer.errors import ConfigError, InputError
from dialer.prompts.audio import pcm_of_flac, read_audio
from dialer.prompts.signals import silence
from dialer.prompts.spoken import LANGUAGES, ZH, spoken_amount, spoken_date, spoken_digits
from dialer.prompts.tts import TextToSpeech

SHIPPED_DIR = Path(__file__).parent / "data"
PromptValue = str | int | float | bool | Decimal | date
"""What may fill a slot; dates also as ISO text (2026-11-25)."""
MAX_PAUSE_MS = 10_000
_SUFFIXES = (".flac", ".wav")
_MAX_DEPTH = 4
NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"
"""Of prompts that are uploaded."""


class UploadedPrompts(Protocol):
    """The recordings that all nodes share: `storage.prompts`."""

    async def in_use(self, name: str, language: str) -> int | None: ...

    async def audio(self, prompt_id: int) -> bytes | None: ...

    async def version(self) -> Hashable: ...


@dataclass(frozen=True, slots=True)
class PromptFiles:
    """A prompt as files say it: which languages it is there for ("": all), and which prompts a script speaks."""

    name: str
    is_script: bool
    is_shipped: bool
    languages: frozenset[str]
    speaks: frozenset[str] = frozenset()


class PromptStore:
    """Finds prompts and renders them: int16 little-endian, mono, 8 kHz. Recordings are kept in memory once read."""

    def __init__(self, directory: Path | None, tts: TextToSpeech, uploaded: UploadedPrompts | None = None) -> None:
        """`directory` may be None: only the prompts that are shipped; so may `uploaded`."""
        self._directories = [path for path in (directory, SHIPPED_DIR) if path is not None]
        self._tts = tts
        self._uploaded = uploaded
        self._recordings: dict[Path | int, bytes] = {}

    async def render(self, name: str, fields: Mapping[str, PromptValue] | None = None, language: str = ZH) -> bytes:
        """The prompt as audio.

        Raises ConfigError when there is no such prompt, its script or its audio is wrong, or speech is not available;
        InputError when a field is missing or cannot be spoken. Both name the prompt.
        """
        return await self._render(name, fields or {}, language, depth=0)

    async def sample(self, name: str, language: str = ZH) -> bytes:
        """The prompt as audio with made-up values in its slots, to listen to. Raises as `render`."""
        return await self._render(name, _Sample(), language, depth=0)

    async def version(self) -> Hashable:
        """Differs whenever something else was uploaded or taken into use; what files say is not looked at."""
        return None if self._uploaded is None else await self._uploaded.version()

    def names(self) -> tuple[str, ...]:
        """Every prompt that files have in some language, sorted. Reads the directories: not for the event loop."""
        return tuple(files.name for files in self.files())

    def files(self) -> tuple[PromptFiles, ...]:
        """Every prompt that files have, by name, the operator's before those shipped. Not for the event loop."""
        found: dict[str, PromptFiles] = {}
        for directory in self._directories:
            for name, files in _files_in(directory).items():
                found.setdefault(name, files)
        return tuple(found[name] for name in sorted(found))

    async def _render(self, name: str, fields: Mapping[str, PromptValue], language: str, *, depth: int) -> bytes:
        if depth > _MAX_DEPTH:
            raise ConfigError(f"prompt {name!r}: scripts refer to each other without end")
        uploaded = await self._of_house(name, language)
        if uploaded is not None:
            return uploaded
        path = await asyncio.to_thread(self._find, name, language)
        if path.suffix != ".toml":
            return await self._recording(name, path)
        parts = _parts_of(await asyncio.to_thread(_load_script, path), path, language)
        rendered = [await self._part(part, path, fields, language, depth) for part in parts]
        return b"".join(rendered)

    async def _of_house(self, name: str, language: str) -> bytes | None:
        """What was uploaded under this name, if anything is in use."""
        prompt_id = None if self._uploaded is None else await self._uploaded.in_use(name, language)
        if self._uploaded is None or prompt_id is None:
            return None
        if prompt_id not in self._recordings:
            flac = await self._uploaded.audio(prompt_id)
            if flac is None:
                raise ConfigError(f"prompt {name!r}: its audio is not in the database")
            self._recordings[prompt_id] = await asyncio.to_thread(pcm_of_flac, flac)
        return self._recordings[prompt_id]

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


class _Sample(dict[str, PromptValue]):
    """Has every field; what is said for it depends on its slot."""

    def __contains__(self, name: object) -> bool:
        return True


def _files_in(directory: Path) -> dict[str, PromptFiles]:
    """A script goes before recordings of its name, as `_find` has it."""
    found: dict[str, PromptFiles] = {}
    is_shipped = directory == SHIPPED_DIR
    for language in ("", *LANGUAGES):
        for path in (directory / language).glob("*"):
            if path.suffix in _SUFFIXES:
                known = found[path.stem].languages if path.stem in found else frozenset()
                found[path.stem] = PromptFiles(path.stem, False, is_shipped, known | {language})
    for path in directory.glob("*.toml"):
        found[path.stem] = _script_files(path, is_shipped)
    return found


def _script_files(path: Path, is_shipped: bool) -> PromptFiles:
    try:
        script = _load_script(path)
    except ConfigError:  # whoever renders it is told
        script = {}
    parts = [part for listed in script.values() if isinstance(listed, list) for part in listed]
    speaks = {part["audio"] for part in parts if isinstance(part, dict) and isinstance(part.get("audio"), str)}
    return PromptFiles(path.stem, True, is_shipped, frozenset(script) & frozenset(LANGUAGES), frozenset(speaks))


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
        value = _SAMPLES[kind] if isinstance(fields, _Sample) else fields[field_name]
        return _SLOTS[kind](value, language)
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
_SAMPLES: Mapping[str, PromptValue] = {
    "amount": "1234.56",
    "date": "2026-11-25",
    "digits": "8888",
    "field": "1",
}
