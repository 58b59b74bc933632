"""Signs a node's chain of the ledger, and has its signed heads stamped.

Every `head_interval_s`, at the start and at the end, when something has been added: the places of the chains of proofs
are entered, so that every attempt and refusal is tied in; the entries since the last signature are followed from what
the node itself noted then, outside of the database; only a chain that goes on from there is signed. One that was cut,
rewritten or put back from a backup is not: `problem` says so, the log alarms, and calls go on.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dialer.clock import Clock
from dialer.config import Config
from dialer.errors import ConfigError, DialerError
from dialer.evidence import signing_key
from dialer.evidence.time_stamping import TimeStamping
from dialer.live import LiveBoard
from dialer.storage.ledger_reading import LedgerReading
from dialer.storage.ledger_signing import LedgerSigning
from recording.heads import Head, SignedHead, key_id_of, read_statement, sign_head
from recording.ledger import signing_key_facts
from recording.ledger_check import LedgerCheck, Trust, add_all

logger = logging.getLogger(__name__)

TURN_LIMIT_S = 120.0
"""For one signature with its stamp: longer than the database and the authority take to give up."""
CLOSE_LIMIT_S = 10.0
"""For the last signature at the orderly end."""
TOPIC = "ledger"
_ADVICE = "Nothing more is signed; see docs/evidence.md, “When a node refuses to sign”"


class LedgerBrokenError(DialerError):
    """The ledger in the database does not go on from what this node signed."""


class LedgerKeeper:
    """`async with` object of one node. Entering signs what is there (ConfigError: key, certificate; StorageError)."""

    def __init__(
        self, signing: LedgerSigning, reading: LedgerReading, config: Config, clock: Clock, board: LiveBoard
    ) -> None:
        self._signing = signing
        self._reading = reading
        self._config = config
        self._chain = config.node.name
        self._clock = clock
        self._board = board
        self._stamping = TimeStamping(config.evidence, clock)
        self._tasks = asyncio.TaskGroup()
        self._task: asyncio.Task[None] | None = None
        self._key: Ed25519PrivateKey | None = None
        self._signed: Head | None = None
        self._is_stored = False
        self._proofs: dict[str, int] = {}
        self.problem = ""
        """Why the ledger is not signed, in words; "": it is."""

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._prepare)
        await self._stamping.prepare()
        newest = await self._signing.newest(self._chain)
        await self._name_key(newest)
        self._resume(newest)
        await self._turn()
        await self._tasks.__aenter__()
        self._task = self._tasks.create_task(self._run(), name="ledger keeper")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
        await self._tasks.__aexit__(None, None, None)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._sign_safely()

    # ---- when

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._config.evidence.head_interval_s)
            await self._turn()

    async def _turn(self) -> None:
        try:
            async with asyncio.timeout(TURN_LIMIT_S):
                await self._sign_safely()
                await self._stamp()
        except TimeoutError:
            self._tell("signing took too long")

    async def _sign_safely(self) -> None:
        """The edge of one signature: whatever fails is told and tried again."""
        try:
            await self._sign(self._clock.utcnow())
        except DialerError as error:
            self._tell(str(error))
        except Exception:
            logger.exception("signing the ledger failed", extra={"action": "ledger", "chain": self._chain})
            self._tell("signing failed; the log says why")
        else:
            self._tell("")

    # ---- what

    def _prepare(self) -> None:
        self._key = signing_key.signing_key(self._config)
        signing_key.publish(self._config, self._key.public_key())
        self._signed = signing_key.signed_head(self._config)

    async def _name_key(self, newest: SignedHead | None) -> None:
        """A key that is new to the chain is entered in it, with the one it replaces."""
        key = self._own_key().public_key()
        said = None if newest is None else newest.said
        before = "" if said is None else said.key_id
        if before == key_id_of(key):
            return
        if before:
            facts = {"action": "ledger", "chain": self._chain, "old_key": before, "new_key": key_id_of(key)}
            logger.warning("the ledger is signed by another key from now on", extra=facts)
        await self._signing.name_key(self._chain, key_id_of(key), signing_key_facts(key, before), self._clock.utcnow())

    def _resume(self, newest: SignedHead | None) -> None:
        """Goes on from the last signed head: as this node noted it, or, without a note, as its own key vouches for."""
        if newest is None or not newest.is_by(self._own_key().public_key()):
            return
        head = read_statement(newest.statement).head
        self._signed = self._signed or head
        self._is_stored = self._signed == head

    async def _sign(self, now: datetime) -> None:
        """Signs the chain's head, unless it is signed already. Raises LedgerBrokenError, StorageError, ConfigError."""
        self._proofs = await self._signing.tie_proofs(self._chain, self._proofs, now)
        head = await self._signing.head(self._chain)
        if head is None or (head == self._signed and self._is_stored):
            return
        await self._follow(head)
        try:
            signed = sign_head(self._own_key(), head, now)
        except ValueError as error:
            raise ConfigError(f"node.name: {error}") from error
        # Noted first: a crash between the two leaves a note that the chain fits, and no signature nobody noted.
        await asyncio.to_thread(signing_key.note_head, self._config, head)
        self._signed, self._is_stored = head, False
        await self._signing.keep(read_statement(signed.statement), signed)
        self._is_stored = True
        facts = {"action": "ledger", "chain": self._chain, "sequence": head.sequence, "hash": head.hash}
        logger.info("ledger signed", extra=facts)

    async def _follow(self, head: Head) -> None:
        """Raises LedgerBrokenError unless the chain goes on from the last signed head to this one."""
        start = self._signed
        if start is not None and head.sequence < start.sequence:
            raise LedgerBrokenError(
                f"chain {self._chain} ends at entry {head.sequence}, but this node signed entry {start.sequence}: "
                f"entries were removed or an old backup was put back. {_ADVICE}"
            )
        after = 0 if start is None else start.sequence
        check = LedgerCheck(Trust({}, frozenset()), anchors=() if start is None else (start,))
        while entries := await self._reading.entries(self._chain, after, head.sequence):
            await asyncio.to_thread(add_all, check, entries)
            after = entries[-1].sequence
        report = check.finish([head])
        if not report.well:
            fault = report.faults[0]
            raise LedgerBrokenError(f"chain {fault.place}: {fault.words}. {_ADVICE}")

    async def _stamp(self) -> None:
        """Has the newest signed head stamped when it is time."""
        if self.problem or self._signed is None or not self._stamping.is_due:
            return
        newest = await self._signing.newest(self._chain)
        if newest is None or newest.stamp is not None:
            return
        answer = await self._stamping.stamp(newest.stamped)
        if answer is not None:
            await self._signing.keep_stamp(read_statement(newest.statement).head, answer)

    # ---- inside

    def _own_key(self) -> Ed25519PrivateKey:
        if self._key is None:
            raise RuntimeError("the ledger keeper was not entered")
        return self._key

    def _tell(self, problem: str) -> None:
        """An alarm when something new is wrong, a word when it is over; always a number to watch."""
        facts = {"action": "ledger", "chain": self._chain, "problem": problem or self.problem}
        if problem and problem != self.problem:
            logger.error("the ledger is not signed", extra=facts)
        elif self.problem and not problem:
            logger.info("the ledger is signed again", extra=facts)
        self.problem = problem
        said = {
            "unsigned": bool(problem),
            "problem": problem,
            "sequence": 0 if self._signed is None else self._signed.sequence,
            "stamp_failed": bool(self._stamping.problem),
        }
        self._board.publish(f"{TOPIC}/{self._chain}", said)
