"""One sentence in both languages."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Bilingual:
    """The same in English and Chinese."""

    en: str
    zh: str

    def __bool__(self) -> bool:
        """Whether anything is said."""
        return bool(self.en)

    def __add__(self, other: "Bilingual") -> "Bilingual":
        """One behind the other; a tail without Chinese is left out of the Chinese."""
        return Bilingual(self.en + other.en, self.zh + other.zh)


SILENCE = Bilingual("", "")


def both(en: str, zh: str, **figures: object) -> Bilingual:
    """Two templates filled with the same figures; what is `Bilingual` itself goes into each in its language.

    Where such a part has no Chinese, there is none for the whole.
    """
    parts = {name: value for name, value in figures.items() if isinstance(value, Bilingual)}
    if not parts:
        return Bilingual(en.format_map(figures), zh.format_map(figures))
    in_english = {**figures, **{name: part.en for name, part in parts.items()}}
    if any(part and not part.zh for part in parts.values()):
        return Bilingual(en.format_map(in_english), "")
    in_chinese = {**figures, **{name: part.zh for name, part in parts.items()}}
    return Bilingual(en.format_map(in_english), zh.format_map(in_chinese))
