"""The queue of quality assurance: shared out evenly, taken by one person each, done by scoring."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from dialer.compliance.policy import Policy
from dialer.errors import InputError
from dialer.model.account import Role
from dialer.model.evaluation import Evaluation, RoundKind
from dialer.model.quality_figures import FiguresFilter, Span
from dialer.model.quality_work import (
    NewDraw,
    NewWork,
    Purpose,
    WorkFilter,
    WorkItem,
    WorkKind,
    WorkState,
)
from dialer.storage import Storage, qa_figures, tables
from dialer.storage.qa_work import complete
from recording.review.sampling import RANDOM
from tests.support.policy import bank_policy
from tests.support.quality import calls_of, person, random_plan
from tests.support.storage import MINUTE, MONDAY, open_storage

DAY = timedelta(days=1)


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        await opened.qa_plans.create(random_plan(), "wang", MONDAY)
        yield opened


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


def to_score(recording_id: str, **said: object) -> NewWork:
    plain: dict[str, object] = {
        "kind": WorkKind.RECORDING,
        "subject": recording_id,
        "purpose": Purpose.SCORE,
        "due_at": MONDAY + DAY,
        "reasons": (RANDOM,),
    }
    return NewWork(**plain | said)  # type: ignore[arg-type]


async def drawn(storage: Storage, items: list[NewWork], hands: int = 1, period: str = "2026-W48") -> list[WorkItem]:
    """The items as a plan's draw opens them."""
    draw = NewDraw(
        plan_id=1,
        period=period,
        begins=MONDAY,
        ends=MONDAY + DAY,
        drawn_at=MONDAY + DAY,
        node="node1",
        pool=99,
        drawn=0,
        pool_digest=b"",
    )
    opened = await storage.qa_plans.record(draw, items, hands)
    assert opened is not None
    return list(opened)


async def test_work_is_shared_evenly_and_a_pair_goes_to_two(storage: Storage) -> None:
    qa = [await person(storage, f"qa{n}") for n in range(3)]
    single = await drawn(storage, [to_score(f"r-{n}") for n in range(6)])
    assert Counter(item.assignee_id for item in single) == dict.fromkeys(qa, 2)
    pairs = await drawn(storage, [to_score(f"b-{n}", purpose=Purpose.BLIND) for n in range(3)], 2, "2026-W49")
    assert Counter(item.assignee_id for item in pairs) == dict.fromkeys(qa, 2)
    assert all(first.assignee_id != second.assignee_id for first, second in zip(pairs[::2], pairs[1::2], strict=True))
    (own,) = await drawn(storage, [to_score("own", collector_id=qa[0])], 1, "2026-W50")
    assert own.assignee_id in qa[1:]


async def test_a_draw_happens_once_and_nothing_is_given_out_twice(storage: Storage) -> None:
    await person(storage, "qa1")
    await drawn(storage, [to_score("r-1"), to_score("r-2")])
    assert await storage.qa_plans.last_draw(1) is not None
    again = await drawn(storage, [to_score("r-2"), to_score("r-3")], period="2026-W49")
    assert [item.subject for item in again] == ["r-3"]
    newest, oldest = await storage.qa_plans.draws(1)
    assert [(draw.period, draw.drawn) for draw in (newest, oldest)] == [("2026-W49", 1), ("2026-W48", 2)]
    assert await storage.qa_plans.drawn(oldest.draw_id) == ("r-1", "r-2")
    assert await storage.qa_plans.record(newest, [to_score("r-9")]) is None


async def test_next_is_what_was_begun_then_mine_by_its_day_then_anyones(storage: Storage) -> None:
    late, soon = MONDAY - DAY, MONDAY + DAY
    nobodys = await drawn(storage, [to_score("anyone", due_at=late - DAY)])
    li = await person(storage, "li")
    mine = await drawn(storage, [to_score("soon", due_at=soon), to_score("late", due_at=late)], period="2026-W49")
    assert [item.assignee_id for item in (*nobodys, *mine)] == [None, li, li]
    queue = storage.qa_work
    first = await queue.next(li, MONDAY)
    assert first is not None
    assert (first.subject, first.state, first.taken_at) == ("late", WorkState.TAKEN, MONDAY)
    again = await queue.next(li, MONDAY + MINUTE)
    assert again == first, "what was begun comes again until it is done"
    assert await queue.skip(first.work_id, "the line was silent", "li", MONDAY) is not None
    assert await queue.skip(first.work_id, "again", "li", MONDAY) is None
    subjects = []
    while (item := await queue.next(li, MONDAY)) is not None:
        subjects.append(item.subject)
        await queue.skip(item.work_id, "done", "li", MONDAY)
    assert subjects == ["soon", "anyone"]
    (load,) = await queue.loads(MONDAY, MONDAY - DAY)
    assert (load.assignee_id, load.pending, load.late, load.skipped) == (li, 0, 0, 3)


async def test_of_many_takers_each_gets_another_item(storage: Storage) -> None:
    await drawn(storage, [to_score(f"r-{n}") for n in range(6)])
    people = [await person(storage, f"s{n}", Role.SUPERVISOR) for n in range(8)]
    taken: list[WorkItem | None] = []

    async def take(account_id: int) -> None:
        taken.append(await storage.qa_work.next(account_id, MONDAY))

    async with asyncio.TaskGroup() as takers:
        for account_id in (*people, *people):
            takers.create_task(take(account_id))
    got = {item.subject: item.assignee_id for item in taken if item is not None}
    assert len(got) == len(set(got.values())) == 6
    assert sum(item is None for item in taken) == 4, "who came twice got the same again"


async def test_nobody_takes_an_own_call_or_both_halves_of_a_pair(storage: Storage) -> None:
    """Two takes of one person at the same time, too: the second half goes to somebody else."""
    li, wang = await person(storage, "li", Role.SUPERVISOR), await person(storage, "wang", Role.SUPERVISOR)
    pair = await drawn(storage, [to_score("pair", purpose=Purpose.BLIND, collector_id=7)], 2)
    await drawn(storage, [to_score("own", collector_id=li)], period="2026-W49")
    both = await asyncio.gather(storage.qa_work.next(li, MONDAY), storage.qa_work.next(li, MONDAY))
    assert [item and item.work_id for item in both] == [pair[0].work_id] * 2
    await storage.qa_work.skip(pair[0].work_id, "cannot", "li", MONDAY)
    assert await storage.qa_work.next(li, MONDAY) is None
    other = await storage.qa_work.next(wang, MONDAY)
    assert other is not None
    assert other.work_id == pair[1].work_id


async def test_a_supervisor_gives_work_to_somebody_who_may_have_it(storage: Storage) -> None:
    li, wang = await person(storage, "li"), await person(storage, "wang")
    collector, gone = await person(storage, "zhao", Role.COLLECTOR), await person(storage, "gone")
    await storage.accounts.set_active(gone, False, MONDAY)
    first, second = await drawn(storage, [to_score("pair", purpose=Purpose.BLIND, collector_id=collector)], 2)
    assert {first.assignee_id, second.assignee_id} == {li, wang}
    queue = storage.qa_work
    for to, why in ((collector, "quality assurance"), (gone, "active"), (second.assignee_id, "other half")):
        with pytest.raises(InputError, match=why):
            await queue.assign(first.work_id, to, "boss", MONDAY)
    sun = await person(storage, "sun", Role.SUPERVISOR)
    await queue.next(first.assignee_id or 0, MONDAY)
    given = await queue.assign(first.work_id, sun, "boss", MONDAY)
    assert given is not None
    assert (given.assignee_id, given.assigned_by, given.state, given.taken_at) == (sun, "boss", WorkState.OPEN, None)
    freed = await queue.assign(first.work_id, None, "boss", MONDAY)
    assert freed is not None
    assert freed.assignee_id is None
    assert await queue.assign(99, sun, "boss", MONDAY) is None


async def test_scoring_does_the_item_and_leaves_that_of_others(storage: Storage, policy: Policy) -> None:
    li, wang = await person(storage, "li"), await person(storage, "wang")
    calls = await calls_of(storage, policy, 3)
    one, two, three = [await calls.record(77, MONDAY + n * MINUTE) for n in range(3)]
    pair = await drawn(storage, [to_score(one, purpose=Purpose.BLIND)], 2)
    single = await drawn(storage, [to_score(two), to_score(three)], period="2026-W49")

    async def scored(recording_id: str, scorer: int, kind: RoundKind | None = None) -> dict[int, str]:
        said = {"evaluation_id": 5, "recording_id": recording_id, "scorer_id": scorer}
        evaluation = Evaluation(**dict.fromkeys(Evaluation.__slots__) | said)  # type: ignore[arg-type]
        await storage._database.write(lambda connection: complete(connection, evaluation, kind, MONDAY))
        found = await storage.qa_work.find(WorkFilter())
        return {item.work_id: item.state.value for item in found if item.evaluation_id == 5}

    mine = next(item for item in pair if item.assignee_id == li)
    assert await scored(one, li, RoundKind.DOUBLE) == {mine.work_id: "done"}
    others = next(item for item in single if item.assignee_id == wang)
    assert others.work_id in await scored(others.subject, li), "scored once is scored, whoever was to do it"
    assert len(await storage.qa_work.find(WorkFilter(states=frozenset({WorkState.OPEN})))) == 2
    assert await storage.qa_work.find(WorkFilter(late_at=MONDAY + DAY)) == ()
    assert len(await storage.qa_work.find(WorkFilter(late_at=MONDAY + 2 * DAY, assignee_id=wang))) == 1


async def test_a_recording_says_that_it_is_to_be_scored_until_it_is_not(storage: Storage, policy: Policy) -> None:
    li = await person(storage, "li")
    recording_id = await (await calls_of(storage, policy, 1)).record(77, MONDAY)

    async def qa_state() -> str:
        recording = await storage.recordings.get(recording_id)
        assert recording is not None
        return recording.qa_state

    item = await storage.qa_work.open_for(to_score(recording_id, assigned_by="boss"), li, MONDAY)
    assert item is not None
    assert (item.assignee_id, item.assigned_by, await qa_state()) == (li, "boss", "assigned")
    assert await storage.qa_work.open_for(to_score(recording_id), None, MONDAY) is None
    await storage.qa_work.skip(item.work_id, "a test call", "li", MONDAY)
    assert await qa_state() == ""
    again = await storage.qa_work.open_for(to_score(recording_id, due_at=MONDAY + 3 * DAY), None, MONDAY)
    assert again is not None
    assert (again.work_id, again.state, again.note, again.assignee_id) == (item.work_id, WorkState.OPEN, "", None)
    assert (again.reasons, await qa_state()) == ((RANDOM, RANDOM), "assigned")
    facts = (await storage.qa_work.calls([recording_id, "other"]))[recording_id]
    assert (facts.duration_s, facts.disposition, facts.collector) == (10.0, "connected", "")
    assert "****" in facts.number_masked


async def test_what_cannot_be_heard_any_more_is_nobodys_work(storage: Storage, policy: Policy) -> None:
    li = await person(storage, "li")
    calls = await calls_of(storage, policy, 2)
    gone, kept = [await calls.record(77, MONDAY + n * MINUTE) for n in range(2)]
    await drawn(storage, [to_score(gone), to_score(kept)])
    deleted = update(tables.recordings).where(tables.recordings.c.recording_id == gone).values(state="deleted")
    await storage._database.write(lambda connection: connection.execute(deleted))
    assert await storage.qa_work.tidy(MONDAY + DAY) == 1
    assert await storage.qa_work.tidy(MONDAY + DAY) == 0
    item = await storage.qa_work.next(li, MONDAY)
    assert item is not None
    assert item.subject == kept
    (closed,) = await storage.qa_work.find(WorkFilter(states=frozenset({WorkState.SKIPPED})))
    assert (closed.subject, closed.note) == (gone, "the recording was deleted")


async def test_a_team_is_what_somebody_was_in_then(storage: Storage, policy: Policy) -> None:
    zhao = await person(storage, "zhao", Role.COLLECTOR)
    calls = await calls_of(storage, policy, 3)
    for n in range(3):
        await calls.record(zhao, MONDAY + n * DAY)
    teams = storage.qa_teams
    assert await teams.move(zhao, "north", "boss", MONDAY + DAY)
    assert not await teams.move(zhao, "north", "boss", MONDAY + DAY)
    assert await teams.move(zhao, "south", "boss", MONDAY + 2 * DAY)
    assert [(member.account_id, member.team) for member in await teams.all()] == [(zhao, "south")]
    asked = FiguresFilter(Span(MONDAY, MONDAY + 3 * DAY))
    coverage = await storage.qa_figures.coverage(asked, MONDAY)
    assert {(one.team, one.calls) for one in coverage} == {("", 1), ("north", 1), ("south", 1)}
    assert await teams.move(zhao, "", "boss", MONDAY + 3 * DAY)
    assert await teams.all() == ()


async def test_a_report_is_of_everything_or_refused(
    storage: Storage, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = await calls_of(storage, policy, 3)
    for n in range(3):
        await calls.record(await person(storage, f"collector{n}", Role.COLLECTOR), MONDAY)
    asked = FiguresFilter(Span(MONDAY, MONDAY + DAY))
    monkeypatch.setattr(qa_figures, "MAX_ROWS", 3)
    assert len(await storage.qa_figures.coverage(asked, MONDAY)) == 3
    monkeypatch.setattr(qa_figures, "MAX_ROWS", 2)
    with pytest.raises(InputError, match="more than 2 lines: ask for a shorter span"):
        await storage.qa_figures.coverage(asked, MONDAY)
