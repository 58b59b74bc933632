"""Debian's Chromium in front of a real node: accounts with passwords, and pages whose console must be quiet."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from dialer.api.security import hash_password
from dialer.app import Application
from dialer.model.account import NewAccount, Role
from tests.support.sip_peers import HOST

CHROMIUM = "/usr/bin/chromium"
PASSWORD = "a long pass phrase"
LAPTOP = (1366, 768)
LIMIT_MS = 30_000
"""How long a page may take for anything; generous, the machines are shared."""
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
_AXE = "axe.run({exclude: ['.el-picker__popper']}, {resultTypes: ['violations']})"
"""Without the calendar's pop-up, whose dialog Element Plus gives no name and no way to give it one."""
_REFUSED = "the server responded with a status of"
"""How Chromium's console words an answer that the page was meant to get, and handles."""
expect.set_options(timeout=LIMIT_MS)


@asynccontextmanager
async def chromium(microphone: Path | None = None) -> AsyncIterator[Browser]:
    """A headless Chromium; it hears `microphone`, a WAV file that it repeats, or a beep once a second."""
    arguments = [
        "--no-sandbox",  # as root there is none
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        "--disable-dev-shm-usage",  # others on this machine measure what is free there
    ]
    if microphone is not None:
        arguments.append(f"--use-file-for-fake-audio-capture={microphone}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments, env=dict(os.environ))
        try:
            yield browser
        finally:
            await browser.close()


class Served(Protocol):
    """A node whose pages are looked at."""

    @property
    def app(self) -> Application: ...


async def new_account(house: Served, login: str, role: Role) -> int:
    """An account that logs in with `PASSWORD`; its id."""
    account = NewAccount(login, login.title(), role, await hash_password(PASSWORD))
    return (await house.app.storage.accounts.create(account, house.app.clock.utcnow())).account_id


@dataclass
class Seen:
    """One page in a context of its own, and what its console complained of."""

    page: Page
    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        """Keeps what is wrong with the page; refusals are the page's to show, axe-core has no address."""
        if message.type == "error" and _REFUSED not in message.text and message.location["url"]:
            self.complaints.append(f"{message.location['url']}: {message.text}")

    async def go(self, path: str) -> None:
        """Opens one of our pages."""
        await self.page.goto(f"{self.url}{path}")

    async def log_in(self, login: str) -> None:
        """Fills the log-in form and waits for the frame of the person's first page."""
        await self.go("/login")
        await self.page.fill("input[name=login]", login)
        await self.page.fill("input[name=password]", PASSWORD)
        await self.page.click("button[type=submit]")
        await self.page.wait_for_selector("main#content")

    async def serious_findings(self) -> list[str]:
        """What axe-core finds serious or critical on the page as it is now: rule and first place."""
        source = await asyncio.to_thread(AXE.read_text, encoding="utf-8")
        await self.page.evaluate(source)
        found: dict[str, Any] = await self.page.evaluate(_AXE)
        return [
            f"{finding['id']}: {finding['nodes'][0]['html'][:200]}"
            for finding in found["violations"]
            if finding["impact"] in SERIOUS
        ]


@asynccontextmanager
async def new_page(
    browser: Browser, house: Served, *, language: str = "en", size: Sequence[int] = LAPTOP, **more: Any
) -> AsyncIterator[Seen]:
    """A page of a fresh person; leaving it fails the test when the console complained. `more` goes to the context."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale="zh-CN" if language == "zh" else "en-GB",
        timezone_id="Asia/Shanghai",
        permissions=["microphone"],
        reduced_motion="reduce",  # what is half faded in has no contrast yet
        **more,
    )
    context.set_default_timeout(LIMIT_MS)
    seen = Seen(await context.new_page(), context, f"http://{HOST}:{house.app.http_port}")
    seen.page.on("console", seen.hear)
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    try:
        yield seen
    finally:
        await context.close()
    assert not seen.complaints, "\n".join(seen.complaints)
