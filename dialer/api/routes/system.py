"""Health, metrics, trunks and the API's own description."""

import asyncio
from http import HTTPStatus

import msgspec
from aiohttp import web
from pydantic import BaseModel

from dialer import metrics
from dialer.api.problems import ApiError
from dialer.api.routing import Call, Nothing, Routes
from dialer.errors import StorageError
from dialer.outcomes.delivery import destination_names
from dialer.words.said import Said

routes = Routes("system")

DOCUMENT: web.AppKey[bytes] = web.AppKey("openapi", bytes)


class Health(BaseModel):
    """`ok`: this node can place calls."""

    status: str


class TrunkOut(BaseModel):
    """A trunk as it stands: `obstacle` says what keeps it from taking a call, empty when nothing does."""

    name: str
    group: str
    is_up: bool
    in_use: int
    channels: int
    cps: float
    obstacle: Said


class TrunkList(BaseModel):
    """All trunks."""

    items: list[TrunkOut]


@routes.add("GET", "/healthz", "system.health")
async def health(call: Call[Nothing, Nothing, Nothing]) -> Health:
    """Says whether the service answers and reaches its database."""
    try:
        await call.services.storage.campaigns.get(0)
    except StorageError as error:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer") from error
    return Health(status="ok")


@routes.add("GET", "/metrics", "system.metrics", produces=("text/plain",))
async def read_metrics(call: Call[Nothing, Nothing, Nothing]) -> web.StreamResponse:
    """Prometheus metrics of this node."""
    services, outbox = call.services, call.services.storage.outbox
    configured = dict.fromkeys(destination_names(services.config), 0)
    services.metrics.observe(configured | await outbox.undelivered(), configured | await outbox.dead())
    body = await asyncio.to_thread(services.metrics.exposition)
    return web.Response(body=body, headers={"Content-Type": metrics.CONTENT_TYPE})


@routes.add("GET", "/openapi.json", "system.openapi", produces=("application/json",))
async def openapi(call: Call[Nothing, Nothing, Nothing]) -> web.StreamResponse:
    """Describes this API (OpenAPI 3.1)."""
    return web.Response(body=call.request.app[DOCUMENT], content_type="application/json")


@routes.add("GET", "/v1/trunks", "trunks.list")
async def trunks(call: Call[Nothing, Nothing, Nothing]) -> TrunkList:
    """Shows every trunk with its load and what keeps it from taking a call."""
    items = [
        TrunkOut(**{name: getattr(status, name) for name in TrunkOut.model_fields})
        for status in call.services.trunks.status()
    ]
    return TrunkList(items=items)


def encode_document(document: dict[str, object]) -> bytes:
    """The OpenAPI document as it is sent."""
    return msgspec.json.encode(document)
