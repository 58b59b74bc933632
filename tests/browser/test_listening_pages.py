"""A supervisor listens in, whispers and barges in from the page; who hears whom is measured in both headsets.

Everybody says a tone of their own all the time: two Chromiums with a microphone each, and a called person.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Page, expect

from dialer.media.interface import RATE_HZ
from dialer.model.account import Role
from dialer.prompts.signals import silence
from tests.support.browser import Seen, chromium, new_account, new_page
from tests.support.browser_phone import browser_seat, connect_headset, is_connected, speak_plainly, write_wav
from tests.support.browser_sound import Network, last_sounds
from tests.support.path_audio import Samples, channels, share_of_tone
from tests.support.path_carrier import Carrier, line_of_pcm, voice
from tests.support.path_house import PathHouse, open_path_house, seen
from tests.support.path_script import INVITE, OUR_BYE, RINGING, TRYING, answer, scenario, speak

pytestmark = [
    pytest.mark.peer("sipp"),
    pytest.mark.peer("chromium"),
    pytest.mark.slow,
    pytest.mark.allow_blocking,
    pytest.mark.timeout(300),
]

COLLECTOR, SUPERVISOR = "li", "sue"
COLLECTOR_HZ, CALLED_HZ, SUPERVISOR_HZ = 500, 900, 1400
TONES = (COLLECTOR_HZ, CALLED_HZ, SUPERVISOR_HZ)
HEARD = 0.1
"""Of the power: three equal tones have a third each."""
WINDOW_S = 1.0
WHISPER_S = 4.0
"""Longer than the slack: what leaked into the recording would be found before its time."""
BARGE_S = 4.0
SLACK_S = 2.0
"""Between a click and what it does, and between a headset and the recording."""
SETTINGS = {"mode": "progressive", "trunk_group": "person"}


def tone(hz: int, seconds: float) -> bytes:
    """PCM; a whole number of turns, so that it can be repeated."""
    turns = 2 * np.pi * hz / RATE_HZ * np.arange(round(seconds * RATE_HZ))
    return bytes((8000 * np.sin(turns)).astype("<i2").tobytes())


def tones_in(samples: Samples) -> set[int]:
    """Whose tones are in it."""
    return {hz for hz in TONES if len(samples) and share_of_tone(samples, hz) > HEARD}


def windows_with(samples: Samples, hz: int) -> list[float]:
    """When a tone is there, in seconds from the beginning."""
    size = round(WINDOW_S * RATE_HZ)
    starts = range(0, len(samples) - size, size)
    return [start / RATE_HZ for start in starts if hz in tones_in(samples[start : start + size])]


@dataclass
class Headset:
    """Somebody's page with a phone that is connected."""

    seen: Seen

    @property
    def page(self) -> Page:
        return self.seen.page

    async def hears(self, *wanted: int) -> None:
        """Waits until exactly these tones are in what came last."""

        async def look() -> bool | None:
            line = (await last_sounds(self.page, WINDOW_S)).get("line")
            return True if line is not None and await asyncio.to_thread(tones_in, line.samples) == set(wanted) else None

        await seen(look, f"{wanted} Hz and nothing else in the headset")


@asynccontextmanager
async def headset(folder: Path, house: PathHouse, login: str, hz: int) -> AsyncIterator[Headset]:
    """A Chromium whose microphone hears a tone, with one page that is logged in and connected."""
    microphone = folder / f"{login}.wav"
    await asyncio.to_thread(write_wav, microphone, tone(hz, 10.0))
    async with chromium(microphone) as browser, new_page(browser, house) as page, Network.between(page.context):
        await speak_plainly(page.context)
        await page.log_in(login)
        await connect_headset(page.page)
        yield Headset(page)


async def way(page: Page, name: str) -> None:
    """Asks for another way to listen in, once one listens, and waits until it is so."""
    button = page.get_by_role("group", name="How you listen").get_by_role("button", name=name)
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true")


async def test_a_supervisor_listens_in_from_the_page(tmp_path: Path) -> None:
    person = line_of_pcm(voice("human_zh_wei_nihao") + silence(2500) + tone(CALLED_HZ, 120.0))
    script = scenario("person", INVITE, TRYING, RINGING, answer(), speak("line.al"), OUR_BYE)
    async with (
        Carrier.playing("person", script, tmp_path / "person", {"line.al": person}) as carrier,
        open_path_house(tmp_path, [carrier.trunk()]) as house,
        browser_seat(house, COLLECTOR) as seat,
        headset(tmp_path, house, COLLECTOR, COLLECTOR_HZ) as collector,
    ):
        await new_account(house, SUPERVISOR, Role.SUPERVISOR)
        campaign_id = await house.campaign("person", SETTINGS)
        await seat.log_in(campaign_id)
        await house.start(campaign_id)
        await seat.reaches("talking")
        await collector.hears(CALLED_HZ)
        async with headset(tmp_path, house, SUPERVISOR, SUPERVISOR_HZ) as supervisor:
            page = supervisor.page
            await supervisor.seen.go("/supervisor/collectors")
            await is_connected(page)
            await page.get_by_role("button", name=f"Listen · {COLLECTOR.title()}").click()
            await expect(page.get_by_text(f"You listen in on {COLLECTOR.title()}")).to_be_visible()
            await supervisor.hears(COLLECTOR_HZ, CALLED_HZ)
            await collector.hears(CALLED_HZ)
            await way(page, "Whisper")
            await collector.hears(CALLED_HZ, SUPERVISOR_HZ)
            await asyncio.sleep(WHISPER_S)
            barges_at = time.monotonic()
            await way(page, "Barge in")
            await asyncio.sleep(BARGE_S)
            await page.get_by_role("link", name="Wallboard").click()
            await expect(page.get_by_role("heading", name="Wallboard")).to_be_visible()
            await expect(page.get_by_text(f"You listen in on {COLLECTOR.title()}")).to_be_visible()
            await supervisor.hears(COLLECTOR_HZ, CALLED_HZ)
            await seat.act("hang-up")
            barged_s = time.monotonic() - barges_at
            await supervisor.hears(COLLECTOR_HZ)  # the collector is still there
            await page.get_by_role("button", name="Stop listening").click()
            await supervisor.hears()
        attempt = await house.settled(campaign_id)
        _, flac = await house.recording(attempt)
        them, us = await asyncio.to_thread(channels, flac)
        talked = set(windows_with(them, CALLED_HZ))
        assert talked
        assert not talked & set(windows_with(them, SUPERVISOR_HZ))
        barged = windows_with(us, SUPERVISOR_HZ)
        assert barged, "who barges in is in the recording"
        assert len(us) / RATE_HZ - barged[0] < barged_s + SLACK_S, "who whispers is not"
        heard = await house.app.storage.audit.list(f"attempt/{attempt['attempt_id']}")
        actions = [entry.action for _, entry in reversed(heard) if entry.action.startswith("listening.")]
        assert actions[:3] == ["listening.start", "listening.change", "listening.change"]
