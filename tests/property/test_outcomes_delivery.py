"""Whatever failures a destination shows: every event is taken at last, and the events of a case in their order."""

import asyncio
import random
from collections import defaultdict
from types import TracebackType
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.clock import SystemClock
from dialer.model.outcome import OutboxEvent
from dialer.outcomes import delivery
from dialer.outcomes.delivery import Delivery
from dialer.outcomes.retries import Failure, FailureKind, RetryPolicy
from tests.support.outcomes import MemoryOutbox, first_hearings, make_events

AT_ONCE = RetryPolicy(first_delay_s=0.0, longest_delay_s=0.0, longest_retry_after_s=0.0)
TRIES = st.sampled_from(["take", "fail", "refuse", "take but fail", "crash", "take slowly"])


class ScriptedDestination:
    """Behaves by a script, then takes everything; "take but fail" is an answer lost on its way back."""

    name = "scripted"

    def __init__(self, script: list[str], concurrency: int) -> None:
        self.concurrency = concurrency
        self._script = script
        self.heard: dict[str, list[str]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def ready(self) -> None:
        return None

    async def send(self, event: OutboxEvent, body: bytes) -> Failure | None:
        step = self._script.pop() if self._script else "take"
        await asyncio.sleep(0.002 if step == "take slowly" else 0)
        if step.startswith("take"):
            self.heard[event.case_ref].append(event.event_id)
        match step:
            case "crash":
                raise RuntimeError("a bug in a destination")
            case "refuse":
                return Failure(FailureKind.REFUSED, "HTTP 404", 9.0)
            case "fail" | "take but fail":
                return Failure(FailureKind.TEMPORARY, "HTTP 503")
        return None


@settings(max_examples=60, deadline=None)
@given(
    script=st.lists(TRIES, max_size=40),
    cases=st.integers(1, 5),
    per_case=st.integers(1, 5),
    concurrency=st.integers(1, 6),
)
def test_every_event_is_taken_in_order_per_case(script: list[str], cases: int, per_case: int, concurrency: int) -> None:
    events = make_events(cases, per_case)
    destination = ScriptedDestination(script, concurrency)

    async def run() -> MemoryOutbox:
        outbox = MemoryOutbox.of(events)
        clock = SystemClock()
        async with Delivery(outbox, [destination], node="node1", clock=clock, chance=random.Random(1), policy=AT_ONCE):
            await outbox.drained()
        return outbox

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery, "POLL_S", 0.001)
        outbox = asyncio.run(run())
    assert not outbox.dead
    assert sorted(outbox.done) == sorted(event.sequence for event in events)
    for case in {event.case_ref for event in events}:
        expected = [event.event_id for event in events if event.case_ref == case]
        assert first_hearings(destination.heard[case]) == expected
        # Between two hearings of one event no other of its case was heard.
        assert destination.heard[case] == sorted(destination.heard[case], key=expected.index)
