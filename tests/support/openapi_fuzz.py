"""Requests drawn from an OpenAPI document: what its schemas allow, what they nearly allow, and what nothing allows."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Schema = Mapping[str, Any]

ODD_TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "null",
    "%00",
    "../../etc/passwd",
    "a\0b",
    "\ud800",
    "🙂" * 40,
    "x" * 3000,
    "1' OR '1'='1",
)
ODD_NUMBERS = (0, -1, 2**31, 2**63 - 1, 2**63, 2**80, -(2**63), 1e308)
FORMATS = {
    "date-time": (
        "2026-11-23T02:00:00Z",
        "2026-11-23T02:00:00+08:00",
        "2026-11-23T02:00:00",
        "0001-01-01T00:00:00+14:00",
    ),
    "date": ("2026-11-23", "9999-12-31"),
}
odd_texts = st.sampled_from(ODD_TEXTS) | st.text(max_size=30)
scalars = st.none() | st.booleans() | st.integers() | st.sampled_from(ODD_NUMBERS) | odd_texts
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_texts, inner, max_size=3), max_leaves=6
)


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    described: Schema
    roles: tuple[str, ...]

    @property
    def name(self) -> str:
        return str(self.described["operationId"])


@dataclass(frozen=True)
class Request:
    """What is sent. `url` is the path with its query, percent-encoded."""

    operation: Operation
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


def operations(document: Schema) -> list[Operation]:
    """Every operation, in the order of the document."""
    return [
        Operation(method.upper(), path, described, tuple(described.get("x-roles", ())))
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]


def requests(document: Schema, operation: Operation) -> SearchStrategy[Request]:
    """Requests to one operation."""

    @st.composite
    def build(draw: st.DrawFn) -> Request:
        path, query, headers = operation.path, {}, {}
        for parameter in operation.described["parameters"]:
            name, place = parameter["name"], parameter["in"]
            if not parameter.get("required") and draw(st.booleans()):
                continue
            value = draw(_nearly(document, parameter["schema"]))
            text = value if isinstance(value, str) else json.dumps(value)
            if place == "path":
                path = path.replace(f"{{{name}}}", _quoted(text) or "1")
            elif place == "query":
                query[name] = text.encode("utf-8", "replace")
            else:
                headers[name] = "".join(char for char in text if " " <= char <= "~")[:250]
        body, media = draw(_body(document, operation))
        headers |= {"Content-Type": media} if media else {}
        return Request(operation, path + (f"?{urlencode(query)}" if query else ""), headers, body)

    return build()


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "replace"), safe="").replace("..", "%2E%2E")


@st.composite
def _body(draw: st.DrawFn, document: Schema, operation: Operation) -> tuple[bytes | None, str]:
    content = operation.described.get("requestBody", {}).get("content", {})
    if not content:
        return None, ""
    media = draw(st.sampled_from(sorted(content)))
    if "json" not in media:
        rows = st.lists(st.lists(odd_texts, max_size=4).map(",".join), max_size=4).map("\n".join)
        return draw(st.binary(max_size=200) | rows.map(lambda text: text.encode("utf-8", "replace"))), media
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=40)), draw(st.sampled_from([media, "text/plain"]))
    value = draw(_nearly(document, content[media]["schema"]))
    return json.dumps(value).encode(), media


def _nearly(document: Schema, schema: Schema) -> SearchStrategy[Any]:
    """Three times in four what the schema allows, with odd values inside now and then; else anything."""
    return st.integers(0, 3).flatmap(lambda draw: _of(document, schema, draw == 1) if draw else anything)


def _of(document: Schema, schema: Schema, is_odd: bool) -> SearchStrategy[Any]:
    """What a schema allows; with `is_odd`, single values inside it may be anything."""
    if "$ref" in schema:
        return st.deferred(lambda: _of(document, _resolved(document, schema["$ref"]), is_odd))
    if "anyOf" in schema:
        return st.one_of([_of(document, choice, is_odd) for choice in schema["anyOf"]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    plain = _TYPES.get(schema.get("type", ""), _any)(document, schema, is_odd)
    return plain | anything if is_odd and schema.get("type") != "object" else plain


def _resolved(document: Schema, reference: str) -> Schema:
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    resolved: Schema = found
    return resolved


def _any(document: Schema, schema: Schema, is_odd: bool) -> SearchStrategy[Any]:
    return anything


def _text(document: Schema, schema: Schema, is_odd: bool) -> SearchStrategy[Any]:
    if schema.get("format") in FORMATS:
        return st.sampled_from(FORMATS[schema["format"]])
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    low = schema.get("minLength", 0)
    return st.text(min_size=low, max_size=min(schema.get("maxLength", 40), low + 40))


def _integer(document: Schema, schema: Schema, is_odd: bool) -> SearchStrategy[Any]:
    """Small ones above all: those are ids of what exists."""
    low, high = schema.get("minimum", 0), schema.get("maximum", 2**63)
    return st.integers(low, min(high, low + 3)) | st.integers(low, high)


def _number(document: Schema, schema: Schema, is_odd: bool) -> SearchStrategy[Any]:
    low, high = schema.get("minimum", schema.get("exclusiveMinimum", -1e9)), schema.get("maximum", 1e9)
    return st.floats(low, high, allow_nan=False, exclude_min="exclusiveMinimum" in schema)


def _list(document: Schema, schema: Schema, is_odd: bool) -> SearchStrategy[Any]:
    low = schema.get("minItems", 0)
    return st.lists(_of(document, schema.get("items", {}), is_odd), min_size=low, max_size=low + 3)


def _object(document: Schema, schema: Schema, is_odd: bool) -> SearchStrategy[Any]:
    known, required = schema.get("properties", {}), set(schema.get("required", ()))
    parts = {name: _of(document, part, is_odd) for name, part in known.items()}
    fixed = st.fixed_dictionaries(
        {name: part for name, part in parts.items() if name in required},
        optional={name: part for name, part in parts.items() if name not in required},
    )
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        names = _of(document, schema.get("propertyNames", {"type": "string"}), False).map(str)
        return st.builds(dict.__or__, st.dictionaries(names, _of(document, more, is_odd), max_size=3), fixed)
    return fixed


def _boolean(document: Schema, schema: Schema, is_odd: bool) -> SearchStrategy[Any]:
    return st.booleans()


def _null(document: Schema, schema: Schema, is_odd: bool) -> SearchStrategy[Any]:
    return st.none()


_TYPES: Mapping[str, Callable[[Schema, Schema, bool], SearchStrategy[Any]]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "array": _list,
    "object": _object,
    "null": _null,
}


def documented(document: Schema, operation: Operation, status: int, media: str) -> Schema | None:
    """The schema of a response as documented, None for one without a body. KeyError: it is not documented."""
    content = operation.described["responses"][str(status)].get("content")
    if content is None:
        return None
    schema: Schema = {**content[media]["schema"], "components": document["components"]}
    return schema
