"""What the two engines do differently, behind one name each."""

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Insert, Table, bindparam, func, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite

NUMBER_LOCK = b"number"
PERSON_LOCK = b"person"
CASE_LOCK = b"case"

# Bound as bigint: several schemes of the key would otherwise need a cast at every call.
_lock_statement = select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger)))


def lock(connection: Connection, kind: bytes, key: bytes) -> None:
    """Waits until no other transaction holds the lock, and holds it until the end of this one.

    SQLite has one writer at a time: there every write transaction is alone already. Where several locks are taken, the
    number's comes first, then the person's, then the case's; several of one kind in the order of their keys.
    """
    if connection.dialect.name == "postgresql":
        digest = hashlib.blake2b(kind + b":" + key, digest_size=8).digest()
        connection.execute(_lock_statement, {"key": int.from_bytes(digest, "big", signed=True)})


def insert_missing(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Inserts the rows whose key is not there yet."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(postgresql.insert(table).on_conflict_do_nothing(), rows)
    else:
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), rows)


def upsert(connection: Connection, table: Table, key: str, row: Mapping[str, Any]) -> None:
    """Inserts a row, or changes the one with the same key."""
    changes = {name: value for name, value in row.items() if name != key}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(row).on_conflict_do_update(index_elements=[key], set_=changes)
    connection.execute(statement)


def take_ids(connection: Connection, table: Table, n: int) -> range | list[int]:
    """`n` fresh ids of a table, for rows whose children are written in the same go."""
    (key,) = table.primary_key.columns
    if connection.dialect.name == "postgresql":
        sequence = f"{table.name}_{key.name}_seq"
        rows = connection.execute(text("SELECT nextval(:name) FROM generate_series(1, :n)"), {"name": sequence, "n": n})
        return [row[0] for row in rows]
    first = (connection.execute(select(func.max(key))).scalar() or 0) + 1
    return range(first, first + n)


def insert_row(connection: Connection, table: Table, row: Mapping[str, Any]) -> int:
    """Inserts a row and returns its id."""
    result = connection.execute(_insert(table), dict(row))
    key = result.inserted_primary_key
    if key is None:
        raise LookupError(f"{table.name} gave no key")
    return int(key[0])


@cache
def _insert(table: Table) -> Insert:
    """Built once per table: composing a statement costs more time than running it."""
    return insert(table)
