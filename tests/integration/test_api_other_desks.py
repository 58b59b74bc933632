"""What a supervisor does at a collector's desk is on record as the supervisor's doing; a collector's own is not."""

from pathlib import Path

import pytest

from dialer.api.security import hash_token
from dialer.clock import SystemClock
from dialer.model.account import Role
from tests.support.house import House, open_house
from tests.support.quality import person

ACTIONS = (("log-in", {"campaign_ids": [1]}), ("ready", None), ("break", {"code": "lunch"}), ("log-out", None))


async def act(house: House, agent_id: int, headers: dict[str, str]) -> list[int]:
    """A short shift; the answers."""
    answers = []
    for action, body in ACTIONS:
        async with house.api.post(f"/v1/agents/{agent_id}/{action}", headers=headers, json=body) as answer:
            answers.append(answer.status)
    return answers


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.COLLECTOR])
async def test_who_acts_at_anothers_desk_is_on_record(tmp_path: Path, role: Role) -> None:
    async with open_house(tmp_path) as house:
        agent_id = await person(house.storage, "clara", Role.COLLECTOR)
        now, own = SystemClock().utcnow(), "token of clara"
        await house.storage.accounts.add_token(hash_token(own), "clara", Role.COLLECTOR, now, account_id=agent_id)
        headers = house.auth(role) if role is Role.SUPERVISOR else {"Authorization": f"Bearer {own}"}
        assert await act(house, agent_id, headers) == [200] * len(ACTIONS)
        entries = [entry for _, entry in reversed(await house.storage.audit.list(f"agent/{agent_id}"))]
        noted = [(entry.action, entry.detail) for entry in entries]
        if role is Role.COLLECTOR:
            assert noted == []
        else:
            steps = [("agent.log_in", ""), ("agent.ready", ""), ("agent.break", "lunch"), ("agent.log_out", "")]
            assert noted == steps
            assert {entry.actor for entry in entries} == {"supervisor (supervisor)"}
