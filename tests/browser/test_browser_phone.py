"""A collector's talk through a headset at the browser: heard both ways, through everything that happens to pages."""

import asyncio
import time
import wave
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Locator, Page, expect

from dialer.api import sockets
from dialer.api.client import ApiClient
from dialer.api.security import hash_token
from dialer.media.interface import RATE_HZ
from dialer.model.account import Role
from dialer.prompts.signals import silence
from tests.support.browser import PASSWORD, Seen, chromium, new_account, new_page
from tests.support.browser_sound import Network, Sound, sounds
from tests.support.path_audio import Samples, channels, find
from tests.support.path_carrier import Carrier, line_of_pcm, voice
from tests.support.path_house import PathHouse, Seat, open_path_house, seen
from tests.support.path_script import INVITE, OUR_BYE, RINGING, TRYING, answer, scenario, speak
from tests.support.sip_peers import HOST, PhoneAccount

pytestmark = [
    pytest.mark.peer("sipp"),
    pytest.mark.peer("chromium"),
    pytest.mark.slow,
    pytest.mark.allow_blocking,
    pytest.mark.timeout(300),
]

LOGIN = "li"
TOLD_S = 3.0
"""So much sound is looked for in the recording."""
LIKE = 0.8
CUT_S = 2.0
LONGEST_LAG_S = 1.5
"""There and back between headset and trunk; far more than it should be, for machines that are busy."""
CONNECTED = "Headset connected"
ELSEWHERE = "Headset in another tab"
SETTINGS = {"mode": "progressive", "trunk_group": "person"}


@dataclass(frozen=True)
class Look:
    """The last seconds of what a page carried in one situation, and when they began by the page's clock."""

    situation: str
    microphone: Samples
    microphone_at: float
    line: Samples
    line_at: float


@dataclass
class Talk:
    """One talk, its pages, and what was heard on the way."""

    house: PathHouse
    seat: Seat
    network: Network
    looks: list[Look] = field(default_factory=list)

    async def listen(self, page: Page, situation: str) -> None:
        """Waits until the page carried some more sound both ways, and keeps the end of it."""
        before = await sounds(page)

        async def more() -> Mapping[str, Sound] | None:
            now = await sounds(page)
            grown = [one.duration_s - (before[name].duration_s if name in before else 0.0) for name, one in now.items()]
            return now if len(grown) == 2 and min(grown) > 1.5 * TOLD_S else None

        heard = await seen(more, f"{situation}: sound goes both ways")
        assert await self.seat.state() == "talking", situation
        ends = {name: (last(sound), sound.began_at + sound.duration_s - TOLD_S) for name, sound in heard.items()}
        self.looks.append(Look(situation, *ends["microphone"], *ends["line"]))


def last(sound: Sound) -> Samples:
    """The end of a sound."""
    return sound.samples[-round(TOLD_S * RATE_HZ) :]


def noise(seconds: float, seed: int) -> bytes:
    """PCM that is nowhere like itself, below 3 kHz, so that a piece of it is found in one place only."""
    chance = np.random.default_rng(seed)
    spectrum = np.fft.rfft(chance.normal(0.0, 1.0, round(seconds * RATE_HZ)))
    hz = np.fft.rfftfreq(round(seconds * RATE_HZ), 1 / RATE_HZ)
    spectrum[(hz < 300) | (hz > 3000)] = 0
    sound = np.fft.irfft(spectrum)
    pcm: bytes = (sound / np.abs(sound).max() * 12_000).astype("<i2").tobytes()
    return pcm


def write_wav(path: Path, pcm: bytes) -> None:
    """As Chromium's fake microphone reads it."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", "not compressed"))
        file.writeframes(pcm)


def phone_of(page: Page) -> Locator:
    """The phone in the frame."""
    return page.get_by_role("region", name="Headset", exact=True)


async def is_connected(page: Page) -> None:
    """Waits for the phone to say so."""
    await expect(phone_of(page).get_by_text(CONNECTED)).to_be_visible()


@asynccontextmanager
async def collector(house: PathHouse) -> AsyncIterator[Seat]:
    """An account without a SIP phone: log-in and password for the pages, a token for the test."""
    account_id = await new_account(house, LOGIN, Role.COLLECTOR)
    token = "token-of-the-browser"
    now = house.app.clock.utcnow()
    await house.app.storage.accounts.add_token(hash_token(token), LOGIN, Role.COLLECTOR, now, account_id=account_id)
    async with ApiClient(f"http://{HOST}:{house.app.http_port}", token) as api:
        yield Seat(account_id, PhoneAccount(user=LOGIN), api)


async def connects(page: Page) -> None:
    """By one click; then one hears oneself, and is told what the line is worth."""
    await phone_of(page).get_by_role("button", name="Connect headset").click()
    await is_connected(page)
    await phone_of(page).get_by_role("button", name="Headset settings").click()
    await page.get_by_role("button", name="Hear yourself for 5 s").click()
    test = page.get_by_role("region", name="Test", exact=True)
    await expect(test.get_by_text("fit for work").or_(test.get_by_text("people "))).to_be_visible()
    assert "–" not in await test.locator("dl").inner_text()
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


async def moves_to_another_tab(talk: Talk, first: Seen) -> Page:
    """Not by opening it: when asked to."""
    second = await first.context.new_page()
    await second.goto(f"{first.url}/collector")
    await expect(phone_of(second).get_by_text(ELSEWHERE)).to_be_visible()
    await is_connected(first.page)
    await phone_of(second).get_by_role("button", name="Use it here").click()
    await is_connected(second)
    await expect(phone_of(first.page).get_by_text(ELSEWHERE)).to_be_visible()
    await talk.listen(second, "in another tab")
    return second


async def outlives_its_log_in(talk: Talk, page: Page) -> None:
    """The session ends in mid-talk: people go on talking, and whoever logs in again goes on working."""
    await talk.house.app.storage.sessions.close_all(talk.seat.agent_id)
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Password", exact=True)).to_be_visible()
    await talk.listen(page, "after the log-in ended")
    await dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    await dialog.get_by_role("button", name="Log in", exact=True).click()
    await is_connected(page)
    await talk.listen(page, "after the next log-in")


def check_looks(looks: list[Look], flac: bytes) -> None:
    """Everything the pages carried is in the recording, in its channel; says how late it was. Blocks."""
    them, us = channels(flac)
    for look in looks:
        line, microphone = find(look.line, them), find(look.microphone, us)
        lag_s = (look.line_at - line.at_s) + (microphone.at_s - look.microphone_at)
        alike = f"line {line.likeness:.2f}, microphone {microphone.likeness:.2f}"
        print(f"{look.situation}: {alike}; there and back {lag_s * 1000:.0f} ms")
        assert min(line.likeness, microphone.likeness) > LIKE, (look.situation, line, microphone)
        assert 0 < lag_s < LONGEST_LAG_S, look.situation


async def test_a_talk_in_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "CHECK_EVERY_S", 0.5)  # how soon a page hears that its log-in ended
    microphone = tmp_path / "microphone.wav"
    write_wav(microphone, noise(50.0, seed=1))
    person = line_of_pcm(voice("human_zh_wei_nihao") + silence(2500) + noise(80.0, seed=2))
    script = scenario("person", INVITE, TRYING, RINGING, answer(), speak("line.al"), OUR_BYE)
    async with (
        Carrier.playing("person", script, tmp_path / "person", {"line.al": person}) as carrier,
        open_path_house(tmp_path, [carrier.trunk()]) as house,
        collector(house) as seat,
        chromium(microphone) as browser,
        new_page(browser, house) as first,
        Network.between(first.context) as network,
    ):
        plain = '{"echoCancellation": false, "noiseSuppression": false}'  # noise would be suppressed
        await first.context.add_init_script(f"localStorage.setItem('phone.devices', '{plain}')")
        talk = Talk(house, seat, network)
        await first.log_in(LOGIN)
        await connects(first.page)
        campaign_id = await house.campaign("person", SETTINGS)
        await seat.log_in(campaign_id)
        await house.start(campaign_id)
        await seat.reaches("talking")
        await talk.listen(first.page, "at first")
        await reloads(talk, first.page)
        await loses_its_network(talk, first.page)
        second = await moves_to_another_tab(talk, first)
        await outlives_its_log_in(talk, second)
        await seat.act("hang-up")
        attempt = await house.settled(campaign_id)
        _, flac = await house.recording(attempt)
        await asyncio.to_thread(check_looks, talk.looks, flac)
        assert (attempt["disposition"], attempt["agent_id"]) == ("connected", seat.agent_id)
