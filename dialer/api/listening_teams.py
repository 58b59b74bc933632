"""Teams and listening in: who is in a team listens in on that team alone, administrators on every collector."""

from collections.abc import Mapping

from dialer.api.routing import AnyCall
from dialer.calls.listening_in import ListeningIn
from dialer.model.account import Role
from dialer.storage import Storage


async def teams_now(storage: Storage) -> Mapping[int, str]:
    """The team of everybody who is in one, by account."""
    return {member.account_id: member.team for member in await storage.qa_teams.all()}


def is_of_another_team(teams: Mapping[int, str], listener_id: int, agent_id: int) -> bool:
    """Whether the listener is in a team, and the collector not in the same."""
    own = teams.get(listener_id)
    return own is not None and teams.get(agent_id) != own


async def review_listening(call: AnyCall) -> None:
    """After a change of teams: ends what somebody hears on this node and may not any more."""
    storage, listening = call.services.storage, call.services.listening
    teams = await teams_now(storage)
    everywhere = {account.account_id for account in await storage.accounts.all() if account.role is Role.ADMINISTRATOR}

    def may(one: ListeningIn) -> bool:
        listener_id = one.listener.account_id
        return listener_id in everywhere or not is_of_another_team(teams, listener_id, one.agent_id)

    listening.review(may, "is of another team now")
