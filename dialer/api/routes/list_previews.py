"""Looking at a list before it is imported: what its columns mean, its first contacts, and every broken row."""

import asyncio
from typing import Annotated, Self

from aiohttp import web
from pydantic import BaseModel, StringConstraints

from dialer.api.auditing import audit
from dialer.api.kept_reports import KeptReports
from dialer.api.problems import not_found
from dialer.api.routes.lists import MAX_UPLOAD_BYTES, SUFFIXES, RowProblem, columns_of, in_words, row_of
from dialer.api.routing import Call, Input, Nothing, Routes
from dialer.api.uploads import uploaded
from dialer.calls.case_fields import case_fields
from dialer.campaigns.columns import Column, Target, meaning_of
from dialer.campaigns.import_preview import Preview, preview_list
from dialer.model.call_list import NewContact
from dialer.model.contact import FieldValue, PhoneRole, mask_number
from dialer.words.said import Said

routes = Routes("lists")

REPORTS: web.AppKey[KeptReports] = web.AppKey("reports", KeptReports)
CSV = "text/csv"


class PreviewQuery(Input):
    """As for the import; `columns` is a JSON object from header to meaning, without it the headers are guessed."""

    columns: Annotated[str, StringConstraints(max_length=20_000)] | None = None
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "CN"


class ReportPath(Input):
    report: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class ColumnOut(BaseModel):
    """What a column is taken for; `field_name`: under which the campaign finds it, where it is a field of the case."""

    header: str
    target: Target
    field_name: str

    @classmethod
    def of(cls, column: Column) -> Self:
        """As guessed or told."""
        return cls(header=column.header, target=column.target, field_name=column.field_name)

    @classmethod
    def guessed(cls, header: str) -> Self:
        """Where the columns together make no list yet: each by itself."""
        return cls(header=header, target=meaning_of(header), field_name="")


class PhoneOut(BaseModel):
    """One number, masked."""

    number_masked: str
    role: PhoneRole


class ContactOut(BaseModel):
    """One contact as it would be stored."""

    person_ref: str
    case_ref: str
    name: str
    zone: str | None
    regions: tuple[str, ...]
    phones: list[PhoneOut]
    fields: dict[str, FieldValue]

    @classmethod
    def of(cls, contact: NewContact) -> Self:
        """Numbers masked, those in columns of text, too."""
        return cls(
            person_ref=contact.person_ref,
            case_ref=contact.case_ref,
            name=contact.name,
            zone=contact.zone,
            regions=contact.regions,
            phones=[PhoneOut(number_masked=mask_number(phone.number), role=phone.role) for phone in contact.phones],
            fields={field.name: field.value for field in case_fields(contact.fields)},
        )


class PreviewOut(BaseModel):
    """What an import would do. `refused`: why the file cannot be imported with these columns; empty: it can.

    `sample` are the first contacts, `problems` the first broken cells; `report` fetches all of them as a CSV file, for
    a while (empty: nothing is broken). `meanings` are what a column can be told to mean.
    """

    headers: tuple[str, ...]
    columns: list[ColumnOut]
    meanings: list[Target]
    rows: int
    contacts: int
    merged_rows: int
    broken_rows: int
    n_problems: int
    sample: list[ContactOut]
    problems: list[RowProblem]
    report: str
    refused: Said

    @classmethod
    def of(cls, found: Preview, report: str) -> Self:
        """As it was read."""
        counts = found.counts
        return cls(
            headers=found.headers,
            columns=[ColumnOut.of(column) for column in found.columns] or [*map(ColumnOut.guessed, found.headers)],
            meanings=list(Target),
            rows=counts.rows,
            contacts=counts.contacts,
            merged_rows=counts.merged,
            broken_rows=counts.broken,
            n_problems=counts.problems,
            sample=[ContactOut.of(contact) for contact in found.sample],
            problems=[row_of(problem) for problem in found.problems],
            report=report,
            refused=found.refused,
        )


@routes.add("POST", "/v1/lists/preview", "lists.preview", consumes=tuple(SUFFIXES))
async def preview(call: Call[Nothing, PreviewQuery, Nothing]) -> PreviewOut:
    """Reads a CSV or XLSX file to its end and says what an import would make of it; nothing is imported."""
    asked, folder = call.query, call.services.uploads_dir
    columns = columns_of(asked.columns)
    suffix = SUFFIXES[call.request.content_type]
    async with uploaded(call.request, folder, suffix, MAX_UPLOAD_BYTES) as path:
        with in_words(path):
            found = await preview_list(path, columns, asked.region)
        report = ""
        if found.problems_path is not None:
            report = await asyncio.to_thread(call.request.app[REPORTS].keep, found.problems_path)
    await audit(call, "list.preview", "list", f"{found.counts.rows} rows, {found.counts.broken} broken")
    return PreviewOut.of(found, report)


@routes.add("GET", "/v1/lists/reports/{report}", "lists.report", produces=(CSV,))
async def report_of(call: Call[ReportPath, Nothing, Nothing]) -> web.Response:
    """Sends every broken cell of a previewed file as CSV: row, column, value (masked), reason."""
    content = await asyncio.to_thread(call.request.app[REPORTS].read, call.path.report)
    if content is None:
        raise not_found("report any more; preview the file again")
    headers = {"Content-Disposition": 'attachment; filename="broken-rows.csv"'}
    return web.Response(body=content, content_type=CSV, charset="utf-8", headers=headers)
