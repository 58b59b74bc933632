"""Somebody proved who they are: their session begins, and its cookie goes along."""

from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from dialer.api.gatekeeper import GATEKEEPER
from dialer.api.principal import named
from dialer.api.routing import AnyCall
from dialer.api.security import hash_token
from dialer.api.sessions import new_secret
from dialer.model.account import Account, AuditEntry, LogInWay


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that just began."""

    secret: str
    at: datetime


async def begin_session(call: AnyCall, account: Account, way: LogInWay) -> NewSession:
    """Opens a session; the browser gets it by `put_session`."""
    services, rules = call.services, call.request.app[GATEKEEPER].rules
    secret, now, remote = new_secret(), services.clock.utcnow(), call.actor.remote
    await services.storage.sessions.open(
        hash_token(secret), account.account_id, now, lasts=rules.lasts, remote=remote, log_in=way
    )
    actor, subject = named(account.name, account.role, account.account_id), f"account/{account.account_id}"
    await services.storage.audit.record(AuditEntry(now, actor, "session.open", subject, f"by {way.value}", remote))
    return NewSession(secret, now)


def put_session(call: AnyCall, response: web.Response, begun: NewSession) -> None:
    """Hands the session to the browser that logged in."""
    call.request.app[GATEKEEPER].rules.put(call.request, response, begun.secret)
