"""Logging in and staying logged in, as somebody in front of a browser does it."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from dialer.model.account import Role
from tests.support.browser import PASSWORD, Seen, chromium, new_account, new_page
from tests.support.path_house import PathHouse, open_path_house

pytestmark = [pytest.mark.peer("chromium"), pytest.mark.allow_blocking]


async def test_log_in(tmp_path: Path) -> None:
    async with open_path_house(tmp_path, ()) as house, chromium() as browser:
        account_id = await new_account(house, "supervisor", Role.SUPERVISOR)
        async with new_page(browser, house) as seen:
            await refuses_a_wrong_password(seen)
            await leads_where_one_was_going(seen)
            await goes_on_after_the_session_ended(seen, house, account_id)
            await new_account(house, "checker", Role.QA)
            await keeps_nothing_for_somebody_else(seen, house, account_id)
        async with new_page(browser, house, language="zh") as seen:
            await speaks_chinese(seen)


async def refuses_a_wrong_password(seen: Seen) -> None:
    """In words, and the log-in stays filled in."""
    await seen.go("/supervisor/board?tab=1")
    assert await seen.serious_findings() == []
    await seen.page.fill("input[name=login]", "supervisor")
    await seen.page.fill("input[name=password]", "a wrong pass phrase")
    await seen.page.click("button[type=submit]")
    await expect(seen.page.get_by_role("alert")).to_have_text("log-in or password is wrong")


async def leads_where_one_was_going(seen: Seen) -> None:
    """The page asked for, after the log-in."""
    await seen.page.fill("input[name=password]", PASSWORD)
    await seen.page.click("button[type=submit]")
    await seen.page.wait_for_selector("main#content")
    assert seen.page.url.endswith("/supervisor/board?tab=1")


async def goes_on_after_the_session_ended(seen: Seen, house: PathHouse, account_id: int) -> None:
    """Whoever comes back finds the log-in over the page, which stays as it was."""
    await seen.page.evaluate("window.stayed = true")
    await house.app.storage.sessions.close_all(account_id)
    await seen.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await seen.page.get_by_role("dialog").get_by_label("Password", exact=True).fill(PASSWORD)
    await seen.page.get_by_role("dialog").get_by_role("button", name="Log in", exact=True).click()
    await expect(seen.page.get_by_role("dialog")).to_have_count(0)
    assert await seen.page.evaluate("window.stayed")


async def keeps_nothing_for_somebody_else(seen: Seen, house: PathHouse, account_id: int) -> None:
    """Whoever else logs in over the page, or in another tab, gets a new one, and what was typed here is gone."""
    await seen.page.evaluate("sessionStorage.setItem('collector.draft.1', '{}')")
    await house.app.storage.sessions.close_all(account_id)
    await seen.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    dialog = seen.page.get_by_role("dialog")
    await dialog.locator("input[name=login]").fill("checker")
    await dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    await dialog.get_by_role("button", name="Log in", exact=True).click()
    await seen.page.wait_for_url("**/qa/**")
    assert not await seen.page.evaluate("window.stayed || sessionStorage.getItem('collector.draft.1')")


async def speaks_chinese(seen: Seen) -> None:
    """As the browser asks for, everywhere."""
    await seen.log_in("supervisor")
    await expect(seen.page.get_by_role("link", name="监控管理")).to_be_visible()
    assert await seen.page.evaluate("document.documentElement.lang") == "zh-CN"
    assert await seen.serious_findings() == []
