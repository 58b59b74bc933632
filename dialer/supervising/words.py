"""Words for people, in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bilingual:
    """The same in English and Chinese."""

    en: str
    zh: str
