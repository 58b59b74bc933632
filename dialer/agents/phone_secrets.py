"""The secrets of collectors' phones in memory: a REGISTER is answered in the turn of the loop in which it arrives."""

import asyncio
import logging
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from dialer.errors import StorageError
from dialer.model.account import Account, SipCredentials

logger = logging.getLogger(__name__)

REFRESH_S = 5.0
"""A new phone can register, and a changed password binds, this long after it was stored."""
READ_LIMIT_S = 10.0


class Accounts(Protocol):
    """Where the secrets are kept."""

    async def all(self) -> Sequence[Account]: ...

    async def sip_credentials(self, user: str) -> SipCredentials | None: ...


class PhoneSecrets:
    """Used as `async with`; `lookup` is what the registrar asks."""

    def __init__(self, accounts: Accounts, realm: str) -> None:
        self._accounts = accounts
        self._realm = realm
        self._known: dict[str, SipCredentials] = {}
        self._tasks = asyncio.TaskGroup()
        self._refresher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.refresh()
        await self._tasks.__aenter__()
        self._refresher = self._tasks.create_task(self._refresh_for_ever(), name="phone secrets")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._refresher is not None:
            self._refresher.cancel()
        await self._tasks.__aexit__(None, None, None)

    def lookup(self, user: str, algorithm: str) -> str | None:
        """HA1 of a phone's account in this realm, for "MD5" or "SHA-256"; None without one."""
        known = self._known.get(user)
        if known is None or known.realm != self._realm:
            return None
        return known.ha1_sha256 if algorithm.upper().startswith("SHA-256") else known.ha1_md5

    async def _refresh_for_ever(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                async with asyncio.timeout(READ_LIMIT_S):
                    await self.refresh()
            except (StorageError, TimeoutError):
                logger.exception("phone accounts not read", extra={"action": "phone_secrets"})

    async def refresh(self) -> None:
        """Reads all accounts now. Raises StorageError."""
        users = [account.sip_user for account in await self._accounts.all() if account.active and account.sip_user]
        found = [await self._accounts.sip_credentials(user) for user in users]
        self._known = {credentials.user: credentials for credentials in found if credentials is not None}
