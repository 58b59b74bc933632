"""Whose desk a request is about: a collector acts on the own one, a supervisor on any."""

from http import HTTPStatus

from dialer.api.auditing import audit
from dialer.api.problems import ApiError
from dialer.api.routing import AnyCall, Id, Input
from dialer.model.account import Role


class AgentPath(Input):
    agent_id: Id


def check_own(call: AnyCall) -> None:
    """ApiError 403 where a collector names another's desk."""
    if call.actor.role is Role.COLLECTOR and call.actor.account_id != call.path.agent_id:
        raise ApiError(HTTPStatus.FORBIDDEN, "a collector acts on the own desk only")


async def note_other(call: AnyCall, action: str, detail: str = "") -> None:
    """Puts on record what somebody did at another's desk; what people do at their own is in their states."""
    if call.actor.account_id != call.path.agent_id:
        await audit(call, action, f"agent/{call.path.agent_id}", detail)
