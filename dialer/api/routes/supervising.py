"""Listening in on collectors: the caller hears with the own phone. Who may, beside the roles that have the permission:

- quality assurance hears only (monitor);
- who is in a team listens in on that team, administrators on every collector.
"""

from datetime import datetime
from http import HTTPStatus

from pydantic import BaseModel

from dialer.api.listening_teams import is_of_another_team, teams_now
from dialer.api.own_desk import AgentPath
from dialer.api.problems import ApiError
from dialer.api.routing import AnyCall, Call, Input, Nothing, Routes
from dialer.calls.listening_in import Listener, ListeningIn
from dialer.media.interface import ListenMode
from dialer.model.account import Role

routes = Routes("supervising")


class ListeningBody(Input):
    """`monitor`: nobody hears the listener; `whisper`: the collector does; `barge`: both do, and the recording."""

    mode: ListenMode


class ListeningView(BaseModel):
    """Somebody who listens in; `name` as the audit log has it."""

    agent_id: int
    account_id: int
    name: str
    mode: ListenMode
    since: datetime


class ListeningList(BaseModel):
    """Who listens on this node now, by collector; `allowed`: the ways this house allows."""

    items: list[ListeningView]
    allowed: list[ListenMode]


@routes.add("GET", "/v1/listening", "listening.list")
async def list_listening(call: Call[Nothing, Nothing, Nothing]) -> ListeningList:
    """Lists who listens in on whom."""
    services = call.services
    allowed = [mode for mode in ListenMode if mode.value in services.config.supervision.listening]
    return ListeningList(items=[_view(one) for one in services.listening.all()], allowed=allowed)


@routes.add("POST", "/v1/agents/{agent_id}/listening", "listening.start")
async def start(call: Call[AgentPath, Nothing, ListeningBody]) -> ListeningView:
    """Listens in on this collector from now on, over all calls, and on nobody else; needs the own phone connected."""
    listener = await _listener(call)
    return _view(await call.services.listening.start(listener, call.path.agent_id, call.body.mode))


@routes.add("PUT", "/v1/agents/{agent_id}/listening", "listening.change")
async def change(call: Call[AgentPath, Nothing, ListeningBody]) -> ListeningView:
    """Listens in another way from now on."""
    listener = await _listener(call)
    return _view(await call.services.listening.change(listener, call.path.agent_id, call.body.mode))


@routes.add("DELETE", "/v1/agents/{agent_id}/listening", "listening.stop")
async def stop(call: Call[AgentPath, Nothing, Nothing]) -> None:
    """Listens no longer."""
    await call.services.listening.stop(_person(call), call.path.agent_id)


def _view(listening: ListeningIn) -> ListeningView:
    listener = listening.listener
    return ListeningView(
        agent_id=listening.agent_id,
        account_id=listener.account_id,
        name=listener.actor,
        mode=listening.mode,
        since=listening.since,
    )


def _person(call: AnyCall) -> Listener:
    if call.actor.account_id is None:
        raise ApiError(HTTPStatus.FORBIDDEN, "a person listens in, with the own account and phone")
    return Listener(call.actor.account_id, call.actor.actor, call.actor.remote)


async def _listener(call: AnyCall) -> Listener:
    """Who asks, if they may listen to this collector like this (ApiError 403)."""
    listener = _person(call)
    if call.actor.role is Role.QA and call.body.mode is not ListenMode.MONITOR:
        raise ApiError(HTTPStatus.FORBIDDEN, "quality assurance hears calls and speaks in none: monitor only")
    if call.actor.role is not Role.ADMINISTRATOR:
        teams = await teams_now(call.services.storage)
        if is_of_another_team(teams, listener.account_id, call.path.agent_id):
            raise ApiError(HTTPStatus.FORBIDDEN, "you listen in on collectors of your own team")
    return listener
