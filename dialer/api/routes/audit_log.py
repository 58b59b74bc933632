"""The audit log: searched by when, who, what and whose, and taken along as a file."""

from collections.abc import AsyncIterator
from typing import Annotated, Self

from aiohttp import web
from pydantic import BaseModel, StringConstraints, model_validator

from dialer.api.auditing import audit
from dialer.api.paging import MAX_PAGE, PageQuery, next_cursor
from dialer.api.routing import Call, Input, Instant, Nothing, Routes
from dialer.model.account import AuditEntry, AuditFilter
from dialer.quality.csv_files import CHARSET, MEDIA_TYPE, csv_of
from dialer.storage.audit import Audit

routes = Routes("audit")

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
COLUMNS = ("audit_id", "at", "actor", "action", "subject", "detail", "remote")
MAX_LINES = 50_000
"""Of a file; the search takes what is older."""


class AuditSearch(Input):
    """What is left out is not asked for. `subject`, `actor` and `action` as they were recorded: `recording/<id>`.

    `actor` may be an id alone, too: `account/12` is that person under every name, with own tokens; `token/7`.
    """

    subject: Text | None = None
    actor: Text | None = None
    action: Text | None = None
    since: Instant | None = None
    until: Instant | None = None

    @model_validator(mode="after")
    def _instants_are_aware(self) -> Self:
        if any(at is not None and at.tzinfo is None for at in (self.since, self.until)):
            raise ValueError("since and until need a UTC offset")
        return self

    @property
    def filter(self) -> AuditFilter:
        """As the storage asks."""
        return AuditFilter(self.subject, self.actor, self.action, self.since, self.until)


class AuditQuery(AuditSearch, PageQuery):
    """A page of what was found."""


class AuditItem(BaseModel):
    """One line of the audit log."""

    audit_id: int
    entry: AuditEntry


class AuditPage(BaseModel):
    """The audit log, newest first."""

    items: list[AuditItem]
    next: int | None


class AuditActions(BaseModel):
    """What there are entries of."""

    items: list[str]


@routes.add("GET", "/v1/audit", "audit.list")
async def list_audit(call: Call[Nothing, AuditQuery, Nothing]) -> AuditPage:
    """Lists the audit log, newest first."""
    found = await call.services.storage.audit.find(call.query.filter, call.query.cursor, call.query.limit)
    items = [AuditItem(audit_id=audit_id, entry=entry) for audit_id, entry in found]
    return AuditPage(items=items, next=next_cursor([item.audit_id for item in items], call.query.limit))


@routes.add("GET", "/v1/audit/actions", "audit.actions")
async def list_actions(call: Call[Nothing, Nothing, Nothing]) -> AuditActions:
    """Lists the actions that one can search for."""
    return AuditActions(items=list(await call.services.storage.audit.actions()))


@routes.add("GET", "/v1/audit.csv", "audit.csv", produces=(MEDIA_TYPE,))
async def audit_csv(call: Call[Nothing, AuditSearch, Nothing]) -> web.Response:
    """Sends what was found as a file, the newest 50,000 lines; that it was taken is in the log, too."""
    lines = [line async for line in _lines(call.services.storage.audit, call.query.filter)]
    await audit(call, "audit.export", "audit", f"{len(lines)} lines")
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return web.Response(body=csv_of(COLUMNS, lines), content_type=MEDIA_TYPE, charset=CHARSET, headers=headers)


async def _lines(log: Audit, wanted: AuditFilter) -> AsyncIterator[tuple[str | int, ...]]:
    last: int | None = None
    for _ in range(MAX_LINES // MAX_PAGE):
        found = await log.find(wanted, last, MAX_PAGE)
        for audit_id, entry in found:
            shown = (entry.actor, entry.action, entry.subject, entry.detail, entry.remote)
            yield (audit_id, entry.at.isoformat(), *shown)
        if len(found) < MAX_PAGE:
            return
        last = found[-1][0]
