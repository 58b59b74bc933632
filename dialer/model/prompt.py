"""Prompts of the house: recordings that were uploaded, each with its versions."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NewPrompt:
    """A recording as it is stored: FLAC, 8 kHz, mono. `language` empty: it is played for every language."""

    name: str
    language: str
    flac: bytes
    length_ms: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """One version of a prompt; of those of one name and language at most one is in use."""

    prompt_id: int
    name: str
    language: str
    in_use: bool
    note: str
    uploaded_by: str
    uploaded_at: datetime
    length_ms: int
