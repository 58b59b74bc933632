"""Logging in by an OpenID provider: off to its page, and back with its answer; what is wrong ends at our own page."""

import hmac
import logging
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from pydantic import ConfigDict, StringConstraints

from dialer.api.auditing import audit
from dialer.api.gatekeeper import GATEKEEPER
from dialer.api.logging_in import begin_session, put_session
from dialer.api.oidc import LOG_IN_LASTS, Begun, OidcProvider, opened
from dialer.api.oidc_accounts import account_for
from dialer.api.oidc_tokens import OidcRefusedError, Refusal
from dialer.api.problems import not_found
from dialer.api.routing import AnyCall, Call, Input, Nothing, Routes
from dialer.api.security import hash_token
from dialer.api.sessions import HostCookie
from dialer.model.account import Account, LogInWay

logger = logging.getLogger(__name__)

routes = Routes("sessions")

PROVIDER: web.AppKey[OidcProvider] = web.AppKey("oidc provider", OidcProvider)
HOME, LOG_IN_PAGE = "/", "/login"

Said = Annotated[str, StringConstraints(max_length=4096)]


class ProviderAnswer(Input):
    """What the provider sends the browser back with (RFC 6749 §4.1.2); what else it says is not read."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    state: Said = ""
    code: Said = ""
    error: Said = ""
    iss: Said | None = None


@routes.add("GET", "/v1/session/oidc", "oidc.begin", status=HTTPStatus.SEE_OTHER, refuses_with=(HTTPStatus.NOT_FOUND,))
async def begin(call: Call[Nothing, Nothing, Nothing]) -> web.Response:
    """Sends the browser to the provider's log-in page."""
    provider, services = _provider(call), call.services
    begun = Begun.now(services.clock.utcnow())
    try:
        page = await provider.page(begun)
    except OidcRefusedError as error:
        return _refused(call, error)
    response = _to(page)
    _cookie(call).put(response, begun.seal(services.storage.cipher), LOG_IN_LASTS)
    return response


@routes.add(
    "GET",
    "/v1/session/oidc/callback",
    "oidc.finish",
    status=HTTPStatus.SEE_OTHER,
    refuses_with=(HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS),
)
async def finish(call: Call[Nothing, ProviderAnswer, Nothing]) -> web.Response:
    """Takes the provider's answer: with a session to the pages, or back to the log-in page, which says why."""
    provider, keeper, guesser = _provider(call), call.request.app[GATEKEEPER], f"oidc:{call.actor.remote}"
    keeper.check_guesses(guesser)
    try:
        account = await _proved(call, provider)
    except OidcRefusedError as error:
        if error.refusal is not Refusal.UNAVAILABLE:
            keeper.guessed(guesser)
        await audit(call, "session.refused", "account/unknown", f"oidc: {error.refusal.value}")
        return _refused(call, error)
    response = _to(HOME)
    put_session(call, response, await begin_session(call, account, LogInWay.OIDC))
    _cookie(call).drop(response)
    return response


@routes.add(
    "GET",
    "/v1/session/oidc/log-out",
    "oidc.log_out",
    status=HTTPStatus.SEE_OTHER,
    refuses_with=(HTTPStatus.NOT_FOUND,),
)
async def log_out(call: Call[Nothing, Nothing, Nothing]) -> web.Response:
    """Sends a browser whose session here is over to the provider, to be logged out there, too."""
    return _to(await _provider(call).log_out_page() or LOG_IN_PAGE)


async def _proved(call: Call[Nothing, ProviderAnswer, Nothing], provider: OidcProvider) -> Account:
    """Whose answer this is (OidcRefusedError)."""
    services, answer, now = call.services, call.query, call.services.clock.utcnow()
    begun = opened(call.request.cookies.get(_cookie(call).name, ""), services.storage.cipher, now)
    if not hmac.compare_digest(answer.state.encode("utf-8", "surrogateescape"), begun.state.encode()):
        raise OidcRefusedError(Refusal.STALE, "the answer belongs to another log-in (state)")
    if not await services.storage.identities.spend(hash_token(begun.state), now, begun.expires_at):
        raise OidcRefusedError(Refusal.STALE, "the answer was used before")
    if answer.error or not answer.code:
        raise OidcRefusedError(Refusal.DENIED, "the provider logged nobody in")
    claims = await provider.claims(begun, answer.code, answer.iss)
    return await account_for(services.storage, provider.config, claims, now, call.actor.remote)


def _refused(call: AnyCall, error: OidcRefusedError) -> web.Response:
    facts = {"action": "oidc", "refusal": error.refusal.value, "error": str(error)}
    logger.warning("a log-in by OpenID failed", extra=facts)
    response = _to(f"{LOG_IN_PAGE}?oidc={error.refusal.value}")
    _cookie(call).drop(response)
    return response


def _provider(call: AnyCall) -> OidcProvider:
    provider = call.request.app.get(PROVIDER)
    if provider is None:
        raise not_found("OpenID provider")
    return provider


def _cookie(call: AnyCall) -> HostCookie:
    """Lax: the browser comes back from another site."""
    return HostCookie("dialer-oidc", call.request.app[GATEKEEPER].rules.over_tls(call.request), "Lax")


def _to(address: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address, "Cache-Control": "no-store"})
