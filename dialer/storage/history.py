"""What the gate must know of a call: gathered inside a transaction, exactly as far as the policy's demand asks.

A reservation gathers with the locks in hand that keep others from changing what a cap counts; a survey gathers for
many at a time, without a lock; whoever explains the past gathers as of an earlier instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from dialer.compliance.facts import EarlierAttempt, GateFacts, OwnNumber
from dialer.compliance.policy import Policy
from dialer.errors import InputError
from dialer.model.contact import CaseStatus, PhoneRole
from dialer.model.entry import Reservation
from dialer.storage import tables, values
from dialer.storage.crypto import Cipher
from dialer.storage.earlier import Reach, earlier_attempts, earlier_of_many, earlier_then, own_numbers
from dialer.storage.on_record import NOTHING, OnRecord, on_record, record_of_many
from dialer.storage.tables.base import AnyRow
from dialer.storage.tallies import Budgets, budget_use, tally
from schedules.zones import ZoneCandidates, candidates, country_of

# Built once: composing a statement costs more time than running it.
_SUBJECT = (
    select(
        tables.contacts.c.case_ref,
        tables.contacts.c.person_ref,
        tables.contacts.c.zone,
        tables.contacts.c.regions,
        tables.cases.c.status,
        tables.phones.c.sealed,
        tables.phones.c.role,
        tables.phones.c.number_index,
    )
    .join(tables.phones, tables.phones.c.contact_id == tables.contacts.c.contact_id)
    .outerjoin(tables.cases, tables.cases.c.case_ref == tables.contacts.c.case_ref)
    .where(tables.contacts.c.contact_id == bindparam("contact_id"), tables.phones.c.phone_id == bindparam("phone_id"))
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a call is about: one number of one contact, and the state of the case when it was loaded."""

    number: str
    number_index: bytes
    role: PhoneRole
    case_ref: str
    person_ref: str
    zone: str | None
    regions: tuple[str, ...]
    case_status: CaseStatus


def load_subject(connection: Connection, cipher: Cipher, contact_id: int, phone_id: int) -> Subject:
    """What is stored of a number and its contact; InputError when there is no such number."""
    row = connection.execute(_SUBJECT, {"contact_id": contact_id, "phone_id": phone_id}).first()
    if row is None:
        raise InputError(f"contact {contact_id} has no number {phone_id}")
    return subject_of(cipher, row)


def subject_of(cipher: Cipher, row: AnyRow) -> Subject:
    """The same from a row with the columns of a contact, its number and its case."""
    return Subject(
        number=cipher.open(row.sealed, values.PHONE_PURPOSE).decode(),
        number_index=row.number_index,
        role=PhoneRole(row.role),
        case_ref=row.case_ref,
        person_ref=row.person_ref,
        zone=row.zone,
        regions=tuple(row.regions.split(",")) if row.regions else (),
        case_status=CaseStatus(row.status or CaseStatus.OPEN.value),
    )


def gather(
    connection: Connection,
    subject: Subject,
    reservation: Reservation,
    policy: Policy,
    now: datetime,
    as_of: datetime | None = None,
    budgets: Budgets | None = None,
) -> GateFacts:
    """What the gate needs to know about a call, from all campaigns and nodes.

    `as_of`: as far as it was known at that instant. `budgets` remembers abandonment budgets for a moment.
    """
    reach, campaign_id = Reach.of(policy.demand, now), reservation.campaign_id
    if as_of is None:
        earlier = earlier_attempts(connection, subject, campaign_id, reach)
    else:
        earlier = earlier_then(connection, subject, campaign_id, reach, as_of)
    record = on_record(connection, subject.number_index, subject.person_ref, subject.case_ref, as_of)
    common = common_facts(connection, reservation, policy, now, as_of, budgets)
    return _facts(common, subject, record, earlier, _own_numbers(connection, subject, policy, as_of))


def gather_many(
    connection: Connection, subjects: Sequence[Subject], reservation: Reservation, policy: Policy, now: datetime
) -> list[GateFacts]:
    """The same for many numbers with a handful of queries; a few hundred at most.

    `reservation` is what would be asked for each of them: its contact and number are not looked at.
    """
    record = record_of_many(
        connection, [subject.number_index for subject in subjects], [subject.person_ref for subject in subjects]
    )
    reach = Reach.of(policy.demand, now)
    earlier = earlier_of_many(connection, subjects, reservation.campaign_id, reach)
    common = common_facts(connection, reservation, policy, now)
    return [
        _facts(
            common,
            subject,
            record.of(subject.number_index, subject.person_ref, subject.case_ref, subject.case_status),
            attempts,
            _own_numbers(connection, subject, policy),
        )
        for subject, attempts in zip(subjects, earlier, strict=True)
    ]


def plain_facts(common: GateFacts, subject: Subject) -> GateFacts:
    """Those of a call to a person's own number of whom nothing is on record and nothing was dialed."""
    return _facts(common, subject, NOTHING[subject.case_status], (), None)


def _own_numbers(
    connection: Connection, subject: Subject, policy: Policy, as_of: datetime | None = None
) -> tuple[OwnNumber, ...] | None:
    if subject.role is PhoneRole.OWN or not policy.demand.own_numbers:
        return None
    return own_numbers(connection, subject, as_of)


def common_facts(
    connection: Connection,
    reservation: Reservation,
    policy: Policy,
    now: datetime,
    as_of: datetime | None = None,
    budgets: Budgets | None = None,
) -> GateFacts:
    """The facts that do not depend on whom the call is to; the others are left open."""
    campaign_id, demand = reservation.campaign_id, policy.demand
    if budgets is None or as_of is not None:
        used = tuple(budget_use(connection, wanted, campaign_id, now, as_of) for wanted in demand.budgets)
    else:
        used = tuple(budgets.use(connection, wanted, campaign_id, now) for wanted in demand.budgets)
    return GateFacts(
        zones=ZoneCandidates(),
        max_ring_s=reservation.ring_timeout_s,
        path=reservation.path,
        dedicated_agent=reservation.agent_id is not None,
        agency=reservation.agency,
        agency_listed=policy.registry.is_listed(reservation.agency),
        creditor=reservation.creditor,
        product=reservation.product,
        caller_id=policy.registry.shown(reservation.caller_id, policy.house_day(now)),
        tallies=tuple(tally(connection, wanted, reservation, now, as_of) for wanted in demand.tallies),
        budgets=used,
    )


def _facts(
    common: GateFacts,
    subject: Subject,
    record: OnRecord,
    earlier: tuple[EarlierAttempt, ...],
    fared: tuple[OwnNumber, ...] | None,
) -> GateFacts:
    """The common facts with those of one call. Spelled out: `dataclasses.replace` takes longer than all the rest."""
    country = country_of(subject.number)
    return GateFacts(
        zones=candidates(subject.number, stated_zone=subject.zone, region=",".join(subject.regions)),
        max_ring_s=common.max_ring_s,
        role=subject.role,
        case_status=record.case_status,
        do_not_call=record.do_not_call,
        attempts=earlier,
        path=common.path,
        dedicated_agent=common.dedicated_agent,
        person_stop=record.person_stop,
        regions=tuple(dict.fromkeys((*subject.regions, country))) if country else subject.regions,
        agency=common.agency,
        agency_listed=common.agency_listed,
        creditor=common.creditor,
        product=common.product,
        caller_id=common.caller_id,
        consents=record.consents,
        inconvenient=record.inconvenient,
        own_numbers=fared,
        tallies=common.tallies,
        budgets=common.budgets,
    )
