"""What the guides show: one scene a picture, in the order of a working day."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from playwright.async_api import Page

LAPTOP, PHONE = (1366, 768), (390, 844)
Steps = Callable[[Page], Awaitable[None]]


async def _nothing(page: Page) -> None:
    """The page as it comes."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture: who looks at which page, and what was done there before. `name` is the file's."""

    name: str
    login: str
    path: str
    steps: Steps = _nothing
    size: tuple[int, int] = LAPTOP
    is_dark: bool = False


async def _first_recording(page: Page) -> None:
    await page.locator("tbody tr a").first.click()
    await page.locator("[data-test=verification]").wait_for()


async def _begin_score(page: Page) -> None:
    await _first_recording(page)
    begin = page.locator("[data-test=begin-score]")
    if await begin.count():
        await page.locator(".which").click()
        await page.locator(".el-select-dropdown__item").first.click()
        await begin.click()
    await page.locator("[data-question]").first.wait_for()


async def _first_campaign(page: Page) -> None:
    await page.locator("main a[href^='/supervisor/campaigns/']:not([href$=new])").first.click()


async def _first_trunk(page: Page) -> None:
    await page.locator("main a[href^='/supervisor/trunks/']").first.click()


async def _open_version(page: Page) -> None:
    await page.locator("button.version").first.click()
    await page.locator("fieldset.section").first.wait_for()


SUPERVISOR: Sequence[Scene] = (
    Scene("board", "supervisor", "/supervisor/board"),
    Scene("board-dark", "supervisor", "/supervisor/board", is_dark=True),
    Scene("board-phone", "supervisor", "/supervisor/board", size=PHONE),
    Scene("collectors", "supervisor", "/supervisor/collectors"),
    Scene("import", "supervisor", "/supervisor/lists/import"),
    Scene("lists", "supervisor", "/supervisor/lists"),
    Scene("new-campaign", "supervisor", "/supervisor/campaigns/new"),
    Scene("campaigns", "supervisor", "/supervisor/campaigns"),
    Scene("campaign", "supervisor", "/supervisor/campaigns", _first_campaign),
    Scene("launch", "supervisor", "/supervisor/campaigns/1/launch"),
    Scene("why", "supervisor", "/supervisor/why"),
    Scene("caller-ids", "supervisor", "/supervisor/caller-ids"),
    Scene("trunks", "supervisor", "/supervisor/trunks"),
    Scene("trunk", "supervisor", "/supervisor/trunks", _first_trunk),
    Scene("rules", "supervisor", "/supervisor/rules"),
    Scene("alarms", "supervisor", "/supervisor/alarms"),
)
QUALITY: Sequence[Scene] = (
    Scene("recordings", "qa", "/qa/recordings"),
    Scene("review", "qa", "/qa/recordings?disposition=connected", _begin_score),
    Scene("queue", "qa", "/qa/queue"),
    Scene("live", "qa", "/qa/live"),
    Scene("evaluations", "qa", "/qa/evaluations"),
    Scene("labelling", "qa", "/qa/labelling"),
    Scene("announcements", "qa", "/qa/labelling?announcement="),
    Scene("calibrations", "qa", "/qa/calibrations"),
    Scene("scorecards", "supervisor", "/qa/scorecards", _open_version),
    Scene("plans", "supervisor", "/qa/plans"),
    Scene("reports", "supervisor", "/qa/reports"),
)
ADMINISTRATION: Sequence[Scene] = (
    Scene("users", "administrator", "/admin/users"),
    Scene("log-ins", "administrator", "/admin/log-ins"),
    Scene("roles", "administrator", "/admin/roles"),
    Scene("tokens", "administrator", "/admin/tokens"),
    Scene("admin-trunks", "administrator", "/admin/trunks"),
    Scene("prompts", "administrator", "/admin/prompts"),
    Scene("packs", "administrator", "/admin/packs"),
    Scene("retention", "administrator", "/admin/retention"),
    Scene("audit", "administrator", "/admin/audit"),
    Scene("house", "administrator", "/admin/house"),
)
SCENES: Sequence[Scene] = (Scene("log-in", "", "/login"), *SUPERVISOR, *QUALITY, *ADMINISTRATION)
