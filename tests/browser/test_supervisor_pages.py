"""A supervisor's morning in front of the pages: a list, a campaign, the look before the launch, and the calls."""

import re
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Locator, expect

from dialer.model.account import Role
from tests.support.browser import Seen, chromium, new_account, new_page
from tests.support.collector_scene import TRUNK, Scene, collector_scene
from tests.support.policy import HOUSE_NUMBER

pytestmark = [pytest.mark.peer("chromium"), pytest.mark.allow_blocking, pytest.mark.timeout(240)]

N_CONTACTS = 6
LIST = "\n".join(
    [
        "客户号,案件号,姓名,手机,金额,到期日",
        *(f"P-{n},C-{n},王伟,1391234000{n},120{n}.50,2026-12-01" for n in range(N_CONTACTS)),
        "P-7,C-7,李娜,12,77,2026-12-01",
        "P-8,C-8,李娜,13912340008,77,2026-13-01",
    ]
)
PAGES = ("board", "collectors", "campaigns", "lists", "lists/import", "why", "caller-ids", "trunks", "rules", "alarms")
PHONE = (390, 844)
UNTRANSLATED = re.compile(r"\bsupervisor\.[a-z]")
"""How a key shows that has no words."""


async def test_a_supervisors_morning(tmp_path: Path) -> None:
    async with collector_scene(tmp_path) as scene, chromium() as browser:
        await new_account(scene.house, "sue", Role.SUPERVISOR)
        async with new_page(browser, scene.house) as sue:
            await sue.log_in("sue")
            await imports_a_list_with_broken_rows(sue)
            campaign_id = await makes_a_campaign_of_it(sue, scene)
            await looks_before_the_launch(sue)
            await starts_it_and_sees_the_first_talk(sue, scene, campaign_id)
            await asks_why_and_sees_the_messages(sue, campaign_id)
            await sends_the_collector_on_a_break(sue, scene)
            await pauses_it(sue)
        for language, size in (("en", PHONE), ("zh", (1366, 768))):
            async with new_page(browser, scene.house, language=language, size=size) as sue:
                await sue.log_in("sue")
                for page in (*PAGES, f"campaigns/{campaign_id}", f"trunks/{TRUNK}", "campaigns/new"):
                    await is_whole(sue, page)


async def imports_a_list_with_broken_rows(sue: Seen) -> None:
    """Two rows are broken: they are named with their reasons and left out."""
    page = sue.page
    await sue.go("/supervisor/lists/import")
    file: FilePayload = {"name": "autumn.csv", "mimeType": "text/csv", "buffer": LIST.encode()}
    await page.set_input_files("input[name=file]", file)
    await page.get_by_role("button", name="Look at its rows").click()
    broken = page.get_by_role("region", name="Broken rows").locator("tbody tr")
    await expect(broken).to_have_count(2)
    await expect(broken.first).to_contain_text("mobile number")
    await expect(page.get_by_role("region", name="First contacts")).to_contain_text("139****0000")
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name="Download all as CSV").click()
    assert "手机" in (await (await waiting.value).path()).read_text("utf-8")
    assert await sue.serious_findings() == []
    await page.get_by_role("button", name=f"Import {N_CONTACTS} contacts without the broken rows").click()
    await expect(page.get_by_role("heading", name="autumn is imported")).to_be_visible()


async def makes_a_campaign_of_it(sue: Seen, scene: Scene) -> int:
    """What the service refuses stands beside its field; then it takes it."""
    page = sue.page
    await page.get_by_role("link", name="New campaign").click()
    await expect(page.get_by_label("Caller IDs")).to_be_visible()
    await expect(page.locator("#group-call")).to_contain_text(HOUSE_NUMBER)
    await page.get_by_label("Name", exact=True).first.fill("autumn")
    await page.get_by_label("Trunk group").fill(TRUNK)
    await page.get_by_label("Ringing (s)").fill("5")
    await page.get_by_role("button", name="Create and check").click()
    await expect(page.get_by_text("the law lets a phone ring").last).to_be_visible()
    await expect(page.locator("main .is-loading")).to_have_count(0)
    assert await sue.serious_findings() == []
    await page.get_by_label("Ringing (s)").fill("20")
    await page.get_by_role("button", name="Create and check").click()
    await page.wait_for_url("**/launch")
    (campaign,) = (await scene.house.api.get("/v1/campaigns"))["items"]
    settings = campaign["settings"]
    assert (settings["trunk_group"], settings["ring_timeout_s"]) == (TRUNK, 20)
    assert settings["form"]["codes"][0]["code"] == "promise"
    return int(campaign["campaign_id"])


async def looks_before_the_launch(sue: Seen) -> None:
    """How many may be called, and what half an hour would be like."""
    page = sue.page
    await page.get_by_role("button", name="Check now").click()
    await expect(figure(page.get_by_role("region", name="Launch check"), "May be called now")).to_have_text(
        f"{N_CONTACTS}"
    )
    await page.get_by_label("Collectors", exact=True).fill("2")
    await page.get_by_label("Hours").fill("0.5")
    await page.get_by_role("button", name="Rehearse").click()
    await expect(page.get_by_role("row", name=re.compile("^Talks"))).to_be_visible(timeout=120_000)
    await expect(page.locator("figure canvas").first).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("row", name=re.compile("^Talks"))).to_be_visible()
    await expect(page.get_by_text("as on an ordinary day")).to_be_visible()
    await page.locator("figure").first.get_by_text("As a table").click()
    await expect(page.locator("figure table tbody tr").first).to_be_visible()
    assert await sue.serious_findings() == []


async def starts_it_and_sees_the_first_talk(sue: Seen, scene: Scene, campaign_id: int) -> None:
    """Without a collector the board says why nothing is dialed; with one it shows the talk."""
    page = sue.page
    await confirmed(sue, page.get_by_role("button", name="Start"), "Start")
    card = page.get_by_role("article", name="autumn")
    await expect(card).to_contain_text("Running")
    await expect(card).to_contain_text("Why is nothing dialing?")
    await expect(card).to_contain_text("no collector")
    desk = f"/v1/agents/{scene.agent_id}"
    await scene.house.api.post(f"{desk}/log-in", {"campaign_ids": [campaign_id]})
    await scene.house.api.post(f"{desk}/ready")
    await expect(card.locator("dt:text-is('Talking') + dd").first).to_have_text("1")
    assert await sue.serious_findings() == []


async def asks_why_and_sees_the_messages(sue: Seen, campaign_id: int) -> None:
    """By a case, never with the number in the address; the call's SIP messages are drawn."""
    page = sue.page
    await sue.go("/supervisor/why")
    await page.get_by_label("Case or number").fill("C-1")
    await page.get_by_role("button", name="Explain").click()
    await expect(page.get_by_role("heading", name="Case C-1")).to_be_visible()
    await page.get_by_text(re.compile("^All \\d+ rules$")).first.click()
    await expect(page.get_by_role("region", name="Rule").first).to_contain_text("Do-not-call list")
    assert await sue.serious_findings() == []
    await sue.go(f"/supervisor/campaigns/{campaign_id}")
    await page.get_by_role("tab", name="Calls").click()
    await page.get_by_role("button", name="More").first.click()
    ladder = page.get_by_role("dialog").locator("figure.ladder")
    await expect(ladder).to_contain_text("200 OK")
    await ladder.get_by_role("button").first.click()
    await expect(ladder.locator("dl")).to_contain_text("CSeq")
    assert await sue.serious_findings() == []


async def sends_the_collector_on_a_break(sue: Seen, scene: Scene) -> None:
    """It takes effect when the talk and its wrap-up are over."""
    page = sue.page
    await sue.go("/supervisor/collectors")
    row = page.get_by_role("row").filter(has_text="Li Na")
    await expect(row).to_contain_text("Talking")
    await confirmed(sue, row.get_by_role("button", name="Break"), "Break")
    desk = await scene.house.api.get(f"/v1/agents/{scene.agent_id}")
    assert desk["pending"] == "break"


async def pauses_it(sue: Seen) -> None:
    page = sue.page
    await sue.go("/supervisor/board")
    card = page.get_by_role("article", name="autumn")
    await confirmed(sue, card.get_by_role("button", name="Pause"), "Pause")
    await expect(card).to_contain_text("Paused")
    await expect(card.get_by_role("button", name="Resume")).to_be_visible()


async def is_whole(sue: Seen, path: str) -> None:
    """Loaded, in words of one's language, no wider than the screen, and within reach of everybody."""
    await sue.go(f"/supervisor/{path}")
    await sue.page.wait_for_selector("main h1")
    await expect(sue.page.locator("main .view-state [role=status]")).to_have_count(0)
    assert not UNTRANSLATED.search(await sue.page.inner_text("body")), path
    await expect(sue.page.get_by_role("alert").filter(has_text=re.compile(r"\S")), path).to_have_text([])
    beyond = await sue.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert beyond <= 0, path
    assert await sue.serious_findings() == [], path


async def confirmed(sue: Seen, button: Locator, name: str) -> None:
    """Presses it, says yes, and waits until it was done."""
    await button.click()
    dialog = sue.page.get_by_role("dialog").filter(visible=True)
    await dialog.get_by_role("button", name=name, exact=True).click()
    await expect(dialog).to_have_count(0)


def figure(place: Locator, name: str) -> Locator:
    """The value beside a name."""
    return place.locator(".one").filter(has_text=name).locator(".figure")
