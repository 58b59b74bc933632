"""What somebody began in quality assurance and can end no more keeps nothing from the others, on both databases."""

from collections.abc import AsyncIterator

import pytest

from dialer.model.account import Role
from dialer.model.evaluation import Evaluation, EvaluationConflictError, NewCalibration, Sees, Viewer
from dialer.model.quality_work import NewWork, Purpose, WorkFilter, WorkItem, WorkKind, WorkState
from recording.review.evaluation_state import EvaluationState
from tests.support.scored_calls import ScoredCalls, scored_calls
from tests.support.storage import MINUTE, MONDAY, open_storage

HOUSE = "the house"


@pytest.fixture
async def calls(database_url: str) -> AsyncIterator[ScoredCalls]:
    async with open_storage(database_url) as storage:
        yield await scored_calls(storage)


async def given_out(calls: ScoredCalls, recording_id: str, who: str) -> WorkItem:
    due = MONDAY + MINUTE
    work = NewWork(kind=WorkKind.RECORDING, subject=recording_id, purpose=Purpose.SCORE, due_at=due, reasons=())
    item = await calls.storage.qa_work.open_for(work, calls.people[who].account_id, MONDAY)
    assert item is not None
    return item


async def now_is(calls: ScoredCalls, evaluation: Evaluation) -> tuple[EvaluationState, str, str]:
    """Its state, who brought it there, and the words to it."""
    found = await calls.storage.evaluations.get(Viewer(0, Sees.ALL), evaluation.evaluation_id)
    assert found is not None
    last = (await calls.storage.evaluations.history(evaluation.evaluation_id))[-1]
    return found.state, last.actor, last.words


async def closed(calls: ScoredCalls, who: str) -> None:
    await calls.storage.accounts.set_active(calls.people[who].account_id, False, MONDAY)


async def test_work_given_to_somebody_else_can_be_begun(calls: ScoredCalls) -> None:
    item = await given_out(calls, "r1", "li")
    draft, other = await calls.begun("r1", "li"), await calls.begun("r2", "li")
    with pytest.raises(EvaluationConflictError, match="not free"):
        await calls.begun("r1", "wang")
    queue, wang = calls.storage.qa_work, calls.people["wang"].account_id
    await queue.assign(item.work_id, calls.people["li"].account_id, "boss", MONDAY)
    assert (await now_is(calls, draft))[0] is EvaluationState.DRAFT  # given to whom it was given
    await queue.assign(item.work_id, wang, "boss", MONDAY)
    assert await now_is(calls, draft) == (EvaluationState.WITHDRAWN, HOUSE, "the work was given to somebody else")
    assert (await now_is(calls, other))[0] is EvaluationState.DRAFT
    assert await calls.qa_state("r1") == "assigned"
    assert (await calls.submitted("r1", "wang")).counts


async def test_half_of_a_pair_given_to_somebody_else_is_scored_and_revealed(calls: ScoredCalls) -> None:
    first, _ = await calls.open_pair("r1", "li", "wang")
    draft = await calls.begun("r1", "li")
    done = await calls.submitted("r1", "wang")
    await calls.storage.qa_work.assign(first.work_id, calls.people["sun"].account_id, "boss", MONDAY)
    assert (await now_is(calls, draft))[0] is EvaluationState.WITHDRAWN
    instead = await calls.submitted("r1", "sun")
    assert (done.counts, instead.counts) == (False, True)
    assert instead.revealed_at is not None


async def test_work_that_is_skipped_leaves_no_draft(calls: ScoredCalls) -> None:
    first, _ = await calls.open_pair("r1", "li", "wang")
    await calls.begun("r1", "li")
    done = await calls.submitted("r1", "wang")
    await calls.storage.qa_work.skip(first.work_id, "li is ill", "Sun", MONDAY)
    await calls.storage.evaluations.close_unanswered(MONDAY)
    assert (await now_is(calls, done))[0] is EvaluationState.FINAL


async def test_a_closed_account_leaves_its_scoring_to_others(calls: ScoredCalls) -> None:
    await given_out(calls, "r1", "li")
    drafts = [await calls.begun(recording_id, "li") for recording_id in ("r1", "r2")]
    await closed(calls, "li")
    for draft in drafts:
        assert await now_is(calls, draft) == (EvaluationState.WITHDRAWN, HOUSE, "its scorer left quality assurance")
    assert [await calls.qa_state(recording_id) for recording_id in ("r1", "r2")] == ["assigned", ""]
    item = await calls.storage.qa_work.next(calls.people["wang"].account_id, MONDAY)
    assert item is not None
    assert (item.subject, item.assigned_by) == ("r1", HOUSE)
    assert (await calls.submitted("r1", "wang")).counts


async def test_whoever_may_score_no_more_gives_reviews_back(calls: ScoredCalls) -> None:
    evaluations = calls.storage.evaluations
    scored = await calls.submitted("r1", "li")
    disputed = await evaluations.dispute(calls.step(scored, "ann"), "no", (), MONDAY)
    taken = await evaluations.take(calls.step(disputed, "wang"), MONDAY)
    wang = calls.people["wang"].account_id
    await calls.storage.accounts.set_person(wang, MONDAY, role=Role.SUPERVISOR)
    assert (await now_is(calls, taken))[0] is EvaluationState.IN_REVIEW
    await calls.storage.accounts.set_person(wang, MONDAY, role=Role.COLLECTOR)
    assert await now_is(calls, taken) == (EvaluationState.DISPUTED, HOUSE, "its reviewer left quality assurance")
    back = await evaluations.get(Viewer(0, Sees.ALL), taken.evaluation_id)
    assert back is not None
    assert (await evaluations.take(calls.step(back, "sun"), MONDAY)).state is EvaluationState.IN_REVIEW


async def test_a_seat_in_a_calibration_is_kept(calls: ScoredCalls) -> None:
    li = calls.people["li"].account_id
    new = NewCalibration(
        title="November",
        version_id=calls.version_id,
        leader_id=calls.people["sun"].account_id,
        scorer_ids=frozenset({li, calls.people["sun"].account_id}),
        recording_ids=frozenset({"r1"}),
        due_at=MONDAY + MINUTE,
    )
    await calls.storage.scoring_rounds.open(new, calls.people["sun"], MONDAY)
    draft = await calls.begun("r1", "li")
    await closed(calls, "li")
    assert (await now_is(calls, draft))[0] is EvaluationState.WITHDRAWN
    (kept,) = await calls.storage.qa_work.find(WorkFilter(assignee_id=li))
    assert (kept.state, kept.purpose) == (WorkState.OPEN, Purpose.CALIBRATION)
