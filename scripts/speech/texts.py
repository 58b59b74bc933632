"""What is said: the texts of `texts/`, by language and section, and which of them are held out."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

LANGUAGES = {"cmn": "zh.txt", "en": "en.txt"}
_FOLDER = Path(__file__).parent / "texts"
_PERIOD = 10
_VALID_PLACES = (3, 8)
_TEST_PLACE = 5


class Split(str, Enum):
    """What a text or a voice may be used for; they never meet."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Text:
    """One line of a section: parts that are spoken one after the other, usually one."""

    language: str
    section: str
    place: int
    parts: tuple[str, ...]

    @property
    def split(self) -> Split | None:
        """Decided by the place in the section; digits are needed by all (None)."""
        if self.section == "digit":
            return None
        at = self.place % _PERIOD
        if at in _VALID_PLACES:
            return Split.VALID
        return Split.TEST if at == _TEST_PLACE else Split.TRAIN


def read_texts() -> list[Text]:
    """All texts of all languages, in the order of the files."""
    texts = []
    for language, name in LANGUAGES.items():
        section, place = "", 0
        for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines():
            if line.startswith("["):
                section, place = line.strip("[]"), 0
            elif line and not line.startswith("#"):
                parts = tuple(part.strip() for part in line.split("|"))
                texts.append(Text(language, section, place, parts))
                place += 1
    return texts
