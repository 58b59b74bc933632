"""Sampling plans on a node: drawn when a week or a day is over, once on however many nodes, and to be drawn again."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from dialer.compliance.demand import BudgetDemand
from dialer.compliance.policy import Policy
from dialer.compliance.spans import Rolling
from dialer.live import LiveBoard
from dialer.model.announcement import AnnouncementMeaning, NewAnnouncement, UnknownHeard
from dialer.model.contact import CaseStatus
from dialer.model.entry import WrapUpEffects
from dialer.model.outcome import WrapUp
from dialer.model.quality_work import (
    AnnouncementRules,
    PlanKind,
    Purpose,
    VerdictRules,
    WorkFilter,
    WorkItem,
    WorkKind,
    WorkState,
)
from dialer.model.verdict_sample import Heard
from dialer.progress.fingerprint import fingerprint_of
from dialer.progress.verdict import Label
from dialer.quality.drawing import Drawer
from dialer.quality.plan_runner import PlanRunner
from dialer.storage import Storage
from dialer.storage.tallies import budget_use
from recording.errors import RecordingError
from recording.review.periods import Cadence, period_at
from recording.review.sampling import Reason, ReasonKind, Risks, Rules
from tests.support.announcements import recording as announcement
from tests.support.policy import bank_policy
from tests.support.quality import calls_of, person, random_plan
from tests.support.set_clock import SetClock
from tests.support.storage import MONDAY, open_storage
from tests.support.verdicts import answered

DAY, WEEK, HOUR = timedelta(days=1), timedelta(days=7), timedelta(hours=1)
ZONE = ZoneInfo("Asia/Shanghai")
LAST_WEEK = MONDAY - WEEK  # a Monday, 10:00 in Shanghai
NEXT_DAY = MONDAY + 17 * HOUR  # Tuesday, 3:00: an hour after what was Monday's is drawn
RISKS = Risks(
    longer_than_s=600,
    case_statuses=frozenset({"complaint"}),
    promise_codes=frozenset({"promise"}),
    promise_field="pay_date",
)


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


@pytest.fixture(scope="module")
def powered_off() -> bytes:
    return announcement("powered_off")


class Nodes:
    """Nodes over one database that look at the same time, by one clock."""

    def __init__(self, storage: Storage, n: int = 1) -> None:
        self.storage = storage
        self.clock = SetClock(MONDAY)
        self.board = LiveBoard(self.clock)
        self.runners = [PlanRunner(storage, self.clock, self.board, f"node{one}", lambda: ZONE) for one in range(n)]

    async def look(self, at: object) -> list[WorkItem]:
        """Everything that is given out after all of them looked."""
        self.clock.now = at  # type: ignore[assignment]
        for runner in self.runners:
            await runner.look()
        return list((await self.storage.qa_work.find(WorkFilter(), 500))[::-1])


async def test_a_week_is_drawn_once_when_it_is_over_and_can_be_drawn_again(storage: Storage, policy: Policy) -> None:
    li = await person(storage, "li")
    calls = await calls_of(storage, policy, 13)
    plan = await storage.qa_plans.create(random_plan(), "boss", LAST_WEEK)
    before = await calls.record(7, LAST_WEEK - HOUR)
    ids = [await calls.record(7 + n % 3, LAST_WEEK + n * HOUR, duration_s=60 + n) for n in range(11)]
    await calls.record(7, MONDAY)
    nodes = Nodes(storage, 2)
    sunday_night = MONDAY - 10 * HOUR  # midnight in Shanghai: the week is over, and not settled yet
    assert await nodes.look(sunday_night + HOUR) == []
    items = await nodes.look(sunday_night + 2 * HOUR)
    assert Counter(item.collector_id for item in items) == {7: 2, 8: 2, 9: 2}
    assert {item.subject for item in items} <= set(ids), "no call from before the plan, none of the week after"
    assert before not in {item.subject for item in items}
    assert {(item.assignee_id, item.reasons, item.plan_id) for item in items} == {
        (li, (Reason(ReasonKind.RANDOM),), plan.plan_id)
    }
    assert await nodes.look(MONDAY + DAY) == items
    (draw,) = await storage.qa_plans.draws(plan.plan_id)
    assert (draw.period, draw.node, draw.pool, draw.drawn) == ("2026-W47", "node0", 11, 6)
    (told,) = [entry for _, entry in await storage.audit.list(f"qa_plan/{plan.plan_id}")]
    assert (told.actor, told.action, told.detail) == ("sampling", "qa_plan.draw", "2026-W47: 6 of 11")
    drawer = Drawer(storage, ZONE)
    again = await drawer.repeat(plan, draw)
    assert again is not None
    assert (again.same_pool, again.passed_over, again.not_again) == (True, (), ())


async def test_what_was_missed_is_drawn_later_and_other_plans_draw_other_calls(
    storage: Storage, policy: Policy
) -> None:
    await storage.qa_plans.create(random_plan(name="first"), "boss", LAST_WEEK)
    await storage.qa_plans.create(random_plan(name="second", seed="other"), "boss", LAST_WEEK)
    stopped = await storage.qa_plans.create(random_plan(name="stopped"), "boss", LAST_WEEK)
    assert await storage.qa_plans.stop(stopped.plan_id, "boss", LAST_WEEK + DAY)
    calls = await calls_of(storage, policy, 6)
    for n in range(6):
        await calls.record(7, LAST_WEEK + (n % 2) * WEEK + n * HOUR)
    items = await Nodes(storage).look(MONDAY + 2 * WEEK)
    drawn = [(item.plan_id, item.created_at) for item in items]
    assert Counter(plan_id for plan_id, _ in drawn) == {1: 4, 2: 2}, "three calls a week, no one of them twice"
    assert len({item.subject for item in items}) == 6
    assert [draw.period for draw in await storage.qa_plans.draws(1)] == ["2026-W49", "2026-W48", "2026-W47"]


async def test_what_changed_since_a_draw_is_seen_when_it_is_repeated(storage: Storage, policy: Policy) -> None:
    plan = await storage.qa_plans.create(random_plan(rules=Rules(per_collector=50)), "boss", LAST_WEEK)
    calls = await calls_of(storage, policy, 2)
    await calls.record(7, LAST_WEEK + HOUR)
    await Nodes(storage).look(MONDAY)
    late = await calls.record(7, LAST_WEEK + 2 * HOUR)
    (draw,) = await storage.qa_plans.draws(plan.plan_id)
    again = await Drawer(storage, ZONE).repeat(plan, draw)
    assert again is not None
    assert (again.same_pool, again.pool, again.passed_over, again.not_again) == (False, 2, (late,), ())


async def test_risks_are_found_in_the_call_in_its_case_and_in_its_promise(storage: Storage, policy: Policy) -> None:
    rules = Rules(per_collector=9, risks=RISKS)
    plan = random_plan(kind=PlanKind.RISK, cadence=Cadence.DAILY, rules=rules, purpose=Purpose.SCORE)
    await storage.qa_plans.create(plan, "boss", MONDAY - 10 * HOUR)  # midnight: a promise's grace ends with a day
    calls = await calls_of(storage, policy, 6)
    attempts = {attempt.attempt_id: attempt for attempt in calls.waiting}
    old_long = await calls.record(7, MONDAY - DAY, duration_s=900)
    complained = await calls.record(7, MONDAY - 2 * DAY)
    long = await calls.record(8, MONDAY, duration_s=900)
    broken, kept, later = [await calls.record(9, MONDAY - 3 * DAY) for _ in range(3)]

    async def promise(recording_id: str, day: date) -> None:
        attempt_id = int(recording_id[2:])
        said = WrapUp(attempt_id, 9, "promise", MONDAY - 3 * DAY, {"pay_date": day})
        await storage.wrap_ups.record(said, WrapUpEffects(final=True, right_party=True), MONDAY - 3 * DAY)

    for recording_id, day in ((broken, date(2026, 11, 21)), (kept, date(2026, 11, 21)), (later, date(2026, 11, 22))):
        await promise(recording_id, day)
    await storage.cases.set_status(attempts[int(kept[2:])].case_ref, CaseStatus.PAID, MONDAY - DAY)
    await storage.cases.set_status(attempts[int(complained[2:])].case_ref, CaseStatus.COMPLAINT, MONDAY)
    items = await Nodes(storage).look(NEXT_DAY)
    assert {item.subject: item.reasons for item in items} == {
        long: (Reason(ReasonKind.LONG, "900 s"),),
        complained: (Reason(ReasonKind.CASE, "complaint"),),
        broken: (Reason(ReasonKind.BROKEN_PROMISE, "2026-11-21"),),
    }
    more = await Nodes(storage).look(NEXT_DAY + DAY)
    assert {item.subject for item in more} - {item.subject for item in items} == {later}
    assert old_long not in {item.subject for item in more}


async def test_words_are_looked_for_where_somebody_wrote_them_down(storage: Storage, policy: Policy) -> None:
    """A transcript that cannot be read is none: the others are drawn all the same."""
    rules = Rules(per_collector=9, risks=Risks(words=("律师",)))
    plan = random_plan(kind=PlanKind.RISK, cadence=Cadence.DAILY, rules=rules)
    stored = await storage.qa_plans.create(plan, "boss", MONDAY - 9 * HOUR)
    calls = await calls_of(storage, policy, 3)
    sued, silent, broken = [await calls.record(7, MONDAY) for _ in range(3)]

    async def written(recording_id: str) -> str:
        if recording_id == broken:
            raise RecordingError("sealed by another key")
        return {sued: "我会找 律师", silent: ""}[recording_id]

    drawer = Drawer(storage, ZONE, written)
    day = period_at(Cadence.DAILY, MONDAY, ZONE)
    opened = await drawer.draw(stored, day, "node1", NEXT_DAY)
    assert [(item.subject, item.reasons) for item in opened or ()] == [(sued, (Reason(ReasonKind.WORD, "律师"),))]
    assert await drawer.draw(stored, day, "node2", NEXT_DAY) is None


async def test_verdicts_are_drawn_listened_to_and_counted_by_the_gate(storage: Storage, policy: Policy) -> None:
    """From the draw to the estimate that the abandonment budget is told."""
    li = await person(storage, "li")
    judged = await answered(storage, policy, 8)
    rules = VerdictRules(n=3)
    plan = random_plan(kind=PlanKind.VERDICTS, cadence=Cadence.DAILY, rules=rules, purpose=Purpose.LABEL)
    await storage.qa_plans.create(plan, "boss", MONDAY - 9 * HOUR)
    for n in range(6):
        await judged.keep(n, now=MONDAY + n * HOUR)
    await judged.keep(6, Label.HUMAN)
    await judged.keep(7, now=MONDAY - DAY)
    items = await Nodes(storage).look(NEXT_DAY)
    assert {(item.kind, item.purpose, item.assignee_id, item.campaign_id) for item in items} == {
        (WorkKind.VERDICT, Purpose.LABEL, li, judged.campaign_id)
    }
    assert len(items) == 3
    for truth in (Label.HUMAN, Label.MACHINE, Label.UNKNOWN):
        item = await storage.qa_work.next(li, NEXT_DAY)
        assert item is not None
        sample = await storage.verdict_samples.get(int(item.subject))
        assert sample is not None
        assert (sample.label, sample.drawn_at) == ("machine", NEXT_DAY)
        await storage.verdict_samples.label(sample.sample_id, truth, "li (qa)", NEXT_DAY)
        done = await storage.qa_work.get(item.work_id)
        assert done is not None
        assert (done.state, done.closed_by) == (WorkState.DONE, "li (qa)")
    assert await storage.qa_work.next(li, NEXT_DAY) is None
    false = await storage.verdict_samples.false_machines(judged.campaign_id)
    assert (false.verdicts, false.listened, false.people, false.unclear, false.share) == (7, 2, 1, 1, 0.5)
    demand = BudgetDemand("k", Rolling(86400), "UTC", heard=True)
    used = await storage._database.read(
        lambda connection: budget_use(connection, demand, judged.campaign_id, NEXT_DAY + HOUR)
    )
    assert used.heard == Heard(2, 1, 1)


async def test_an_announcement_without_a_name_is_work_until_somebody_names_it(
    storage: Storage, powered_off: bytes
) -> None:
    plan = random_plan(kind=PlanKind.ANNOUNCEMENTS, cadence=Cadence.DAILY, rules=AnnouncementRules(n=5))
    await storage.qa_plans.create(plan, "boss", MONDAY - 9 * HOUR)
    library, fingerprint = storage.announcements, fingerprint_of(powered_off)
    cluster = 0
    for n in range(3):
        cluster = await library.keep_unknown(UnknownHeard(n, 1, MONDAY, "a", 480), fingerprint, b"audio")
    (item,) = await Nodes(storage).look(NEXT_DAY)
    assert (item.kind, item.subject, item.reasons) == (
        WorkKind.ANNOUNCEMENT,
        str(cluster),
        (Reason(ReasonKind.UNNAMED, "heard 3 times"),),
    )
    assert await Nodes(storage).look(NEXT_DAY + DAY) == [item]
    named = NewAnnouncement("关机", AnnouncementMeaning.POWERED_OFF, "zh", "calls")
    assert await library.name_cluster(cluster, named, "li (qa)", NEXT_DAY) is not None
    (done,) = await storage.qa_work.find(WorkFilter())
    assert (done.state, done.closed_by) == (WorkState.DONE, "li (qa)")
    gone = await library.keep_unknown(UnknownHeard(9, 1, MONDAY, "a", 480), fingerprint, b"audio")
    await library.keep_unknown(UnknownHeard(10, 1, MONDAY, "a", 480), fingerprint, b"audio")
    await Nodes(storage).look(NEXT_DAY + 2 * DAY)
    await storage._database.write(lambda connection: connection.exec_driver_sql("DELETE FROM unknown_announcements"))
    last, _ = (await Nodes(storage).look(NEXT_DAY + 2 * DAY + HOUR))[::-1]
    assert (last.subject, last.state, last.note) == (
        str(gone),
        WorkState.SKIPPED,
        "the announcement was not heard any more",
    )
