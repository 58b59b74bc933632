"""What the database knows about itself, and about requests it was asked before."""

from datetime import datetime

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field

from dialer.storage.tables.base import Base, UtcDateTime, table_of


class PropertyRow(Base, table=True):
    """A named property of the database, such as the value its key is checked by."""

    __tablename__ = "properties"
    name: str = Field(primary_key=True)
    value: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class IdempotencyKeyRow(Base, table=True):
    """A creating request that carried a key. `answer` is sealed, and empty where it held a secret."""

    __tablename__ = "idempotency_keys"
    key_index: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: str
    node: str
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    status: int = 0
    answer: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


properties = table_of(PropertyRow)
idempotency_keys = table_of(IdempotencyKeyRow)
