"""From rows to the values of `dialer.model` and back; the only place that knows both."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, select

from dialer.model.attempt import Attempt, AttemptState, CallPath, Disposition, HangupSide, NetworkCause
from dialer.model.campaign import Campaign, CampaignSettings, CampaignState
from dialer.model.contact import CaseStatus, Contact, FieldValue, Phone, PhoneRole
from dialer.storage import tables
from dialer.storage.crypto import Cipher
from dialer.storage.dialect import among
from dialer.storage.tables.base import AnyRow

PHONE_PURPOSE = b"phone"
CONTACT_PURPOSE = b"contact"

IN_FLIGHT = frozenset(
    {
        AttemptState.RESERVED,
        AttemptState.INVITE_SENT,
        AttemptState.ALERTING,
        AttemptState.EARLY_MEDIA,
        AttemptState.ANSWERED,
        AttemptState.CLASSIFIED,
        AttemptState.CONNECTED,
    }
)
"""States of an attempt that is not over."""
IN_FLIGHT_NAMES = tuple(sorted(state.value for state in IN_FLIGHT))

ATTEMPT_COLUMNS = tuple(
    column for column in tables.attempts.c if column.name not in ("number_index", "in_flight_index")
)


class _Private(msgspec.Struct):
    name: str
    fields: dict[str, FieldValue]


_private_decoder = msgspec.json.Decoder(_Private)
_settings_decoder = msgspec.json.Decoder(CampaignSettings)
_cause_decoder = msgspec.json.Decoder(NetworkCause)


def seal_private(cipher: Cipher, name: str, fields: Mapping[str, FieldValue]) -> bytes:
    """A contact's name and fields as stored."""
    return cipher.seal(msgspec.json.encode(_Private(name, dict(fields))), CONTACT_PURPOSE)


def open_private(cipher: Cipher, sealed: bytes) -> tuple[str, dict[str, FieldValue]]:
    """A contact's name and fields."""
    private = _private_decoder.decode(cipher.open(sealed, CONTACT_PURPOSE))
    return private.name, private.fields


@lru_cache(maxsize=64)
def decode_settings(stored: bytes) -> CampaignSettings:
    """A campaign's settings; kept, since every claim reads them and they hardly ever change."""
    return _settings_decoder.decode(stored)


def encode_settings(settings: CampaignSettings) -> bytes:
    """Settings as stored: `decode_settings` reads them."""
    return msgspec.json.encode(settings)


def encode_cause(cause: NetworkCause) -> bytes:
    """A network's cause as stored: `attempt` reads it."""
    return msgspec.json.encode(cause)


def campaign(row: AnyRow, list_ids: Sequence[int]) -> Campaign:
    """A campaign from its row and the ids of its lists, in their order."""
    return Campaign(
        campaign_id=row.campaign_id,
        name=row.name,
        state=CampaignState(row.state),
        list_ids=tuple(list_ids),
        settings=decode_settings(row.settings),
        created_at=row.created_at,
        state_reason=row.state_reason,
    )


def attempt(row: AnyRow) -> Attempt:
    """An attempt from a row with `ATTEMPT_COLUMNS`."""
    return Attempt(
        attempt_id=row.attempt_id,
        campaign_id=row.campaign_id,
        contact_id=row.contact_id,
        phone_id=row.phone_id,
        path=CallPath(row.path),
        state=AttemptState(row.state),
        number_masked=row.number_masked,
        reserved_at=row.reserved_at,
        case_ref=row.case_ref,
        person_ref=row.person_ref,
        trunk=row.trunk,
        caller_id=row.caller_id,
        agent_id=row.agent_id,
        node=row.node,
        ringing_at=row.ringing_at,
        answered_at=row.answered_at,
        greeting_end_at=row.greeting_end_at,
        connected_at=row.connected_at,
        notice_at=row.notice_at,
        ended_at=row.ended_at,
        disposition=Disposition(row.disposition) if row.disposition else None,
        verdict=row.verdict,
        verdict_confidence=row.verdict_confidence,
        hangup_side=HangupSide(row.hangup_side) if row.hangup_side else None,
        cause=_cause_decoder.decode(row.cause) if row.cause else NetworkCause(),
        recording_id=row.recording_id,
    )


def phone(cipher: Cipher, row: AnyRow) -> Phone:
    """A number in clear from its row."""
    return Phone(
        phone_id=row.phone_id,
        contact_id=row.contact_id,
        number=cipher.open(row.sealed, PHONE_PURPOSE).decode(),
        role=PhoneRole(row.role),
        rank=row.rank,
    )


@cache
def _contacts_among(dialect: str) -> Select[Any]:
    """A row for every number, those of a contact in order. Built once: composing it costs more time than running it."""
    contacts, phones, cases = tables.contacts, tables.phones, tables.cases
    return (
        select(
            *(column for column in contacts.c if column is not contacts.c.sealed),
            contacts.c.sealed.label("sealed_private"),
            cases.c.status,
            *(phones.c.phone_id, phones.c.sealed, phones.c.role, phones.c.rank),
        )
        .outerjoin_from(contacts, phones, phones.c.contact_id == contacts.c.contact_id)
        .outerjoin(cases, cases.c.case_ref == contacts.c.case_ref)
        .where(among(dialect, contacts.c.contact_id, "wanted"))
        .order_by(contacts.c.contact_id, phones.c.rank)
    )


def load_contacts(connection: Connection, cipher: Cipher, contact_ids: Iterable[int]) -> dict[int, Contact]:
    """The contacts with these ids, with their numbers in order and the status of their cases."""
    query = _contacts_among(connection.dialect.name)
    rows = connection.execute(query, {"wanted": list(contact_ids)}).all()
    by_contact = groupby(rows, key=attrgetter("contact_id"))
    return {contact_id: _contact(cipher, tuple(of_contact)) for contact_id, of_contact in by_contact}


def _contact(cipher: Cipher, rows: Sequence[AnyRow]) -> Contact:
    """A contact from the rows of its numbers; without a number there is one row all the same."""
    row = rows[0]
    name, fields = open_private(cipher, row.sealed_private)
    return Contact(
        contact_id=row.contact_id,
        list_id=row.list_id,
        person_ref=row.person_ref,
        case_ref=row.case_ref,
        name=name,
        zone=row.zone,
        regions=tuple(row.regions.split(",")) if row.regions else (),
        case_status=CaseStatus(row.status or CaseStatus.OPEN.value),
        fields=fields,
        phones=tuple(phone(cipher, of_number) for of_number in rows if of_number.phone_id is not None),
    )
