"""A database as the first schema had it: a campaign in the middle of its day, left by a program that was killed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, DateTime, LargeBinary, MetaData, Table, insert

from dialer.model.attempt import AttemptState, Disposition
from dialer.storage import values
from dialer.storage.crypto import Cipher
from dialer.storage.migrate import _run, scripts
from tests.support.storage import KEY, MINUTE, MONDAY

OWN, RELATIVE = "+8613800000000", "+8613900000000"
NODE = "node1"


def write_first_schema(connection: Connection) -> None:
    """One contact with an own number and a relative's: called, talked to, refused, and one call up when it ended."""
    _run(connection, scripts(), "0001")
    cipher, started = Cipher(KEY), MONDAY - 60 * MINUTE
    house = {"list_id": 1, "campaign_id": 1, "contact_id": 1, "person_ref": "person-0", "case_ref": "case-0"}
    sealed = values.seal_private(cipher, "王0", {"days_overdue": 3})
    _add(connection, "lists", house, name="list", state="ready", node=NODE, created_at=started)
    _add(connection, "contacts", house, sealed=sealed)
    for phone_id, number, role in ((1, OWN, "own"), (2, RELATIVE, "third_party")):
        kept = {
            "sealed": cipher.seal(number.encode(), values.PHONE_PURPOSE),
            "number_index": cipher.number_index(number),
        }
        _add(connection, "phones", house, phone_id=phone_id, role=role, rank=phone_id - 1, **kept)
    settings = b'{"mode":"progressive","caller_ids":["+8640012345678"]}'
    _add(connection, "campaigns", house, name="old", state="running", settings=settings, created_at=started)
    _add(connection, "campaign_lists", house)
    _add(connection, "entries", house, entry_id=1, queue="dialing", due_at=started, node=NODE)
    ends = (
        (1, AttemptState.SETTLED, Disposition.NO_ANSWER),
        (1, AttemptState.SETTLED, Disposition.CONNECTED),
        (2, AttemptState.SETTLED, Disposition.CONNECTED),
        (1, AttemptState.UNKNOWN, Disposition.UNKNOWN),
        (1, AttemptState.ALERTING, None),
    )
    for n, (phone_id, state, disposition) in enumerate(ends):  # their ids count from one
        at = started + n * 10 * MINUTE
        index = cipher.number_index(OWN if phone_id == 1 else RELATIVE)
        said = {"state": state.value, "disposition": disposition.value if disposition else None, "reserved_at": at}
        _add(
            connection,
            "attempts",
            house,
            phone_id=phone_id,
            path="progressive",
            number_index=index,
            in_flight_index=None if disposition else index,
            entry_id=1 if disposition is None else None,
            number_masked="138****0000",
            node=NODE,
            ended_at=at + MINUTE if disposition else None,
            cause=b"{}",
            **said,
        )
    _add(connection, "wrap_ups", house, attempt_id=2, agent_id=7, code="wrong", right_party=False, recorded_at=started)
    _add(connection, "refusals", house, at=started, phone_id=1, node=NODE, rule="cn.window", path="progressive")
    _add(connection, "cases", house, status="open", changed_at=started)


def _add(connection: Connection, kind: str, house: Mapping[str, object], /, **said: object) -> None:
    """A row of a table as it was then; what is neither said nor allowed to be missing is empty."""
    table = Table(kind, MetaData(), autoload_with=connection)
    known = {**house, **said}
    row = {column.name: known[column.name] for column in table.c if column.name in known}
    for column in table.c:
        if not column.nullable and column.name not in row and not column.primary_key:
            row[column.name] = _empty(column.type)
    naive = connection.dialect.name == "sqlite"
    connection.execute(insert(table), {key: _stored(value, naive=naive) for key, value in row.items()})


def _empty(kind: Any) -> object:
    if isinstance(kind, LargeBinary):
        return b"{}"
    return MONDAY if isinstance(kind, DateTime) else kind.python_type()


def _stored(value: object, *, naive: bool) -> object:
    return value.replace(tzinfo=None) if naive and isinstance(value, datetime) else value
