"""Who gets the next person."""

import pytest

from dialer.agents.routing import ReadyAgent, longest_idle


def agent(agent_id: int, since: float, skills: str = "", campaigns: tuple[int, ...] = (1,)) -> ReadyAgent:
    return ReadyAgent(agent_id, since, frozenset(skills.split()), frozenset(campaigns))


@pytest.mark.parametrize(
    ("agents", "skills", "expected"),
    [
        ([], (), None),
        ([agent(1, 5.0), agent(2, 3.0)], (), 2),
        ([agent(2, 3.0), agent(1, 3.0)], (), 1),  # equal waits: the lower id, so that the choice is repeatable
        ([agent(1, 1.0), agent(2, 9.0, "yue")], ("yue",), 2),
        ([agent(1, 1.0, "yue")], ("yue", "vip"), None),
        ([agent(1, 1.0, campaigns=(2,)), agent(2, 2.0)], (), 2),
    ],
)
def test_longest_idle(agents: list[ReadyAgent], skills: tuple[str, ...], expected: int | None) -> None:
    assert longest_idle(agents, 1, skills) == expected
