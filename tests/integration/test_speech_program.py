"""espeak-ng for real: it speaks, what it said is kept, and its absence is explained."""

import asyncio
from pathlib import Path

import pytest

from dialer.errors import ConfigError, InputError
from dialer.prompts.audio import read_audio
from dialer.prompts.spoken import EN, ZH
from dialer.prompts.tts import MAX_TEXT_CHARS, EspeakNg, FragmentSpeech, local_speech


@pytest.mark.peer("espeak-ng")
async def test_it_speaks_and_keeps_what_it_said(tmp_path: Path) -> None:
    speech = EspeakNg(tmp_path / "cache")
    first = await speech.say("一千二百三十四元", ZH)
    assert 1.0 < len(first) / 16000 < 6.0
    (kept,) = (tmp_path / "cache").iterdir()
    assert len(await asyncio.to_thread(read_audio, kept)) == len(first)
    assert len(await speech.say("一千二百三十四元", ZH)) == len(first)
    assert len(list((tmp_path / "cache").iterdir())) == 1
    assert await speech.say("Hello.", EN) != first


@pytest.mark.peer("espeak-ng")
async def test_many_may_ask_for_the_same_words_at_once(tmp_path: Path) -> None:
    speech = EspeakNg(tmp_path / "cache")
    said = await asyncio.gather(*(speech.say("一千二百三十四元", ZH) for _ in range(8)))
    assert len(set(said)) == 1
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.peer("espeak-ng")
async def test_characters_it_would_mumble_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read 龘"):
        await EspeakNg(tmp_path).say("龘", ZH)


async def test_without_the_program_the_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="apt-get install espeak-ng"):
        await EspeakNg(tmp_path, program="no-such-program").say("hello", EN)


async def test_a_program_that_fails_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="failed"):
        await EspeakNg(tmp_path, program="false").say("hello", EN)


async def test_unknown_languages_and_endless_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'fr'"):
        await EspeakNg(tmp_path).say("bonjour", "fr")
    with pytest.raises(InputError, match="too long"):
        await EspeakNg(tmp_path).say("a" * (MAX_TEXT_CHARS + 1), EN)


def test_the_local_default_depends_on_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert isinstance(local_speech(tmp_path), FragmentSpeech)
