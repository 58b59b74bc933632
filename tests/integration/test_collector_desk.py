"""A collector's page against a running node: the case comes before the talk, and the debt after the identity."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.agents.sessions import AgentChanged
from dialer.api.client import ApiCallError, ApiClient
from dialer.api.security import hash_token
from dialer.calls.case_view import CaseView
from dialer.model.account import Role
from dialer.model.agent import AgentState
from dialer.model.campaign import AmdMode, CampaignMode, CampaignSettings
from dialer.model.collecting import CollectingSettings, IdentityQuestion, IdentityResult, LocalText, Script
from dialer.model.outcome import EventType
from dialer.model.ready_forms import COLLECTION
from tests.support.call_lab import HOST, MONDAY, WAIT_S, CallLab, Line, call_lab, until

COLLECTING = CollectingSettings(
    identity_questions=(IdentityQuestion("id_number", LocalText("身份证后四位", "last four digits"), 4),),
    script=Script(opening=LocalText("请问是{person_name}吗"), after_identity=LocalText("您欠款{amount_due}元")),
)
SETTINGS = CampaignSettings(amd=AmdMode.OFF, form=COLLECTION, collecting=COLLECTING, wrap_up_limit_s=600)
FIELDS = {"amount": "1000.00", "due_date": "2026-11-01", "id_number": "110101199001011234"}


async def begin(lab: CallLab, settings: CampaignSettings) -> int:
    campaign = await lab.campaign(settings, fields=FIELDS)
    (agent_id,) = lab.agent_ids
    await lab.app.desk.log_in(agent_id, [campaign.campaign_id])
    await lab.app.desk.ready(agent_id)
    await lab.app.campaigns.start(campaign.campaign_id, "test")
    return agent_id


@asynccontextmanager
async def page(lab: CallLab) -> AsyncIterator[ApiClient]:
    """The API as the collector's own page uses it."""
    (agent_id,), now = lab.agent_ids, lab.app.clock.utcnow()
    await lab.app.storage.accounts.add_token(hash_token("own"), "own", Role.COLLECTOR, now, account_id=agent_id)
    async with ApiClient(f"http://{HOST}:{lab.app.http_port}", "own") as api:
        yield api


async def test_the_case_is_there_before_the_talk(tmp_path: Path) -> None:
    """When the collector is reserved the topic names a case, and the same one is still on the screen in the talk."""
    seen: list[tuple[AgentState, object, CaseView | None]] = []
    async with call_lab(tmp_path, 37000) as lab:
        lab.far.on_call = Line.answer

        def look(changed: AgentChanged) -> None:
            if changed.transition.new in (AgentState.RESERVED, AgentState.TALKING):
                topic = lab.app.board.snapshot()[f"agent/{changed.session.agent_id}"]
                view = lab.app.desk.view(changed.session.agent_id)
                seen.append((changed.transition.new, topic["case"], view.case))

        lab.app.sessions.listen(look)
        await begin(lab, SETTINGS)
        await until(lambda: len(seen) == 2, "a person meets the collector")
    (reserved, first, case), (talking, second, _) = seen
    assert (reserved, talking) == (AgentState.RESERVED, AgentState.TALKING)
    assert case is not None
    assert (case.person_name, case.is_open, case.fields) == ("Zhang San", False, ())
    assert first == second == {"version": case.version, "attempt_id": case.attempt_id, "is_confirmed": False}


async def test_a_previewed_case_closes_when_it_is_dialed(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 37200) as lab:
        desk, agent_id = lab.app.desk, await begin(lab, SETTINGS_OF_PREVIEW)
        await until(lambda: desk.view(agent_id).state is AgentState.PREVIEW, "a case is shown")
        previewed = desk.view(agent_id).case
        assert previewed is not None
        assert (previewed.is_open, len(previewed.fields), len(previewed.skip_reasons)) == (True, 3, 5)
        async with page(lab) as api:
            history = await api.get(f"/v1/agents/{agent_id}/case/history")
            assert history == {"items": []}
        dialed = (await desk.preview_dial(agent_id)).case
        assert dialed is not None
        assert (dialed.is_open, dialed.case_ref, dialed.fields, dialed.skip_reasons) == (False, "", (), ())
        assert dialed.version != previewed.version
        await until(lambda: bool(lab.far.lines), "it rings")
        await desk.hang_up(agent_id)
        await until(lambda: desk.view(agent_id).state is AgentState.READY, "the call is over")
        assert desk.view(agent_id).case is None


async def test_a_previewed_case_goes_back_when_a_number_is_dialed_by_hand(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 37600) as lab:
        desk, entries = lab.app.desk, lab.app.storage.entries
        agent_id = await begin(lab, replace(SETTINGS_OF_PREVIEW, preview_limit_s=1800))
        await until(lambda: desk.view(agent_id).state is AgentState.PREVIEW, "a case is shown")
        case, now = desk.view(agent_id).case, lab.app.clock.utcnow()
        assert case is not None
        assert await entries.release_expired(now + timedelta(minutes=30)) == 0, (
            "it is leased for as long as it is shown"
        )
        await desk.dial_manually(agent_id, case.phone_id)
        await until(lambda: bool(lab.far.lines), "it rings")
        await lab.app.campaigns.pause(case.campaign_id, "test")
        async with asyncio.timeout(WAIT_S):
            while (counts := await entries.counts(case.campaign_id, now)).leased:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.02)
        assert (counts.waiting, counts.callable_now) == (1, 0)


SETTINGS_OF_PREVIEW = CampaignSettings(
    mode=CampaignMode.PREVIEW, amd=AmdMode.OFF, form=COLLECTION, collecting=COLLECTING
)


async def refusal(api: ApiClient, path: str, body: Mapping[str, object] | None = None) -> str:
    """The words of a refusal."""
    with pytest.raises(ApiCallError) as caught:
        await (api.get(path) if body is None else api.post(path, body))
    return str(caught.value)


async def test_a_call_from_the_identity_to_the_callback(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 37400) as lab, page(lab) as api:
        lab.far.on_call = Line.answer
        agent_id = await begin(lab, SETTINGS)
        path = f"/v1/agents/{agent_id}"
        await until(lambda: lab.app.desk.view(agent_id).state is AgentState.TALKING, "they talk")
        attempt_id = await identified(api, path)
        await lab.app.desk.hang_up(agent_id)
        await lab.settled()
        await until(lambda: lab.app.desk.view(agent_id).state is AgentState.WRAPUP, "the wrap-up")
        await wrapped_up(api, path, attempt_id)
        checks = await lab.app.storage.identity_checks.of_attempts([attempt_id])
        assert [each.result for each in checks[attempt_id]] == [IdentityResult.THIRD_PARTY, IdentityResult.CONFIRMED]
        events = await lab.app.storage.outbox.events()
        (told,) = [event.data for event in events if event.type is EventType.WRAP_UP]
        assert isinstance(told["identity"], Mapping)
        assert told["identity"]["result"] == "confirmed"


async def identified(api: ApiClient, path: str) -> int:
    """What the page may know before and after; the attempt."""
    (campaign,) = (await api.get(f"{path}/campaigns"))["items"]
    assert (campaign["state"], campaign["fits"]) == ("running", True)
    case = (await api.get(path))["case"]
    assert case["identity"]["questions"][0]["expected"] == "1234"
    assert case["script"]["opening"]["zh"] == "请问是Zhang San吗"
    assert "1000" not in str(case)
    assert "1,000" not in str(case)
    assert "right person" in await refusal(api, f"{path}/case/history")
    (number,) = (await api.get(f"{path}/case/caps"))["numbers"]
    assert [(cap["used"], cap["limit"]) for cap in number["caps"] if cap["rule"] == "cn.unreached"] in ([], [(1, 6)])
    (daily,) = (cap for cap in number["caps"] if cap["rule"] == "cn.person-daily")
    assert daily["used"] == 1, "the call under way counts"
    assert daily["counts"] == {"en": "For one person: attempts a calendar day", "zh": "对同一人，每个自然日呼叫"}
    word = {"attempt_id": case["attempt_id"], "result": "third_party"}
    assert not (await api.post(f"{path}/identity", word))["case"]["is_open"]
    assert "not on the screen" in await refusal(api, f"{path}/identity", word | {"attempt_id": 999})
    case = (await api.post(f"{path}/identity", word | {"result": "confirmed"}))["case"]
    assert case["script"]["after_identity"]["zh"] == "您欠款1,000.00元"
    assert {"name": "amount", "kind": "amount", "value": "1000.00"} in case["fields"]
    assert await api.get(f"{path}/case/history") == {"items": []}, "the call at hand is none of the past"
    return int(case["attempt_id"])


async def wrapped_up(api: ApiClient, path: str, attempt_id: int) -> None:
    """Bounds are kept, a callback is promised, moved and taken back."""
    method = COLLECTION.fields[2].choices[0]
    promise: dict[str, Any] = {"amount": "1000.01", "pay_date": "2026-12-01", "method": method}
    wrong = await refusal(api, f"{path}/wrap-up", {"attempt_id": attempt_id, "code": "promise", "values": promise})
    assert wrong == "amount: must be at most 1000.00: no more is owed, or taken"
    night, day = (MONDAY.replace(day=24, hour=hour) for hour in (22, 10))
    callback = {"attempt_id": attempt_id, "code": "callback"}
    late = await refusal(api, f"{path}/wrap-up", callback | {"callback_at": night.isoformat()})
    assert "the next time is 2026-11-25T" in late
    asked = await api.send("GET", f"{path}/case/callback-time", query={"at": night.isoformat()})
    assert (asked["allowed"], asked["next_at"]) == (False, "2026-11-25T01:00:00Z")
    assert (await api.post(f"{path}/wrap-up", callback | {"callback_at": day.isoformat()}))["state"] == "ready"

    (promised,) = (await api.get(f"{path}/callbacks"))["items"]
    assert (promised["person_name"], promised["number_masked"]) == ("Zhang San", "138****1234")
    own = f"{path}/callbacks/{promised['entry_id']}"
    assert "the next time" in await refusal(api, f"{own}/move", {"callback_at": night.isoformat()})
    later = (day + timedelta(hours=1)).isoformat()
    (moved,) = (await api.post(f"{own}/move", {"callback_at": later}))["items"]
    assert moved["callback_at"] == "2026-11-24T03:00:00Z"
    assert (await api.post(f"{own}/cancel", {"reason": "paid meanwhile"}))["items"] == []
    today = await api.get(f"{path}/today")
    assert (today["calls"], today["right_party"], today["promises"]) == (1, 1, 0)
    assert today["talk_s"] > 0
    codes = [item["code"] for item in (await api.get("/v1/break-codes"))["items"]]
    assert "is no break code" in await refusal(api, f"{path}/break", {"code": "nap"})
    for code in codes[:2]:
        shown = await api.post(f"{path}/break", {"code": code})
        assert (shown["state"], shown["cause"]) == ("break", code)
