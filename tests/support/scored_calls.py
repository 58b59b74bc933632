"""Calls to be scored, over a storage: accounts, recordings of collectors' calls, and a frozen form."""

from dataclasses import dataclass
from datetime import datetime

from dialer.model.account import NewAccount, Role
from dialer.model.evaluation import Evaluation, Person, Step
from dialer.model.quality_work import NewWork, Purpose, WorkItem, WorkKind
from dialer.storage import Storage
from recording.review.scoring import Answers
from tests.support.kept import ended_calls
from tests.support.recordings import new_recording
from tests.support.scorecards import GOOD, SMALL
from tests.support.storage import MINUTE, MONDAY

PEOPLE = {
    "ann": Role.COLLECTOR,
    "bo": Role.COLLECTOR,
    "li": Role.QA,
    "wang": Role.QA,
    "sun": Role.SUPERVISOR,
    "eve": Role.AUDITOR,
}


@dataclass(frozen=True)
class ScoredCalls:
    """A recording of each of two collectors (`r1` Ann's, `r2` Bo's), `r0` without one; people by log-in; the form."""

    storage: Storage
    people: dict[str, Person]
    version_id: int

    def step(self, evaluation: Evaluation, who: str) -> Step:
        return Step(evaluation.evaluation_id, evaluation.revision, self.people[who])

    async def begun(self, recording_id: str, who: str, now: datetime = MONDAY) -> Evaluation:
        return await self.storage.evaluations.begin(recording_id, self.version_id, self.people[who], now)

    async def submitted(
        self, recording_id: str, who: str, answers: Answers = GOOD, now: datetime = MONDAY
    ) -> Evaluation:
        draft = await self.begun(recording_id, who, now)
        saved = await self.storage.evaluations.save(self.step(draft, who), answers, "", now)
        return await self.storage.evaluations.submit(self.step(saved, who), now)

    async def qa_state(self, recording_id: str) -> str:
        info = await self.storage.recordings.get(recording_id)
        assert info is not None
        return info.qa_state

    async def open_pair(self, recording_id: str, *who: str, scorecard_id: int | None = None) -> list[WorkItem]:
        """A blind pair for these two."""
        opened = []
        for slot, one in enumerate(who, 1):
            work = NewWork(
                kind=WorkKind.RECORDING,
                subject=recording_id,
                purpose=Purpose.BLIND,
                due_at=MONDAY + 60 * MINUTE,
                reasons=(),
                slot=slot,
                scorecard_id=scorecard_id,
            )
            item = await self.storage.qa_work.open_for(work, self.people[one].account_id, MONDAY)
            assert item is not None
            opened.append(item)
        return opened


async def scored_calls(storage: Storage, at: datetime = MONDAY) -> ScoredCalls:
    """Makes them; the recordings begin `at`."""
    people = {}
    for login, role in PEOPLE.items():
        account = await storage.accounts.create(NewAccount(login, login.title(), role, "none"), MONDAY)
        people[login] = Person(account.account_id, login.title())
    agents = [None, people["ann"].account_id, people["bo"].account_id]
    for number, attempt in enumerate(await ended_calls(storage, agents)):
        await storage.recordings.add(new_recording(f"r{number}", attempt.attempt_id, at), None, at)
    scorecard = await storage.scorecards.create("collection", SMALL, "Sun", MONDAY)
    frozen = await storage.scorecards.freeze(scorecard.scorecard_id, 1, "Sun", MONDAY)
    assert frozen is not None
    return ScoredCalls(storage, people, frozen.version_id)
