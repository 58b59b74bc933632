"""Logging in with a password, for people in front of a browser; programs hold tokens. OpenID: `routes.oidc`."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, StringConstraints

from dialer import __version__
from dialer.api.auditing import audit
from dialer.api.gatekeeper import GATEKEEPER
from dialer.api.logging_in import begin_session, put_session
from dialer.api.problems import ApiError, bad_field, conflict
from dialer.api.routes.log_ins import leave_desk
from dialer.api.routing import AnyCall, Call, Input, Nothing, Routes
from dialer.api.security import MIN_PASSWORD, PasswordCheck, hash_password, hash_token, needs_rehash
from dialer.api.sessions import csrf_token
from dialer.model.account import Account, LogInWay, Role

routes = Routes("sessions")

PASSWORDS: web.AppKey[PasswordCheck] = web.AppKey("passwords", PasswordCheck)
JSON = "application/json"
_WRONG = "log-in or password is wrong"


class LogIn(Input):
    """Who logs in."""

    login: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class PasswordChange(Input):
    """The present password, and the one to come."""

    old: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    new: Annotated[str, StringConstraints(min_length=MIN_PASSWORD, max_length=200)]


class SessionOut(BaseModel):
    """Who is logged in. `csrf` goes along with every change, as `X-CSRF-Token`.

    Whoever logged in by `oidc` is still logged in at the provider after logging out here: `/v1/session/oidc/log-out`.
    """

    account_id: int
    login: str
    name: str
    role: Role
    log_in: LogInWay
    csrf: str
    ends_at: datetime
    idle_s: float


class LogInOptions(BaseModel):
    """How one can log in; `oidc` is the name of the OpenID provider, empty where there is none."""

    house_name: str
    version: str
    languages: tuple[str, ...]
    language: Literal["zh", "en"]
    password: bool
    oidc: str


@routes.add("GET", "/v1/session/options", "sessions.options")
async def options(call: Call[Nothing, Nothing, Nothing]) -> LogInOptions:
    """Says how one can log in here, for the page that asks; everyone may know it."""
    config = call.services.config
    return LogInOptions(
        house_name=config.http.house_name,
        version=__version__,
        languages=("zh", "en"),
        language=config.http.language,
        password=True,
        oidc="" if config.oidc is None else config.oidc.name,
    )


@routes.add(
    "POST",
    "/v1/session",
    "sessions.open",
    produces=(JSON,),
    refuses_with=(HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS),
)
async def open_session(call: Call[Nothing, Nothing, LogIn]) -> web.Response:
    """Logs in: the answer says who, its cookie holds the session."""
    services, asked, keeper = call.services, call.body, call.request.app[GATEKEEPER]
    guessers = (call.actor.remote, f"login:{asked.login}")
    keeper.check_guesses(*guessers)
    account = await services.storage.accounts.by_login(asked.login)
    password_hash = await services.storage.accounts.password_hash(account.account_id) if account else None
    fits = await call.request.app[PASSWORDS].fits(asked.password, password_hash)
    keeper.check_guesses(*guessers)  # again: many may have been sent at once, and waited for their turn
    if not fits or account is None:
        keeper.guessed(*guessers)
        # Never what was typed: people type their password where the log-in goes.
        await audit(call, "session.refused", f"account/{account.account_id}" if account else "account/unknown")
        raise ApiError(HTTPStatus.UNAUTHORIZED, _WRONG)
    if password_hash and needs_rehash(password_hash):
        await services.storage.accounts.set_password(account.account_id, await hash_password(asked.password))
    begun = await begin_session(call, account, LogInWay.PASSWORD)
    said = _out(account, LogInWay.PASSWORD, begun.secret, begun.at + keeper.rules.lasts, keeper.rules.idle)
    response = web.Response(text=said.model_dump_json(), content_type=JSON)
    put_session(call, response, begun)
    return response


@routes.add("GET", "/v1/session", "sessions.show", refuses_with=(HTTPStatus.CONFLICT,))
async def show_session(call: Call[Nothing, Nothing, Nothing]) -> SessionOut:
    """Says who is logged in, until when, and what the page sends along with every change."""
    keeper, services = call.request.app[GATEKEEPER], call.services
    rules = keeper.rules
    secret = rules.secret_of(call.request)
    known = await services.storage.sessions.get(
        hash_token(secret), services.clock.utcnow(), lasts=rules.lasts, idle=rules.idle
    )
    if known is None or not call.actor.session_id:
        raise conflict("this is a token, not a session")
    return _out(known.account, known.log_in, secret, known.opened_at + rules.lasts, rules.idle)


@routes.add("DELETE", "/v1/session", "sessions.close", status=HTTPStatus.NO_CONTENT)
async def close_session(call: Call[Nothing, Nothing, Nothing]) -> web.Response:
    """Logs out, at once; a collector's shift on this node ends after the call at hand, whichever browser it began in.

    Whoever logs out leaves: a telephone that stays up would have people talk to an empty chair.
    """
    account_id = _need_session(call)
    if call.actor.role is Role.COLLECTOR:
        await leave_desk(call, account_id, "logged out of the page")
    await call.services.storage.sessions.close(call.actor.session_id)
    await audit(call, "session.close", f"account/{call.actor.account_id}")
    response = web.Response(status=HTTPStatus.NO_CONTENT)
    call.request.app[GATEKEEPER].rules.drop(call.request, response)
    return response


@routes.add("POST", "/v1/session/password", "sessions.password")
async def change_password(call: Call[Nothing, Nothing, PasswordChange]) -> None:
    """Changes the own password; everybody logged in with the old one must log in again, the asker included."""
    account_id, accounts, keeper = _need_session(call), call.services.storage.accounts, call.request.app[GATEKEEPER]
    guesser = f"password:{account_id}"
    keeper.check_guesses(guesser)
    fits = await call.request.app[PASSWORDS].fits(call.body.old, await accounts.password_hash(account_id))
    keeper.check_guesses(guesser)
    if not fits:
        keeper.guessed(guesser)
        raise bad_field("body.old", "is not the present password", "an administrator can set a new one")
    await accounts.set_password(account_id, await hash_password(call.body.new))
    await audit(call, "account.password", f"account/{account_id}")


def _need_session(call: AnyCall) -> int:
    """Whose session it is (ApiError 409 for a token)."""
    if not call.actor.session_id or call.actor.account_id is None:
        raise conflict("this is a token, not a session")
    account_id: int = call.actor.account_id
    return account_id


def _out(account: Account, way: LogInWay, secret: str, ends_at: datetime, idle: timedelta) -> SessionOut:
    return SessionOut(
        account_id=account.account_id,
        login=account.login,
        name=account.name,
        role=account.role,
        log_in=way,
        csrf=csrf_token(secret),
        ends_at=ends_at,
        idle_s=idle.total_seconds(),
    )
