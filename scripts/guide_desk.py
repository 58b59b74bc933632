"""A collector's shift for the guide's pictures: a real call in the demo, taken in the browser."""

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from guide_scenes import LAPTOP
from playwright.async_api import Locator, Page

from dialer.api.client import ApiClient
from dialer.simulator.demo_campaigns import settings_of
from dialer.simulator.sample import write_sample_list

if TYPE_CHECKING:
    from make_guide import Studio

CONTACTS = 30
FIRST_NUMBER = 13_970_000_000
CALL_LIMIT_MS = 30_000
LOOK_MS = 500
PREVIEW_LIMIT_S = 600
"""Nobody hurries while pictures are taken."""
WRAP_UP_LIMIT_S = 5


@dataclass(frozen=True, slots=True)
class _Words:
    """What the page says in a language, as far as the pictures need it."""

    connect: str
    connected: str
    begin: str
    shift: str
    ready: str
    identity: str
    language_index: int


WORDS = {
    "en": _Words(
        "Connect the headset", "Headset connected", "Begin", "Begin the shift", "Ready", "Who is on the line?", 0
    ),
    "zh": _Words("连接耳机", "耳机已连接", "开始", "开始上班", "就绪", "接听人是谁？", 1),
}


async def desk_pictures(studio: "Studio", language: str) -> None:
    """From the begin of the shift to a promise."""
    words = WORDS[language]
    async with (
        ApiClient(studio.said["url"], studio.said["token"]) as api,
        studio.page(language, "collector", LAPTOP, is_dark=False) as page,
    ):
        campaign_id = await _campaign(api, f"desk {language}", FIRST_NUMBER + CONTACTS * words.language_index)
        await page.goto(f"{studio.said['url']}/collector")
        await _begin(studio, page, language, f"desk {language}")
        await studio.take(page, language, "desk-ready")
        await api.post(f"/v1/campaigns/{campaign_id}/start")
        await _call(studio, page, language)
        await page.keyboard.press("Alt+.")
        await api.post(f"/v1/campaigns/{campaign_id}/stop")
        await _end(api, page, words)


async def _end(api: ApiClient, page: Page, words: _Words) -> None:
    """The shift ends with the wrap-up, so that the next language begins one."""
    agents = (await api.get("/v1/agents"))["items"]
    agent_id = next(agent["agent_id"] for agent in agents if agent["login"] == "collector")
    await api.post(f"/v1/agents/{agent_id}/log-out")
    await page.get_by_role("heading", name=words.shift).wait_for()


async def _campaign(api: ApiClient, name: str, first_number: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        today = datetime.now(UTC).date()
        await asyncio.to_thread(write_sample_list, path, CONTACTS, first_number, today, first_number)
        content = await asyncio.to_thread(path.read_bytes)
    imported = await api.upload("/v1/lists", {"name": name}, content, "text/csv")
    settings = settings_of("preview") | {"preview_limit_s": PREVIEW_LIMIT_S, "wrap_up_limit_s": WRAP_UP_LIMIT_S}
    body = {"name": name, "list_ids": [imported["call_list"]["list_id"]], "settings": settings}
    campaign_id = int((await api.post("/v1/campaigns", body))["campaign_id"])
    await api.post(f"/v1/campaigns/{campaign_id}/check")
    return campaign_id


async def _begin(studio: "Studio", page: Page, language: str, campaign: str) -> None:
    words = WORDS[language]
    boxes = page.locator("main label.el-checkbox")
    await boxes.first.wait_for()
    for index in range(await boxes.count()):
        box = boxes.nth(index)
        is_ours = campaign in await box.inner_text()
        if await box.locator("input").is_checked() != is_ours:
            await box.click()
    await page.get_by_role("main").get_by_role("button", name=words.connect).click()
    await page.get_by_text(words.connected).first.wait_for()
    await studio.take(page, language, "desk-start")
    await page.get_by_role("button", name=words.begin, exact=True).click()
    await page.get_by_role("button", name=words.ready).first.click()


async def _call(studio: "Studio", page: Page, language: str) -> None:
    """Calls one after the other until somebody picks up: the simulated people are not always there."""
    identity = page.get_by_role("group", name=WORDS[language].identity)
    for attempt in range(CONTACTS):
        await page.locator("main button.el-button--primary.el-button--large").first.wait_for()
        if attempt == 0:
            await studio.take(page, language, "desk-preview")
        await page.keyboard.press("d")
        if await _comes(page, identity):
            break
    await studio.take(page, language, "desk-identity")
    await page.keyboard.press("1")
    await studio.take(page, language, "desk-case")
    await page.keyboard.press("p")
    await page.keyboard.type("600")
    await page.keyboard.press("Tab")
    await page.keyboard.type((datetime.now(UTC) + timedelta(days=3)).date().isoformat())
    await page.keyboard.press("Enter")
    await studio.take(page, language, "desk-outcome")


async def _comes(page: Page, identity: Locator) -> bool:
    """Whether somebody is on the line: who it is can be said then."""
    for _ in range(CALL_LIMIT_MS // LOOK_MS):
        if await identity.get_by_role("button").count():
            return True
        await page.wait_for_timeout(LOOK_MS)
    return False
