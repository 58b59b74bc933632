"""Makes the audio that is shipped: prompts, spoken words, and the voices of the simulated callees.

Needs espeak-ng; run it when a text below changes and commit what it wrote. Everything is spoken by espeak-ng or
computed, so it may be shipped freely.
"""

import asyncio
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from dialer.prompts.audio import write_flac
from dialer.prompts.signals import SIT_PULSES, silence, tone
from dialer.prompts.spoken import EN, EN_MONTHS, EN_ORDINALS, ZH, spoken_number
from dialer.prompts.tts import FRAGMENTS_DIR, EspeakNg

ROOT = Path(__file__).resolve().parent.parent
PROMPTS_DIR = ROOT / "dialer" / "prompts" / "data"
VOICES_DIR = ROOT / "dialer" / "simulator" / "voices"
BEEP_HZ = 1000.0
SIZE_LIMIT = 1_000_000

PROMPTS = {
    ZH: {
        "safe_harbour": "您好，这里是客户服务中心。现在坐席都在忙，我们稍后再与您联系。打扰了，再见。",
        "recording_notice": "为了保证服务质量，本次通话将被录音。",
        "please_hold": "请稍等，马上为您接通。",
        "goodbye": "感谢您的接听，再见。",
        "machine_message": "您好，这里是客户服务中心，请您方便的时候回电。谢谢，再见。",
        "no_more_calls": "好的，我们不会再拨打这个号码。再见。",
        "apology_callback": "抱歉，现在没有空闲的工作人员，我们会尽快给您回电。再见。",
        "callback_noted": "好的，我们会尽快给您回电。再见。",
        "reminder_intro": "您好，这里是还款提醒。您的账单还有",
        "reminder_due": "没有还清，到期日是",
        "reminder_pay": "您可以通过手机银行，或者到营业网点还款。",
        "reminder_keys": "与工作人员通话，请按一。重听一遍，请按二。不想再接到这样的电话，请按九。",
    },
    EN: {
        "safe_harbour": "Hello, this is the customer service centre. All our agents are busy at the moment. "
        "We will try again later. We are sorry for the inconvenience. Goodbye.",
        "recording_notice": "This call will be recorded.",
        "please_hold": "Please hold the line, we are connecting you.",
        "goodbye": "Thank you. Goodbye.",
        "machine_message": "Hello, this is the customer service centre. Please call us back. Thank you, goodbye.",
        "apology_callback": "We are sorry, nobody is free at the moment. We will call you back. Goodbye.",
        "callback_noted": "We will call you back. Goodbye.",
        "no_more_calls": "We will not call this number again. Goodbye.",
        "reminder_intro": "Hello, this is a payment reminder. There is an open amount of",
        "reminder_due": "due on",
        "reminder_pay": "You can pay in your banking app, or at any branch.",
        "reminder_keys": "To speak to an agent, press one. To hear this again, press two. "
        "If you do not want such calls any more, press nine.",
    },
}

HUMANS = {
    "human_zh_wei": (ZH, "喂？"),
    "human_zh_wei_nihao": (ZH, "喂，你好。"),
    "human_zh_na_wei": (ZH, "喂，哪位？"),
    "human_zh_qing_shuo": (ZH, "喂，您好，请讲。"),
    "human_en_hello": (EN, "Hello?"),
    "human_en_speaking": (EN, "Yes, hello, who is this?"),
}
MACHINES = {
    "machine_zh_carrier": (ZH, "您好，您所拨打的用户暂时无法接听您的电话，请在提示音后留言，结束请挂机。"),
    "machine_zh_personal": (ZH, "我现在不方便接电话，请留下您的姓名，电话号码和事由，我会尽快给您回电话，谢谢。"),
    "machine_en_carrier": (
        EN,
        "The person you are calling is not available at the moment, "
        "please leave your message after the tone, and you will be called back.",
    ),
    "machine_en_personal": (
        EN,
        "Sorry that I missed your call, I am in a meeting all day today, "
        "so please leave your name and number and I will call you back.",
    ),
}
ANNOUNCEMENTS = {
    "announcement_empty_number": "您好，您拨打的号码是空号，请核对后再拨。",
    "announcement_powered_off": "您好，您拨打的用户已关机，请稍后再拨。",
    "announcement_suspended": "您好，您拨打的用户已停机。",
    "announcement_unreachable": "您好，您拨打的用户暂时无法接通，请稍后再拨。",
    "announcement_busy": "您好，您拨打的用户正在通话中，请稍后再拨。",
}
_ZH_WORDS = "零一二三四五六七八九十百千万亿两幺元角分月日点"
_EN_UNITS = ("hundred", "thousand", "million", "billion", "point", "yuan", "thirtieth")


async def main() -> None:
    """Writes everything, then says how large it is."""
    with tempfile.TemporaryDirectory() as cache:
        tts = EspeakNg(Path(cache))
        await make_prompts(tts)
        await make_fragments(tts)
        await make_voices(tts)
    for directory in (PROMPTS_DIR, VOICES_DIR):
        size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
        print(f"{directory.relative_to(ROOT)}: {size / 1000:.0f} kB")
        if size > SIZE_LIMIT:
            raise SystemExit(f"more than {SIZE_LIMIT / 1e6:.0f} MB; make the texts shorter")


async def make_prompts(tts: EspeakNg) -> None:
    """Spoken prompts, and the tone a collector hears when a person is connected."""
    for language, texts in PROMPTS.items():
        directory = fresh(PROMPTS_DIR / language)
        for name, text in texts.items():
            write_flac(directory / f"{name}.flac", coarse(trimmed(await tts.say(text, language)) + silence(120)))
    connect = tone((660.0,), 90) + silence(40) + tone((880.0,), 120)
    write_flac(PROMPTS_DIR / "connect_tone.flac", connect)


async def make_fragments(tts: EspeakNg) -> None:
    """Single words of numbers, amounts and dates, in one file a language with an index."""
    fresh(FRAGMENTS_DIR)
    small = [spoken_number(number, EN) for number in (*range(20), *range(20, 100, 10))]
    words = {ZH: list(_ZH_WORDS), EN: [*small, *_EN_UNITS, *EN_MONTHS, *EN_ORDINALS]}
    for language, texts in words.items():
        pcm = b""
        index = {}
        for text in texts:
            word = trimmed(await tts.say(text, language))
            gap = silence(20 if language == ZH else 60)
            index[text] = (len(pcm) // 2, (len(pcm) + len(word) + len(gap)) // 2)
            pcm += word + gap
        write_flac(FRAGMENTS_DIR / f"{language}.flac", coarse(pcm))
        (FRAGMENTS_DIR / f"{language}.json").write_text(json.dumps(index, ensure_ascii=False) + "\n", encoding="utf-8")


async def make_voices(tts: EspeakNg) -> None:
    """What simulated callees and the simulated network say, beginning with a moment of quiet, as calls do."""
    fresh(VOICES_DIR)
    for name, (language, text) in HUMANS.items():
        write_voice(name, silence(400) + trimmed(await tts.say(text, language)) + silence(400))
    for name, (language, text) in MACHINES.items():
        greeting = trimmed(await tts.say(text, language))
        write_voice(name, silence(500) + greeting + silence(600) + tone((BEEP_HZ,), 400) + silence(200))
    for name, text in ANNOUNCEMENTS.items():
        write_voice(name, silence(200) + trimmed(await tts.say(text, ZH)) + silence(800))
    not_in_service = b"".join(tone((hz,), length_ms) for hz, length_ms in SIT_PULSES)
    english = await tts.say("The number you have dialed is not in service.", EN)
    write_voice("announcement_sit_en", silence(200) + not_in_service + silence(300) + trimmed(english) + silence(800))


def write_voice(name: str, pcm: bytes) -> None:
    """Writes one voice file."""
    write_flac(VOICES_DIR / f"{name}.flac", coarse(pcm))


def coarse(pcm: bytes) -> bytes:
    """In steps of 32, still finer than G.711 at speech level: FLAC leaves out the empty bits, half of the size."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.int32)
    rounded: bytes = np.clip((samples + 16) // 32 * 32, -32768, 32736).astype("<i2").tobytes()
    return rounded


def trimmed(pcm: bytes) -> bytes:
    """Without the silence that espeak-ng puts around what it says; 20 ms are kept on either side."""
    samples = np.frombuffer(pcm, dtype="<i2")
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 200)
    if loud.size == 0:
        return pcm
    kept: bytes = samples[max(int(loud[0]) - 160, 0) : int(loud[-1]) + 160].tobytes()
    return kept


def fresh(directory: Path) -> Path:
    """The directory, empty."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


if __name__ == "__main__":
    asyncio.run(main())
