"""Idempotency keys: which creating requests were taken, and what was answered.

A key is taken durably before its request is carried out, so that not even a kill in between lets it be carried out
twice. Keys and contents are kept as keyed digests and answers are sealed: all three may hold a number or a name.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Update, delete, insert, select, update

from dialer.model.idempotency import KeyState, KnownRequest, RequestKey
from dialer.storage import tables
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.dialect import lock

LIFETIME = timedelta(days=1)
"""How long a key is known."""
KEY_LOCK = b"idempotency"
ANSWER_PURPOSE = b"idempotent answer"

keys = tables.idempotency_keys


class Idempotency:
    """The `idempotency` part of the storage."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def begin(self, key: RequestKey, content: bytes, node: str, now: datetime) -> KnownRequest | None:
        """Takes the key for a request with this content; what is known of it when it was taken before.

        After None the request is this node's to carry out, and `finish`, `forget` or `interrupt` follows.
        """
        index = self._index(key)
        digest = self._cipher.keyed_digest(content, b"idempotent content")
        row = {
            "key_index": index,
            "digest": digest,
            "state": KeyState.UNDER_WAY.value,
            "node": node,
            "expires_at": now + LIFETIME,
            "status": 0,
            "answer": None,
        }

        def work(connection: Connection) -> KnownRequest | None:
            lock(connection, KEY_LOCK, index)
            connection.execute(delete(keys).where(keys.c.expires_at <= now))
            known = connection.execute(select(keys).where(keys.c.key_index == index)).first()
            if known is None:
                connection.execute(insert(keys), row)
                return None
            body = None if known.answer is None else self._cipher.open(known.answer, ANSWER_PURPOSE)
            return KnownRequest(known.digest == digest, KeyState(known.state), known.status, body)

        return await self._database.write(work)

    async def finish(self, key: RequestKey, status: int, body: bytes | None) -> None:
        """Keeps the answer; `body` None for one that holds a secret: that it was given is kept, not what it said."""
        answer = None if body is None else self._cipher.seal(body, ANSWER_PURPOSE)
        await self._change(self._taken(key).values(state=KeyState.ANSWERED.value, status=status, answer=answer))

    async def forget(self, key: RequestKey) -> None:
        """The request was refused: nothing was created, and the key is free again."""
        statement = delete(keys).where(keys.c.key_index == self._index(key))
        await self._database.write(lambda connection: connection.execute(statement))

    async def interrupt(self, key: RequestKey) -> None:
        """The request failed on our side: whether it created anything is not known."""
        await self._change(self._taken(key).values(state=KeyState.INTERRUPTED.value))

    async def recover(self, node: str) -> int:
        """At start: what a kill of this node left under way was interrupted; returns how many."""
        left = update(keys).where(keys.c.node == node, keys.c.state == KeyState.UNDER_WAY.value)
        return await self._change(left.values(state=KeyState.INTERRUPTED.value))

    def _index(self, key: RequestKey) -> bytes:
        return self._cipher.keyed_digest("\0".join((key.holder, key.operation, key.key)).encode(), b"idempotency key")

    def _taken(self, key: RequestKey) -> Update:
        return update(keys).where(keys.c.key_index == self._index(key), keys.c.state == KeyState.UNDER_WAY.value)

    async def _change(self, statement: Any) -> int:
        return await self._database.write(lambda connection: int(connection.execute(statement).rowcount))
