"""The calls of this node: every attempt runs here, in one task group, and can be found and stopped here.

Campaign loops and collectors place their calls through `place`; both end in the same runner and the same gate. An
attempt that was not placed puts its entry back by itself.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import TracebackType
from typing import Self

from dialer.calls.order import CallOrder
from dialer.calls.pace_story import Observe
from dialer.calls.placing import NotPlaced
from dialer.calls.prompts import CallPrompts, with_script
from dialer.calls.runner import AttemptRunner
from dialer.calls.services import CallServices
from dialer.errors import ConfigError, DialerError, InputError, StorageError
from dialer.model.attempt import Disposition
from dialer.model.contact import PhoneRole
from dialer.storage.do_not_call import STOP_REASON

logger = logging.getLogger(__name__)

PUT_BACK_LIMIT_S = 10.0
SCRIPT_PAUSE = timedelta(seconds=10)
"""When a contact is tried again whose script could not be spoken for a reason that may pass, like a full disk."""

Ended = Callable[[AttemptRunner, "NotPlaced | Disposition"], None]


class NoNewCallsError(DialerError):
    """No new call may be placed now."""


class CallFloor:
    """Used as `async with`; leaving it ends every call that is still there, in order."""

    def __init__(self, services: CallServices, obstacle: Callable[[], str] = lambda: "") -> None:
        """`obstacle` names what forbids every new call just now (a full disk), "" when nothing does."""
        self.services = services
        self.obstacle = obstacle
        self._runners: dict[AttemptRunner, None] = {}  # in the order in which they were placed, as those of a campaign
        self._of_campaign: defaultdict[int, dict[AttemptRunner, None]] = defaultdict(dict)
        self._tasks = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in tuple(self._running):
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def __iter__(self) -> Iterator[AttemptRunner]:
        return iter(tuple(self._runners))

    def of_campaign(self, campaign_id: int) -> tuple[AttemptRunner, ...]:
        """The campaign's attempts under way, those not yet reserved included."""
        return tuple(self._of_campaign.get(campaign_id, ()))

    def find(self, attempt_id: int) -> AttemptRunner | None:
        """The attempt under way with this id."""
        return next((runner for runner in self._runners if runner.attempt_id == attempt_id), None)

    def place(
        self,
        order: CallOrder,
        prompts: CallPrompts,
        observe: Observe,
        *,
        on_end: Ended | None = None,
        cause: str = "",
    ) -> AttemptRunner:
        """Starts an attempt; returns before it is reserved. A dedicated collector is reserved first, with `cause`.

        Raises:
            NoNewCallsError: nothing may be placed now; the entry is still the caller's.
            AgentStateError: the dedicated collector cannot be reserved.
        """
        obstacle = self.obstacle()
        if obstacle:
            raise NoNewCallsError(f"no new calls: {obstacle}")
        runner = AttemptRunner(self.services, order, prompts, observe, self._on_objection)
        if order.agent_id is not None:
            runner.dedicate(order.agent_id, cause)
        self._runners[runner] = self._of_campaign[runner.campaign_id][runner] = None
        self._idle.clear()
        task = self._tasks.create_task(self._run(runner, on_end), name="attempt")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return runner

    def stop(
        self,
        reason: str,
        *,
        person_ref: str | None = None,
        case_ref: str | None = None,
        number: str | None = None,
        number_index: bytes | None = None,
    ) -> int:
        """Ends the unanswered calls to a person, of a case, or to a number; returns how many were told.

        The number in E.164, or as the database knows it (`Storage.number_index`).
        """
        if number is not None:
            number_index = self.services.storage.number_index(number)
        told = 0
        for runner in self:
            contact = runner.order.contact
            if (
                (person_ref is not None and contact.person_ref == person_ref)
                or (case_ref is not None and contact.case_ref == case_ref)
                or (number_index is not None and self._index_of(runner) == number_index)
            ):
                runner.stop(reason)
                told += 1
        return told

    def _index_of(self, runner: AttemptRunner) -> bytes:
        return self.services.storage.number_index(runner.order.phone.number)

    def _on_objection(self, runner: AttemptRunner) -> None:
        """A third party's objection covers that number alone."""
        contact, phone = runner.order.contact, runner.order.phone
        person_ref = contact.person_ref if phone.role is PhoneRole.OWN else ""
        self.stop(STOP_REASON, person_ref=person_ref or None, number=phone.number)

    async def wait_idle(self, timeout_s: float) -> bool:
        """Waits until no call is left; False when some still are after the time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def _run(self, runner: AttemptRunner, on_end: Ended | None) -> None:
        outcome: NotPlaced | Disposition = NotPlaced("the service stops", None)
        try:
            outcome = await self._prepared(runner)
            if isinstance(outcome, NotPlaced):
                await self._put_back(runner.order, outcome)
        except Exception:  # the edge of one attempt: no fault in its end may end another call
            logger.exception("attempt not ended in order", extra={"attempt_id": runner.attempt_id})
        finally:
            self._runners.pop(runner, None)
            self._of_campaign[runner.campaign_id].pop(runner, None)
            if not self._runners:
                self._idle.set()
            if on_end is not None:
                on_end(runner, outcome)

    async def _prepared(self, runner: AttemptRunner) -> NotPlaced | Disposition:
        """A reminder's script is spoken before anything else: who cannot be told anything is not called."""
        if runner.order.is_reminder:
            script = runner.order.campaign.settings.reminder_script
            try:
                prompts = await with_script(self.services.prompts, runner.prompts, script, runner.order.contact)
            except (ConfigError, InputError) as error:
                logger.warning("reminder not placed: %s", error, extra={"campaign_id": runner.campaign_id})
                return NotPlaced(str(error), None)
            except Exception as error:  # the edge of one attempt: no fault in here may end another call
                logger.exception("reminder not placed", extra={"campaign_id": runner.campaign_id})
                retry_at = self.services.clock.utcnow() + SCRIPT_PAUSE
                return NotPlaced(f"the script could not be spoken: {error or type(error).__name__}", retry_at)
            runner.prompts = prompts
        return await runner.run()

    async def _put_back(self, order: CallOrder, outcome: NotPlaced) -> None:
        logger.info(
            "not placed: %s",
            outcome.reason,
            extra={"action": "not_placed", "campaign_id": order.campaign.campaign_id, "rule": outcome.rule},
        )
        if order.entry_id is None:
            return
        try:
            async with asyncio.timeout(PUT_BACK_LIMIT_S):
                await self.services.storage.entries.put_back(order.entry_id, outcome.retry_at, outcome.reason)
        except (StorageError, TimeoutError):  # the lease runs out by itself
            logger.exception("entry not put back", extra={"campaign_id": order.campaign.campaign_id})
