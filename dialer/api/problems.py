"""Errors as the caller sees them: problem+json (RFC 9457), each naming the field and the way out.

No problem repeats a value that was sent: it may be a number, a name or a secret.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from aiohttp import web
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

PROBLEM_TYPE = "application/problem+json"  # RFC 9457 §3


class FieldError(BaseModel):
    """One thing wrong with a request."""

    field: str
    """Where: `body.settings.ring_timeout_s`, `query.limit`, `path.campaign_id`."""
    reason: str
    fix: str = ""


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[FieldError] = Field(default_factory=list)


@dataclass(eq=False)
class ApiError(Exception):
    """Raised by a handler to answer with a problem."""

    status: HTTPStatus
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] | None = None

    def response(self) -> web.Response:
        """The answer to send."""
        problem = Problem(title=self.status.phrase, status=self.status, detail=self.detail, errors=list(self.errors))
        return web.Response(
            status=self.status,
            body=msgspec.json.encode(problem.model_dump()),
            content_type=PROBLEM_TYPE,
            headers=self.headers,
        )


def not_found(what: str) -> ApiError:
    """404 for a thing that is not there."""
    return ApiError(HTTPStatus.NOT_FOUND, f"there is no such {what}")


def conflict(detail: str) -> ApiError:
    """409: the thing is not in a state in which this can be done."""
    return ApiError(HTTPStatus.CONFLICT, detail)


def bad_field(field: str, reason: str, fix: str = "") -> ApiError:
    """422 for one field."""
    return ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY, f"{field}: {reason}", [FieldError(field=field, reason=reason, fix=fix)]
    )


def invalid(error: ValidationError, part: str) -> ApiError:
    """422 for everything pydantic found wrong in one part (`body`, `query`, `path`) of a request."""
    errors = [_field_error(problem, part) for problem in error.errors()]
    detail = "; ".join(f"{entry.field}: {entry.reason}" for entry in errors[:3])
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors)


_FIXES = {
    "missing": "add this field",
    "extra_forbidden": "remove this field; it is not known here",
    "json_invalid": "send valid JSON (UTF-8)",
    "enum": "use one of the values named",
}


def _field_error(problem: ErrorDetails, part: str) -> FieldError:
    """Our own checks bring their way out along."""
    field = ".".join([part, *(str(step) for step in problem["loc"])])
    fix = problem.get("ctx", {}).get("fix") or _FIXES.get(problem["type"], "")
    return FieldError(field=field, reason=problem["msg"].removeprefix("Value error, "), fix=fix)
