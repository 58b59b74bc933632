"""The aiohttp application: every operation behind one edge that admits, checks, answers and never leaks."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import cache
from http import HTTPStatus

from aiohttp import web

from dialer import __version__
from dialer.api import phone_messages
from dialer.api.gatekeeper import GATEKEEPER, Gatekeeper
from dialer.api.kept_reports import KeptReports
from dialer.api.language import language_of
from dialer.api.oidc import OidcProvider
from dialer.api.once import handle_once
from dialer.api.openapi import build_document
from dialer.api.principal import Principal
from dialer.api.problems import ApiError, conflict
from dialer.api.proxies import Proxies
from dialer.api.routes import (
    accounts,
    agents,
    alarms,
    announcements,
    attempts,
    audit_log,
    calibrations,
    caller_ids,
    campaigns,
    collecting,
    consents,
    deletions,
    evaluation_remarks,
    evaluations,
    evidence,
    figures,
    floor,
    history,
    holds,
    house,
    ledger,
    list_previews,
    lists,
    live,
    log_ins,
    oidc,
    outbox,
    people,
    phone,
    policy,
    prompts,
    proofs,
    qa_plans,
    qa_reports,
    qa_work,
    recording_keys,
    recordings,
    recordings_audio,
    recordings_made,
    scorecards,
    sessions,
    settings,
    supervising,
    suppression,
    system,
    trunk_ladders,
    verdicts,
    what_if,
    why,
)
from dialer.api.routing import MAX_BODY_BYTES, SERVICES, Operation, Routes, read_call, respond
from dialer.api.security import PasswordCheck
from dialer.api.services import Services
from dialer.api.sessions import SessionRules
from dialer.api.site import add_site
from dialer.api.sockets import SOCKETS, Sockets, close_sockets
from dialer.api.uploads import clean_uploads
from dialer.errors import DialerError, InputError, StorageError

logger = logging.getLogger(__name__)

SUBJECTS: tuple[Routes, ...] = (
    list_previews.routes,
    lists.routes,
    campaigns.routes,
    history.routes,
    attempts.routes,
    agents.routes,
    collecting.routes,
    supervising.routes,
    recordings.routes,
    recordings_audio.routes,
    recordings_made.routes,
    recording_keys.routes,
    scorecards.routes,
    evaluations.routes,
    evaluation_remarks.routes,
    calibrations.routes,
    verdicts.routes,
    announcements.routes,
    qa_plans.routes,
    people.routes,
    qa_work.routes,
    qa_reports.routes,
    suppression.routes,
    consents.routes,
    holds.routes,
    evidence.routes,
    deletions.routes,
    proofs.routes,
    ledger.routes,
    why.routes,
    outbox.routes,
    policy.routes,
    prompts.routes,
    accounts.routes,
    log_ins.routes,
    audit_log.routes,
    house.routes,
    sessions.routes,
    oidc.routes,
    figures.routes,
    caller_ids.routes,
    settings.routes,
    floor.routes,
    alarms.routes,
    what_if.routes,
    trunk_ladders.routes,
    system.routes,
)

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app(services: Services) -> web.Application:
    """The whole API over these services."""
    proxies = Proxies(services.config.http.trusted_proxies)
    app = web.Application(middlewares=[proxies.middleware, _edge], client_max_size=MAX_BODY_BYTES)
    app[SERVICES] = services
    app[GATEKEEPER] = Gatekeeper(services.storage, services.clock, SessionRules.of(services.config.http))
    app[sessions.PASSWORDS] = PasswordCheck()
    app[list_previews.REPORTS] = KeptReports(services.uploads_dir)
    if services.config.oidc is not None:
        app[oidc.PROVIDER] = OidcProvider(services.config.oidc, services.clock)
    app[SOCKETS] = Sockets()
    app[system.DOCUMENT] = _encoded_document()
    for routes in SUBJECTS:
        for operation in routes.operations:
            app.router.add_route(operation.method, operation.path, _answer(operation))
    app.router.add_get(live.PATH, live.watch)
    app.router.add_get(phone.PATH, phone.connect)
    add_site(app)
    app.on_startup.append(_recover)
    app.on_response_prepare.append(_protect)
    app.on_shutdown.append(close_sockets)
    return app


@cache
def _encoded_document() -> bytes:
    """It is the same for every app of this version, and takes a fifth of a second."""
    return system.encode_document(openapi_document())


def openapi_document() -> dict[str, object]:
    """The OpenAPI 3.1 document of this version."""
    return build_document(SUBJECTS, __version__, phone_messages.MESSAGES)


def _answer(operation: Operation) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        actor = await request.app[GATEKEEPER].admit(request, operation.roles)
        key = request.headers.get("Idempotency-Key")
        if key is None or operation.status != HTTPStatus.CREATED:
            return await _handle(operation, request, actor)
        return await handle_once(operation, request, actor, key, _handle)

    return answer


async def _handle(operation: Operation, request: web.Request, actor: Principal) -> web.StreamResponse:
    call = await read_call(operation, request, actor)
    return respond(operation, await operation.handler(call), language_of(request))


@web.middleware
async def _edge(request: web.Request, handler: Answer) -> web.StreamResponse:
    """The edge of one request: every failure becomes a problem; what is not understood is logged, not shown."""
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        if refusal.status < HTTPStatus.BAD_REQUEST:
            raise
        problem = _of_aiohttp(refusal)
    except Exception as error:
        problem = _problem_of(error, request)
    return problem.response(language_of(request))


def _problem_of(error: Exception, request: web.Request) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, InputError):
        return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    if isinstance(error, StorageError):
        logger.error("database failed", extra={"action": "api", "error": str(error)})
        return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer; try again")
    if isinstance(error, DialerError):
        return conflict(str(error))
    route = request.match_info.route.resource
    where = route.canonical if route is not None else "unknown route"
    logger.error("request failed", extra={"action": "api", "route": where}, exc_info=error)
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault on our side; it is in the log")


def _of_aiohttp(refusal: web.HTTPException) -> ApiError:
    details = {
        HTTPStatus.NOT_FOUND: "there is nothing at this path; /openapi.json lists what there is",
        HTTPStatus.METHOD_NOT_ALLOWED: "this path does not know this method",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"the body is larger than {MAX_BODY_BYTES} bytes",
    }
    status = HTTPStatus(refusal.status)
    kept = {name: value for name, value in refusal.headers.items() if name in ("Allow", "Retry-After")}
    return ApiError(status, details.get(status, status.phrase), headers=kept)


async def _recover(app: web.Application) -> None:
    """What a kill left behind of requests that were under way."""
    services = app[SERVICES]
    await asyncio.to_thread(clean_uploads, services.uploads_dir)
    await services.storage.idempotency.recover(services.config.node.name)


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
