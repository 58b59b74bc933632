"""Who people are at an OpenID provider, and which of its answers were used up."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from dialer.errors import InputError
from dialer.model.account import Account, Identity, NewAccount
from dialer.storage import tables
from dialer.storage.accounts import account_of, create_account
from dialer.storage.database import Database
from dialer.storage.dialect import insert_missing

accounts = tables.accounts
identities = tables.identities
spent = tables.spent_log_ins


class Identities:
    """The `identities` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def account(self, identity: Identity) -> Account | None:
        """Whose it is, open or closed; None: nobody's yet."""
        query = (
            select(accounts)
            .join(identities, identities.c.account_id == accounts.c.account_id)
            .where(identities.c.issuer == identity.issuer, identities.c.subject == identity.subject)
        )
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else account_of(row)

    async def link(self, identity: Identity, account_id: int, now: datetime) -> bool:
        """Says whose it is from now on. False: it is somebody's, or the account is known there as somebody else."""
        return await self._database.write(lambda connection: _link(connection, identity, account_id, now))

    async def create(self, identity: Identity, new: NewAccount, now: datetime) -> Account:
        """An account that is opened by this identity; InputError when its log-in, e-mail or identity is taken."""

        def work(connection: Connection) -> Account:
            account = create_account(connection, new, now)
            if not _link(connection, identity, account.account_id, now):
                raise InputError("this identity is that of another account")
            return account

        return await self._database.write(work)

    async def unlink(self, account_id: int) -> int:
        """Forgets who somebody is at any provider: at how many they were known."""
        statement = delete(identities).where(identities.c.account_id == account_id)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount)

    async def spend(self, state_hash: str, now: datetime, expires_at: datetime) -> bool:
        """Uses up a log-in's one answer, on all nodes; False: it was used before. What is older is forgotten."""

        def work(connection: Connection) -> None:
            connection.execute(delete(spent).where(spent.c.expires_at < now))
            try:
                connection.execute(insert(spent), {"state_hash": state_hash, "expires_at": expires_at})
            except IntegrityError as error:
                raise InputError("used before") from error

        try:
            await self._database.write(work)
        except InputError:
            return False
        return True


def _link(connection: Connection, identity: Identity, account_id: int, now: datetime) -> bool:
    known = select(identities.c.account_id).where(
        identities.c.issuer == identity.issuer, identities.c.account_id == account_id
    )
    if connection.execute(known).first() is not None:
        return False
    row = {"issuer": identity.issuer, "subject": identity.subject, "account_id": account_id, "linked_at": now}
    insert_missing(connection, identities, [row])
    mine = known.where(identities.c.subject == identity.subject)
    return connection.execute(mine).first() is not None
