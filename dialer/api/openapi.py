"""The OpenAPI 3.1 document, built from the operations themselves: what is documented is what is checked."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from dialer.api.problems import PROBLEM_TYPE, Problem
from dialer.api.routing import Nothing, Operation, Routes
from dialer.api.sessions import CSRF_HEADER, UNATTENDED_HEADER

OPENAPI_VERSION = "3.1.0"
REF_TEMPLATE = "#/components/schemas/{model}"

Document = dict[str, Any]
_Direction = Literal["validation", "serialization"]
Messages = Mapping[str, tuple[_Direction, TypeAdapter[Any]]]
"""What is said over a WebSocket, by the name of its schema."""
_Key = tuple[str, str]

_ALWAYS = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
_WITH_TOKEN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)

_SESSION = f"Of somebody who logged in. What is asked with the header {UNATTENDED_HEADER} is no use of the session."
_SECURITY: Document = {
    "token": {"type": "http", "scheme": "bearer", "description": "An API token."},
    "session": {"type": "apiKey", "in": "cookie", "name": "dialer", "description": _SESSION},
    "page": {
        "type": "apiKey",
        "in": "header",
        "name": CSRF_HEADER,
        "description": "With a session, for everything but GET: the csrf value of GET /v1/session.",
    },
}


class _AnswersInFull(GenerateJsonSchema):
    """What we answer holds every field, its default too; only what is sent to us may leave fields out."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)


def build_document(subjects: Iterable[Routes], version: str, messages: Messages) -> Document:
    """The whole document for these operations, with the schemas of what sockets say."""
    listed = [(routes.tag, operation) for routes in subjects for operation in routes.operations]
    schemas, definitions = _schemas([operation for _, operation in listed], messages)
    paths: Document = {}
    for tag, operation in listed:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(tag, operation, schemas)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": "Dialer",
            "version": version,
            "description": "Campaigns, attempts, collectors, recordings and outcomes of the dialer.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(tag for tag, _ in listed)],
        "paths": paths,
        "components": {
            "schemas": definitions | {name: schemas["message", name] for name in messages},
            "securitySchemes": _SECURITY,
        },
    }


def _schemas(operations: Iterable[Operation], messages: Messages) -> tuple[Mapping[_Key, Document], Document]:
    """One schema per part of every operation, and the definitions they refer to."""
    inputs: list[tuple[_Key, _Direction, TypeAdapter[Any]]] = [(("problem", ""), "serialization", TypeAdapter(Problem))]
    for operation in operations:
        for part, model in _input_models(operation).items():
            inputs.append(((operation.name, part), "validation", TypeAdapter(model)))
        if operation.answers is not None:
            inputs.append(((operation.name, "answer"), "serialization", operation.answers))
    inputs += [(("message", name), direction, adapter) for name, (direction, adapter) in messages.items()]
    generated, rest = TypeAdapter.json_schemas(inputs, ref_template=REF_TEMPLATE, schema_generator=_AnswersInFull)
    return {key: schema for (key, _), schema in generated.items()}, dict(rest.get("$defs", {}))


def _input_models(operation: Operation) -> dict[str, type]:
    models = {"path": operation.path_model, "query": operation.query_model, "body": operation.body_model}
    return {part: model for part, model in models.items() if model is not Nothing}


def _operation(tag: str, operation: Operation, schemas: Mapping[_Key, Document]) -> Document:
    document: Document = {
        "operationId": operation.name,
        "tags": [tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": _parameters(operation, schemas),
        "responses": _responses(operation, schemas),
        "security": [] if operation.roles is None else [{"token": []}, {"session": [], "page": []}],
    }
    if operation.roles is not None:
        document["x-roles"] = sorted(role.value for role in operation.roles)
    body = _request_body(operation, schemas)
    return document | ({"requestBody": body} if body else {})


def _parameters(operation: Operation, schemas: Mapping[_Key, Document]) -> list[Document]:
    parameters = [
        _parameter(part, name, model.model_json_schema(ref_template=REF_TEMPLATE))
        for part, model in (("path", operation.path_model), ("query", operation.query_model))
        for name in model.model_fields
    ]
    if operation.status == HTTPStatus.CREATED:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The same key within a day gets the same answer, and nothing is created twice.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            }
        )
    return parameters


def _parameter(part: str, name: str, schema: Document) -> Document:
    described = dict(schema["properties"][name])
    description = described.pop("description", "")
    parameter: Document = {"name": name, "in": part, "required": part == "path" or name in schema.get("required", [])}
    return parameter | ({"description": description} if description else {}) | {"schema": described}


def _request_body(operation: Operation, schemas: Mapping[_Key, Document]) -> Document | None:
    if operation.consumes:
        raw = {media: {"schema": {"type": "string", "format": "binary"}} for media in operation.consumes}
        return {"required": True, "content": raw}
    if operation.body_model is Nothing:
        return None
    return {"required": True, "content": {"application/json": {"schema": schemas[operation.name, "body"]}}}


def _responses(operation: Operation, schemas: Mapping[_Key, Document]) -> Document:
    success: Document = {"description": HTTPStatus(operation.status).phrase}
    if operation.answers is not None:
        success["content"] = {"application/json": {"schema": schemas[operation.name, "answer"]}}
    elif operation.produces:
        success["content"] = {media: {"schema": {"type": _own_type(media)}} for media in operation.produces}
    responses: Document = {str(int(operation.status)): success}
    for status in _problem_statuses(operation):
        content = {PROBLEM_TYPE: {"schema": schemas["problem", ""]}}
        responses[str(int(status))] = {"description": status.phrase, "content": content}
    return responses


def _own_type(media: str) -> str:
    return "object" if media == "application/json" else "string"


def _problem_statuses(operation: Operation) -> list[HTTPStatus]:
    statuses = [*_ALWAYS, *(() if operation.roles is None else _WITH_TOKEN), *operation.refuses_with]
    if operation.status == HTTPStatus.CREATED:
        statuses.append(HTTPStatus.BAD_REQUEST)  # an Idempotency-Key that is none
    if operation.consumes:
        statuses.append(HTTPStatus.REQUEST_TIMEOUT)
    if operation.path_model is not Nothing:
        statuses.append(HTTPStatus.NOT_FOUND)
    if _input_models(operation) or operation.consumes:
        statuses.append(HTTPStatus.UNPROCESSABLE_ENTITY)
    if operation.method != "GET":
        statuses.append(HTTPStatus.CONFLICT)
    if operation.body_model is not Nothing or operation.consumes:
        statuses += [HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE]
    return sorted(statuses)
