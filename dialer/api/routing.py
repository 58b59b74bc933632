"""Operations: one decorator that turns a typed handler into a checked route and a line of the OpenAPI document.

A handler says everything by its types: `async def get(call: Call[CampaignPath, Nothing, Nothing]) -> CampaignOut`.
Path, query and body are validated before it runs, its answer is serialised after, its docstring is the documentation,
and its roles come from the table in `permissions`. An operation that answers 201 honours `Idempotency-Key`.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeVar, get_args, get_type_hints

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dialer.api.permissions import roles_of
from dialer.api.principal import Principal
from dialer.api.problems import ApiError, bad_field, invalid
from dialer.api.services import Services
from dialer.model.account import Role
from dialer.words.bilingual import Language
from dialer.words.said import Reader

MAX_BODY_BYTES = 1 << 20
"""Of a JSON body; operations that take files stream them and have limits of their own."""

_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


MAX_ID = 2**63 - 1
"""What the databases hold in an id."""
Id = Annotated[int, Field(ge=1, le=MAX_ID)]

YEARS = range(1970, 2200)


def _within_years(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError(f"the year must lie between {YEARS[0]} and {YEARS[-1]}")
    return value


Instant = Annotated[datetime, AfterValidator(_within_years)]
"""A moment a caller names; one at the edge of the calendar has no counterpart in UTC."""


class Input(BaseModel):
    """The base of everything a caller sends: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Input):
    """No parameters of this kind."""


PathT = TypeVar("PathT", bound=Input)
QueryT = TypeVar("QueryT", bound=Input)
BodyT = TypeVar("BodyT", bound=Input)


@dataclass(frozen=True, slots=True)
class Call(Generic[PathT, QueryT, BodyT]):
    """One request, checked: who asks, with what."""

    services: Services
    actor: Principal
    path: PathT
    query: QueryT
    body: BodyT
    request: web.Request


AnyCall = Call[Any, Any, Any]
Handler = Callable[[AnyCall], Awaitable[object]]
HandlerT = TypeVar("HandlerT", bound=Callable[[Any], Awaitable[object]])


@dataclass(frozen=True, slots=True)
class Operation:
    """One route with all that is known of it. `answers` None: no body (204), or the handler makes its own response."""

    name: str
    method: str
    path: str
    handler: Handler
    roles: frozenset[Role] | None
    status: int
    path_model: type[Input]
    query_model: type[Input]
    body_model: type[Input]
    answers: TypeAdapter[Any] | None
    consumes: tuple[str, ...] = ()
    """Media types of a body that the handler reads itself."""
    produces: tuple[str, ...] = ()
    """Media types of a response that the handler makes itself."""
    answers_secret: bool = False
    """Its answer is given once and kept nowhere, not even for its Idempotency-Key."""
    refuses_with: tuple[HTTPStatus, ...] = ()
    """Problems beside those that follow from its method, models and roles."""

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (inspect.getdoc(self.handler) or self.name).splitlines()[0].rstrip(".")

    @property
    def description(self) -> str:
        """The whole docstring."""
        return inspect.getdoc(self.handler) or ""


class Routes:
    """The operations of one subject."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.operations: list[Operation] = []

    def add(
        self,
        method: str,
        path: str,
        name: str,
        *,
        status: int = HTTPStatus.OK,
        consumes: tuple[str, ...] = (),
        produces: tuple[str, ...] = (),
        answers_secret: bool = False,
        refuses_with: tuple[HTTPStatus, ...] = (),
    ) -> Callable[[HandlerT], HandlerT]:
        """Registers a handler; its annotations are `Call[Path, Query, Body]` and what it answers."""

        def register(handler: HandlerT) -> HandlerT:
            hints = get_type_hints(handler)
            path_model, query_model, body_model = get_args(hints["call"])
            own = hints["return"] in (type(None), web.StreamResponse, web.Response, web.WebSocketResponse)
            self.operations.append(
                Operation(
                    name=name,
                    method=method,
                    path=path,
                    handler=handler,
                    roles=roles_of(name),
                    status=HTTPStatus.NO_CONTENT if hints["return"] is type(None) else status,
                    path_model=path_model,
                    query_model=query_model,
                    body_model=body_model,
                    answers=None if own else TypeAdapter(hints["return"]),
                    consumes=consumes,
                    produces=produces,
                    answers_secret=answers_secret,
                    refuses_with=refuses_with,
                )
            )
            return handler

        return register


async def read_call(operation: Operation, request: web.Request, actor: Principal) -> AnyCall:
    """Checks the parts of a request against the operation's models (ApiError 413, 415, 422)."""
    return Call(
        services=request.app[SERVICES],
        actor=actor,
        path=_checked(operation.path_model, dict(request.match_info), "path"),
        query=_checked(operation.query_model, _query(operation.query_model, request), "query"),
        body=await _body(operation, request),
        request=request,
    )


def respond(operation: Operation, answer: object, language: Language) -> web.StreamResponse:
    """The response for what a handler returned; texts of the service that it holds are said in `language`."""
    if isinstance(answer, web.StreamResponse):
        return answer
    if operation.answers is None:
        return web.Response(status=HTTPStatus.NO_CONTENT)
    body = operation.answers.dump_json(answer, context=Reader(language))
    return web.Response(status=operation.status, body=body, content_type="application/json")


def _query(model: type[Input], request: web.Request) -> dict[str, str | list[str]]:
    """Repeated parameters become lists; a parameter given once stays a string."""
    lists = {name for name, field in model.model_fields.items() if field.annotation not in (str, int, bool)}
    return {
        name: request.query.getall(name) if name in lists and len(request.query.getall(name)) > 1 else value
        for name, value in request.query.items()
    }


def _checked(model: type[Input], values: Mapping[str, str | list[str]], part: str) -> Input:
    for name, value in values.items():
        if any("\0" in text for text in ([value] if isinstance(value, str) else value)):
            raise _nul(f"{part}.{name}")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid(error, part) from None


def _nul(field: str) -> ApiError:
    """PostgreSQL keeps no text with a NUL; no caller means one."""
    return bad_field(field, "holds a NUL character", "leave it out")


async def _body(operation: Operation, request: web.Request) -> Input:
    if operation.consumes:
        if request.content_type not in operation.consumes:
            raise ApiError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send the body as one of: {', '.join(operation.consumes)}"
            )
        return Nothing()
    if operation.body_model is Nothing:
        return Nothing()
    if request.content_type != "application/json":
        raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the body as application/json")
    raw = await request.read()  # client_max_size makes it 413 beyond MAX_BODY_BYTES
    if _ESCAPED_NUL.search(raw):
        raise _nul("body")
    try:
        return operation.body_model.model_validate_json(raw)
    except ValidationError as error:
        raise invalid(error, "body") from None
