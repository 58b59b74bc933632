"""Logging in and staying logged in, as somebody in front of a browser does it."""

from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from dialer.model.account import Role
from tests.support.browser import PASSWORD, Seen, chromium, new_account, new_page
from tests.support.path_house import PathHouse, open_path_house

pytestmark = [pytest.mark.peer("chromium"), pytest.mark.allow_blocking]


NEW_PASSWORD = "another long pass phrase"


async def test_log_in(tmp_path: Path) -> None:
    async with open_path_house(tmp_path, ()) as house, chromium() as browser:
        account_id = await new_account(house, "supervisor", Role.SUPERVISOR)
        async with new_page(browser, house) as seen:
            await refuses_a_wrong_password(seen)
            await leads_where_one_was_going(seen)
            await goes_on_after_the_session_ended(seen, house, account_id)
            await new_account(house, "checker", Role.QA)
            await keeps_nothing_for_somebody_else(seen, house, account_id)
            await is_told_of_staying_logged_in(seen)
            await changes_the_own_password(seen)
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


async def from_account_menu(seen: Seen, command: str) -> None:
    """A choice from the menu with one's name."""
    await seen.page.get_by_role("button", name="Checker").click()
    await seen.page.get_by_role("menuitem", name=command, exact=True).click()


async def is_told_of_staying_logged_in(seen: Seen) -> None:
    """Nobody walks away believing to be logged out."""

    async def fail(route: Route) -> None:
        is_leaving = route.request.method == "DELETE"
        await (route.fulfill(status=503, json={"detail": "try again"}) if is_leaving else route.continue_())

    await seen.page.route("**/v1/session", fail)
    await from_account_menu(seen, "Log out")
    await expect(seen.page.get_by_text("You are still logged in. try again")).to_be_visible()
    await seen.page.unroute("**/v1/session")


async def changes_the_own_password(seen: Seen) -> None:
    """With the old one; the page stays logged in, and the next log-in takes the new one."""
    await from_account_menu(seen, "Change password")
    dialog = seen.page.get_by_role("dialog")
    await dialog.get_by_label("Present password").fill("not the present one")
    await dialog.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    await dialog.get_by_label("New password once more").fill(NEW_PASSWORD)
    await dialog.get_by_role("button", name="Change it").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("is not the present password")
    assert await seen.serious_findings() == []
    await dialog.get_by_label("Present password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Change it").click()
    await expect(dialog.get_by_role("status")).to_contain_text("Your password was changed")
    await dialog.get_by_role("button", name="Close", exact=True).click()
    await from_account_menu(seen, "Log out")
    await seen.page.fill("input[name=login]", "checker")
    await seen.page.fill("input[name=password]", NEW_PASSWORD)
    await seen.page.click("button[type=submit]")
    await expect(seen.page.get_by_role("button", name="Checker")).to_be_visible()


async def speaks_chinese(seen: Seen) -> None:
    """As the browser asks for, everywhere."""
    await seen.log_in("supervisor")
    await expect(seen.page.get_by_role("link", name="监控管理")).to_be_visible()
    assert await seen.page.evaluate("document.documentElement.lang") == "zh-CN"
    assert await seen.serious_findings() == []
