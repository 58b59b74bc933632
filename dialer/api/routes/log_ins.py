"""Who is logged in, and logging people out: one session, all of somebody's, and the desk with it."""

from contextlib import suppress
from datetime import datetime

from pydantic import BaseModel

from dialer.agents.state import AgentStateError
from dialer.api.auditing import audit
from dialer.api.gatekeeper import GATEKEEPER
from dialer.api.problems import not_found
from dialer.api.routing import AnyCall, Call, Id, Input, Nothing, Routes
from dialer.model.account import LogInWay, Role, Session

routes = Routes("accounts")


class AccountPath(Input):
    account_id: Id


class SessionPath(Input):
    session_id: Id


class LogInQuery(Input):
    """`account_id`: only of this person."""

    account_id: Id | None = None


class LogInOut(BaseModel):
    """A session that is open. `seen_at` is when it was last used, to the minute; `own`: the asker's."""

    session_id: int
    account_id: int
    login: str
    name: str
    role: Role
    opened_at: datetime
    seen_at: datetime
    remote: str
    log_in: LogInWay
    own: bool

    @classmethod
    def of(cls, session: Session, own: int) -> "LogInOut":
        """As the storage knows it."""
        account = session.account
        return cls(
            session_id=session.session_id,
            account_id=account.account_id,
            login=account.login,
            name=account.name,
            role=account.role,
            opened_at=session.opened_at,
            seen_at=session.seen_at,
            remote=session.remote,
            log_in=session.log_in,
            own=session.session_id == own,
        )


class LogInList(BaseModel):
    """The last to log in first."""

    items: list[LogInOut]


class LoggedOut(BaseModel):
    """How many sessions it ended, and whether a collector's shift on this node ends, after the call at hand."""

    sessions: int
    desk: bool


@routes.add("GET", "/v1/log_ins", "log_ins.list")
async def list_log_ins(call: Call[Nothing, LogInQuery, Nothing]) -> LogInList:
    """Lists who is logged in, since when and from where."""
    services, rules = call.services, call.request.app[GATEKEEPER].rules
    now, asked = services.clock.utcnow(), call.query.account_id
    sessions = await services.storage.sessions.all(now, lasts=rules.lasts, idle=rules.idle, account_id=asked)
    return LogInList(items=[LogInOut.of(session, call.actor.session_id) for session in sessions])


@routes.add("DELETE", "/v1/log_ins/{session_id}", "log_ins.end")
async def end_log_in(call: Call[SessionPath, Nothing, Nothing]) -> None:
    """Ends one session, at once; an open page of it learns so within a minute."""
    account_id = await call.services.storage.sessions.close(call.path.session_id)
    if account_id is None:
        raise not_found("open session")
    await audit(call, "session.end", f"account/{account_id}", f"session {call.path.session_id}")


@routes.add("POST", "/v1/users/{account_id}/log_out", "log_ins.end_all")
async def log_out(call: Call[AccountPath, Nothing, Nothing]) -> LoggedOut:
    """Logs somebody out everywhere; a collector's shift on this node ends after the call at hand."""
    account_id = call.path.account_id
    if await call.services.storage.accounts.get(account_id) is None:
        raise not_found("account")
    n_ended = await call.services.storage.sessions.close_all(account_id)
    desk = await leave_desk(call, account_id, f"logged out by {call.actor.actor}")
    await audit(call, "session.end", f"account/{account_id}", f"all {n_ended}")
    return LoggedOut(sessions=n_ended, desk=desk)


@routes.add("DELETE", "/v1/users/{account_id}/identity", "log_ins.unlink")
async def unlink(call: Call[AccountPath, Nothing, Nothing]) -> None:
    """Forgets who somebody is at the OpenID provider; the next log-in there finds the account anew, or does not."""
    account_id = call.path.account_id
    if not await call.services.storage.identities.unlink(account_id):
        raise not_found("account that an OpenID provider knows")
    await audit(call, "account.unlink", f"account/{account_id}")


async def leave_desk(call: AnyCall, account_id: int, cause: str) -> bool:
    """Ends a collector's shift on this node, after the call at hand, and at once what somebody listens to.

    False: they are at no desk here.
    """
    call.services.listening.forbid(account_id, cause)
    with suppress(AgentStateError):
        await call.services.desk.log_out(account_id, cause)
        return True
    return False
