"""Takes the pictures of the guides in docs/guide: every page, in both languages, of the demo as it runs.

`make guide` starts the demo in a folder of its own, lets it dial, and looks at it with Chromium. Each picture is
checked: a page that complains on its console, lacks a translation or is wider than its window is named at the end.
"""

import asyncio
import io
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from guide_desk import desk_pictures
from guide_scenes import SCENES, Scene
from PIL import Image
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

from dialer.api.client import ApiClient

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "guide" / "images"
CHROMIUM = "/usr/bin/chromium"
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
PORT = "8089"
DEMO_UP_S = 120.0
DEMO_END_S = 20.0
DIALS_FOR_S = 45.0
"""How long the demo dials before the first picture: long enough for recordings, verdicts and waits."""
SETTLES_MS = 1200
"""What a page may take after its data came: charts, pictures of waves."""
QUALITY = 82
_SAID = {
    "url": re.compile(r"pages\s+(http://\S+?)/"),
    "password": re.compile(r"password of all\s+(\S+)"),
    "token": re.compile(r"API token of the supervisor\s+(\S+)"),
}
_EXPECTED = "the server responded with a status of"
_UNTRANSLATED = re.compile(r"\b(?:shell|collector|supervisor|qa|admin|phone)\.[a-z][A-Za-z]*\.[A-Za-z.]+\b")


@dataclass
class Studio:
    """The running demo, the browser, and what was wrong with a picture."""

    browser: Browser
    said: dict[str, str]
    wrong: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def page(self, language: str, login: str, size: tuple[int, int], *, is_dark: bool) -> AsyncIterator[Page]:
        """A page of a fresh window, somebody logged in unless `login` is empty."""
        context = await self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=LANGUAGES[language],
            timezone_id="Asia/Shanghai",
            color_scheme="dark" if is_dark else "light",
            permissions=["microphone"],
        )
        page = await context.new_page()
        page.on("console", lambda message: self._hear(page, message))
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        try:
            if login:
                await self._log_in(page, login)
            yield page
        finally:
            await context.close()

    async def _log_in(self, page: Page, login: str) -> None:
        await page.goto(f"{self.said['url']}/login")
        await page.fill("input[name=login]", login)
        await page.fill("input[name=password]", self.said["password"])
        await page.click("button[type=submit]")
        await page.wait_for_selector("main#content")

    def _hear(self, page: Page, message: ConsoleMessage) -> None:
        if message.type == "error" and _EXPECTED not in message.text:
            self.wrong.append(f"{page.url}: {message.text}")

    async def attempt(self, name: str, work: Awaitable[None]) -> None:
        """One picture that cannot be taken is named at the end, and keeps no other from being taken."""
        try:
            await work
        except PlaywrightError as problem:
            self.wrong.append(f"{name}: {problem}")

    async def take(self, page: Page, language: str, name: str) -> None:
        """One picture of the page as it is, and the checks."""
        await page.wait_for_timeout(SETTLES_MS)
        picture = await page.screenshot(animations="disabled")
        await asyncio.to_thread(_keep, picture, PICTURES / language / f"{name}.webp")
        await self._check(page, f"{language}/{name}")

    async def _check(self, page: Page, name: str) -> None:
        text = await page.inner_text("body")
        self.wrong += [f"{name}: no words for {key}" for key in sorted(set(_UNTRANSLATED.findall(text)))]
        width = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if width > 0:
            self.wrong.append(f"{name}: {width} px wider than the window")


def _keep(picture: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(io.BytesIO(picture)).save(path, "WEBP", quality=QUALITY, method=6)


async def _shoot(studio: Studio, scene: Scene, language: str) -> None:
    async with studio.page(language, scene.login, scene.size, is_dark=scene.is_dark) as page:
        await page.goto(f"{studio.said['url']}{scene.path}")
        await page.wait_for_load_state("networkidle") if not scene.login else await page.wait_for_selector("main h1")
        await scene.steps(page)
        await studio.take(page, language, scene.name)


@asynccontextmanager
async def _demo(folder: Path) -> AsyncIterator[dict[str, str]]:
    """The demo; what it prints for people who want to log in."""
    command = (sys.executable, "-m", "dialer.cli.main", "demo", "--folder", str(folder / "demo"), "--port", PORT)
    log = folder / "demo.log"
    with await asyncio.to_thread(log.open, "wb") as output:
        process = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output)
    try:
        async with asyncio.timeout(DEMO_UP_S):
            while len(said := _said(log)) < len(_SAID):
                if process.returncode is not None:
                    sys.exit(f"!! the demo ended before it was up:\n{log.read_text(errors='replace')[-2000:]}")
                await asyncio.sleep(0.5)
        yield said
    finally:
        await _end(process)


def _said(log: Path) -> dict[str, str]:
    text = log.read_text(encoding="utf-8", errors="replace")
    return {name: found[1] for name, pattern in _SAID.items() if (found := pattern.search(text))}


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(DEMO_END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _furnish(said: dict[str, str]) -> None:
    """A scorecard in use, so that there is something to score by."""
    async with ApiClient(said["url"], said["token"]) as api:
        card = await api.post("/v1/scorecards", {"name": "Bank card", "ready_made": "bank-card-collection"})
        draft = card["versions"][0]
        await api.post(f"/v1/scorecards/{card['scorecard_id']}/freeze", {"revision": draft["revision"]})


async def main() -> int:
    """The exit code: 1 when something was wrong with a page."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        said = await stack.enter_async_context(_demo(folder))
        await _furnish(said)
        playwright = await stack.enter_async_context(async_playwright())
        arguments = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        studio = Studio(browser, said)
        await asyncio.sleep(DIALS_FOR_S)
        for language in LANGUAGES:
            for scene in SCENES:
                await studio.attempt(f"{language}/{scene.name}", _shoot(studio, scene, language))
            await studio.attempt(f"{language}/desk", desk_pictures(studio, language))
        await browser.close()
    for complaint in studio.wrong:
        print(f"!! {complaint}", file=sys.stderr)
    return 1 if studio.wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
