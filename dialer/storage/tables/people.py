"""Accounts and how people log in, tokens, collectors' states and the audit log."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from dialer.storage.tables.base import Base, BigId, UtcDateTime, table_of


class AccountRow(Base, table=True):
    """Someone who may log in. Secrets are hashes: argon2 for the person, HA1 (RFC 7616 §3.4.2) for the phone."""

    __tablename__ = "accounts"
    __table_args__ = (Index("uq_accounts_email", "email", unique=True),)
    account_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    login: str = Field(unique=True)
    name: str
    role: str
    password_hash: str
    skills: str = ""
    sip_user: str | None = Field(default=None, unique=True)
    sip_realm: str = ""
    sip_ha1_md5: str = ""
    sip_ha1_sha256: str = ""
    active: bool = True
    created_at: datetime = Field(sa_type=UtcDateTime)
    email: str | None = None


class IdentityRow(Base, table=True):
    """Who somebody is at an OpenID provider; the pair never changes and is never given to anybody else there."""

    __tablename__ = "identities"
    __table_args__ = (Index(None, "account_id"),)
    issuer: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    account_id: int = Field(sa_type=BigId, foreign_key="accounts.account_id")
    linked_at: datetime = Field(sa_type=UtcDateTime)


class SpentLogInRow(Base, table=True):
    """A log-in by an OpenID provider whose answer came; kept for as long as it could come again."""

    __tablename__ = "spent_log_ins"
    __table_args__ = (Index(None, "expires_at"),)
    state_hash: str = Field(primary_key=True)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class TokenRow(Base, table=True):
    """An API token: only its hash is kept."""

    __tablename__ = "tokens"
    token_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    token_hash: str = Field(unique=True)
    name: str
    role: str
    account_id: int | None = Field(default=None, sa_type=BigId, foreign_key="accounts.account_id")
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SessionRow(Base, table=True):
    """Somebody who logged in and did not log out yet; of the session's secret only the hash is kept."""

    __tablename__ = "sessions"
    __table_args__ = (Index("uq_sessions_secret_hash", "secret_hash", unique=True), Index(None, "account_id"))
    session_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    secret_hash: str
    account_id: int = Field(sa_type=BigId, foreign_key="accounts.account_id")
    opened_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    remote: str = Field(default="", sa_column_kwargs={"server_default": ""})
    log_in: str = Field(default="password", sa_column_kwargs={"server_default": "password"})


class AgentChangeRow(Base, table=True):
    """One change of a collector's state, with its cause."""

    __tablename__ = "agent_changes"
    __table_args__ = (Index(None, "agent_id", "at"), Index(None, "at"))
    change_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    agent_id: int = Field(sa_type=BigId)
    at: datetime = Field(sa_type=UtcDateTime)
    old: str
    new: str
    cause: str
    campaign_id: int | None = Field(default=None, sa_type=BigId)
    attempt_id: int | None = Field(default=None, sa_type=BigId)


class AuditRow(Base, table=True):
    """Who read or changed something sensitive, when, and from where."""

    __tablename__ = "audit"
    __table_args__ = (
        Index(None, "at", "audit_id"),
        Index(None, "subject", "at", "audit_id"),
        Index(None, "actor", "at", "audit_id"),
        Index(None, "action", "at", "audit_id"),
    )
    audit_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str
    action: str
    subject: str
    detail: str = ""
    remote: str = ""


accounts = table_of(AccountRow)
identities = table_of(IdentityRow)
spent_log_ins = table_of(SpentLogInRow)
tokens = table_of(TokenRow)
sessions = table_of(SessionRow)
agent_changes = table_of(AgentChangeRow)
audit = table_of(AuditRow)
