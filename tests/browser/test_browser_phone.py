"""A collector's talk through a headset at the browser: heard both ways, through everything that happens to pages."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Page, expect

from dialer.api import sockets
from dialer.media.interface import RATE_HZ
from dialer.prompts.signals import silence
from tests.support.browser import LIMIT_MS, PASSWORD, Seen, chromium, new_page
from tests.support.browser_phone import (
    browser_seat,
    connect_headset,
    is_connected,
    phone_of,
    speak_plainly,
    write_wav,
)
from tests.support.browser_sound import Network, Sound, carried, last_sounds
from tests.support.path_audio import Samples, channels, find
from tests.support.path_carrier import Carrier, line_of_pcm, voice
from tests.support.path_house import PathHouse, Seat, open_path_house, seen
from tests.support.path_script import INVITE, OUR_BYE, RINGING, TRYING, answer, scenario, speak
from tests.support.sip_peers import wait_until

pytestmark = [
    pytest.mark.peer("sipp"),
    pytest.mark.peer("chromium"),
    pytest.mark.slow,
    pytest.mark.allow_blocking,
    pytest.mark.timeout(300),
]

LOGIN = "li"
LOOK_S = 2.0
"""The sound that is kept of a situation."""
PIECE_S = 0.5
"""The piece of it that is looked for in the recording: on a busy machine a browser stretches and skips now and then."""
LIKE = 0.6
"""Pieces of different noise are like each other to less than 0.2."""
CUT_S = 2.0
LONGEST_LAG_S = 3.0
"""Where the microphone is looked for, beside the line; far more than it takes, for machines that are busy."""
SETTINGS = {"mode": "progressive", "trunk_group": "person"}


@dataclass(frozen=True)
class Look:
    """The last seconds of what a page carried in one situation."""

    situation: str
    microphone: Sound
    line: Sound


@dataclass(frozen=True)
class Placed:
    """A piece of sound: how much it is like the recording, and where it was there and in the page, in seconds."""

    likeness: float
    recorded_at: float
    page_at: float


@dataclass
class Talk:
    """One talk, its pages, and what was heard on the way."""

    house: PathHouse
    seat: Seat
    network: Network
    looks: list[Look] = field(default_factory=list)

    async def listen(self, page: Page, situation: str) -> None:
        """Waits until the page carried some more sound both ways, and keeps the end of it."""
        before = await carried(page)

        def grown(name: str, now: tuple[int, float]) -> float:
            before_id, before_s = before.get(name, (0, 0.0))
            return now[1] - (before_s if now[0] == before_id else 0.0)

        async def more() -> bool | None:
            more_s = [grown(name, now) for name, now in (await carried(page)).items()]
            return (len(more_s) == 2 and min(more_s) > LOOK_S + 0.5) or None

        await seen(more, f"{situation}: sound goes both ways")
        assert await self.seat.state() == "talking", situation
        self.looks.append(Look(situation, **await last_sounds(page, LOOK_S)))


def noise(seconds: float, seed: int) -> bytes:
    """PCM that is nowhere like itself: a piece is found in one place only. Low, so that half a sample is little."""
    chance = np.random.default_rng(seed)
    spectrum = np.fft.rfft(chance.normal(0.0, 1.0, round(seconds * RATE_HZ)))
    hz = np.fft.rfftfreq(round(seconds * RATE_HZ), 1 / RATE_HZ)
    spectrum[(hz < 300) | (hz > 1500)] = 0
    sound = np.fft.irfft(spectrum)
    pcm: bytes = (sound / np.abs(sound).max() * 12_000).astype("<i2").tobytes()
    return pcm


async def connects(first: Seen) -> None:
    """By one click; then one hears oneself, and is told what the line is worth."""
    page = first.page
    await connect_headset(page)
    await phone_of(page).get_by_role("button", name="Headset settings").click()
    await page.get_by_role("button", name="Hear yourself for 5 s").click()
    test = page.get_by_role("region", name="Test", exact=True)
    await expect(test.get_by_text("fit for work").or_(test.get_by_text("people "))).to_be_visible(timeout=LIMIT_MS)
    assert "–" not in await test.locator("dl").inner_text()
    assert await first.serious_findings() == []
    await page.keyboard.press("Escape")


async def reloads(talk: Talk, page: Page) -> None:
    """In the middle of the talk."""
    began = time.monotonic()
    await page.reload()
    await is_connected(page)
    print(f"\nreload to connected again: {time.monotonic() - began:.1f} s")
    await talk.listen(page, "after a reload")


async def loses_its_network(talk: Talk, page: Page) -> None:
    """Every packet for two seconds."""
    talk.network.cut(True)
    await asyncio.sleep(CUT_S)
    talk.network.cut(False)
    await is_connected(page)
    await talk.listen(page, "after a cut of the network")


async def changes_its_network(talk: Talk, page: Page) -> None:
    """From one packet to the next: what was connected is not any more."""
    began = time.monotonic()
    talk.network.change()
    await wait_until(lambda: talk.network.is_used, "the page goes through another network")
    await is_connected(page)
    print(f"another network to connected again: {time.monotonic() - began:.1f} s")
    await talk.listen(page, "in another network")


async def moves_to_another_tab(talk: Talk, first: Seen) -> Page:
    """Not by opening it: when asked to."""
    second = await first.context.new_page()
    await second.goto(f"{first.url}/collector")
    await expect(phone_of(second)).to_have_attribute("data-status", "elsewhere", timeout=LIMIT_MS)
    await is_connected(first.page)
    await phone_of(second).get_by_role("button", name="Use it here").click()
    await is_connected(second)
    await expect(phone_of(first.page)).to_have_attribute("data-status", "elsewhere", timeout=LIMIT_MS)
    await talk.listen(second, "in another tab")
    return second


async def outlives_its_log_in(talk: Talk, page: Page) -> None:
    """The session ends in mid-talk: people go on talking, and whoever logs in again goes on working."""
    await talk.house.app.storage.sessions.close_all(talk.seat.agent_id)
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Password", exact=True)).to_be_visible(timeout=LIMIT_MS)
    await talk.listen(page, "after the log-in ended")
    await dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    await dialog.get_by_role("button", name="Log in", exact=True).click()
    await is_connected(page)
    await talk.listen(page, "after the next log-in")


def place(sound: Sound, recorded: Samples, from_s: float = 0.0) -> Placed:
    """Where the piece of a sound that is most like the recording stands in it."""
    size = round(PIECE_S * RATE_HZ)
    starts = range(0, len(sound.samples) - size + 1, size // 2)
    found = {start: find(sound.samples[start : start + size], recorded) for start in starts}
    best = max(found, key=lambda start: found[start].likeness)
    return Placed(found[best].likeness, from_s + found[best].at_s, sound.began_at + best / RATE_HZ)


def check_looks(looks: list[Look], flac: bytes) -> None:
    """Everything the pages carried is in the recording, in its channel; says how late it was. Blocks."""
    them, us = channels(flac)
    for look in looks:
        line = place(look.line, them)
        # A microphone that is opened again says the same again: only what was said meanwhile counts.
        from_s = line.recorded_at + (look.microphone.began_at - line.page_at) - LONGEST_LAG_S
        until_s = from_s + 3 * LONGEST_LAG_S + LOOK_S
        near = us[max(round(from_s * RATE_HZ), 0) : round(until_s * RATE_HZ)]
        microphone = place(look.microphone, near, max(from_s, 0.0))
        lag_s = (line.page_at - line.recorded_at) + (microphone.recorded_at - microphone.page_at)
        alike = f"line {line.likeness:.2f}, microphone {microphone.likeness:.2f}"
        print(f"{look.situation}: {alike}; there and back {lag_s * 1000:.0f} ms")
        assert min(line.likeness, microphone.likeness) > LIKE, (look.situation, line, microphone)


async def test_a_talk_in_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "CHECK_EVERY_S", 0.5)  # how soon a page hears that its log-in ended
    microphone = tmp_path / "microphone.wav"
    write_wav(microphone, noise(50.0, seed=1))
    person = line_of_pcm(voice("human_zh_wei_nihao") + silence(2500) + noise(80.0, seed=2))
    script = scenario("person", INVITE, TRYING, RINGING, answer(), speak("line.al"), OUR_BYE)
    async with (
        Carrier.playing("person", script, tmp_path / "person", {"line.al": person}) as carrier,
        open_path_house(tmp_path, [carrier.trunk()]) as house,
        browser_seat(house, LOGIN) as seat,
        chromium(microphone) as browser,
        new_page(browser, house) as first,
        Network.between(first.context) as network,
    ):
        await speak_plainly(first.context)
        talk = Talk(house, seat, network)
        await first.log_in(LOGIN)
        await connects(first)
        campaign_id = await house.campaign("person", SETTINGS)
        await seat.log_in(campaign_id)
        await house.start(campaign_id)
        await seat.reaches("talking")
        await talk.listen(first.page, "at first")
        await reloads(talk, first.page)
        await loses_its_network(talk, first.page)
        await changes_its_network(talk, first.page)
        second = await moves_to_another_tab(talk, first)
        await outlives_its_log_in(talk, second)
        await seat.act("hang-up")
        attempt = await house.settled(campaign_id)
        _, flac = await house.recording(attempt)
        await asyncio.to_thread(check_looks, talk.looks, flac)
        assert (attempt["disposition"], attempt["agent_id"]) == ("connected", seat.agent_id)
