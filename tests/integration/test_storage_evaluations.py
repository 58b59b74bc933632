"""Evaluations on both databases: frozen forms, one life after another, and scorers who are blind to each other."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from dialer.errors import DialerError, InputError, StorageError
from dialer.model.evaluation import (
    AnswersError,
    Evaluation,
    EvaluationConflictError,
    EvaluationFilter,
    NewCalibration,
    Sees,
    Viewer,
)
from dialer.model.quality_work import NewWork, Purpose, WorkFilter, WorkKind, WorkState
from dialer.model.scorecard import VersionState
from dialer.storage.database import connect_to
from recording.review.calibration import compare
from recording.review.evaluation_state import EvaluationState
from recording.review.scorecard import digest, encode
from tests.support.scorecards import GOOD, SMALL, card, question
from tests.support.scored_calls import ScoredCalls, scored_calls
from tests.support.storage import MONDAY, open_storage

DAY = timedelta(days=1)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Nothing in these depends on the engine."""


@pytest.fixture
async def calls(database_url: str) -> AsyncIterator[ScoredCalls]:
    async with open_storage(database_url) as storage:
        yield await scored_calls(storage)


async def seen(calls: ScoredCalls, who: str, sees: Sees = Sees.REVEALED) -> list[int]:
    viewer = Viewer(calls.people[who].account_id, sees)
    return [one.evaluation_id for one in await calls.storage.evaluations.find(viewer, EvaluationFilter())]


async def test_a_frozen_version_stays_as_it_is(calls: ScoredCalls) -> None:
    forms = calls.storage.scorecards
    (info,) = await forms.all()
    frozen = info.current
    assert frozen is not None
    assert (frozen.number, frozen.digest, info.draft) == (1, digest(SMALL), None)
    other = card(question("only"))
    assert await forms.freeze(info.scorecard_id, 1, "Li", MONDAY) is None
    draft = await forms.save_draft(info.scorecard_id, 0, other, "Li", MONDAY)
    assert draft is not None
    assert (draft.state, draft.number, draft.revision) == (VersionState.DRAFT, 0, 1)
    for seen_revision in (0, 2):
        with pytest.raises(DialerError, match="is at revision 1, not"):
            await forms.save_draft(info.scorecard_id, seen_revision, SMALL, "Wang", MONDAY)
    second = await forms.freeze(info.scorecard_id, 1, "Li", MONDAY)
    assert second is not None
    assert (second.number, second.version_id) == (2, draft.version_id)
    assert await forms.version(frozen.version_id) == frozen
    await forms.save_draft(info.scorecard_id, 0, card(), "Li", MONDAY)
    with pytest.raises(InputError, match="section 1 has no questions"):
        await forms.freeze(info.scorecard_id, 1, "Li", MONDAY)
    retired = await forms.retire(frozen.version_id, "Sun", MONDAY)
    assert retired is not None
    assert retired.content == frozen.content
    with pytest.raises(InputError, match="is retired; name one that is frozen"):
        await calls.begun("r1", "li")
    with pytest.raises(InputError, match="a scorecard named collection"):
        await forms.create("collection", SMALL, "Li", MONDAY)


@on_sqlite
async def test_a_version_that_was_altered_is_not_scored_by(calls: ScoredCalls, database_url: str) -> None:
    async with connect_to(database_url) as database:
        softer = encode(card(question("only")))
        alter = text("UPDATE scorecard_versions SET content = :content").bindparams(content=softer)
        await database.write(lambda connection: connection.execute(alter))
    with pytest.raises(StorageError, match="version 1 of scorecard 1 was altered after it was frozen"):
        await calls.begun("r1", "li")


async def test_nothing_is_overwritten_unseen(calls: ScoredCalls) -> None:
    draft = await calls.begun("r1", "li")
    step = calls.step(draft, "li")
    evaluations = calls.storage.evaluations
    outcomes = await asyncio.gather(
        *(evaluations.save(step, {"tone": str(tone)}, "", MONDAY) for tone in (1, 2, 3)), return_exceptions=True
    )
    saved = [one for one in outcomes if isinstance(one, Evaluation)]
    refused = [one for one in outcomes if isinstance(one, EvaluationConflictError)]
    assert (len(saved), len(refused)) == (1, 2)
    history = await evaluations.history(draft.evaluation_id)
    assert [(one.event, one.actor, one.revision) for one in history] == [("begin", "Li", 1), ("save", "Li", 2)]
    assert history[-1].answers == saved[0].answers
    with pytest.raises(AnswersError) as caught:
        await evaluations.submit(calls.step(saved[0], "li"), MONDAY)
    assert "who: is not answered" in caught.value.problems


@on_sqlite
async def test_a_life_without_a_word_becomes_final(calls: ScoredCalls) -> None:
    evaluations = calls.storage.evaluations
    scored = await calls.submitted("r1", "li", GOOD | {"who": "other", "identity": "no"})
    assert (scored.state, scored.score_bp, scored.answers) == (
        EvaluationState.SUBMITTED,
        10_000,
        {key: value for key, value in (GOOD | {"who": "other"}).items() if key != "identity"},
    )
    assert (await calls.qa_state("r1"), scored.dispute_until) == ("scored", MONDAY + 7 * DAY)
    assert await evaluations.close_unanswered(MONDAY + 7 * DAY) == 0
    assert await evaluations.close_unanswered(MONDAY + 8 * DAY) == 1
    final = await evaluations.get(Viewer(0, Sees.REVEALED), scored.evaluation_id)
    assert final is not None
    assert (final.state, final.ending, await calls.qa_state("r1")) == (EvaluationState.FINAL, "unanswered", "final")
    for late in (evaluations.take, evaluations.withdraw, evaluations.submit):
        with pytest.raises(EvaluationConflictError, match="nothing changes it any more"):
            await late(calls.step(final, "sun"), MONDAY)


async def test_a_dispute_that_changes_the_score(calls: ScoredCalls) -> None:
    evaluations = calls.storage.evaluations
    scored = await calls.submitted("r1", "li", GOOD | {"threats": "yes"})
    assert (scored.score_bp, scored.fatal) == (0, ("threats",))
    with pytest.raises(EvaluationConflictError, match="are over"):
        await evaluations.dispute(calls.step(scored, "ann"), "no", (), MONDAY + 8 * DAY)
    with pytest.raises(InputError, match="no question of this form"):
        await evaluations.dispute(calls.step(scored, "ann"), "no", ("none",), MONDAY)
    disputed = await evaluations.dispute(calls.step(scored, "ann"), "I quoted him", ("threats",), MONDAY)
    assert await calls.qa_state("r1") == "disputed"
    taken = await evaluations.take(calls.step(disputed, "wang"), MONDAY)
    back = await evaluations.give_back(calls.step(taken, "wang"), MONDAY)
    taken = await evaluations.take(calls.step(back, "sun"), MONDAY)
    final = await evaluations.revise(calls.step(taken, "sun"), GOOD, "a quotation", MONDAY + DAY)
    assert final.dispute is not None
    assert (final.score_bp, final.passed, final.ending) == (10_000, True, "changed")
    assert (final.dispute.reviewer, final.dispute.decision) == ("Sun", "a quotation")
    history = await evaluations.history(final.evaluation_id)
    assert [one.event for one in history][2:] == ["submit", "dispute", "take", "give_back", "take", "change"]
    assert [one.score_bp for one in history][2:] == [0, 0, 0, 0, 0, 10_000]
    assert await evaluations.close_unanswered(MONDAY + 99 * DAY) == 0


async def test_a_recording_has_one_scoring_of_its_own(calls: ScoredCalls) -> None:
    begun = await asyncio.gather(*(calls.begun("r1", who) for who in ("li", "wang", "sun")), return_exceptions=True)
    (draft,) = (one for one in begun if isinstance(one, Evaluation))
    assert {str(one) for one in begun if isinstance(one, EvaluationConflictError)} == {
        "this recording is not free to be scored by this form"
    }
    (scorer,) = (name for name, person in calls.people.items() if person.account_id == draft.scorer_id)
    with pytest.raises(EvaluationConflictError, match=f"begun to: evaluation {draft.evaluation_id}"):
        await calls.begun("r1", scorer)
    assert await calls.qa_state("r1") == "assigned"
    await calls.storage.evaluations.withdraw(calls.step(draft, scorer), MONDAY)
    assert await calls.qa_state("r1") == ""
    await calls.begun("r1", "sun")
    with pytest.raises(EvaluationConflictError, match="of their own"):
        await calls.begun("r1", "ann")
    filed = await calls.submitted("r0", "li")
    assert (filed.state, filed.ending, await calls.qa_state("r0")) == (EvaluationState.FINAL, "filed", "final")


@on_sqlite
async def test_what_cannot_be_heard_is_not_scored(calls: ScoredCalls, database_url: str) -> None:
    draft = await calls.begun("r1", "li")
    async with connect_to(database_url) as database:
        deleted = text("UPDATE recordings SET state = 'deleted'")
        await database.write(lambda connection: connection.execute(deleted))
    with pytest.raises(EvaluationConflictError, match="nothing to hear"):
        await calls.begun("r2", "li")
    saved = await calls.storage.evaluations.save(calls.step(draft, "li"), GOOD, "", MONDAY)
    submitted = await calls.storage.evaluations.submit(calls.step(saved, "li"), MONDAY)
    assert submitted.score_bp == 10_000  # it was heard while it was there


async def test_a_blind_pair_sees_nothing_of_each_other(calls: ScoredCalls) -> None:
    await calls.open_pair("r1", "li", "wang")
    with pytest.raises(EvaluationConflictError, match="is not free"):
        await calls.begun("r1", "sun")
    first = await calls.submitted("r1", "li")
    assert first.revealed_at is None
    assert await calls.qa_state("r1") == "assigned"
    assert await seen(calls, "wang") == await seen(calls, "sun") == []
    assert await seen(calls, "ann", Sees.OWN_CALLS) == []
    assert await seen(calls, "li") == await seen(calls, "eve", Sees.ALL) == [first.evaluation_id]
    second = await calls.submitted("r1", "wang", GOOD | {"tone": "1"}, MONDAY + DAY)
    assert (second.state, second.counts, second.ending) == (EvaluationState.FINAL, False, "filed")
    assert await calls.qa_state("r1") == "scored"
    assert await seen(calls, "sun") == await seen(calls, "li") == [second.evaluation_id, first.evaluation_id]
    assert await seen(calls, "ann", Sees.OWN_CALLS) == [first.evaluation_id]
    shown = await calls.storage.evaluations.get(Viewer(0, Sees.REVEALED), first.evaluation_id)
    assert shown is not None
    assert shown.dispute_until == MONDAY + 8 * DAY  # counted from when it could be seen
    (pair,) = await calls.storage.scoring_rounds.find(None)
    report = compare(SMALL, await calls.storage.scoring_rounds.scorings(pair.round_id), None)
    assert report.score_spread_bp == 2000


async def test_of_two_who_submit_at_once_one_reveals(calls: ScoredCalls) -> None:
    await calls.open_pair("r1", "li", "wang")
    drafts = {who: await calls.begun("r1", who) for who in ("li", "wang")}
    evaluations = calls.storage.evaluations
    saved = {who: await evaluations.save(calls.step(one, who), GOOD, "", MONDAY) for who, one in drafts.items()}
    await asyncio.gather(*(evaluations.submit(calls.step(one, who), MONDAY) for who, one in saved.items()))
    assert len(await seen(calls, "sun")) == 2
    assert await calls.qa_state("r1") == "scored"


@on_sqlite
async def test_a_pair_of_which_one_half_is_skipped_is_revealed(calls: ScoredCalls) -> None:
    _, other = await calls.open_pair("r1", "li", "wang")
    first = await calls.submitted("r1", "li")
    await calls.storage.qa_work.skip(other.work_id, "ill", "Sun", MONDAY)
    await calls.storage.evaluations.close_unanswered(MONDAY)
    assert await seen(calls, "sun") == [first.evaluation_id]


@on_sqlite
async def test_a_supervisor_closes_a_pair_that_nobody_finishes(calls: ScoredCalls) -> None:
    await calls.open_pair("r1", "li", "wang")
    done, draft = await calls.submitted("r1", "li"), await calls.begun("r1", "wang")
    (pair,) = await calls.storage.scoring_rounds.find(None)
    assert await calls.storage.scoring_rounds.find(calls.people["wang"].account_id) == ()
    await calls.storage.scoring_rounds.close(pair.round_id, calls.people["sun"], MONDAY)
    assert await seen(calls, "sun") == [done.evaluation_id]
    withdrawn = await calls.storage.evaluations.get(Viewer(0, Sees.ALL), draft.evaluation_id)
    assert withdrawn is not None
    assert withdrawn.state is EvaluationState.WITHDRAWN
    assert await calls.storage.qa_work.find(WorkFilter(states=frozenset({WorkState.OPEN}))) == ()
    with pytest.raises(EvaluationConflictError, match="is not free"):
        await calls.begun("r1", "wang")


@on_sqlite
async def test_what_is_given_out_says_by_which_form(calls: ScoredCalls) -> None:
    other = await calls.storage.scorecards.create("other", card(question("only")), "Sun", MONDAY)
    frozen = await calls.storage.scorecards.freeze(other.scorecard_id, 1, "Sun", MONDAY)
    assert frozen is not None
    await calls.open_pair("r1", "li", "wang", scorecard_id=other.scorecard_id)
    with pytest.raises(EvaluationConflictError, match="by another scorecard"):
        await calls.begun("r1", "li")
    begun = await calls.storage.evaluations.begin("r1", None, calls.people["li"], MONDAY)
    assert begun.version_id == frozen.version_id
    with pytest.raises(InputError, match="name a version"):
        await calls.storage.evaluations.begin("r2", None, calls.people["li"], MONDAY)


async def test_a_calibration_is_blind_until_it_is_closed(calls: ScoredCalls) -> None:
    rounds, people = calls.storage.scoring_rounds, calls.people
    earlier = await calls.submitted("r1", "li")
    scorers = frozenset(people[who].account_id for who in ("wang", "li"))
    asked = NewCalibration(
        title="July",
        version_id=calls.version_id,
        leader_id=people["sun"].account_id,
        scorer_ids=scorers,
        recording_ids=frozenset({"r1", "r2"}),
        due_at=MONDAY + DAY,
    )
    calibration = await rounds.open(asked, people["sun"], MONDAY)
    assert calibration.scorer_ids == tuple(sorted({*scorers, people["sun"].account_id}))
    pending = await calls.storage.qa_work.find(WorkFilter(states=frozenset({WorkState.OPEN})))
    assert len(pending) == 6
    assert await seen(calls, "wang") == []  # not even what was scored before
    await calls.submitted("r2", "sun")
    tone = await calls.submitted("r2", "wang", GOOD | {"tone": "3"})
    draft = await calls.begun("r1", "wang")
    assert tone.revealed_at is None
    assert await calls.qa_state("r2") == "assigned"
    assert await rounds.scorings(calibration.round_id) == ()
    closed = await rounds.close(calibration.round_id, people["sun"], MONDAY + DAY)
    assert closed is not None
    assert closed.submitted == tuple(sorted((people[who].account_id, 1) for who in ("wang", "sun")))
    assert await calls.storage.qa_work.find(WorkFilter(states=frozenset({WorkState.OPEN}))) == ()
    report = compare(SMALL, await rounds.scorings(calibration.round_id), closed.leader_id)
    (of_wang,) = (one for one in report.scorers if one.scorer_id == people["wang"].account_id)
    assert (of_wang.bias_bp, of_wang.fatal_missed) == (-1000, 0)
    assert earlier.evaluation_id in await seen(calls, "wang")
    with pytest.raises(EvaluationConflictError, match="at revision 2, not at 1"):
        await calls.storage.evaluations.submit(calls.step(draft, "wang"), MONDAY)
    with pytest.raises(DialerError, match="closed already"):
        await rounds.close(calibration.round_id, people["sun"], MONDAY)
    assert await calls.qa_state("r2") == ""  # a comparison is not the collector's


async def test_a_calibration_does_no_other_work_with_its_recordings(calls: ScoredCalls) -> None:
    people, work = calls.people, calls.storage.qa_work
    li, wang = (people[who].account_id for who in ("li", "wang"))
    for one in ("r1", "r2"):
        once = NewWork(kind=WorkKind.RECORDING, subject=one, purpose=Purpose.SCORE, due_at=MONDAY + DAY, reasons=())
        assert await work.open_for(once, li, MONDAY) is not None
    asked = NewCalibration(
        title="July",
        version_id=calls.version_id,
        leader_id=wang,
        scorer_ids=frozenset({li}),
        recording_ids=frozenset({"r1", "r2"}),
        due_at=MONDAY + DAY,
    )

    async def done() -> set[tuple[Purpose, int | None]]:
        items = await work.find(WorkFilter(assignee_id=li, states=frozenset({WorkState.DONE})))
        return {(item.purpose, item.evaluation_id) for item in items}

    begun = await calls.begun("r1", "li")
    await calls.storage.scoring_rounds.open(asked, people["sun"], MONDAY)
    saved = await calls.storage.evaluations.save(calls.step(begun, "li"), GOOD, "", MONDAY)
    own = await calls.storage.evaluations.submit(calls.step(saved, "li"), MONDAY)
    did = {(Purpose.SCORE, own.evaluation_id)}
    assert await done() == did, "the calibration is still to do"
    for one in ("r1", "r2"):
        did.add((Purpose.CALIBRATION, (await calls.submitted(one, "li")).evaluation_id))
    assert await done() == did, "the score of r2 is still to be given"
    assert await calls.qa_state("r2") == "assigned"


@on_sqlite
async def test_a_calibration_names_what_will_not_do(calls: ScoredCalls) -> None:
    people, rounds = calls.people, calls.storage.scoring_rounds

    def asked(*who: str, recordings: tuple[str, ...] = ("r1",)) -> NewCalibration:
        return NewCalibration(
            title="x",
            version_id=calls.version_id,
            leader_id=people["sun"].account_id,
            scorer_ids=frozenset(people[one].account_id for one in who),
            recording_ids=frozenset(recordings),
            due_at=MONDAY,
        )

    for wrong, words in (
        (asked(), "two scorers at least"),
        (asked("ann"), "quality assurance or supervisors"),
        (asked("li", recordings=("r1", "r9")), "not there"),
    ):
        with pytest.raises(InputError, match=words):
            await rounds.open(wrong, people["sun"], MONDAY)
