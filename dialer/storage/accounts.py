"""Accounts, their phones, and API tokens. Only hashes of secrets are kept, all made by the caller."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, exists, select, update
from sqlalchemy.exc import IntegrityError

from dialer.errors import InputError
from dialer.model.account import Account, ApiToken, NewAccount, Role, SipCredentials
from dialer.model.agent import Agent
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_row
from dialer.storage.evaluation_leaving import leave_scoring
from dialer.storage.qa_work import MAY_SCORE
from dialer.storage.tables.base import AnyRow

accounts = tables.accounts
tokens = tables.tokens
sessions = tables.sessions


class Accounts:
    """The `accounts` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, account: NewAccount, now: datetime) -> Account:
        """Stores an account; InputError when its log-in or its phone is taken."""
        return await self._database.write(lambda connection: create_account(connection, account, now))

    async def get(self, account_id: int) -> Account | None:
        """The account, or None."""
        return await self._first(accounts.c.account_id == account_id)

    async def by_login(self, login: str) -> Account | None:
        """The account with this log-in, or None."""
        return await self._first(accounts.c.login == login)

    async def by_email(self, email: str) -> Account | None:
        """The account with this e-mail address, however it is capitalised, or None."""
        return await self._first(accounts.c.email == email.lower())

    async def password_hash(self, account_id: int) -> str | None:
        """The hash a log-in of an active account is checked against, or None."""
        query = select(accounts.c.password_hash).where(accounts.c.account_id == account_id, accounts.c.active)
        return await self._database.read(lambda connection: connection.execute(query).scalar())

    async def by_sip_user(self, user: str) -> Account | None:
        """The active account whose phone registers as `user`, or None."""
        return await self._first((accounts.c.sip_user == user) & accounts.c.active)

    async def sip_credentials(self, user: str) -> SipCredentials | None:
        """What a phone's registration is checked against, or None when no active account has this phone."""
        query = select(accounts).where(accounts.c.sip_user == user, accounts.c.active)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else SipCredentials(row.sip_user, row.sip_realm, row.sip_ha1_md5, row.sip_ha1_sha256)

    async def all(self) -> tuple[Account, ...]:
        """All accounts in the order of their log-ins."""
        query = select(accounts).order_by(accounts.c.login)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(account_of(row) for row in rows)

    async def agent(self, account_id: int) -> Agent | None:
        """The collector behind an active account, or None."""
        account = await self.get(account_id)
        if account is None or not account.active or account.role is not Role.COLLECTOR:
            return None
        return Agent(account.account_id, account.login, account.name, account.skills, account.sip_user)

    async def set_password(self, account_id: int, password_hash: str) -> None:
        """Replaces the password's hash; whoever was logged in with the old one is logged out."""

        def work(connection: Connection) -> None:
            mine = update(accounts).where(accounts.c.account_id == account_id)
            connection.execute(mine.values(password_hash=password_hash))
            connection.execute(delete(sessions).where(sessions.c.account_id == account_id))

        await self._database.write(work)

    async def set_skills(self, account_id: int, skills: frozenset[str]) -> None:
        """Replaces a collector's skills."""
        mine = update(accounts).where(accounts.c.account_id == account_id)
        known = mine.values(skills=_encode_skills(skills))
        await self._database.write(lambda connection: connection.execute(known))

    async def set_person(
        self,
        account_id: int,
        now: datetime,
        *,
        name: str | None = None,
        role: Role | None = None,
        email: str | None = None,
        sip: SipCredentials | None = None,
    ) -> None:
        """Changes who this is, all or nothing: None leaves as it is, a phone without a user is none any more.

        Tokens follow the role, and who may score no longer leaves nothing half scored. InputError: the e-mail or the
        phone's user is taken.
        """
        row: dict[str, str | None] = {} if name is None else {"name": name}
        if role is not None:
            row["role"] = role.value
        if email is not None:
            row["email"] = _stored_email(email)
        if sip is not None:
            row |= _sip_columns(sip if sip.user else None)
        mine = update(tokens).where(tokens.c.account_id == account_id)

        def work(connection: Connection) -> None:
            try:
                connection.execute(update(accounts).where(accounts.c.account_id == account_id).values(**row))
            except IntegrityError as error:
                raise InputError("the e-mail address or the phone's user name is taken") from error
            if role is not None:
                connection.execute(mine.values(role=role.value))
            if role is not None and role not in MAY_SCORE:
                leave_scoring(connection, account_id, now)

        if row:
            await self._database.write(work)

    async def set_active(self, account_id: int, active: bool, now: datetime) -> None:
        """Opens or closes an account; closing revokes its tokens and sessions, and ends what it left half scored."""

        def work(connection: Connection) -> None:
            connection.execute(update(accounts).where(accounts.c.account_id == account_id).values(active=active))
            if not active:
                mine = update(tokens).where(tokens.c.account_id == account_id, tokens.c.revoked_at.is_(None))
                connection.execute(mine.values(revoked_at=now))
                connection.execute(delete(sessions).where(sessions.c.account_id == account_id))
                leave_scoring(connection, account_id, now)

        await self._database.write(work)

    async def add_token(
        self,
        token_hash: str,
        name: str,
        role: Role,
        now: datetime,
        *,
        account_id: int | None = None,
        expires_at: datetime | None = None,
    ) -> ApiToken:
        """Stores the hash of a token (of high entropy: a plain SHA-256 does) and what it allows."""
        row = {
            "token_hash": token_hash,
            "name": name,
            "role": role.value,
            "account_id": account_id,
            "created_at": now,
            "expires_at": expires_at,
        }
        token_id = await self._database.write(lambda connection: insert_row(connection, tokens, row))
        return ApiToken(token_id, name, role, now, account_id, expires_at)

    async def token(self, token_hash: str, now: datetime) -> ApiToken | None:
        """The token behind a hash if it is valid now and its account is open, else None."""
        of_closed = exists().where(accounts.c.account_id == tokens.c.account_id, accounts.c.active.is_(False))
        query = select(tokens).where(
            tokens.c.token_hash == token_hash,
            tokens.c.revoked_at.is_(None),
            tokens.c.expires_at.is_(None) | (tokens.c.expires_at > now),
            ~of_closed,
        )
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else _token(row)

    async def tokens(self) -> tuple[ApiToken, ...]:
        """All tokens, revoked and expired ones too."""
        query = select(tokens).order_by(tokens.c.token_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_token(row) for row in rows)

    async def revoke_token(self, token_id: int, now: datetime) -> bool:
        """Ends a token at once; False when it was revoked already or never existed."""
        statement = update(tokens).where(tokens.c.token_id == token_id, tokens.c.revoked_at.is_(None))
        return await self._database.write(
            lambda connection: connection.execute(statement.values(revoked_at=now)).rowcount == 1
        )

    async def _first(self, condition: Any) -> Account | None:
        query = select(accounts).where(condition)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else account_of(row)


def create_account(connection: Connection, account: NewAccount, now: datetime) -> Account:
    """The same as `Accounts.create` within another transaction."""
    row = {
        "login": account.login,
        "name": account.name,
        "role": account.role.value,
        "password_hash": account.password_hash,
        "skills": _encode_skills(account.skills),
        "active": True,
        "created_at": now,
        "email": _stored_email(account.email),
        **_sip_columns(account.sip),
    }
    try:
        account_id = insert_row(connection, accounts, row)
    except IntegrityError as error:
        raise InputError(f"the log-in {account.login!r} or its phone's user name is taken, or the e-mail") from error
    user = account.sip.user if account.sip else ""
    email = account.email.lower()
    return Account(account_id, account.login, account.name, account.role, account.skills, user, email=email)


def _stored_email(email: str) -> str | None:
    """None for none: many have none, and each address belongs to one."""
    return email.lower() or None


def _sip_columns(sip: SipCredentials | None) -> dict[str, Any]:
    if sip is None:
        return {"sip_user": None, "sip_realm": "", "sip_ha1_md5": "", "sip_ha1_sha256": ""}
    return {
        "sip_user": sip.user,
        "sip_realm": sip.realm,
        "sip_ha1_md5": sip.ha1_md5,
        "sip_ha1_sha256": sip.ha1_sha256,
    }


def _encode_skills(skills: frozenset[str]) -> str:
    return msgspec.json.encode(sorted(skills)).decode()


def account_of(row: AnyRow) -> Account:
    """The account in a row of the table."""
    return Account(
        account_id=row.account_id,
        login=row.login,
        name=row.name,
        role=Role(row.role),
        skills=msgspec.json.decode(row.skills, type=frozenset[str]),
        sip_user=row.sip_user or "",
        active=row.active,
        email=row.email or "",
    )


def _token(row: AnyRow) -> ApiToken:
    return ApiToken(
        token_id=row.token_id,
        name=row.name,
        role=Role(row.role),
        account_id=row.account_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
