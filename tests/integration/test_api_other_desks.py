"""Others' desks: what a supervisor does there is on record as theirs; a collector does nothing there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from dialer.api.app import SUBJECTS
from dialer.api.security import hash_token
from dialer.clock import SystemClock
from dialer.model.account import Role
from dialer.model.agent import AgentState
from tests.support.house import House, open_house
from tests.support.kept import ended_calls
from tests.support.quality import person

ACTIONS = (("log-in", {"campaign_ids": [1]}), ("ready", None), ("break", {"code": "lunch"}), ("log-out", None))
NOTED = (("agent.log_in", ""), ("agent.ready", ""), ("agent.break", "lunch"), ("agent.log_out", ""))

REFUSAL = "a collector acts on the own desk only"


async def act(house: House, agent_id: int, headers: dict[str, str], actions: Sequence[tuple[str, object]]) -> list[int]:
    """Some of a short shift; the answers."""
    answers = []
    for action, body in actions:
        async with house.api.post(f"/v1/agents/{agent_id}/{action}", headers=headers, json=body) as answer:
            answers.append(answer.status)
    return answers


@pytest.mark.parametrize(("role", "n_own"), [(Role.SUPERVISOR, 0), (Role.ADMINISTRATOR, 2), (Role.SUPERVISOR, 4)])
async def test_who_acts_at_anothers_desk_is_on_record(tmp_path: Path, role: Role, n_own: int) -> None:
    """The first `n_own` steps of a shift are the collector's own, the others somebody else's."""
    async with open_house(tmp_path) as house:
        agent_id = await person(house.storage, "clara", Role.COLLECTOR)
        now, own = SystemClock().utcnow(), "token of clara"
        await house.storage.accounts.add_token(hash_token(own), "clara", Role.COLLECTOR, now, account_id=agent_id)
        own_steps, steps = ACTIONS[:n_own], ACTIONS[n_own:]
        assert await act(house, agent_id, {"Authorization": f"Bearer {own}"}, own_steps) == [200] * len(own_steps)
        assert await act(house, agent_id, house.auth(role), steps) == [200] * len(steps)
        entries = [entry for _, entry in reversed(await house.storage.audit.list(f"agent/{agent_id}"))]
        assert [(entry.action, entry.detail) for entry in entries] == list(NOTED[n_own:])
        assert {entry.actor.partition(",")[0] for entry in entries} <= {f"{role.value} ({role.value}"}


async def test_calls_and_outcomes_in_anothers_name_are_on_record(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        agent_id = await person(house.storage, "clara", Role.COLLECTOR)
        (attempt,) = await ended_calls(house.storage, [agent_id])
        notes, states = await act_by_the_supervisor(house, agent_id, attempt.attempt_id), house.desk.states
        assert notes == [
            ("agent.preview_dial", ""),
            ("agent.preview_skip", "other"),
            ("agent.dial", "phone/1"),
            ("agent.wrap_up", f"attempt/{attempt.attempt_id} promise"),
        ]
        assert [wrap_up.agent_id for wrap_up in house.desk.wrap_ups] == [agent_id]
        assert states[agent_id] is AgentState.READY


async def act_by_the_supervisor(house: House, agent_id: int, attempt_id: int) -> list[tuple[str, str]]:
    """A preview dialed, one skipped, a number dialed, an outcome; what the audit log says of it."""
    headers = house.auth(Role.SUPERVISOR)
    for step in (
        ("preview/dial", None),
        ("preview/skip", {"code": "other", "reason": "words that may tell of a person"}),
        ("dial", {"phone_id": 1}),
        ("wrap-up", {"attempt_id": attempt_id, "code": "promise"}),
    ):
        if step[0].startswith("preview"):
            house.desk.states[agent_id] = AgentState.PREVIEW
        assert await act(house, agent_id, headers, [step]) == [200], step
    return [(entry.action, entry.detail) for _, entry in reversed(await house.storage.audit.list(f"agent/{agent_id}"))]


AT = "2030-01-07T02:00:00Z"
BODIES: Mapping[str, object] = {
    "agents.log_in": {"campaign_ids": [1]},
    "agents.break": {"code": "lunch"},
    "agents.preview_skip": {"code": "other"},
    "agents.dial": {"phone_id": 1},
    "agents.wrap_up": {"attempt_id": 1, "code": "promise"},
    "agents.identity": {"attempt_id": 1, "result": "confirmed"},
    "agents.move_callback": {"callback_at": AT},
    "agents.cancel_callback": {"reason": "no more"},
}
QUERIES: Mapping[str, str] = {"agents.callback_time": f"?at={AT}"}
OF_A_DESK = [
    operation
    for routes in SUBJECTS
    for operation in routes.operations
    if operation.path.startswith("/v1/agents/{agent_id}") and Role.COLLECTOR in (operation.roles or ())
]


async def test_a_collector_has_nothing_to_do_at_anothers_desk(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        own, other = [await person(house.storage, login, Role.COLLECTOR) for login in ("clara", "carl")]
        now, secret = SystemClock().utcnow(), "token of clara"
        await house.storage.accounts.add_token(hash_token(secret), "clara", Role.COLLECTOR, now, account_id=own)
        headers = {"Authorization": f"Bearer {secret}"}
        for operation in OF_A_DESK:
            path = operation.path.format(agent_id=other, entry_id=1) + QUERIES.get(operation.name, "")
            body = BODIES.get(operation.name)
            async with house.api.request(operation.method, path, headers=headers, json=body) as answer:
                assert (answer.status, (await answer.json())["detail"]) == (403, REFUSAL), operation.name
