"""A scorer's work in the browser: find a recording, hear it, remark, score it, and see that it is what was recorded."""

import asyncio
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Locator, expect

from dialer.model.account import Role
from dialer.progress.verdict import Label
from tests.support.browser import Seen, chromium, new_account, new_page
from tests.support.kept import ended_calls, keep
from tests.support.path_house import MONDAY, PathHouse, open_path_house
from tests.support.verdicts import verdict_on

pytestmark = [pytest.mark.peer("chromium"), pytest.mark.allow_blocking]

RECORDING = "20261123T020000-1"
OTHER = "20261123T020000-2"
SECONDS = 6
WIDE_PX = 600
"""A table that shows all its columns is wider."""
PAGES = ("queue", "recordings", "evaluations", "calibrations", "labelling", "scorecards", "plans", "reports")
READY_MADE = "bank-card-collection"


def talk() -> NDArray[np.int16]:
    """int16[n, 2]: the person sounds for a second, then the collector for the rest."""
    at = np.arange(SECONDS * 8000) / 8000
    person = 9000 * np.sin(2 * np.pi * 440 * at) * (at < 1)
    collector = 5000 * np.sin(2 * np.pi * 220 * at) * (at >= 1)
    return np.stack((person, collector), axis=1).astype(np.int16)


async def furnish(house: PathHouse) -> None:
    """A recorded call, a scorecard in use, verdicts on three calls, of which two were drawn, and the people."""
    collector = await new_account(house, "collector", Role.COLLECTOR)
    await new_account(house, "supervisor", Role.SUPERVISOR)
    await new_account(house, "qa", Role.QA)
    attempt, *others = await ended_calls(house.app.storage, [collector, None, None])
    samples = house.app.storage.verdict_samples
    for each in others:
        await samples.keep(verdict_on(each, Label.MACHINE, MONDAY))
    await samples.draw(attempt.campaign_id, Label.MACHINE, 2, "li", MONDAY)
    await samples.keep(verdict_on(attempt, Label.MACHINE, MONDAY))
    await keep(house.app.storage, house.app.recordings.vault, RECORDING, attempt.attempt_id, MONDAY, talk())
    await keep(house.app.storage, house.app.recordings.vault, OTHER, others[0].attempt_id, MONDAY, talk())
    card = await house.api.post("/v1/scorecards", {"name": "Cards", "ready_made": READY_MADE})
    path = f"/v1/scorecards/{card['scorecard_id']}/freeze"
    await house.api.post(path, {"revision": card["versions"][0]["revision"]})


async def test_scoring_in_the_browser(tmp_path: Path) -> None:
    async with open_path_house(tmp_path, ()) as house, chromium() as browser:
        await furnish(house)
        async with new_page(browser, house) as seen:
            await seen.log_in("qa")
            await finds_and_hears_it(seen)
            await verifies_it(seen)
            await redacts_and_exports(seen)
            await remarks_and_scores(seen, house)
            await asks_for_coaching(seen)
            await labels_what_was_drawn(seen, house)
            await chooses_whom_to_hear(seen, house)
        async with new_page(browser, house) as seen:
            await seen.log_in("collector")
            await does_what_is_asked(seen, house)
            await objects_to_it(seen, house)
        async with new_page(browser, house, language="zh") as seen:
            await seen.log_in("supervisor")
            await reviews_it(seen)
            await looks_for_complaints(seen, house)
            await gives_work_to_another(seen, house)
            await every_page_reads_well(seen)


async def finds_and_hears_it(seen: Seen) -> None:
    """By a filter; both lanes are drawn, and it really plays: its time goes on."""
    await seen.go("/qa/recordings")
    await seen.page.get_by_label("Case", exact=True).fill("no such case")
    await seen.page.get_by_role("button", name="Search").click()
    await expect(seen.page.get_by_text("No recording fits")).to_be_visible()
    await seen.page.get_by_role("button", name="Clear").click()
    await choose(seen, "Collector", "Collector")
    await seen.page.get_by_role("button", name="Search").click()
    await expect(seen.page.locator(f"a[href$='{OTHER}']")).to_have_count(0)  # nobody was on that call
    await seen.page.locator(f"a[href$='{RECORDING}']").click()
    canvases = seen.page.locator(".box canvas")
    for lane in range(2):
        await expect(canvases.nth(lane)).to_be_visible()
        await is_drawn(canvases.nth(lane))
    await seen.page.get_by_role("button", name="Play").click()
    await expect(seen.page.locator(".at")).to_have_text(re.compile(r"^[1-6]\.\d / 6\.0 s$"))


async def choose(seen: Seen, label: str, option: str) -> None:
    """In a select that has this label."""
    labelled = seen.page.locator("label").filter(has=seen.page.get_by_text(label, exact=True))
    await labelled.locator(".el-select__wrapper").click()
    await seen.page.get_by_role("option", name=option, exact=True).click()


async def is_drawn(canvas: Locator) -> None:
    """Waits until there is ink on it."""
    script = "(one) => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some((byte) => byte > 0)"
    async with asyncio.timeout(30):
        while not await canvas.evaluate(script):  # noqa: ASYNC110  a canvas has no event
            await asyncio.sleep(0.1)


async def verifies_it(seen: Seen) -> None:
    """The badge says what the ledger's check says."""
    badge = seen.page.locator("[data-test=verification]")
    await expect(badge).to_contain_text("Verified: unaltered")
    await badge.click()
    await expect(seen.page.get_by_role("dialog")).to_contain_text("SHA-256")
    assert await seen.serious_findings() == []
    await seen.page.keyboard.press("Escape")


async def redacts_and_exports(seen: Seen) -> None:
    """What is made is shown, and it is what leaves; to QA it stands for the original, which is scored all the same."""
    page = seen.page
    await page.get_by_role("button", name="Redact", exact=True).click()
    await page.get_by_role("button", name="Make the copy").click()
    await page.wait_for_url(f"**/qa/recordings/{RECORDING}.r1")
    await page.get_by_role("button", name="Export").click()
    await page.get_by_label("Reason, kept on record").fill("the court asks for it")
    async with page.expect_request("**/exports") as asked:
        await page.get_by_role("button", name="Download").click()
    assert (await asked.value).url.endswith(f"/{RECORDING}.r1/exports")
    await page.get_by_role("link", name="Original").click()
    await expect(page.get_by_text("You hear the redacted copy 1")).to_be_visible()
    await expect(page.locator("audio")).to_have_attribute("src", re.compile(r"\.r1/audio"))
    await expect(page.locator(".box canvas").first).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("link", name="Original")).to_be_visible()


async def labels_what_was_drawn(seen: Seen, house: PathHouse) -> None:
    """Only what counts is in the list; a key that is held down labels one of them."""
    page = seen.page
    await seen.go("/qa/labelling")
    await expect(page.locator(".list li")).to_have_count(2)
    await page.keyboard.down("1")
    await expect(page.locator(".list li").get_by_text("Person")).to_have_count(1)
    for _ in range(3):
        await page.keyboard.down("1")  # as it repeats
    await page.keyboard.up("1")
    await page.keyboard.press("2")
    await expect(page.get_by_text("All labelled.")).to_be_visible()
    heard = await house.api.get("/v1/verdicts?labelled=true")
    assert sorted(item["truth"] for item in heard["items"]) == ["human", "machine"]
    await expect(page.get_by_role("row").get_by_text("50.0%")).to_be_visible()
    await page.get_by_text("Also those that chance did not draw").click()
    await expect(page.locator(".list li")).to_have_count(1)


async def remarks_and_scores(seen: Seen, house: PathHouse) -> None:
    """A remark at the place where the player stands; every question answered; what is missing is said first."""
    page = seen.page
    await page.locator(".which").click()
    await page.get_by_role("option", name="Cards").click()
    await page.locator("[data-test=begin-score]").click()
    await page.locator("[data-question]").first.wait_for()
    await page.locator("textarea[data-test=comment], [data-test=comment] textarea").fill("greets before the name")
    await page.locator("[data-test=add-comment]").click()
    await expect(page.locator("section li").get_by_text("greets before the name")).to_be_visible()
    await page.locator("[data-test=submit-score]").click()
    await expect(page.get_by_text("Nothing is answered yet at")).to_be_visible()
    await answer_everything(page.locator("[data-question]"))
    await page.locator("[data-test=submit-score]").click()
    await expect(page.get_by_text("Submitted", exact=True).first).to_be_visible()
    (evaluation,) = (await house.api.get(f"/v1/evaluations?recording_id={RECORDING}"))["items"]
    assert (evaluation["state"], evaluation["scorer"]) == ("submitted", "Qa")
    score = f"{evaluation['score_bp'] / 100:.2f} %"
    await expect(page.locator("[data-test=score]")).to_have_text(score)
    await expect(page.locator("[data-test=begin-score]")).to_be_visible()


async def asks_for_coaching(seen: Seen) -> None:
    """What the collector is to do about it stands with the evaluation."""
    await seen.page.get_by_label("What is the collector to do?").fill("Hear lesson three")
    await seen.page.get_by_label("Link to the training").fill("https://training.example/3")
    await seen.page.locator("[data-test=coach]").click()
    await expect(seen.page.locator("[data-test=coaching]")).to_contain_text("Hear lesson three")


async def does_what_is_asked(seen: Seen, house: PathHouse) -> None:
    """The collector finds it above the evaluations, and says that it is done."""
    await seen.page.get_by_role("link", name="Quality").click()
    asked = seen.page.locator("[data-test=coaching]")
    await expect(asked.get_by_role("link", name="https://training.example/3")).to_be_visible()
    assert await seen.serious_findings() == []
    await asked.get_by_label("What you have to say to it").fill("heard it twice")
    await seen.page.locator("[data-test=coached]").click()
    await expect(asked).to_have_count(0)
    table = await seen.page.get_by_label("Evaluations").bounding_box()
    assert table is not None
    assert table["width"] > WIDE_PX
    (item,) = (await house.api.get("/v1/coaching?done=true"))["items"]
    assert (item["title"], item["done_words"]) == ("Hear lesson three", "heard it twice")


async def chooses_whom_to_hear(seen: Seen, house: PathHouse) -> None:
    """Among those who talk, and only to hear them; without a phone of the own the service says no."""
    for agent_id, (name, state) in enumerate((("Ann", "talking"), ("Bo", "ready")), 901):
        house.app.board.publish(f"agent/{agent_id}", {"name": name, "state": state, "campaign_ids": []})
    page = seen.page
    await seen.go("/qa/live")
    await expect(page.locator("tbody tr")).to_have_count(1)
    assert await seen.serious_findings() == []
    async with page.expect_request("**/v1/agents/901/listening") as asked:
        await page.get_by_role("button", name="Listen to Ann").click()
    assert (await asked.value).post_data_json == {"mode": "monitor"}
    await expect(page.locator("main [role=alert]")).to_be_visible()


async def answer_everything(questions: Locator) -> None:
    """The first answer of each; an answer may bring a question that was not asked before."""
    answered = 0
    while answered < await questions.count():
        choice = questions.nth(answered).locator("label.el-radio-button").first
        if await choice.count():
            await choice.click()
        answered += 1


async def objects_to_it(seen: Seen, house: PathHouse) -> None:
    """The collector finds the evaluation of the own call and says why it is wrong; this house plays them nothing."""
    await seen.page.get_by_role("link", name="Quality").click()
    await seen.page.locator("tbody tr a").first.click()
    await expect(seen.page.get_by_text("The recording itself is not played to your role.")).to_be_visible()
    await seen.page.get_by_label("Your words").fill("the name was said at the third second")
    await seen.page.get_by_role("button", name="Object").click()
    await expect(seen.page.get_by_text("Disputed", exact=True).first).to_be_visible()
    (evaluation,) = (await house.api.get(f"/v1/evaluations?recording_id={RECORDING}"))["items"]
    assert evaluation["dispute"]["reason"] == "the name was said at the third second"


async def reviews_it(seen: Seen) -> None:
    """Another answer brings the questions that wait for it, so that the change is whole."""
    page = seen.page
    await seen.go(f"/qa/recordings/{RECORDING}")
    await page.get_by_role("button", name="受理").click()
    await page.get_by_role("button", name="修改答案").click()
    await expect(page.locator("[data-question=disclosure]")).to_have_count(0)
    await page.locator("[data-question=who]").last.get_by_text("第三人").click()
    await expect(page.locator("[data-question=disclosure]")).to_be_visible()


async def looks_for_complaints(seen: Seen, house: PathHouse) -> None:
    """A plan by risk draws the calls whose cases became complaints."""
    page = seen.page
    await seen.go("/qa/plans")
    await page.get_by_role("button", name="新建计划").click()
    await page.get_by_label("名称").fill("风险抽检")
    await page.get_by_text("按风险").click()
    await choose(seen, "通话后 30 天内案件变为", "投诉")
    await page.get_by_role("dialog").get_by_role("button", name="创建").click()
    await expect(page.locator("tbody").get_by_text("风险抽检")).to_be_visible()
    (plan,) = (await house.api.get("/v1/qa/plans"))["items"]
    assert plan["rules"]["risks"]["case_statuses"] == ["complaint"]


async def gives_work_to_another(seen: Seen, house: PathHouse) -> None:
    """By name; whose it is shows in the list of all."""
    page = seen.page
    await house.api.post("/v1/qa/queue", {"recording_id": OTHER, "reason": "a complaint"})
    await seen.go("/qa/queue")
    await page.get_by_text("查看全部人").click()
    await page.locator("tbody .el-select__wrapper").click()
    await page.get_by_role("option", name="Qa", exact=True).click()
    await expect(page.get_by_label("任务分布").get_by_text("Qa", exact=True)).to_be_visible()
    assert await seen.serious_findings() == []
    (item,) = (await house.api.get("/v1/qa/queue?kind=recording"))["items"]
    assert item["assignee_id"] is not None


async def every_page_reads_well(seen: Seen) -> None:
    """For whoever cannot see it, too; in Chinese, without a word that has no translation."""
    for name in PAGES:
        await seen.go(f"/qa/{name}")
        await seen.page.wait_for_load_state("networkidle")
        assert await seen.serious_findings() == [], name
        assert "qa." not in await seen.page.inner_text("main"), name
