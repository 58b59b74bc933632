"""Whom we may call: lists, contacts, their numbers, cases, and who must never be called."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from dialer.storage.tables.base import Base, BigId, UtcDateTime, table_of


class ListRow(Base, table=True):
    """An imported list. Its contacts are seen by nobody until `state` is ready."""

    __tablename__ = "lists"
    list_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    name: str
    state: str
    source: str
    node: str
    contact_count: int = 0
    phone_count: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)


class ContactRow(Base, table=True):
    """A contact. `regions` are ISO 3166 codes, with commas; `sealed` holds the name and the list's other columns."""

    __tablename__ = "contacts"
    __table_args__ = (Index(None, "list_id", "contact_id"), Index(None, "case_ref"), Index(None, "person_ref"))
    contact_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    list_id: int = Field(sa_type=BigId, foreign_key="lists.list_id")
    person_ref: str
    case_ref: str
    zone: str | None = None
    regions: str = ""
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class PhoneRow(Base, table=True):
    """A number of a contact: encrypted, with a keyed index to find it by."""

    __tablename__ = "phones"
    __table_args__ = (Index(None, "contact_id"), Index(None, "number_index"))
    phone_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    contact_id: int = Field(sa_type=BigId, foreign_key="contacts.contact_id")
    number_index: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    role: str
    rank: int


class CaseRow(Base, table=True):
    """What the case system says of a case; a case without a row is open. It outlives the lists that name it."""

    __tablename__ = "cases"
    case_ref: str = Field(primary_key=True)
    status: str
    changed_at: datetime = Field(sa_type=UtcDateTime)


class CaseChangeRow(Base, table=True):
    """One change of a case's status: what was known of it at any time."""

    __tablename__ = "case_changes"
    __table_args__ = (Index(None, "case_ref", "change_id"), Index(None, "at"))
    change_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    case_ref: str
    status: str
    at: datetime = Field(sa_type=UtcDateTime)
    source: str = ""


class DoNotCallRow(Base, table=True):
    """A number or a person that must not be called; removing keeps the row, with who and when."""

    __tablename__ = "do_not_call"
    __table_args__ = (Index(None, "number_index"), Index(None, "person_ref"))
    do_not_call_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    number_index: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    number_masked: str = ""
    person_ref: str | None = None
    source: str
    reason: str
    added_at: datetime = Field(sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    removed_by: str = ""


class ConsentRow(Base, table=True):
    """A consent or agreement of a person; withdrawing keeps the row. `case_ref` NULL: for all debts."""

    __tablename__ = "consents"
    __table_args__ = (Index(None, "person_ref"),)
    consent_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    person_ref: str
    case_ref: str | None = None
    kind: str
    given_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    source: str
    evidence: str = ""
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    withdrawn_by: str = ""


class InconvenienceRow(Base, table=True):
    """A time or a number a person named as inconvenient. `weekdays`: digits, 0 is Monday; empty: every day."""

    __tablename__ = "inconveniences"
    __table_args__ = (Index(None, "person_ref"),)
    inconvenience_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    person_ref: str
    number_index: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    number_masked: str = ""
    weekdays: str = ""
    from_minute: int | None = None
    to_minute: int | None = None
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    source: str
    reason: str = ""
    added_at: datetime = Field(sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    removed_by: str = ""


class StopRow(Base, table=True):
    """A stop that other nodes must hear of: whose unanswered calls end at once."""

    __tablename__ = "stops"
    __table_args__ = (Index(None, "at"),)
    stop_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    node: str
    reason: str
    person_ref: str | None = None
    case_ref: str | None = None
    number_index: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


lists = table_of(ListRow)
contacts = table_of(ContactRow)
phones = table_of(PhoneRow)
cases = table_of(CaseRow)
do_not_call = table_of(DoNotCallRow)
case_changes = table_of(CaseChangeRow)
consents = table_of(ConsentRow)
inconveniences = table_of(InconvenienceRow)
stops = table_of(StopRow)
