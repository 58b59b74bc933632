"""The phone in a page's frame, as people use it: a microphone to speak into, one click to connect, and a collector."""

import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import BrowserContext, Locator, Page, expect

from dialer.api.client import ApiClient
from dialer.api.security import hash_token
from dialer.media.interface import RATE_HZ
from dialer.model.account import Role
from tests.support.browser import LIMIT_MS, new_account
from tests.support.path_house import PathHouse, Seat
from tests.support.sip_peers import HOST, PhoneAccount

_PLAIN = '{"echoCancellation": false, "noiseSuppression": false}'


def write_wav(path: Path, pcm: bytes) -> None:
    """As Chromium's fake microphone reads it."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", "not compressed"))
        file.writeframes(pcm)


async def speak_plainly(context: BrowserContext) -> None:
    """What the microphone of its pages hears is sent as it is; noise and tones would be suppressed."""
    await context.add_init_script(f"localStorage.setItem('phone.devices', '{_PLAIN}')")


def phone_of(page: Page) -> Locator:
    """The phone in the frame."""
    return page.get_by_role("region", name="Headset", exact=True)


async def is_connected(page: Page) -> None:
    """Waits for the phone to say so."""
    await expect(phone_of(page)).to_have_attribute("data-status", "connected", timeout=LIMIT_MS)


async def connect_headset(page: Page) -> None:
    """By one click."""
    await phone_of(page).get_by_role("button", name="Connect headset").click()
    await is_connected(page)


@asynccontextmanager
async def browser_seat(house: PathHouse, login: str) -> AsyncIterator[Seat]:
    """A collector without a SIP phone: log-in and password for the pages, a token for the test."""
    account_id = await new_account(house, login, Role.COLLECTOR)
    token = f"token-of-the-browser-of-{login}"
    now = house.app.clock.utcnow()
    await house.app.storage.accounts.add_token(hash_token(token), login, Role.COLLECTOR, now, account_id=account_id)
    async with ApiClient(f"http://{HOST}:{house.app.http_port}", token) as api:
        yield Seat(account_id, PhoneAccount(user=login), api)
