"""The policy in force on this node: loaded at the start, changed while calls run, the strictest of old and new until
midnight.

Theory: a change binds every node at once, but what it replaced goes on binding until the next midnight (of the pack's
own zone), so that nobody can loosen a rule for the rest of a day. Every node puts its packs on record before it works
under them, and reads what all nodes put on record: what was put in force or replaced since midnight, by whomever,
retires beside its own packs. So neither a restart nor another node's configuration is a way around.

The registers (caller IDs, agencies) are not rules but facts: a new one counts at once.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from dialer.clock import Clock
from dialer.compliance.packs import load_policy, pack_from_content
from dialer.compliance.policy import Pack, Policy
from dialer.compliance.registry import RegisteredNumber, Registry
from dialer.compliance.retiring import with_what_retires
from dialer.config import Config
from dialer.errors import ConfigError, StorageError
from dialer.model.policy_change import PolicyChange
from dialer.storage.policies import Policies

logger = logging.getLogger(__name__)

POLL_S = 3.0
"""How often the other nodes' changes are read."""
LOOK_BACK = timedelta(hours=26)
"""No change is older whose local day still lasts: a day has at most 25 hours."""


def configured_policy(config: Config) -> Policy:
    """The packs, overrides and registers a configuration names (ConfigError with file, line and reason)."""
    numbers = tuple(
        RegisteredNumber(entry.number, entry.purposes, entry.agency, entry.valid_from, entry.valid_through)
        for entry in config.caller_ids
    )
    registry = Registry(numbers, frozenset(config.policy.agencies))
    return load_policy(config.policy.packs, config.policy.overrides, registry)


class PolicyKeeper:
    """Used as `async with`: entering loads the packs and reads what retires; raises ConfigError, StorageError."""

    def __init__(
        self, policies: Policies, clock: Clock, config: Config, reread: Callable[[], Config] | None = None
    ) -> None:
        """`reread` reads the configuration again (ConfigError); without it, `reload` reads the files it names again."""
        self._policies = policies
        self._clock = clock
        self._node = config.node.name
        self._reread = reread or (lambda: config)
        self._config = config
        self._known: dict[str, Pack] = {}
        self._policy: Policy | None = None
        self._turn = asyncio.Lock()
        self._hurry = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._polling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._adopt(self._config, "the node started")
        await self._tasks.__aenter__()
        self._polling = self._tasks.create_task(self._poll(), name="policy changes")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._polling is not None:
            self._polling.cancel()
        await self._tasks.__aexit__(None, None, None)

    @property
    def config(self) -> Config:
        """The configuration the policy was loaded from."""
        return self._config

    def current(self, now: datetime) -> Policy:
        """The policy to ask at `now`. A pack whose time to retire is over binds nobody; it is dropped soon after."""
        policy = self._in_force()
        if any(until <= now for _, until in policy.retiring):
            self._hurry.set()
        return policy

    async def reload(self, cause: str) -> Policy:
        """Reads configuration and files again; what changed is in force when this returns, beside what it replaces.

        Of the configuration, the policy and the caller IDs are taken over. Raises ConfigError (with file, line and
        reason) and StorageError; the running packs stay in force then.
        """
        async with self._turn:
            await self._adopt(await asyncio.to_thread(self._reread), cause)
            return self._in_force()

    # ---- inside

    def _in_force(self) -> Policy:
        if self._policy is None:
            raise RuntimeError("the policy keeper was not entered")
        return self._policy

    async def _adopt(self, config: Config, cause: str) -> None:
        """Works under what a configuration names from now on, once that is on record."""
        policy = await asyncio.to_thread(configured_policy, config)
        self._known |= {pack.sha256: pack for pack in policy.packs}
        now = self._clock.utcnow()
        packs = frozenset(pack.sha256 for pack in policy.packs)
        replaced = await self._policies.before(self._node)
        change = () if packs == replaced else (PolicyChange(self._node, now, packs, replaced),)
        policy = await self._with_what_retires(policy, now, change)
        await self._policies.record(self._node, policy, cause, now)
        self._policy, self._config = policy, config
        facts = {"action": "policy", "pack_hash": policy.pack_hash, "retiring": len(policy.retiring), "cause": cause}
        logger.info("policy in force", extra=facts)

    async def _poll(self) -> None:
        is_troubled = False
        while True:
            self._hurry.clear()
            try:
                async with asyncio.timeout(POLL_S):
                    await self._hurry.wait()
            except TimeoutError:
                pass
            try:
                await self._follow()
                is_troubled = False
            except (StorageError, ConfigError):  # what is in force stays so; the next turn asks again
                if not is_troubled:
                    logger.exception("changes of the policy not read", extra={"action": "policy"})
                is_troubled = True

    async def _follow(self) -> None:
        """Takes over what other nodes changed, and drops what has retired."""
        async with self._turn:
            now, policy = self._clock.utcnow(), self._in_force()
            after = await self._with_what_retires(policy, now)
            if after.retiring != policy.retiring:
                await self._policies.record(self._node, after, "packs began or ceased to retire", now)
                self._policy = after

    async def _with_what_retires(self, policy: Policy, now: datetime, more: tuple[PolicyChange, ...] = ()) -> Policy:
        """The policy beside what binds until midnight by the changes on record and `more`."""
        changes = (*await self._policies.changes(now - LOOK_BACK), *more)
        hashes = {sha256 for change in changes for sha256 in change.packs | change.replaced}
        wanted = hashes - self._known.keys()
        if wanted:
            stored = await self._policies.contents(wanted)
            if wanted - stored.keys():
                raise StorageError(f"the policy pack {min(wanted - stored.keys())} in force today is not on record")
            built = await asyncio.to_thread(lambda: [pack_from_content(text, key) for key, text in stored.items()])
            self._known |= {pack.sha256: pack for pack in built}
        return with_what_retires(policy, changes, self._known, now)
