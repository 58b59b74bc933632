"""Prompts by name, scripts with slots, speech from recorded words."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from dialer.errors import ConfigError, InputError
from dialer.prompts.audio import write_flac
from dialer.prompts.pinyin import to_pinyin
from dialer.prompts.signals import silence, tone
from dialer.prompts.spoken import EN, LANGUAGES, ZH
from dialer.prompts.store import PromptStore, PromptValue
from dialer.prompts.tts import FragmentSpeech

DEMO_FIELDS: dict[str, PromptValue] = {"amount": 1234.56, "due_date": "2026-11-25"}


class Written:
    """Speech that writes down what it is asked to say."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    async def say(self, text: str, language: str) -> bytes:
        self.said.append((text, language))
        return silence(20)


def script(directory: Path, text: str, name: str = "mine") -> None:
    (directory / f"{name}.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_shipped_prompt_renders_without_a_speech_program(language: str) -> None:
    store = PromptStore(None, FragmentSpeech())
    for name in await asyncio.to_thread(store.names):
        pcm = await store.render(name, DEMO_FIELDS, language)
        assert len(pcm) > 1000, name


@pytest.mark.parametrize("language", LANGUAGES)
async def test_recorded_words_cover_every_amount_and_date(language: str) -> None:
    speech = FragmentSpeech()
    store = PromptStore(None, speech)
    for amount, day in (("0", 1), ("999999999.99", 31), ("20.02", 30), ("115.10", 12)):
        fields: dict[str, PromptValue] = {"amount": Decimal(amount), "due_date": date(2026, 12, day)}
        assert await store.render("reminder", fields, language)


async def test_slots_are_spoken_in_the_language_of_the_call(tmp_path: Path) -> None:
    script(
        tmp_path,
        '[[zh-CN]]\namount = "amount"\n[[zh-CN]]\ndate = "due_date"\n[[zh-CN]]\ndigits = "phone"\n'
        '[[en]]\ntext = "Dear"\n[[en]]\nfield = "name"\n[[en]]\npause_ms = 500\n',
    )
    speech = Written()
    store = PromptStore(tmp_path, speech)
    fields: dict[str, PromptValue] = {
        "amount": "1,234.56",
        "due_date": datetime(2026, 11, 25, 8, tzinfo=UTC),
        "phone": 10086,
        "name": "Li",
    }
    await store.render("mine", fields)
    pcm = await store.render("mine", fields, EN)
    assert speech.said == [
        ("一千二百三十四元五角六分", ZH),
        ("十一月二十五日", ZH),
        ("幺零零八六", ZH),
        ("Dear", EN),
        ("Li", EN),
    ]
    assert len(pcm) == 16 * 540


async def test_the_operators_prompt_wins_over_the_shipped_one(tmp_path: Path) -> None:
    own = tone((500.0,), 100)
    (tmp_path / ZH).mkdir()
    await asyncio.to_thread(write_flac, tmp_path / ZH / "goodbye.flac", own)
    store = PromptStore(tmp_path, Written())
    assert len(await store.render("goodbye")) == len(own)
    assert await store.render("goodbye", language=EN) == await PromptStore(None, Written()).render(
        "goodbye", language=EN
    )
    assert await store.render("goodbye") is await store.render("goodbye"), "read once"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[zh-CN]]\ncolour = 'red'", "part 1 of zh-CN: unknown key 'colour'"),
        ("[[zh-CN]]\ntext = 'a'\ndate = 'b'", "exactly one key"),
        ("[[zh-CN]]\ntext = ''", "text is a text"),
        ("[[zh-CN]]\namount = []", "the name of a field"),
        ("[[zh-CN]]\namount = ['a', 1]", "the name of a field"),
        ("[[zh-CN]]\ntext = ['a']", "text is a text"),
        ("[[zh-CN]]\npause_ms = -1", "pause_ms is a number"),
        ("[[en]]\ntext = 'a'", "no parts for language 'zh-CN'"),
        ("zh-CN = 3", "no parts for language"),
        ("][", "not valid TOML"),
        ("[[zh-CN]]\naudio = 'mine'", "without end"),
        ("[[zh-CN]]\naudio = 'nowhere'", "no prompt 'nowhere'"),
    ],
)
async def test_wrong_scripts_are_explained(tmp_path: Path, text: str, words: str) -> None:
    script(tmp_path, text)
    with pytest.raises(ConfigError, match=words):
        await PromptStore(tmp_path, Written()).render("mine")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "no field 'amount'"),
        ({"amount": "lots", "due_date": "2026-11-25"}, "field 'amount' is no amount"),
        ({"amount": -5, "due_date": "2026-11-25"}, "field 'amount' is no amount"),
        ({"amount": 5, "due_date": "tomorrow"}, "field 'due_date' is no date"),
    ],
)
async def test_missing_and_wrong_fields_are_named(fields: dict[str, PromptValue], words: str) -> None:
    with pytest.raises(InputError, match=words):
        await PromptStore(None, Written()).render("reminder", fields)


@pytest.mark.parametrize("name", ["", "../secret", ".hidden", "nowhere"])
async def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"not a prompt's name|no prompt"):
        await PromptStore(None, Written()).render(name)


async def test_a_broken_recording_is_named(tmp_path: Path) -> None:
    (tmp_path / "goodbye.wav").write_text("not audio")
    with pytest.raises(ConfigError, match=r"prompt 'goodbye': .*goodbye\.wav"):
        await PromptStore(tmp_path, Written()).render("goodbye")


async def test_recorded_words_refuse_what_they_do_not_know() -> None:
    speech = FragmentSpeech()
    with pytest.raises(InputError, match="install espeak-ng"):
        await speech.say("一元，您好", ZH)
    with pytest.raises(ConfigError, match="no recorded words"):
        await speech.say("un", "fr")
    with_pause, without = await speech.say("一，元。", ZH), await speech.say("一元", ZH)
    assert len(with_pause) > len(without)


def test_pinyin_of_words_that_change_a_reading() -> None:
    assert to_pinyin("银行还款，还有。") == "yin2 hang2 huan2 kuan3 , hai2 you3 ."
    assert to_pinyin("ni3 hao3 OK") == "ni3 hao3 OK"
    with pytest.raises(ValueError, match="龘"):
        to_pinyin("龘")


async def test_a_slot_takes_the_first_field_that_is_there(tmp_path: Path) -> None:
    script(tmp_path, '[[zh-CN]]\ndigits = ["account", "phone"]\n')
    speech = Written()
    store = PromptStore(tmp_path, speech)
    await store.render("mine", {"phone": "10086"})
    await store.render("mine", {"phone": "10086", "account": "7"})
    assert [words for words, _language in speech.said] == ["幺零零八六", "七"]
    with pytest.raises(InputError, match="no field 'account' or 'phone'"):
        await store.render("mine", {})
