"""The ledger's chains, one per node, grown inside the transaction of what they record; signed and read elsewhere."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from dialer.storage import tables
from dialer.storage.dialect import insert_missing, insert_row
from recording.ledger import GENESIS, Entry, EntryKind, make_entry

ledger = tables.ledger
heads = tables.ledger_heads

# Built once: composing a statement costs more time than running it.
_HEAD = select(heads.c.sequence, heads.c.hash).where(heads.c.chain == bindparam("of_chain")).with_for_update()
_GROW = (
    update(heads)
    .where(heads.c.chain == bindparam("of_chain"))
    .values(sequence=bindparam("new_sequence"), hash=bindparam("new_hash"))
)


def append(
    connection: Connection, chain: str, kind: EntryKind, subject: str, facts: Mapping[str, Any], at: datetime
) -> Entry:
    """Adds an entry to a chain, last in its transaction: the chain is locked until that ends."""
    asked = {"of_chain": chain}
    head = connection.execute(_HEAD, asked).first()
    if head is None:
        insert_missing(connection, heads, [{"chain": chain, "sequence": 0, "hash": GENESIS}])
        head = connection.execute(_HEAD, asked).one()
    entry = make_entry(chain, head.sequence + 1, head.hash, kind, subject, at, facts)
    connection.execute(_GROW, asked | {"new_sequence": entry.sequence, "new_hash": entry.hash})
    insert_row(connection, ledger, {name: getattr(entry, name) for name in Entry.__slots__})
    return entry
