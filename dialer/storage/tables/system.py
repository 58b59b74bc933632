"""What the database knows about itself."""

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field

from dialer.storage.tables.base import Base, table_of


class PropertyRow(Base, table=True):
    """A named property of the database, such as the value its key is checked by."""

    __tablename__ = "properties"
    name: str = Field(primary_key=True)
    value: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


properties = table_of(PropertyRow)
