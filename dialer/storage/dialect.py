"""What the two engines do differently, behind one name each."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    Float,
    Insert,
    Select,
    Table,
    any_,
    bindparam,
    cast,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

NUMBER_LOCK = b"number"
PERSON_LOCK = b"person"
CASE_LOCK = b"case"
CALLER_ID_LOCK = b"caller_id"
COLLECTOR_LOCK = b"collector"
CAMPAIGN_LOCK = b"campaign"
CAMPAIGN_TRUNK_LOCK = b"campaign_trunk"
AGENCY_LOCK = b"agency"
RETENTION_LOCK = b"retention"
"""Of all legal holds and deletions: whoever takes it knows that no hold is placed and nothing goes meanwhile."""
BUDGET_LOCK = b"budget"
"""Of a campaign's abandonment budget; whoever takes it takes no other."""
QUALITY_LOCK = b"quality"
"""Of a plan that draws, and of a person who takes work or gets some; before the rows of the work."""

LOCK_ORDER = (
    NUMBER_LOCK,
    PERSON_LOCK,
    CASE_LOCK,
    CALLER_ID_LOCK,
    COLLECTOR_LOCK,
    CAMPAIGN_LOCK,
    CAMPAIGN_TRUNK_LOCK,
    AGENCY_LOCK,
    RETENTION_LOCK,
)
"""In which order a transaction takes its locks, several of one kind in the order of their keys; then come rows, of
attempts before entries, then the head of a proofs' chain, and last of all that of a ledger. Whoever keeps to it waits
for nobody in a circle.
"""


def lock(connection: Connection, kind: bytes, key: bytes) -> None:
    """Waits until no other transaction holds the lock, and holds it until the end of this one.

    SQLite has one writer at a time: there every write transaction is alone already. Where several locks are taken, they
    are taken in `LOCK_ORDER`.
    """
    lock_all(connection, ((kind, key),))


def lock_all(connection: Connection, locks: Sequence[tuple[bytes, bytes]]) -> None:
    """The same for several locks (kind, key) with one statement, in the order given."""
    if locks and connection.dialect.name == "postgresql":
        numbers = {f"key{n}": _lock_number(kind, key) for n, (kind, key) in enumerate(locks)}
        connection.execute(_locking(len(locks)), numbers)


def _lock_number(kind: bytes, key: bytes) -> int:
    digest = hashlib.blake2b(kind + b":" + key, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


@cache
def _locking(n_locks: int) -> Select[Any]:
    """The functions of a SELECT's list are called from left to right. Bound as bigint: the keys need no cast."""
    keys = (bindparam(f"key{n}", type_=BigInteger) for n in range(n_locks))
    return select(*(func.pg_advisory_xact_lock(key).label(None) for key in keys))


def among(dialect: str, column: ColumnElement[int], name: str) -> ColumnElement[bool]:
    """Whether the column is one of the ids in the list that is bound as `name`.

    One parameter, however many ids: the statement is composed, prepared and planned once, while `in_()` makes another
    one for every length.
    """
    if dialect == "postgresql":
        return column == any_(bindparam(name, type_=ARRAY(BigInteger)))
    ids = func.json_each(bindparam(name, type_=JSON)).table_valued("value")
    return column.in_(select(ids.c.value))


def seconds_between(dialect: str, begins: ColumnElement[Any], ends: ColumnElement[Any]) -> ColumnElement[float]:
    """From one instant to another, in seconds; NULL where one of them is."""
    if dialect == "postgresql":
        return cast(func.extract("epoch", ends - begins), Float)
    return (func.julianday(ends) - func.julianday(begins)) * 86400.0  # to some 0.04 ms


def refresh_statistics(connection: Connection, *filled: Table) -> None:
    """Tells the planner of tables that were just filled.

    PostgreSQL finds out by itself, but minutes later; until then it sorts a million rows that an index has in order.
    SQLite goes by the indexes alone.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE " + ", ".join(table.name for table in filled)))


def insert_missing(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Inserts the rows whose key is not there yet."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(postgresql.insert(table).on_conflict_do_nothing(), rows)
    else:
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), rows)


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
