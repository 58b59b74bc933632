"""What every table shares: one metadata with a naming convention, and a column type that keeps instants in UTC."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, Row, Table
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Constraints have names from the first migration on, so that later ones can drop them on both engines."""

BigId = BigInteger().with_variant(Integer(), "sqlite")
"""Ids: 64 bits on both; SQLite only numbers a column by itself when its type is INTEGER."""


AnyRow = Row[*tuple[Any, ...]]
"""A row of whatever columns were asked for."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant. SQLite has no zones: it is stored there as naive UTC, and comes back aware all the same."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        """To SQLite as text at once, in its dialect's form: by way of the dialect it takes three times as long."""
        return _as_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _in_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("an instant must be aware")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _as_text(value: datetime | None) -> str | None:
    return None if value is None else _in_utc(value).replace(tzinfo=None).isoformat(" ", "microseconds")


class Base(SQLModel):
    """The root of all tables; their classes and this metadata never leave `dialer.storage`."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


def table_of(model: type[Base]) -> Table:
    """The Core table behind a model: hot paths speak Core, not the ORM."""
    table: Any = vars(model).get("__table__")
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is not a table")
    return table
