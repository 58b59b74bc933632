"""The administration as administrators and auditors use it: every view, what is done in it, in both languages."""

import io
import re
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from dialer.model.account import Role
from dialer.prompts.signals import tone
from tests.support.browser import Seen, chromium, new_account, new_page
from tests.support.path_house import PathHouse, open_path_house

pytestmark = [pytest.mark.peer("chromium"), pytest.mark.allow_blocking]

PAGES = ("users", "log-ins", "roles", "tokens", "trunks", "prompts", "packs", "retention", "audit", "house")
AUDITORS = ("log-ins", "roles", "prompts", "packs", "retention", "audit", "house")
UNTRANSLATED = re.compile(r"\badmin\.[a-z]")
"""How a key shows that has no words."""


@dataclass
class Pages:
    """Somebody in front of the administration."""

    seen: Seen

    async def open(self, page: str) -> None:
        """Opens a view and waits until it has loaded."""
        await self.seen.go(f"/admin/{page}")
        await self.is_there()

    async def is_there(self) -> None:
        await self.seen.page.wait_for_selector("main h1")
        await expect(self.seen.page.locator("main [role=status]")).to_have_count(0)

    def row(self, text: str) -> Locator:
        return self.seen.page.locator("main tbody tr").filter(has_text=text).first

    async def press(self, name: str, within: Locator | None = None) -> None:
        place = self.seen.page.locator("main") if within is None else within
        await place.get_by_role("button", name=name, exact=True).click()

    @property
    def dialog(self) -> Locator:
        return self.seen.page.get_by_role("dialog").filter(visible=True)

    async def confirm(self, name: str) -> None:
        """Says yes, and waits until it was done."""
        await self.press(name, self.dialog)
        await expect(self.dialog).to_have_count(0)


@asynccontextmanager
async def pages(
    house: PathHouse, browser: Browser, login: str, language: str = "en", colours: str = "light"
) -> AsyncIterator[Pages]:
    async with new_page(browser, house, language=language, color_scheme=colours) as seen:
        await seen.log_in(login)
        yield Pages(seen)


async def test_the_administration(tmp_path: Path) -> None:
    async with open_path_house(tmp_path, ()) as house, chromium() as browser:
        await new_account(house, "root", Role.ADMINISTRATOR)
        await new_account(house, "auditor", Role.AUDITOR)
        async with pages(house, browser, "root") as root:
            await adds_changes_and_closes_a_user(root)
            await makes_a_token_that_is_shown_once(root)
            await uploads_a_prompt_and_takes_it_back(root, house)
            await reads_the_rules_and_reads_them_again(root)
            await places_and_lifts_a_hold(root)
            await finds_it_all_in_the_audit_log(root)
        async with pages(house, browser, "auditor") as auditor:
            await sees_what_auditors_may(auditor)
        for language, colours in (("en", "light"), ("zh", "dark")):
            async with pages(house, browser, "root", language, colours) as root:
                await every_view_is_whole(root)


async def adds_changes_and_closes_a_user(root: Pages) -> None:
    """With a made password, which works, and a team refused at first; a closed account is listed on demand only."""
    await root.open("users")
    await root.press("Add a user")
    await root.dialog.get_by_label("Name", exact=True).fill("Li Na")
    await root.dialog.get_by_label("Log-in name").fill("li.na")
    await root.dialog.get_by_label("Team", exact=True).fill("North")
    await root.press("Make one", root.dialog)
    await root.seen.page.route("**/v1/teams/members", lambda route: route.fulfill(status=503), times=1)
    await root.press("Save", root.dialog)
    await expect(root.dialog.get_by_role("alert")).not_to_be_empty()
    await expect(root.row("li.na")).to_be_visible()
    await root.confirm("Save")
    await expect(root.row("li.na")).to_contain_text("North")
    await root.press("Edit", root.row("li.na"))
    await root.dialog.get_by_label("SIP user").fill("1001")
    await root.press("Save", root.dialog)
    await expect(root.dialog.get_by_role("alert")).not_to_be_empty()
    await root.dialog.get_by_label("SIP user").fill("")
    await root.dialog.get_by_label("E-mail").fill("li.na@bank.example")
    await root.confirm("Save")
    await expect(root.row("li.na")).to_contain_text("li.na@bank.example")
    await root.press("Close", root.row("li.na"))
    await root.confirm("Close")
    await expect(root.row("li.na")).to_have_count(0)
    await root.seen.page.get_by_text("Closed ones, too").click()
    await expect(root.row("li.na")).to_contain_text("Closed")


async def makes_a_token_that_is_shown_once(root: Pages) -> None:
    await root.open("tokens")
    await root.press("Make a token")
    await root.dialog.get_by_label("Name", exact=True).fill("case system")
    await root.press("Make", root.dialog)
    secret = await root.dialog.locator("code").inner_text()
    assert secret.startswith("dlr_")
    await root.press("I have kept it", root.dialog)
    await expect(root.row("case system")).to_contain_text("Valid")
    assert secret not in await root.seen.page.content()
    await root.press("Revoke", root.row("case system"))
    await root.confirm("Revoke")
    await expect(root.row("case system")).to_have_count(0)


async def uploads_a_prompt_and_takes_it_back(root: Pages, house: PathHouse) -> None:
    """What is uploaded can be heard on the page; the next calls would say it."""
    await root.open("prompts")
    await root.press("Replace", root.row("safe_harbour"))
    wav = {"name": "take-2.wav", "mimeType": "audio/wav", "buffer": wav_of(tone((440.0,), 1000))}
    await root.dialog.locator("input[type=file]").set_input_files(wav)  # type: ignore[arg-type]
    await root.dialog.get_by_label("Note").fill("studio")
    await root.confirm("Upload")
    row = root.row("safe_harbour")
    await expect(row).to_contain_text("Uploaded")
    assert await house.app.storage.prompts.in_use("safe_harbour", "zh-CN") == 1
    await row.locator("audio").evaluate("player => player.play()")
    length_s = await row.locator("audio").evaluate("player => player.duration")
    assert length_s == pytest.approx(1.0, abs=0.01)
    await root.press("Versions (1)", row)
    await root.press("Take out of use")
    await root.confirm("Take out of use")
    await expect(row).to_contain_text("Shipped")


async def reads_the_rules_and_reads_them_again(root: Pages) -> None:
    await root.open("packs")
    await expect(root.row("cn.window")).to_contain_text("09:00")
    await root.press("Read the packs again")
    await root.confirm("Read the packs again")
    await expect(root.row("cn.window")).to_be_visible()


async def places_and_lifts_a_hold(root: Pages) -> None:
    await root.open("retention")
    await expect(root.seen.page.get_by_text("kept for at least")).to_be_visible()
    await root.press("Place a hold")
    await root.dialog.get_by_label("Reference").fill("C-1")
    await root.dialog.get_by_label("Reason").fill("court file 4")
    await root.press("Place a hold", root.dialog)
    await expect(root.dialog).to_contain_text("no such recording yet")
    await root.press("Close", root.dialog.locator(".el-dialog__footer"))
    await root.press("Lift the hold", root.row("C-1"))
    await root.dialog.get_by_label("Reason").fill("the court is done")
    await root.confirm("Lift the hold")
    await expect(root.row("C-1")).to_have_count(0)
    await root.press("Ask for a deletion")
    await root.press("Look", root.dialog)
    await expect(root.dialog.get_by_text("May go")).to_be_visible()
    await root.press("Cancel", root.dialog)


async def finds_it_all_in_the_audit_log(root: Pages) -> None:
    """Everything above, by who did it; one click narrows it down."""
    await root.open("audit")
    for action in ("uploaded a prompt", "revoked a token", "changed an account", "lifted a hold"):
        await expect(root.row(action)).to_contain_text("Root (administrator, account/")
    await root.press("uploaded a prompt", root.row("uploaded a prompt"))
    await expect(root.seen.page.locator("main tbody tr")).to_have_count(1)
    async with root.seen.page.expect_download() as waiting:
        await root.seen.page.get_by_role("link", name="Take along as CSV").click()
    content = await (await waiting.value).path()
    assert "prompt/safe_harbour" in content.read_text("utf-8")


async def sees_what_auditors_may(auditor: Pages) -> None:
    """Its own views, and nothing that changes the house."""
    await auditor.seen.go("/admin")
    await auditor.is_there()
    assert auditor.seen.page.url.endswith("/admin/audit")
    links = auditor.seen.page.locator("nav.tabs a")
    assert [(await link.get_attribute("href") or "").removeprefix("/admin/") for link in await links.all()] == [
        *AUDITORS
    ]
    await auditor.open("prompts")
    await expect(auditor.seen.page.get_by_role("button", name="Replace")).to_have_count(0)


async def every_view_is_whole(root: Pages) -> None:
    """Loaded, in words of one's language, and within reach of everybody."""
    for page in PAGES:
        await root.open(page)
        assert not UNTRANSLATED.search(await root.seen.page.inner_text("body")), page
        await expect(root.seen.page.locator("main").get_by_role("alert")).to_have_count(0)
        findings = await root.seen.serious_findings()
        assert findings == [], page


def wav_of(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, 8000, 0, "NONE", ""))
        written.writeframes(pcm)
    return file.getvalue()
