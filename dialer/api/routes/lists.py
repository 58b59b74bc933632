"""Lists: importing a file of contacts, and what has been imported."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import msgspec
from pydantic import BaseModel, StringConstraints

from dialer.api.auditing import audit
from dialer.api.problems import ApiError, FieldError, bad_field, not_found
from dialer.api.routing import Call, Id, Input, Nothing, Routes
from dialer.api.uploads import uploaded
from dialer.campaigns.importing import ImportOptions, ImportReport, import_list
from dialer.campaigns.list_rows import Problem
from dialer.errors import InputError
from dialer.model.call_list import CallList
from dialer.words.said import Said

routes = Routes("lists")

MAX_UPLOAD_BYTES = 512 << 20
SUFFIXES = {
    "text/csv": ".csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}


class ListPath(Input):
    list_id: Id


class ImportQuery(Input):
    """The file is the body. `columns` is a JSON object from header to meaning; without it the headers are guessed.

    Meanings: person_ref, case_ref, name, zone, phone, third_party_phone, region, address, text, amount, integer, date
    (those from region on also as `meaning:field`), ignore. A region (ISO 3166 code or name) and an address say where
    the person lives: its clock must allow a call too.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    columns: Annotated[str, StringConstraints(max_length=20_000)] | None = None
    accept_valid: bool = False
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "CN"


class RowProblem(BaseModel):
    """What is wrong with one row: `row` as a spreadsheet counts, the value masked."""

    row: int
    column: str
    value_masked: str
    reason: Said


class ListImported(BaseModel):
    """What became of the file. `problems` are the first ones; rows that were merged named a person and case again."""

    call_list: CallList
    rows: int
    merged_rows: int
    broken_rows: int
    problems: list[RowProblem]
    columns: dict[str, str]


class ListPage(BaseModel):
    """All lists, newest first."""

    items: list[CallList]


@routes.add("GET", "/v1/lists", "lists.list")
async def list_lists(call: Call[Nothing, Nothing, Nothing]) -> ListPage:
    """Lists what was imported, newest first."""
    return ListPage(items=list(await call.services.storage.lists.all()))


@routes.add("GET", "/v1/lists/{list_id}", "lists.get")
async def get_list(call: Call[ListPath, Nothing, Nothing]) -> CallList:
    """Shows one list."""
    found = await call.services.storage.lists.get(call.path.list_id)
    if found is None:
        raise not_found("list")
    return found


@routes.add("POST", "/v1/lists", "lists.import", status=201, consumes=tuple(SUFFIXES))
async def import_file(call: Call[Nothing, ImportQuery, Nothing]) -> ListImported:
    """Imports a CSV or XLSX file as a new list: all of it or, by default, nothing when a row is broken."""
    asked, services = call.query, call.services
    columns = columns_of(asked.columns)
    options = ImportOptions(asked.name, services.config.node.name, asked.accept_valid, asked.region)
    suffix = SUFFIXES[call.request.content_type]
    async with uploaded(call.request, services.uploads_dir, suffix, MAX_UPLOAD_BYTES) as path:
        with in_words(path):
            report = await import_list(services.storage, path, columns, options)
    if report.call_list is None:
        raise _refused(report)
    await audit(call, "list.import", f"list/{report.call_list.list_id}", f"{report.call_list.contact_count} contacts")
    return ListImported(
        call_list=report.call_list,
        rows=report.rows,
        merged_rows=report.merged_rows,
        broken_rows=report.broken_rows,
        problems=[row_of(problem) for problem in report.problems],
        columns={column.header: column.target.value for column in report.columns},
    )


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Answers 422 where the file cannot be used, without its place on our disk."""
    try:
        yield
    except InputError as error:
        reason = str(error).replace(str(path), "the file").replace(path.name, "the file")
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, reason) from error


def columns_of(text: str | None) -> dict[str, str] | None:
    """What the caller says that columns mean (ApiError 422); None: they are guessed."""
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError:
        raise bad_field(
            "query.columns", "is not a JSON object of texts", 'write it like {"手机": "phone", "案件号": "case_ref"}'
        ) from None


def _refused(report: ImportReport) -> ApiError:
    errors = [
        FieldError(field=f"row {problem.row}, {problem.column}", reason=f"{problem.reason} ({problem.value_masked})")
        for problem in report.problems
    ]
    detail = (
        f"{report.broken_rows} of {report.rows} rows are broken and nothing was imported; "
        "correct them, or import the others with accept_valid=true"
    )
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors)


def row_of(problem: Problem) -> RowProblem:
    """A broken cell as callers see it."""
    return RowProblem(row=problem.row, column=problem.column, value_masked=problem.value_masked, reason=problem.reason)
