"""What is on record of a person and a case besides attempts: statuses, do-not-call, consents, inconvenient times.

One query says what there is; only what is there is read. As of an earlier instant, the same by what had been recorded
and not yet taken back then.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    union_all,
)

from dialer.compliance.facts import Consent, Inconvenient
from dialer.model.contact import PERSON_STOPS, CaseStatus
from dialer.storage import tables
from dialer.storage.tables.base import AnyRow, UtcDateTime

cases = tables.cases
changes = tables.case_changes
contacts = tables.contacts
listed = tables.do_not_call
consents = tables.consents
inconveniences = tables.inconveniences

_STOPS = sorted(status.value for status in PERSON_STOPS)


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What keeps a call back or allows it, besides what was tried before."""

    case_status: CaseStatus = CaseStatus.OPEN
    person_stop: CaseStatus | None = None
    do_not_call: bool = False
    consents: tuple[Consent, ...] = ()
    inconvenient: tuple[Inconvenient, ...] = ()


def on_record(
    connection: Connection, number_index: bytes, person_ref: str, case_ref: str, as_of: datetime | None = None
) -> OnRecord:
    """What is on record of a number, its person and its case, now or at an earlier instant."""
    then = as_of is not None
    asked: dict[str, Any] = {"number": number_index, "person": person_ref or None, "case": case_ref or None}
    if then:
        asked["as_of"] = as_of
    there = connection.execute(_summary(then), asked).one()
    return OnRecord(
        CaseStatus(there.status or CaseStatus.OPEN.value),
        CaseStatus(there.person_stop) if there.person_stop else None,
        bool(there.is_listed),
        tuple(map(_consent, connection.execute(_consents(then), asked))) if there.has_consents else (),
        tuple(map(_inconvenient, connection.execute(_inconveniences(then), asked))) if there.has_times else (),
    )


@cache
def _summary(then: bool) -> Select[Any]:
    person: ColumnElement[Any] = bindparam("person", type_=contacts.c.person_ref.type)
    case: ColumnElement[Any] = bindparam("case", type_=contacts.c.case_ref.type)
    of_other_case = _status(contacts.c.case_ref, then)
    person_stop = (
        select(of_other_case)
        .where(contacts.c.person_ref == person, contacts.c.case_ref != case, of_other_case.in_(_STOPS))
        .limit(1)
    )
    return select(
        _status(case, then).label("status"),
        person_stop.scalar_subquery().label("person_stop"),
        or_(
            exists().where(listed.c.number_index == bindparam("number"), _standing(listed, "added_at", then)),
            exists().where(listed.c.person_ref == person, _standing(listed, "added_at", then)),
        ).label("is_listed"),
        exists().where(_my_consents(then)).label("has_consents"),
        exists().where(_my_times(then)).label("has_times"),
    )


def _status(case_ref: ColumnElement[Any], then: bool) -> ScalarSelect[Any] | ColumnElement[Any]:
    """The status of a case; cases from before their changes were kept have none but the newest."""
    newest = select(cases.c.status).where(cases.c.case_ref == case_ref)
    if not then:
        return newest.scalar_subquery()
    changed = select(changes.c.status).where(changes.c.case_ref == case_ref, changes.c.at <= _as_of())
    last = changed.order_by(changes.c.change_id.desc()).limit(1)
    return func.coalesce(
        last.scalar_subquery(),
        newest.where(cases.c.changed_at <= _as_of()).scalar_subquery(),
        type_=cases.c.status.type,
    )


def _as_of() -> ColumnElement[datetime]:
    return bindparam("as_of", type_=UtcDateTime())


def _standing(table: Table, recorded: str, then: bool, taken_back: str = "removed_at") -> ColumnElement[bool]:
    """Recorded and not taken back, now or then."""
    back = table.c[taken_back]
    if not then:
        return back.is_(None)
    return and_(table.c[recorded] <= _as_of(), or_(back.is_(None), back > _as_of()))


def _my_consents(then: bool) -> ColumnElement[bool]:
    return and_(
        consents.c.person_ref == bindparam("person"),
        or_(consents.c.case_ref.is_(None), consents.c.case_ref == bindparam("case")),
        _standing(consents, "recorded_at", then, "withdrawn_at"),
    )


def _my_times(then: bool) -> ColumnElement[bool]:
    return and_(
        inconveniences.c.person_ref == bindparam("person"),
        or_(inconveniences.c.number_index.is_(None), inconveniences.c.number_index == bindparam("number")),
        _standing(inconveniences, "added_at", then),
    )


@cache
def _consents(then: bool) -> Select[Any]:
    return select(consents).where(_my_consents(then)).order_by(consents.c.consent_id)


@cache
def _inconveniences(then: bool) -> Select[Any]:
    return select(inconveniences).where(_my_times(then)).order_by(inconveniences.c.inconvenience_id)


def _consent(row: AnyRow) -> Consent:
    return Consent(row.kind, row.given_at, row.expires_at)


def _inconvenient(row: AnyRow) -> Inconvenient:
    return Inconvenient(tuple(int(digit) for digit in row.weekdays), row.from_minute, row.to_minute, row.until)


# ---- the same for many


NOTHING = {status: OnRecord(status) for status in CaseStatus}
"""What is on record of most."""


@dataclass(frozen=True, slots=True)
class RecordOfMany:
    """What is on record of a few hundred numbers and persons now; nothing, for most."""

    numbers: Collection[bytes]
    people: Collection[str]
    stops: Mapping[str, Mapping[str, CaseStatus]]
    consents: Mapping[str, list[AnyRow]]
    times: Mapping[str, list[AnyRow]]

    def of(self, number_index: bytes, person_ref: str, case_ref: str, case_status: CaseStatus) -> OnRecord:
        """What of it is about one call."""
        is_listed = number_index in self.numbers or person_ref in self.people
        known = person_ref in self.stops or person_ref in self.consents or person_ref in self.times
        if not is_listed and not known:
            return NOTHING[case_status]
        elsewhere = self.stops.get(person_ref, {})
        given = (row for row in self.consents.get(person_ref, ()) if row.case_ref in (None, case_ref))
        times = (row for row in self.times.get(person_ref, ()) if row.number_index in (None, number_index))
        return OnRecord(
            case_status,
            next((status for case, status in elsewhere.items() if case != case_ref), None),
            is_listed,
            tuple(map(_consent, given)),
            tuple(map(_inconvenient, times)),
        )


_LISTED_OF_MANY = union_all(
    select(listed.c.number_index, listed.c.person_ref).where(
        listed.c.number_index.in_(bindparam("numbers", expanding=True)), listed.c.removed_at.is_(None)
    ),
    select(listed.c.number_index, listed.c.person_ref).where(
        listed.c.person_ref.in_(bindparam("people", expanding=True)), listed.c.removed_at.is_(None)
    ),
)
_STOPS_OF_MANY = (
    select(contacts.c.person_ref, contacts.c.case_ref, cases.c.status)
    .join(cases, cases.c.case_ref == contacts.c.case_ref)
    .where(contacts.c.person_ref.in_(bindparam("people", expanding=True)), cases.c.status.in_(_STOPS))
    .order_by(contacts.c.contact_id)
)
_CONSENTS_OF_MANY = (
    select(consents)
    .where(consents.c.person_ref.in_(bindparam("people", expanding=True)), consents.c.withdrawn_at.is_(None))
    .order_by(consents.c.consent_id)
)
_TIMES_OF_MANY = (
    select(inconveniences)
    .where(inconveniences.c.person_ref.in_(bindparam("people", expanding=True)), inconveniences.c.removed_at.is_(None))
    .order_by(inconveniences.c.inconvenience_id)
)


def record_of_many(connection: Connection, numbers: list[bytes], people: list[str]) -> RecordOfMany:
    """What is on record of these, with four queries."""
    asked = {"people": people}
    found = connection.execute(_LISTED_OF_MANY, {"numbers": numbers, **asked}).all()
    stops: dict[str, dict[str, CaseStatus]] = defaultdict(dict)
    for row in connection.execute(_STOPS_OF_MANY, asked):
        stops[row.person_ref][row.case_ref] = CaseStatus(row.status)
    given: dict[str, list[AnyRow]] = defaultdict(list)
    for row in connection.execute(_CONSENTS_OF_MANY, asked):
        given[row.person_ref].append(row)
    times: dict[str, list[AnyRow]] = defaultdict(list)
    for row in connection.execute(_TIMES_OF_MANY, asked):
        times[row.person_ref].append(row)
    return RecordOfMany(
        {row.number_index for row in found if row.number_index is not None},
        {row.person_ref for row in found if row.person_ref},
        stops,
        given,
        times,
    )
