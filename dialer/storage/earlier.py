"""Earlier attempts that concern a call: to the same number, of the same person or of the same case.

Every branch of a query is one range of an index, either of what was reserved lately or of what is open (in flight, or
its end unknown), which counts however old it is. What was known at an earlier instant is read more slowly, to explain
the past.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    union,
)

from dialer.compliance.demand import EVER, Demand
from dialer.compliance.facts import EarlierAttempt, OwnNumber
from dialer.compliance.proof import ProofKind
from dialer.model.attempt import REACHED_A_PERSON, TRUNK_FAULTS, AttemptState, Disposition
from dialer.model.contact import PhoneRole
from dialer.storage import tables
from dialer.storage.statistics import BEGINNING
from dialer.storage.tables.base import AnyRow

ANSWERS = REACHED_A_PERSON | {
    Disposition.MACHINE,
    Disposition.MESSAGE_LEFT,
    Disposition.FAX,
    Disposition.SILENCE,
    Disposition.SHORT_ANSWER,
}
"""Ends that only an answered call has."""
NO_FAILURES = TRUNK_FAULTS | {
    Disposition.CANCELLED,
    Disposition.NETWORK_BLOCKED,
    Disposition.INCOMING_BARRED,
    Disposition.UNKNOWN,
}
"""Ends that say nothing of where the person is: they were ours, the network's, or nobody learned them; and who bars
calls, or ours, is not lost."""

attempts = tables.attempts
phones = tables.phones
contacts = tables.contacts

_COLUMNS = (
    attempts.c.attempt_id,
    attempts.c.reserved_at,
    attempts.c.disposition,
    attempts.c.ended_at,
    attempts.c.ringing_at,
    attempts.c.answered_at,
    attempts.c.right_party,
    attempts.c.conversation,
    attempts.c.role,
    attempts.c.number_index,
    attempts.c.person_ref,
    attempts.c.case_ref,
    attempts.c.campaign_id,
)
_KEYS = (attempts.c.number_index, attempts.c.person_ref, attempts.c.case_ref)
IS_OPEN: ColumnElement[bool] = attempts.c.state.not_in(
    [literal_column(f"'{state.value}'") for state in (AttemptState.RELEASED, AttemptState.SETTLED)]
)
"""In flight, or UNKNOWN. Written out, not bound: the condition of the indexes over what is open."""
_COUNTS = attempts.c.state != AttemptState.RELEASED.value


class About(Protocol):
    """Whom a call is about."""

    @property
    def number_index(self) -> bytes:
        """The keyed index of the number."""
        ...

    @property
    def person_ref(self) -> str:
        """Who is called; empty when nobody knows."""
        ...

    @property
    def case_ref(self) -> str:
        """About what."""
        ...


@dataclass(frozen=True, slots=True)
class Reach:
    """Since when attempts to the number, of the person and of the case are wanted; None: only what is open."""

    phone: datetime | None
    person: datetime | None
    case: datetime | None

    @classmethod
    def of(cls, demand: Demand, now: datetime) -> "Reach":
        """As far back as the demand says."""
        return cls(*(_since(seconds, now) for seconds in (demand.phone_s, demand.person_s, demand.case_s)))

    @property
    def each(self) -> tuple[datetime | None, datetime | None, datetime | None]:
        """In the order of the keys."""
        return self.phone, self.person, self.case


def _since(seconds: float, now: datetime) -> datetime | None:
    if seconds <= 0:
        return None
    if seconds == EVER or timedelta(seconds=seconds) > now - BEGINNING:
        return BEGINNING
    return now - timedelta(seconds=seconds)


def earlier_attempts(
    connection: Connection, about: About, campaign_id: int, reach: Reach
) -> tuple[EarlierAttempt, ...]:
    """All that concern a call within reach and all that are open, oldest first."""
    asked: dict[str, Any] = {
        "number_index": about.number_index,
        "person_ref": about.person_ref or None,
        "case_ref": about.case_ref or None,
        **_instants(reach),
    }
    rows = connection.execute(_of_one(*(since is not None for since in reach.each)), asked).all()
    return tuple(_attempt(row, about, campaign_id) for row in sorted(rows, key=_age))


def earlier_of_many(
    connection: Connection, abouts: Sequence[About], campaign_id: int, reach: Reach
) -> list[tuple[EarlierAttempt, ...]]:
    """The same for many calls of one campaign with one query; a few hundred at most."""
    asked: dict[str, Any] = {
        "number_index": [about.number_index for about in abouts],
        "person_ref": [about.person_ref for about in abouts if about.person_ref],
        "case_ref": [about.case_ref for about in abouts if about.case_ref],
        **_instants(reach),
    }
    rows = connection.execute(_of_many(*(since is not None for since in reach.each)), asked).all()
    if not rows:
        return [()] * len(abouts)
    found: dict[bytes | str, dict[int, AnyRow]] = defaultdict(dict)
    for row in rows:
        for key in (row.number_index, f"person {row.person_ref}", f"case {row.case_ref}"):
            found[key][row.attempt_id] = row
    return [_merged(found, about, campaign_id) for about in abouts]


def _merged(found: dict[bytes | str, dict[int, AnyRow]], about: About, campaign_id: int) -> tuple[EarlierAttempt, ...]:
    keys = (about.number_index, f"person {about.person_ref}", f"case {about.case_ref}")
    mine = {attempt_id: row for key in keys if key in found for attempt_id, row in found[key].items()}
    return tuple(_attempt(row, about, campaign_id) for row in sorted(mine.values(), key=_age))


def earlier_then(
    connection: Connection, about: About, campaign_id: int, reach: Reach, as_of: datetime
) -> tuple[EarlierAttempt, ...]:
    """What was known of them at an earlier instant: those that ended later were in flight then."""
    asked = {
        "number_index": about.number_index,
        "person_ref": about.person_ref or None,
        "case_ref": about.case_ref or None,
        "as_of": as_of,
    }
    found = [_known(row, about, campaign_id, as_of) for row in connection.execute(_THEN, asked)]
    return tuple(earlier for earlier in found if _is_within(earlier, reach))


def own_numbers(connection: Connection, about: About, as_of: datetime | None = None) -> tuple[OwnNumber, ...]:
    """How each of the person's own numbers fared, whichever contact of theirs it is listed with."""
    whose = {"person_ref": about.person_ref or None}
    fared: dict[bytes, list[EarlierAttempt]] = {
        index: [] for index in connection.execute(_OWN_NUMBERS, whose).scalars()
    }
    if as_of is None:
        tried = [(row, _attempt(row, about, 0)) for row in connection.execute(_OF_PERSON, whose)]
    else:
        asked = {"number_index": None, "case_ref": None, "as_of": as_of, **whose}
        tried = [(row, _known(row, about, 0, as_of)) for row in connection.execute(_THEN, asked)]
    for row, attempt in tried:
        if row.number_index in fared:
            fared[row.number_index].append(attempt)
    return tuple(fared_number(earlier) for earlier in fared.values())


def fared_number(earlier: Iterable[EarlierAttempt]) -> OwnNumber:
    """Failures and findings that it is invalid since the number last reached the person; oldest attempt first.

    A stranger who answers is a failure; a call that is up, or whose end nobody learned, is none yet.
    """
    failures = invalid = 0
    for attempt in earlier:
        if attempt.disposition in REACHED_A_PERSON and attempt.right_party is not False:
            failures = invalid = 0
        elif attempt.disposition is not None and attempt.disposition not in NO_FAILURES:
            failures += 1
            invalid += attempt.disposition is Disposition.BAD_NUMBER
    return OwnNumber(failures, invalid)


# ---- statements, built once each: composing one costs more time than running it


def _instants(reach: Reach) -> dict[str, datetime]:
    names = ("phone_since", "person_since", "case_since")
    return {name: since for name, since in zip(names, reach.each, strict=True) if since is not None}


@cache
def _of_one(phone: bool, person: bool, case: bool) -> CompoundSelect[Any]:
    matches = [key == bindparam(key.name, type_=key.type) for key in _KEYS]
    return _branches(matches, (phone, person, case))


@cache
def _of_many(phone: bool, person: bool, case: bool) -> CompoundSelect[Any]:
    matches = [key.in_(bindparam(key.name, expanding=True)) for key in _KEYS]
    return _branches(matches, (phone, person, case))


def _branches(matches: Sequence[ColumnElement[bool]], recent: Sequence[bool]) -> CompoundSelect[Any]:
    """Of each key what is open, and what was reserved lately where that is wanted; an attempt comes once.

    Not ordered: SQLite would rather read all of a number's history in order than the few that are open.
    """
    names = ("phone_since", "person_since", "case_since")
    branches = [select(*_COLUMNS).where(match, IS_OPEN) for match in matches]
    branches += [
        select(*_COLUMNS).where(match, _COUNTS, attempts.c.reserved_at >= bindparam(name))
        for match, name, wanted in zip(matches, names, recent, strict=True)
        if wanted
    ]
    return union(*branches)


def _then() -> CompoundSelect[Any]:
    wrapped_at = select(tables.wrap_ups.c.recorded_at).where(tables.wrap_ups.c.attempt_id == attempts.c.attempt_id)
    reconciled_at = select(func.max(tables.proofs.c.at)).where(
        tables.proofs.c.attempt_id == attempts.c.attempt_id, tables.proofs.c.kind == ProofKind.RECONCILED.value
    )
    columns = (
        *_COLUMNS,
        wrapped_at.scalar_subquery().label("wrapped_at"),
        reconciled_at.scalar_subquery().label("reconciled_at"),
    )
    as_of = bindparam("as_of", type_=attempts.c.reserved_at.type)
    there = and_(attempts.c.reserved_at <= as_of, or_(_COUNTS, attempts.c.ended_at > as_of))
    branches = [select(*columns).where(key == bindparam(key.name, type_=key.type), there) for key in _KEYS]
    return union(*branches).order_by("reserved_at", "attempt_id")


_THEN = _then()
_OWN_NUMBERS: Select[Any] = (
    select(phones.c.number_index)
    .join(contacts, contacts.c.contact_id == phones.c.contact_id)
    .where(contacts.c.person_ref == bindparam("person_ref"), phones.c.role == PhoneRole.OWN.value)
    .distinct()
)
_OF_PERSON: Select[Any] = (
    select(*_COLUMNS)
    .where(attempts.c.person_ref == bindparam("person_ref"), _COUNTS)
    .order_by(attempts.c.reserved_at, attempts.c.attempt_id)
)


# ---- rows to facts


def _age(row: AnyRow) -> tuple[datetime, int]:
    """Oldest first; of one instant, as they were stored."""
    return row.reserved_at, row.attempt_id


def _attempt(row: AnyRow, about: About, campaign_id: int) -> EarlierAttempt:
    disposition = Disposition(row.disposition) if row.disposition else None
    if disposition in TRUNK_FAULTS and row.ringing_at is not None:
        disposition = Disposition.NO_ANSWER  # it rang: the person noticed, so it counts
    answered = row.answered_at is not None or disposition in ANSWERS
    same_phone = row.number_index == about.number_index
    return EarlierAttempt(
        row.reserved_at,
        disposition,
        row.ended_at,
        alerted=answered or row.ringing_at is not None,
        answered=answered,
        right_party=row.right_party,
        conversation=row.conversation,
        role=PhoneRole(row.role),
        same_phone=same_phone,
        same_person=row.person_ref == about.person_ref and bool(row.person_ref or same_phone),
        same_case=row.case_ref == about.case_ref and bool(row.case_ref or same_phone),
        same_campaign=row.campaign_id == campaign_id,
    )


def _known(row: AnyRow, about: About, campaign_id: int, as_of: datetime) -> EarlierAttempt:
    attempt = _attempt(row, about, campaign_id)
    if row.wrapped_at is None or row.wrapped_at > as_of:
        attempt = replace(attempt, right_party=None, conversation=None)
    if row.ended_at is None or row.ended_at > as_of:
        answered = row.answered_at is not None and row.answered_at <= as_of
        alerted = answered or (row.ringing_at is not None and row.ringing_at <= as_of)
        return replace(attempt, disposition=None, ended_at=None, alerted=alerted, answered=answered)
    if row.reconciled_at is not None and row.reconciled_at > as_of:
        return replace(attempt, disposition=Disposition.UNKNOWN)
    return attempt


def _is_within(earlier: EarlierAttempt, reach: Reach) -> bool:
    if earlier.in_flight or earlier.unknown:
        return True
    mine = (earlier.same_phone, earlier.same_person, earlier.same_case)
    return any(
        same and since is not None and earlier.placed_at >= since for same, since in zip(mine, reach.each, strict=True)
    )
