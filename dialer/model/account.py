"""Who may use the service: accounts of people, tokens of people and programs, and the log of what they did."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Role(str, Enum):
    """What someone is allowed to do; the API's table of permissions says which role may do what."""

    COLLECTOR = "collector"
    SUPERVISOR = "supervisor"
    QA = "qa"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    INTEGRATION = "integration"


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account. A collector's `account_id` is the `agent_id`; `sip_user` is empty without a phone.

    `email` is what an OpenID provider may know them by; empty: nobody said it.
    """

    account_id: int
    login: str
    name: str
    role: Role
    skills: frozenset[str] = frozenset()
    sip_user: str = ""
    active: bool = True
    email: str = ""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as anyone may see it again: its secret is shown once, when it is made. `account_id` None: a program's."""

    token_id: int
    name: str
    role: Role
    created_at: datetime
    account_id: int | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class LogInWay(str, Enum):
    """How somebody proved who they are."""

    PASSWORD = "password"  # noqa: S105 - a word, not one
    OIDC = "oidc"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who logged in, from the address `remote`. `seen_at` is when the session was last used, to the minute."""

    session_id: int
    account: Account
    opened_at: datetime
    seen_at: datetime
    remote: str = ""
    log_in: LogInWay = LogInWay.PASSWORD


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at an OpenID provider: `subject` is given to nobody else there (OpenID Connect Core §2)."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something sensitive that was read or changed: by whom, what, and from which address."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: str = ""
    remote: str = ""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries of the audit log; None: any. `since` is included, `until` is not.

    `actor` as it was recorded, or by the id: `account/12` (tokens of that person, too), `token/7`.
    """

    subject: str | None = None
    actor: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SipCredentials:
    """A phone's account. HA1 = H(user ":" realm ":" password) in hex, per algorithm (RFC 7616 §3.4.2)."""

    user: str
    realm: str
    ha1_md5: str
    ha1_sha256: str


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to store; `password_hash` is an argon2id hash made by the caller, empty: no password opens it."""

    login: str
    name: str
    role: Role
    password_hash: str
    skills: frozenset[str] = frozenset()
    sip: SipCredentials | None = None
    email: str = ""
