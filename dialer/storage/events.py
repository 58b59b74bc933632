"""Writing events: inside the transaction of what they report, once for every destination that listens."""

import os
from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection, bindparam, insert, literal, select

from dialer.model.outcome import EventType
from dialer.storage import tables
from dialer.storage.dialect import CASE_LOCK, insert_row, lock

PENDING = "pending"
DELIVERED = "delivered"
DEAD = "dead"

_DELIVER = insert(tables.deliveries).from_select(
    ["destination", "sequence", "case_ref", "state", "failures", "next_at", "error"],
    select(
        tables.destinations.c.destination,
        bindparam("of_sequence", type_=tables.deliveries.c.sequence.type),
        bindparam("of_case", type_=tables.deliveries.c.case_ref.type),
        literal(PENDING),
        literal(0),
        bindparam("due_at", type_=tables.deliveries.c.next_at.type),
        literal(""),
    ).where(tables.destinations.c.active),
)
"""One delivery per destination that listens; built once, composing it costs more time than running it."""


def emit(
    connection: Connection, kind: EventType, case_ref: str, occurred_at: datetime, data: Mapping[str, object]
) -> int:
    """Writes one event and returns its sequence number; events of one case get theirs in the order of commitment."""
    lock(connection, CASE_LOCK, case_ref.encode())
    row = {
        "event_id": uuid7(occurred_at),
        "type": kind.value,
        "case_ref": case_ref,
        "occurred_at": occurred_at,
        "data": msgspec.json.encode(data),
    }
    sequence = insert_row(connection, tables.events, row)
    connection.execute(_DELIVER, {"of_sequence": sequence, "of_case": case_ref, "due_at": occurred_at})
    return sequence


def uuid7(at: datetime) -> str:
    """A UUID of version 7: 48 bits of milliseconds, then chance (RFC 9562 §5.7)."""
    milliseconds = int(at.timestamp() * 1000) & 0xFFFF_FFFF_FFFF
    chance = int.from_bytes(os.urandom(10), "big")
    value = milliseconds << 80 | 0x7 << 76 | (chance >> 68 & 0xFFF) << 64 | 0b10 << 62 | chance & (1 << 62) - 1
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
