"""The Chinese of English sentences, found by their templates.

A template has named places: `{most}` stands for a number, a name, whatever is the same in both languages, `{why:zh}`
for words that have a Chinese form themselves, and `{trunk:name}` for one word without a colon. A sentence is said in
Chinese whole or not at all: where a part has no Chinese, there is none for the whole.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from string import Formatter

from dialer.words import accounts, campaigns, desk, ledger, lists, quality, recordings, requests, system
from dialer.words.bilingual import Bilingual

SUBJECTS: tuple[Mapping[str, str], ...] = (
    accounts.CHINESE,
    campaigns.CHINESE,
    desk.CHINESE,
    ledger.CHINESE,
    lists.CHINESE,
    quality.CHINESE,
    recordings.CHINESE,
    requests.CHINESE,
    system.CHINESE,
)
WORDS, NAME = "zh", "name"
"""What marks a place for words, and for one word that stays."""
MAX_TEXT = 600
"""Characters; nothing the service says is longer."""
_KEPT = 1024


@lru_cache(maxsize=_KEPT)
def chinese(text: str) -> str:
    """The sentence in Chinese; "" where it has no Chinese form."""
    said = _EXACT.get(text)
    if said is not None:
        return said
    if len(text) > MAX_TEXT:
        return ""
    return next((found for template in _TEMPLATES if (found := template.chinese(text))), "")


def in_both(text: str) -> Bilingual:
    """An English sentence, with its Chinese, "" where it has none."""
    return Bilingual(text, chinese(text))


def literals(template: str) -> tuple[str, ...]:
    """What stands around a template's places: two templates with the same literals say the same."""
    found = [""]
    for literal, name, *_ in Formatter().parse(template):
        found[-1] += literal
        if name is not None:
            found.append("")
    return tuple(found)


class _Template:
    """One sentence with places."""

    def __init__(self, english: str, said: str) -> None:
        self._said = said
        self._words = {name for _, name, kind, _ in Formatter().parse(english) if name and kind == WORDS}
        self._pattern = re.compile("".join(_patterns(english)), re.DOTALL)

    def chinese(self, text: str) -> str:
        """The text in Chinese, "" where it is none of this template's."""
        found = self._pattern.fullmatch(text)
        if found is None:
            return ""
        values = {name: chinese(value) if name in self._words else value for name, value in found.groupdict().items()}
        return "" if not all(values[name] for name in self._words) else self._said.format_map(values)

    @property
    def closeness(self) -> tuple[int, int]:
        """How closely it looks: first by places for words, which have to be known, then by what it spells out."""
        return len(self._words), len(self._pattern.pattern)


def _patterns(english: str) -> Iterator[str]:
    for literal, name, kind, _ in Formatter().parse(english):
        yield re.escape(literal)
        if name is not None:
            yield rf"(?P<{name}>[^\s:]+)" if kind == NAME else f"(?P<{name}>.+?)"


ALL = {english: said for subject in SUBJECTS for english, said in subject.items()}
"""Every template, English to Chinese."""
_EXACT = {english.format(): said.format() for english, said in ALL.items() if len(literals(english)) == 1}
_TEMPLATES = sorted(
    (_Template(english, said) for english, said in ALL.items() if len(literals(english)) > 1),
    key=lambda template: template.closeness,
    reverse=True,
)
