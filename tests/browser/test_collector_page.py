"""A collector's day in front of the page, by keyboard alone: the identity comes first, and nothing typed is lost."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.support.browser import PASSWORD, Seen, chromium, new_page
from tests.support.collector_scene import LOGIN, Scene, collector_scene
from tests.support.path_house import seen as comes_true

pytestmark = [
    pytest.mark.peer("chromium"),
    pytest.mark.slow,
    pytest.mark.allow_blocking,
    pytest.mark.timeout(300),
]

DEBT = ("1,200.50", "1200.50", "C-preview-")
"""What tells of the debt, as the list holds it and as the page writes it."""
STILL_TYPING_MS = 750
"""For so long after the last letter in a field a letter is no command: a person goes on typing, no test does."""


async def test_a_day_at_the_desk(tmp_path: Path) -> None:
    async with collector_scene(tmp_path) as scene, chromium() as browser:
        preview = await scene.campaign("preview", 4, mode="preview")
        async with new_page(browser, scene.house) as seen:
            await seen.page.route("**/v1/break-codes", lambda route: route.fulfill(status=503, json={}), times=1)
            await begins_the_shift(seen)
            await finds_the_breaks_after_all(seen.page)
            await looks_and_skips(seen)
            await is_told_nothing_of_the_debt_too_early(seen)
            await promises_too_much_at_first(seen, scene, preview)
            await speaks_with_somebody_else(seen, scene, preview)
            await ends_the_shift(seen.page)


async def test_what_was_typed_outlives_the_wrap_up(tmp_path: Path) -> None:
    async with collector_scene(tmp_path) as scene, chromium() as browser:
        campaign_id = await scene.campaign("short", 1, mode="progressive", wrap_up_limit_s=5)
        async with new_page(browser, scene.house) as seen:
            page = seen.page
            await page.route(re.compile(r"/v1/agents/\d+$"), as_if_not_recorded)
            await begins_the_shift(seen)
            await expect(identity(page)).to_be_focused()
            await expect(page.get_by_text("Not recorded")).to_be_visible()
            await expect(page.get_by_role("button", name="Pause recording")).to_have_count(0)
            await page.keyboard.press("4")  # not sure
            await page.keyboard.press("i")
            await page.get_by_label("Note").fill("speaks softly")
            await page.keyboard.press("Alt+.")
            await expect(page.get_by_role("heading", name="Waiting for the next call")).to_be_visible()
            await goes_on_after_another_log_in(seen, scene)
            unfinished = page.get_by_role("region", name="Not saved yet")
            await expect(unfinished.get_by_label("Note")).to_have_value("speaks softly")
            await page.keyboard.press("Alt+Enter")
            await expect(unfinished).to_have_count(0)
            (outcome,) = (await scene.outcomes(campaign_id)).values()
            assert (outcome["code"], outcome["note"]) == ("not_identified", "speaks softly")


async def begins_the_shift(seen: Seen) -> None:
    """With the desk phone, which is rung; then ready."""
    page = seen.page
    await seen.log_in(LOGIN)
    await expect(page.get_by_role("heading", name="Begin the shift")).to_be_visible()
    assert await seen.serious_findings() == []
    await page.get_by_label("Desk phone").press("Space")
    await page.get_by_role("button", name="Begin").press("Enter")
    await expect(state(page)).to_contain_text("Not ready")
    assert await seen.serious_findings() == []
    await page.keyboard.press("=")


async def as_if_not_recorded(route: Route) -> None:
    """The desk as it is told when a recording could not be made."""
    answer = await route.fetch()
    view = await answer.json()
    await route.fulfill(response=answer, json=view | ({"recorded": False} if answer.ok else {}))


async def finds_the_breaks_after_all(page: Page) -> None:
    """What was not answered at first is asked again when it is needed."""
    await expect(page.get_by_role("button", name="Call 139****0100")).to_be_focused()
    await page.keyboard.press("-")
    await expect(page.get_by_role("menuitem", name="rest")).to_be_focused()
    await page.keyboard.press("Escape")


async def looks_and_skips(seen: Seen) -> None:
    """The first case comes with a clock that runs; a digit says why it is skipped."""
    page = seen.page
    await expect(page.get_by_role("button", name="Call 139****0100")).to_be_focused()
    left = page.get_by_role("region", name="Look at the case").get_by_role("timer")
    begun = await left.inner_text()
    await expect(left).not_to_have_text(begun)
    assert await seen.serious_findings() == []
    await page.keyboard.press("s")
    await expect(page.get_by_role("button", name="was spoken to today")).to_be_focused()
    await page.keyboard.press("1")


async def is_told_nothing_of_the_debt_too_early(seen: Seen) -> None:
    """From the moment a call is dialed until the right person is on record, nothing of it is in the page."""
    page = seen.page
    await expect(page.get_by_role("button", name="Call 139****0101")).to_be_focused()
    await expect(page.get_by_text("1,200.50")).not_to_have_count(0)
    await page.keyboard.press("d")
    await expect(identity(page)).to_be_focused()
    await expect(page.get_by_text("Am I speaking with 王伟?")).to_be_visible()
    await expect(page.get_by_text("Recording", exact=True)).to_be_visible()
    content = await page.content()
    assert not [told for told in DEBT if told in content]
    await expect(page.get_by_label("promises to pay")).to_be_disabled()
    await page.keyboard.press("p")  # chooses nothing yet
    await expect(page.get_by_label("promises to pay")).not_to_be_checked()
    assert await seen.serious_findings() == []
    await page.keyboard.press("1")
    await expect(page.get_by_text("You owe 1,200.50.")).to_be_visible()


async def promises_too_much_at_first(seen: Seen, scene: Scene, campaign_id: int) -> None:
    """The amount is held against the debt; a reload in between loses nothing; the page keeps none of the debt."""
    page = seen.page
    await page.keyboard.press("p")
    await expect(page.get_by_label("amount")).to_be_focused()
    await page.keyboard.type("2000")
    await page.keyboard.press("Alt+.")
    await expect(state(page)).to_contain_text("Wrap-up")
    await page.keyboard.press("Tab")
    await page.keyboard.type("2026-11-30")
    await page.keyboard.press("Enter")
    await page.get_by_label("手机银行 / app").press("Space")
    await page.keyboard.press("Alt+Enter")
    await expect(page.get_by_label("amount")).to_be_focused()
    await expect(page.get_by_text("No more than 1,200.50")).to_be_visible()
    assert await seen.serious_findings() == []
    kept = await page.evaluate("JSON.stringify(sessionStorage)")
    assert "2000" in kept
    assert not [told for told in DEBT if told in kept]
    await page.reload()
    await expect(page.get_by_label("amount")).to_have_value("2000")
    await page.get_by_label("amount").focus()
    await page.keyboard.press("Control+A")
    await page.keyboard.type("600")
    await page.keyboard.press("Enter")
    outcome = await saved(scene, campaign_id, 1)
    assert (outcome["code"], str(outcome["values"]["amount"])) == ("promise", "600.00")
    assert str(outcome["values"]["pay_date"]) == "2026-11-30"
    await page.wait_for_timeout(STILL_TYPING_MS)


async def speaks_with_somebody_else(seen: Seen, scene: Scene, campaign_id: int) -> None:
    """The next call, without a reload: a third party hears nothing of the debt, and a time to call back is noted."""
    page = seen.page
    await expect(page.get_by_role("button", name="Call 139****0102")).to_be_focused()
    await page.keyboard.press("d")
    await expect(identity(page)).to_be_focused()
    await page.keyboard.press("2")
    await expect(page.get_by_text("When can we reach 王伟?")).to_be_visible()
    assert "1,200.50" not in await page.content()
    await page.keyboard.press("Alt+.")
    await expect(state(page)).to_contain_text("Wrap-up")
    await page.keyboard.press("b")
    await expect(page.get_by_role("button", name="in 1 hour")).to_be_focused()
    await page.get_by_role("button", name="tomorrow 10:00").press("Enter")
    await page.keyboard.press("-")
    await expect(page.get_by_role("menuitem", name="rest")).to_be_focused()
    await page.keyboard.press("2")  # a meal, after this
    await expect(page.get_by_text("then: Break · meal")).to_be_visible()
    await page.keyboard.press("Alt+Enter")
    outcome = await saved(scene, campaign_id, 2)
    assert (outcome["code"], outcome["callback_at"] is not None) == ("third_party_callback", True)
    await expect(state(page)).to_contain_text("Break · meal")
    await expect(page.get_by_role("region", name="Not saved yet")).to_have_count(0)
    await expect(page.get_by_role("region", name="Promised callbacks").get_by_text("139****0102")).to_be_visible()
    assert await seen.serious_findings() == []


async def ends_the_shift(page: Page) -> None:
    """By the menu of breaks; what can be done by which key is shown on demand."""
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog").get_by_text("Break, end of the shift")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("-")
    await page.get_by_role("menuitem", name="End the shift").press("Enter")
    await expect(page.get_by_role("heading", name="Begin the shift")).to_be_visible()


async def goes_on_after_another_log_in(seen: Seen, scene: Scene) -> None:
    """The session ends meanwhile: its dialog lies over the page, which stays."""
    await scene.house.app.storage.sessions.close_all(scene.agent_id)
    await seen.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    dialog = seen.page.get_by_role("dialog")
    await dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    await seen.page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)


def state(page: Page) -> Locator:
    """What the frame says of the collector."""
    return page.get_by_role("group", name="State")


def identity(page: Page) -> Locator:
    """The questions of who is on the line."""
    return page.get_by_role("group", name="Who is on the line?")


async def saved(scene: Scene, campaign_id: int, n_outcomes: int) -> dict[str, Any]:
    """Waits for so many outcomes; the newest."""

    async def look() -> dict[str, Any] | None:
        found = await scene.outcomes(campaign_id)
        return dict(found[max(found)]) if len(found) == n_outcomes else None

    return await comes_true(look, f"{n_outcomes} outcomes are saved")
