"""The earlier calls of a case: a recording is named where the asker hears it, and nowhere else."""

from pathlib import Path

from sqlalchemy import update

from dialer.api.security import hash_token
from dialer.calls.case_view import Shown
from dialer.calls.order import CallOrder
from dialer.config_recordings import RecordingsConfig
from dialer.model.account import Role
from dialer.model.attempt import Attempt
from dialer.model.collecting import IdentityCheck, IdentityResult
from dialer.model.recording import RecordingState
from dialer.storage import tables
from tests.support.house import House, open_house
from tests.support.kept import ended_calls, keep, noise
from tests.support.quality import person
from tests.support.storage import MONDAY

REDACTION = {"spans": [{"channel": "far", "from_ms": 0, "to_ms": 100, "why": "card_number"}]}


async def show(house: House, agent_id: int, attempt: Attempt) -> None:
    """The case of a past call is on the collector's screen, open."""
    campaign = await house.storage.campaigns.get(attempt.campaign_id)
    contact = await house.storage.lists.contact_of_phone(attempt.phone_id)
    assert campaign is not None
    assert contact is not None
    order = CallOrder(campaign, contact, contact.phones[0], attempt.path)
    check = IdentityCheck(attempt.attempt_id, agent_id, IdentityResult.CONFIRMED, MONDAY)
    house.desk.cases[agent_id] = Shown(order, version=1, identity=check)


async def offered(house: House, agent_id: int, role: Role) -> str | None:
    """The recording that is offered with the only call."""
    path = f"/v1/agents/{agent_id}/case/history"
    async with house.api.get(path, headers=house.auth(role)) as answer:
        assert answer.status == 200, await answer.text()
        (call,) = (await answer.json())["items"]
        recording_id: str | None = call["recording_id"]
        return recording_id


async def test_no_recording_is_offered_that_cannot_be_heard(tmp_path: Path) -> None:
    async with open_house(tmp_path, recordings=RecordingsConfig(collectors_hear_own=True)) as house:
        agent_id = await person(house.storage, "clara", Role.COLLECTOR)
        now, token = house.services.clock.utcnow(), "token of clara"
        await house.storage.accounts.add_token(hash_token(token), "clara", Role.COLLECTOR, now, account_id=agent_id)
        house.tokens[Role.COLLECTOR] = token
        (attempt,) = await ended_calls(house.storage, [agent_id], "own")
        await keep(house.storage, house.keeper.vault, "own", attempt.attempt_id, MONDAY, noise(4000))
        await show(house, agent_id, attempt)
        assert await offered(house, agent_id, Role.COLLECTOR) == "own"

        path, headers = "/v1/recordings/own/redactions", house.auth(Role.SUPERVISOR)
        async with house.api.post(path, headers=headers, json=REDACTION) as answer:
            redaction = (await answer.json())["recording_id"]
        assert await offered(house, agent_id, Role.COLLECTOR) == redaction
        assert await offered(house, agent_id, Role.SUPERVISOR) == "own"

        gone = update(tables.recordings).values(state=RecordingState.DELETED.value)
        await house.storage._database.write(lambda connection: connection.execute(gone))
        for role in (Role.COLLECTOR, Role.SUPERVISOR):
            assert await offered(house, agent_id, role) is None
