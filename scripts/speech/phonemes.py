"""Texts to the phonemes that Kokoro was trained on: IPA with some letters of its own.

Mandarin goes through pinyin (pypinyin, which knows the readings of words), a table of initials and one of finals; tones
are arrows after the vowel. English goes through espeak-ng's IPA, whose diphthongs and affricates become one letter.
"""

import importlib
import re
import subprocess

SAY_TIMEOUT_S = 20.0
"""A sentence takes espeak-ng some 20 ms; a machine busy for longer than this is left alone."""
_MARKS = {"，": ", ", "、": ", ", "：": ", ", "；": "; ", "。": ". ", "？": "? ", "！": "! "}
_ON_THE_PHONE = {"喂": "wéi", "嗯": "ēn"}
"""Readings that dictionaries do not put first."""
_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}

# IPA of Standard Chinese (Lee and Zee, Journal of the IPA 33, 2003): an affricate is one letter, `0` the tone's place.
_INITIALS = """
b p|p pʰ|m m|f f|d t|t tʰ|n n|l l|g k|k kʰ|h x|j ʨ|q ʨʰ|x ɕ|zh ꭧ|ch ꭧʰ|sh ʂ|r ɻ|z ʦ|c ʦʰ|s s
"""
_FINALS = """
a a0|ai ai0|an a0n|ang a0ŋ|ao au0|e ɤ0|ei ei0|en ə0n|eng ə0ŋ|er ɚ0|i i0|ia ja0|ian jɛ0n|iang ja0ŋ|iao jau0|ie je0|
in i0n|ing i0ŋ|iong jʊ0ŋ|iou jou0|ong ʊ0ŋ|ou ou0|u u0|ua wa0|uai wai0|uan wa0n|uang wa0ŋ|uei wei0|uen wə0n|ueng wə0ŋ|
uo wo0|o wo0|v y0|van ɥɛ0n|ve ɥe0|vn y0n
"""
_BUZZED = {"zh", "ch", "sh", "r", "z", "c", "s"}
"""After these, `i` is no vowel of its own: the initial goes on, voiced."""

_ENGLISH = (
    *(("t^ʃ", "ʧ"), ("d^ʒ", "ʤ"), ("e^ɪ", "A"), ("a^ɪ", "I"), ("a^ʊ", "W"), ("ɔ^ɪ", "Y"), ("o^ʊ", "O"), ("ə^ʊ", "Q")),
    *(("e^ə", "ɛː"), ("ə^l", "ᵊl"), ("n̩", "ᵊn"), ("l̩", "ᵊl"), ("ɐ", "ə"), ("r", "ɹ"), ("ʲ", "j"), ("x", "k")),
    *(("ɾ", "T"), ("ʔ", "t"), ("^", "")),
)
_AMERICAN = (("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɚ", "əɹ"), ("ɪə", "iə"), ("ː", ""))


def mandarin_phonemes(text: str) -> str:
    """Phonemes of a Chinese text; words are set apart by spaces, as in the training data."""
    jieba = importlib.import_module("jieba")
    spoken = ""
    for word in jieba.lcut(text):
        if word in _MARKS:
            spoken = spoken.rstrip() + _MARKS[word]
            continue
        spoken += "".join(syllable_phonemes(syllable) for syllable in _syllables(word)) + " "
    return spoken.strip()


def pinyin(text: str) -> str:
    """A Chinese text as pinyin with tone numbers, which espeak-ng reads; punctuation becomes ASCII."""
    spoken = " ".join(_syllables(text))
    for mark, plain in _MARKS.items():
        spoken = spoken.replace(mark, plain)
    return spoken


def _syllables(text: str) -> list[str]:
    """Pinyin with tone numbers (5: neutral), and what is not Chinese as it stands."""
    pypinyin = importlib.import_module("pypinyin")
    pypinyin.load_single_dict({ord(character): reading for character, reading in _ON_THE_PHONE.items()})
    syllables: list[str] = pypinyin.lazy_pinyin(text, style=pypinyin.Style.TONE3, neutral_tone_with_five=True)
    return syllables


def syllable_phonemes(syllable: str) -> str:
    """Phonemes of one pinyin syllable with its tone number (`zhong1`). Raises ValueError for anything else."""
    match = re.fullmatch(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]?)([a-zv]+)([1-5])", syllable)
    if match is None:
        raise ValueError(f"not a pinyin syllable: {syllable!r}")
    initial, final, tone = match.groups()
    if initial in _BUZZED and final == "i":
        ipa = "ɨ0"
    else:
        initial, final = _full(initial, final)
        if final not in _table(_FINALS):
            raise ValueError(f"not a pinyin syllable: {syllable!r}")
        ipa = _table(_FINALS)[final]
    return _table(_INITIALS).get(initial, "") + ipa.replace("0", _TONES[tone])


def _table(entries: str) -> dict[str, str]:
    entries_read = (entry.partition(" ") for entry in entries.replace("\n", "").split("|"))
    return {spelling: ipa for spelling, _, ipa in entries_read}


def _full(initial: str, final: str) -> tuple[str, str]:
    """Undoes the spelling rules of pinyin: `y` and `w` for no initial, `iu ui un`, and `u` for `ü`."""
    if initial == "y":
        final = _after_y(final)
    elif initial == "w":
        final = final if final.startswith("u") else "u" + final
    elif initial in {"j", "q", "x"} and final.startswith("u"):
        final = "v" + final[1:]
    short = {"iu": "iou", "ui": "uei", "un": "uen", "ue": "ve"}
    if initial == "w" and final == "uo":
        return "", "uo"
    return ("" if initial in {"y", "w"} else initial), short.get(final, final)


def _after_y(final: str) -> str:
    if final.startswith("u"):
        return "v" + final[1:]
    if final.startswith("i"):
        return final
    return {"ong": "iong", "ou": "iou", "an": "ian", "o": "ou"}.get(final, "i" + final)


def english_phonemes(text: str, accent: str) -> str:
    """Kokoro's phonemes of an English text; `accent` is an espeak-ng voice, `en-us` or `en-gb`."""
    spoken = espeak_ipa(text, accent, tie="^")
    for espeak, kokoro in _ENGLISH + (_AMERICAN if accent == "en-us" else ()):
        spoken = spoken.replace(espeak, kokoro)
    return spoken


def espeak_ipa(text: str, accent: str, tie: str = "") -> str:
    """IPA of an English text as espeak-ng reads it, with the punctuation, which espeak-ng leaves out.

    `tie` is put between the letters of one sound.
    """
    spoken = ""
    for piece in re.findall(r"[^,.;:!?]+|[,.;:!?]", text):
        spoken += f"{piece} " if piece in ",.;:!?" else _clause_ipa(piece.strip(), accent, tie)
    return spoken.strip()


def _clause_ipa(text: str, accent: str, tie: str) -> str:
    if not text:
        return ""
    command = ["espeak-ng", "-q", "--ipa", *([f"--tie={tie}"] if tie else []), "-v", accent, text]
    done = subprocess.run(command, capture_output=True, check=True, timeout=SAY_TIMEOUT_S, text=True)
    return re.sub(r"\([a-z-]+\)", "", " ".join(done.stdout.split()))  # without marks like (en)
