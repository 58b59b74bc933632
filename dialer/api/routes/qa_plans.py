"""Sampling plans: what is to be listened to, what was drawn, and drawing it once more to see that nobody picked."""

import secrets
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from dialer.api.auditing import audit
from dialer.api.paging import PageQuery, next_cursor
from dialer.api.problems import bad_field, conflict, not_found
from dialer.api.routing import AnyCall, Call, Id, Input, Nothing, Routes
from dialer.model.attempt import Disposition
from dialer.model.contact import CaseStatus
from dialer.model.quality_work import (
    AnnouncementRules,
    NewPlan,
    PlanKind,
    PlanRules,
    Purpose,
    QaDraw,
    QaPlan,
    VerdictRules,
)
from dialer.progress.verdict import Label
from dialer.quality.drawing import Drawer
from recording.review.periods import Cadence
from recording.review.sampling import Risks, Rules

routes = Routes("qa_plans")

SEED_BYTES = 16
MAX_N = 500

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Codes = Annotated[frozenset[Code], Field(max_length=50)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=86400)]
Count = Annotated[int, Field(ge=1, le=MAX_N)]
Campaigns = Annotated[frozenset[Id], Field(max_length=MAX_N, description="Empty: every campaign.")]


class PlanPath(Input):
    plan_id: Id


class DrawPath(Input):
    draw_id: Id


class RisksIn(Input):
    """What makes a recording worth listening to; any one does. What is left out is not looked at."""

    longer_than_s: Seconds | None = None
    shorter_than_s: Seconds | None = None
    silence_above: Share | None = None
    overtalk_above: Share | None = None
    outcomes: Codes = frozenset()
    dispositions: frozenset[Disposition] = frozenset()
    case_statuses: frozenset[CaseStatus] = Field(
        frozenset(), description="The case took one of these within 30 days after the call."
    )
    promise_codes: Codes = Field(frozenset(), description="Outcomes that are a promise.")
    promise_field: Annotated[str, StringConstraints(max_length=64)] = Field(
        "", description="The date field of the form that says until when."
    )
    promise_grace_days: Annotated[int, Field(ge=0, le=30)] = 1
    words: Annotated[tuple[Code, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _looks_for_something(self) -> Self:
        if bool(self.promise_codes) != bool(self.promise_field):
            raise ValueError("promise_codes and promise_field belong together")
        looked_at = self.model_fields_set - {"promise_field", "promise_grace_days"}
        if not any(getattr(self, name) not in (None, frozenset(), ()) for name in looked_at):
            raise ValueError("name at least one risk")
        return self

    def risks(self) -> Risks:
        """The same as the draw reads it."""
        plain = {name: getattr(self, name) for name in type(self).model_fields}
        enums = ("dispositions", "case_statuses")
        return Risks(**plain | {name: frozenset(one.value for one in plain[name]) for name in enums})


class RecordingsIn(Input):
    """How many recordings of which calls; `quota` is of all collectors together."""

    per_collector: Count
    quota: Annotated[int, Field(ge=1, le=100_000)] | None = None
    min_duration_s: Seconds = 0.0
    campaign_ids: Campaigns = frozenset()
    risks: RisksIn | None = None

    def rules(self) -> Rules:
        """The same as the draw reads it."""
        plain = {name: getattr(self, name) for name in type(self).model_fields}
        return Rules(**plain | {"risks": None if self.risks is None else self.risks.risks()})


class VerdictsIn(Input):
    """How many verdicts of each campaign."""

    n: Count
    label: Label = Label.MACHINE
    campaign_ids: Campaigns = frozenset()


class AnnouncementsIn(Input):
    """The `n` heard most often that nobody named."""

    n: Count
    least_times: Annotated[int, Field(ge=1, le=1000)] = 2


_PARTS = {
    PlanKind.RANDOM: "recordings",
    PlanKind.RISK: "recordings",
    PlanKind.VERDICTS: "verdicts",
    PlanKind.ANNOUNCEMENTS: "announcements",
}


class PlanIn(Input):
    """A new plan. `kind` says which part it needs: `recordings`, `verdicts` or `announcements`.

    It never changes: stop it and make another. Its seed is chosen here by chance, before the first call it draws.
    """

    name: Name
    kind: PlanKind
    cadence: Cadence = Cadence.WEEKLY
    purpose: Purpose = Field(Purpose.SCORE, description="score, or blind: two people score the same.")
    scorecard_id: Id | None = None
    due_days: Annotated[int, Field(ge=1, le=90)] = 7
    recordings: RecordingsIn | None = None
    verdicts: VerdictsIn | None = None
    announcements: AnnouncementsIn | None = None

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        needed = _PARTS[self.kind]
        given = [name for name in set(_PARTS.values()) if getattr(self, name) is not None]
        if given != [needed]:
            raise ValueError(f"a plan of kind {self.kind.value} has the part {needed} and no other")
        if self.recordings is not None:
            self._recordings_fit(self.recordings)
        return self

    def _recordings_fit(self, recordings: RecordingsIn) -> None:
        if (recordings.risks is not None) != (self.kind is PlanKind.RISK):
            raise ValueError("a risk plan names risks, a random one does not")
        if self.purpose not in (Purpose.SCORE, Purpose.BLIND):
            raise ValueError("what is drawn is scored, or scored blind by two")
        if self.purpose is Purpose.BLIND and self.scorecard_id is None:
            raise ValueError("a blind pair scores by one form: name scorecard_id")

    def rules(self) -> PlanRules:
        """The part that is given, as the draw reads it."""
        if self.recordings is not None:
            return self.recordings.rules()
        if self.verdicts is not None:
            return VerdictRules(self.verdicts.n, self.verdicts.label.value, self.verdicts.campaign_ids)
        if self.announcements is not None:
            return AnnouncementRules(self.announcements.n, self.announcements.least_times)
        raise TypeError("a plan without a part passed its checks")


class PlanList(BaseModel):
    """All plans, in the order in which they were made."""

    items: list[QaPlan]


class DrawOut(BaseModel):
    """What was drawn of a day or a week: `drawn` of `pool`. `pool_sha256` is over the ids, sorted, one a line."""

    draw_id: int
    plan_id: int
    period: str
    begins: datetime
    ends: datetime
    drawn_at: datetime
    node: str
    pool: int
    drawn: int
    pool_sha256: str

    @classmethod
    def of(cls, draw: QaDraw) -> Self:
        """As stored."""
        same = {name: getattr(draw, name) for name in cls.model_fields if name != "pool_sha256"}
        return cls(pool_sha256=draw.pool_digest.hex(), **same)


class DrawPage(BaseModel):
    """A plan's draws, newest first."""

    items: list[DrawOut]
    next: int | None


class RepeatOut(BaseModel):
    """A draw made once more by its seed, from what is known now.

    `same_pool`: from exactly the same recordings. `passed_over` come up now and were not drawn, `not_again` the other
    way round; where the pool is the same, both are empty.
    """

    draw_id: int
    drawn: list[str]
    same_pool: bool
    pool: int
    passed_over: list[str]
    not_again: list[str]


@routes.add("GET", "/v1/qa/plans", "qa_plans.list")
async def list_plans(call: Call[Nothing, Nothing, Nothing]) -> PlanList:
    """Lists the sampling plans, stopped ones too."""
    return PlanList(items=list(await call.services.storage.qa_plans.all()))


@routes.add("POST", "/v1/qa/plans", "qa_plans.create", status=201)
async def create(call: Call[Nothing, Nothing, PlanIn]) -> QaPlan:
    """Makes a sampling plan; it draws of what happens from now on, when its first day or week is over."""
    asked, services = call.body, call.services
    is_listening = asked.kind in (PlanKind.VERDICTS, PlanKind.ANNOUNCEMENTS)
    new = NewPlan(
        name=asked.name,
        kind=asked.kind,
        cadence=asked.cadence,
        rules=asked.rules(),
        seed=secrets.token_hex(SEED_BYTES),
        purpose=Purpose.LABEL if is_listening else asked.purpose,
        scorecard_id=None if is_listening else asked.scorecard_id,
        due_days=asked.due_days,
    )
    await _refuse_unknown_scorecard(call, new.scorecard_id)
    plan = await services.storage.qa_plans.create(new, call.actor.actor, services.clock.utcnow())
    await audit(call, "qa_plan.create", _subject(plan.plan_id), f"{plan.kind.value}, {plan.cadence.value}: {plan.name}")
    return plan


@routes.add("GET", "/v1/qa/plans/{plan_id}", "qa_plans.get")
async def get_plan(call: Call[PlanPath, Nothing, Nothing]) -> QaPlan:
    """Shows one plan, with the seed that decides every lot."""
    return await _plan(call, call.path.plan_id)


@routes.add("POST", "/v1/qa/plans/{plan_id}/stop", "qa_plans.stop")
async def stop(call: Call[PlanPath, Nothing, Nothing]) -> QaPlan:
    """Lets a plan draw nothing more; what it gave out stays to be done."""
    plan = await _plan(call, call.path.plan_id)
    now = call.services.clock.utcnow()
    if not await call.services.storage.qa_plans.stop(plan.plan_id, call.actor.actor, now):
        raise conflict("the plan was stopped before")
    await audit(call, "qa_plan.stop", _subject(plan.plan_id))
    return await _plan(call, plan.plan_id)


@routes.add("GET", "/v1/qa/plans/{plan_id}/draws", "qa_plans.draws")
async def list_draws(call: Call[PlanPath, PageQuery, Nothing]) -> DrawPage:
    """Lists what a plan drew, newest first."""
    plan = await _plan(call, call.path.plan_id)
    found = await call.services.storage.qa_plans.draws(plan.plan_id, call.query.limit, call.query.cursor)
    following = next_cursor([draw.draw_id for draw in found], call.query.limit)
    return DrawPage(items=[DrawOut.of(draw) for draw in found], next=following)


@routes.add("GET", "/v1/qa/draws/{draw_id}/repeat", "qa_plans.repeat")
async def repeat(call: Call[DrawPath, Nothing, Nothing]) -> RepeatOut:
    """Draws the same once more, so that anybody can see that chance chose and no hand; nothing is given out."""
    services = call.services
    draw = await services.storage.qa_plans.draw(call.path.draw_id)
    if draw is None:
        raise not_found("draw")
    plan = await _plan(call, draw.plan_id)
    zone = services.policy.current(services.clock.utcnow()).house_zone
    again = await Drawer(services.storage, zone, services.transcripts.text).repeat(plan, draw)
    if again is None:
        raise conflict("only draws of recordings can be repeated; a verdict that was labelled is drawn no more")
    return RepeatOut(
        draw_id=draw.draw_id,
        drawn=list(await services.storage.qa_plans.drawn(draw.draw_id)),
        same_pool=again.same_pool,
        pool=again.pool,
        passed_over=list(again.passed_over),
        not_again=list(again.not_again),
    )


async def _plan(call: AnyCall, plan_id: int) -> QaPlan:
    plan = await call.services.storage.qa_plans.get(plan_id)
    if plan is None:
        raise not_found("plan")
    return plan


def _subject(plan_id: int) -> str:
    return f"qa_plan/{plan_id}"


async def _refuse_unknown_scorecard(call: AnyCall, scorecard_id: int | None) -> None:
    if scorecard_id is not None and await call.services.storage.scorecards.get(scorecard_id) is None:
        raise bad_field("body.scorecard_id", "names no scorecard", "list them at /v1/scorecards")
