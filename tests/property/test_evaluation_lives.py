"""Scorers, a collector, reviewers and time in any order: what is final stays, and what is blind is not seen.

What must hold is stated here once more, in words that know nothing of how it is done.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.errors import InputError
from dialer.model.evaluation import Evaluation, EvaluationConflictError, EvaluationFilter, Sees, Step, Viewer
from dialer.model.quality_work import WorkFilter, WorkState
from dialer.storage import Storage
from dialer.storage.crypto import Cipher
from dialer.storage.memory import MemoryDatabase
from recording.review.evaluation_state import EvaluationState
from recording.review.scoring import score
from tests.support.recordings import new_recording
from tests.support.scorecards import GOOD, SMALL
from tests.support.scored_calls import ScoredCalls, scored_calls
from tests.support.set_clock import SetClock
from tests.support.storage import KEY, MONDAY

SCORERS = ("li", "wang", "sun")
EVERYTHING = Viewer(0, Sees.ALL)
DRAFT, SUBMITTED, FINAL = EvaluationState.DRAFT, EvaluationState.SUBMITTED, EvaluationState.FINAL
ENDED = (FINAL, EvaluationState.WITHDRAWN)
BAD = GOOD | {"tone": "1", "facts": None}
names = count()


class Life:
    """One recording of Ann's, and everything that happens to it."""

    def __init__(self, calls: ScoredCalls, recording_id: str) -> None:
        self.calls, self.recording_id, self.now = calls, recording_id, MONDAY
        self.ended: dict[int, Evaluation] = {}
        self.evaluations = calls.storage.evaluations

    async def all(self) -> list[Evaluation]:
        return list(await self.evaluations.find(EVERYTHING, EvaluationFilter(self.recording_id)))[::-1]

    async def seen(self, who: str, sees: Sees) -> set[int]:
        viewer = Viewer(self.calls.people[who].account_id, sees)
        return {one.evaluation_id for one in await self.evaluations.find(viewer, EvaluationFilter(self.recording_id))}

    async def do(self, action: str, who: str, nth: int) -> None:
        """One try; whatever does not fit is refused."""
        found = await self.all()
        try:
            if action == "begin":
                await self.evaluations.begin(self.recording_id, self.calls.version_id, self.calls.people[who], self.now)
            elif action == "wait":
                self.now += timedelta(days=nth + 1)
                await self.evaluations.close_unanswered(self.now)
            elif action == "skip":
                await self.skip(nth)
            elif found:
                evaluation = found[nth % len(found)]
                own = next(name for name in SCORERS if self.calls.people[name].account_id == evaluation.scorer_id)
                await self.step(action, self.calls.step(evaluation, own if action in OF_SCORERS else who), nth)
        except (EvaluationConflictError, InputError):
            assert await self.all() == found

    async def step(self, action: str, step: Step, nth: int) -> None:
        steps: dict[str, Callable[[], Awaitable[Evaluation]]] = {
            "save": lambda: self.evaluations.save(step, (GOOD, BAD, {})[nth % 3], "", self.now),
            "submit": lambda: self.evaluations.submit(step, self.now),
            "withdraw": lambda: self.evaluations.withdraw(step, self.now),
            "acknowledge": lambda: self.evaluations.acknowledge(step, "", self.now),
            "dispute": lambda: self.evaluations.dispute(step, "no", (), self.now),
            "take": lambda: self.evaluations.take(step, self.now),
            "give_back": lambda: self.evaluations.give_back(step, self.now),
            "uphold": lambda: self.evaluations.uphold(step, "so", self.now),
            "revise": lambda: self.evaluations.revise(step, BAD, "otherwise", self.now),
        }
        await steps[action]()

    async def items(self) -> list[int]:
        pending = await self.calls.storage.qa_work.find(WorkFilter(states=frozenset({WorkState.OPEN, WorkState.TAKEN})))
        return sorted(item.work_id for item in pending if item.subject == self.recording_id)

    async def skip(self, nth: int) -> None:
        for work_id in (await self.items())[nth % 2 : nth % 2 + 1]:
            await self.calls.storage.qa_work.skip(work_id, "ill", "Sun", self.now)

    async def check(self) -> None:
        found = await self.all()
        for one in found:
            await self._check_one(one)
        await self._check_state([one for one in found if one.counts and one.state is not EvaluationState.WITHDRAWN])
        for who in SCORERS:
            own = {one.evaluation_id for one in found if one.scorer_id == self.calls.people[who].account_id}
            shown = {one.evaluation_id for one in found if one.revealed_at is not None}
            is_blind = any(one.evaluation_id in own and one.round_id and one.revealed_at is None for one in found)
            others = await self.seen(who, Sees.REVEALED) - own
            assert others <= shown - own
            assert not (is_blind and await self._round_is_open(found) and others)
        of_ann = {one.evaluation_id for one in found if one.counts and one.revealed_at is not None}
        assert await self.seen("ann", Sees.OWN_CALLS) == of_ann
        assert await self.seen("bo", Sees.OWN_CALLS) == set()

    async def _round_is_open(self, found: list[Evaluation]) -> bool:
        rounds = [await self.calls.storage.scoring_rounds.get(one.round_id) for one in found if one.round_id]
        return any(one is not None and one.revealed_at is None for one in rounds)

    async def _check_one(self, one: Evaluation) -> None:
        """Its history is whole, its score is that of its answers, and what has ended stays."""
        history = await self.evaluations.history(one.evaluation_id)
        assert [change.revision for change in history] == list(range(1, one.revision + 1))
        last = history[-1]
        assert (last.state, last.answers, last.score_bp) == (one.state, one.answers, one.score_bp)
        assert one.score_bp == score(SMALL, one.answers).basis_points
        assert (one.final_at is not None) == (one.state is FINAL) == (one.ending != "")
        if one.revealed_at is None:
            assert one.state in (DRAFT, SUBMITTED, EvaluationState.WITHDRAWN)
        if one.state in ENDED:
            assert self.ended.setdefault(one.evaluation_id, one) == one

    async def _check_state(self, own: list[Evaluation]) -> None:
        """The collector has one evaluation at most, and the recording says how far it is."""
        assert len(own) <= 1
        state = await self.calls.qa_state(self.recording_id)
        if not own:
            assert state == ("assigned" if await self.items() else "")
        elif own[0].revealed_at is None:
            assert state == "assigned"
        else:
            disputed = dict.fromkeys((EvaluationState.DISPUTED, EvaluationState.IN_REVIEW), "disputed")
            assert state == ({SUBMITTED: "scored", FINAL: "final"} | disputed)[own[0].state]


OF_SCORERS = ("save", "submit", "withdraw")
OF_REVIEWERS = ("take", "give_back", "uphold", "revise")
OF_COLLECTORS = ("acknowledge", "dispute")
tries = st.one_of(
    st.tuples(st.sampled_from(("begin", *OF_SCORERS, *OF_REVIEWERS)), st.sampled_from(SCORERS), st.integers(0, 5)),
    st.tuples(st.sampled_from(OF_COLLECTORS), st.just("ann"), st.integers(0, 5)),
    st.tuples(st.sampled_from(("wait", "skip")), st.just("sun"), st.integers(0, 5)),
)
scorings = st.tuples(st.sampled_from(SCORERS), st.integers(0, 1)).map(
    lambda drawn: [("begin", drawn[0], 0), ("save", drawn[0], drawn[1]), ("submit", drawn[0], drawn[1])]
)
lives = st.tuples(st.lists(scorings, max_size=2), st.lists(tries, max_size=12)).map(
    lambda drawn: [*(step for of_one in drawn[0] for step in of_one), *drawn[1]]
)


@pytest.fixture(scope="module")
def house() -> Iterator[tuple[asyncio.Runner, ScoredCalls]]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        storage = Storage(MemoryDatabase(), Cipher(KEY), SetClock())
        runner.run(stack.enter_async_context(storage))
        yield runner, runner.run(scored_calls(storage))
        runner.run(stack.aclose())


@pytest.mark.allow_blocking  # a database in memory works in the loop itself
@given(st.booleans(), lives)
@settings(max_examples=30, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_life_keeps_to_the_rules(
    house: tuple[asyncio.Runner, ScoredCalls], in_pair: bool, steps: list[tuple[str, str, int]]
) -> None:
    runner, calls = house

    async def live() -> None:
        of_ann = await calls.storage.recordings.get("r1")
        assert of_ann is not None
        life = Life(calls, f"life-{next(names)}")
        await calls.storage.recordings.add(new_recording(life.recording_id, of_ann.attempt_id, MONDAY), None, MONDAY)
        if in_pair:
            await calls.open_pair(life.recording_id, "li", "wang")
        for step in steps:
            await life.do(*step)
            await life.check()

    runner.run(live())
