"""Errors as the caller sees them: problem+json (RFC 9457), each naming the field and the way out.

No problem repeats a value that was sent: it may be a number, a name or a secret. Problems are written in English and
said in Chinese to whoever asks for it, each sentence as far as it has a Chinese form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec
from aiohttp import web
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from dialer.words.bilingual import Language
from dialer.words.catalogue import chinese

PROBLEM_TYPE = "application/problem+json"  # RFC 9457 §3
MOST_SUMMED_UP = 3
"""Fields that a problem's detail names."""


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
    """Raised by a handler to answer with a problem. `said` has the Chinese of sentences that no catalogue knows."""

    status: HTTPStatus
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] | None = None
    said: Mapping[str, str] = field(default_factory=dict)

    def response(self, language: Language = "en") -> web.Response:
        """The answer to send, in the caller's language."""
        problem = Problem(title=self.status.phrase, status=self.status, detail=self.detail, errors=list(self.errors))
        if language == "zh":
            problem = _in_chinese(problem, self.said)
        return web.Response(
            status=self.status,
            body=msgspec.json.encode(problem.model_dump()),
            content_type=PROBLEM_TYPE,
            headers=self.headers,
        )


def _in_chinese(problem: Problem, said: Mapping[str, str]) -> Problem:
    """What has no Chinese form stays; a detail that only sums up the fields tells their reasons."""
    errors = [_field_in_chinese(error, said) for error in problem.errors]
    if errors and problem.detail == _summed_up(problem.errors):
        is_whole = all(one is not error for one, error in zip(errors, problem.errors, strict=True))
        detail = "；".join(dict.fromkeys(error.reason for error in errors[:MOST_SUMMED_UP])) if is_whole else ""
    else:
        detail = said.get(problem.detail) or chinese(problem.detail)
    title = chinese(problem.title) or problem.title
    return problem.model_copy(update={"title": title, "detail": detail or problem.detail, "errors": errors})


def _field_in_chinese(error: FieldError, said: Mapping[str, str]) -> FieldError:
    """Reason and fix, or none of them."""
    reason, fix = said.get(error.reason) or chinese(error.reason), chinese(error.fix)
    return FieldError(field=error.field, reason=reason, fix=fix) if reason and (fix or not error.fix) else error


def _summed_up(errors: Sequence[FieldError]) -> str:
    return "; ".join(f"{error.field}: {error.reason}" for error in errors[:MOST_SUMMED_UP])


def not_found(what: str) -> ApiError:
    """404 for a thing that is not there."""
    return ApiError(HTTPStatus.NOT_FOUND, f"there is no such {what}")


def conflict(detail: str) -> ApiError:
    """409: the thing is not in a state in which this can be done."""
    return ApiError(HTTPStatus.CONFLICT, detail)


def bad_field(field: str, reason: str, fix: str = "", said: Mapping[str, str] | None = None) -> ApiError:
    """422 for one field. `said`: as in ApiError."""
    errors = [FieldError(field=field, reason=reason, fix=fix)]
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, _summed_up(errors), errors, said=said or {})


def invalid(error: ValidationError, part: str) -> ApiError:
    """422 for everything pydantic found wrong in one part (`body`, `query`, `path`) of a request."""
    errors = [_field_error(problem, part) for problem in error.errors()]
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, _summed_up(errors), errors)


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
