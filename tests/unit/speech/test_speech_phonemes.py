"""Pinyin to the phonemes of the neural voices."""

import pytest
from speech.phonemes import syllable_phonemes


@pytest.mark.parametrize(
    ("syllable", "phonemes"),
    [
        ("ni3", "ni↓"),
        ("hao3", "xau↓"),
        ("wei2", "wei↗"),
        ("zhong1", "ꭧʊ→ŋ"),
        ("shi4", "ʂɨ↘"),
        ("si4", "sɨ↘"),
        ("xi1", "ɕi→"),
        ("qing3", "ʨʰi↓ŋ"),
        ("liu2", "ljou↗"),
        ("dui4", "twei↘"),
        ("wen4", "wə↘n"),
        ("wu3", "u↓"),
        ("wo3", "wo↓"),
        ("yi1", "i→"),
        ("yong4", "jʊ↘ŋ"),
        ("you3", "jou↓"),
        ("yuan2", "ɥɛ↗n"),
        ("yue4", "ɥe↘"),  # `u` after y, j, q and x is the rounded vowel
        ("ju2", "ʨy↗"),
        ("xue2", "ɕɥe↗"),
        ("lv4", "ly↘"),
        ("lve4", "lɥe↘"),
        ("er2", "ɚ↗"),
        ("bo1", "pwo→"),
        ("ma5", "ma"),
    ],
)
def test_syllables(syllable: str, phonemes: str) -> None:
    assert syllable_phonemes(syllable) == phonemes


@pytest.mark.parametrize("wrong", ["", "ni", "ni6", "n2", "hello1", "zhx3", "3"])
def test_what_is_no_syllable_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a pinyin syllable"):
        syllable_phonemes(wrong)
