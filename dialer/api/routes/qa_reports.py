"""Reports of quality assurance, as JSON and as CSV with the same numbers.

Collectors see their own figures and nobody else's; supervisors and auditors see all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta, tzinfo
from http import HTTPStatus
from typing import Self

from aiohttp import web
from pydantic import BaseModel

from dialer.api.auditing import audit
from dialer.api.problems import ApiError, bad_field
from dialer.api.routes.proofs import Bound
from dialer.api.routing import AnyCall, Call, Id, Input, Nothing, Routes
from dialer.model.account import Role
from dialer.model.quality_figures import Coverage, DrawnBy, FiguresFilter, Scored, Span
from dialer.quality.csv_files import CHARSET, MEDIA_TYPE, Cell, csv_of
from dialer.quality.reports import By, Line, QuestionLine, question_report, report

routes = Routes("qa_reports")

LONGEST = timedelta(days=400)
USUAL = timedelta(days=28)
DIGITS = 4
"""Of what is told after the point: more would pretend to know more."""


class FiguresQuery(Input):
    """Calls that began from `since` to `until`, half open; without them: the last 28 days.

    `drawn`: how the recordings came to be scored. Only `random` speaks for all calls. `weekly` adds a line per week.
    """

    since: Bound | None = None
    until: Bound | None = None
    collector_id: Id | None = None
    scorecard_id: Id | None = None
    campaign_id: Id | None = None
    drawn: DrawnBy | None = None
    weekly: bool = False


class LinesQuery(FiguresQuery):
    by: By = By.COLLECTOR


class LineOut(BaseModel):
    """One collector, team, campaign or scorer, over the span (`week` "") or in one week.

    Scores are percent, shares 0 to 1; each stands beside its n and the bounds in which it lies with 95 % confidence:
    of fewer than five scores they say nothing. `calls` and what follows are of the span: recorded calls, how many of
    them were given out to be scored, done, skipped, and late.
    """

    key: str
    name: str
    week: str
    evaluations: int
    score_n: int
    score_mean: float | None
    score_low: float
    score_high: float
    passed_n: int
    passed: int
    passed_share: float | None
    passed_low: float
    passed_high: float
    fatal: int
    disputed: int
    changed: int
    calls: int
    given_out: int
    done: int
    skipped: int
    late: int

    @classmethod
    def of(cls, line: Line, names: Mapping[str, str]) -> Self:
        """With the name of what the line is about."""
        score, passed, drawn = line.score, line.passed, line.drawn
        return cls(
            key=line.key,
            name=names.get(line.key, line.key),
            week=line.week,
            evaluations=line.evaluations,
            score_n=score.n,
            score_mean=_rounded(score.mean),
            score_low=round(score.low, DIGITS),
            score_high=round(score.high, DIGITS),
            passed_n=passed.n,
            passed=passed.hits,
            passed_share=_rounded(passed.share),
            passed_low=round(passed.low, DIGITS),
            passed_high=round(passed.high, DIGITS),
            fatal=line.fatal,
            disputed=line.disputed,
            changed=line.changed,
            calls=drawn.calls,
            given_out=drawn.given_out,
            done=drawn.done,
            skipped=drawn.skipped,
            late=drawn.late,
        )


class LineList(BaseModel):
    """A report, with what it is of."""

    by: By
    since: datetime
    until: datetime
    items: list[LineOut]


class QuestionOut(BaseModel):
    """One question: how often it was asked, its points in percent where it applied, how often it was fatal."""

    scorecard_id: int
    question: str
    week: str
    asked: int
    points_n: int
    points_mean: float | None
    points_low: float
    points_high: float
    fatal: int

    @classmethod
    def of(cls, line: QuestionLine) -> Self:
        """As reported."""
        points = line.points
        return cls(
            scorecard_id=line.scorecard_id,
            question=line.question,
            week=line.week,
            asked=line.asked,
            points_n=points.n,
            points_mean=_rounded(points.mean),
            points_low=round(points.low, DIGITS),
            points_high=round(points.high, DIGITS),
            fatal=line.fatal,
        )


class QuestionList(BaseModel):
    """A report by question."""

    since: datetime
    until: datetime
    items: list[QuestionOut]


class VerdictsQuery(Input):
    """Verdicts made since then; without it: the last 28 days."""

    since: Bound | None = None
    campaign_id: Id | None = None


class VerdictLineOut(BaseModel):
    """One campaign: people among its machine verdicts, as far as drawn ones were listened to, with 95 % bounds.

    `waiting`: verdicts that were drawn and that nobody has labelled yet.
    """

    campaign_id: int
    name: str
    verdicts: int
    listened: int
    unclear: int
    people: int
    share: float | None
    low: float
    high: float
    waiting: int


class VerdictReport(BaseModel):
    """How often people were taken for machines."""

    since: datetime
    items: list[VerdictLineOut]


@routes.add("GET", "/v1/qa/reports/figures", "qa_reports.figures")
async def figures(call: Call[Nothing, LinesQuery, Nothing]) -> LineList:
    """Reports scores per collector, team, campaign or scorer: how many, how good and how sure, of how many calls."""
    return await _figures(call, "JSON")


@routes.add("GET", "/v1/qa/reports/figures.csv", "qa_reports.figures_csv", produces=(MEDIA_TYPE,))
async def figures_csv(call: Call[Nothing, LinesQuery, Nothing]) -> web.Response:
    """Sends the same as a CSV file."""
    told = await _figures(call, "CSV")
    return _file(f"qa-{told.by.value}", LineOut, told.items)


@routes.add("GET", "/v1/qa/reports/questions", "qa_reports.questions")
async def questions(call: Call[Nothing, FiguresQuery, Nothing]) -> QuestionList:
    """Reports each question of each scorecard: how often it was asked, what it came to, how often it was fatal."""
    return await _questions(call, "JSON")


@routes.add("GET", "/v1/qa/reports/questions.csv", "qa_reports.questions_csv", produces=(MEDIA_TYPE,))
async def questions_csv(call: Call[Nothing, FiguresQuery, Nothing]) -> web.Response:
    """Sends the same as a CSV file."""
    return _file("qa-questions", QuestionOut, (await _questions(call, "CSV")).items)


@routes.add("GET", "/v1/qa/reports/verdicts", "qa_reports.verdicts")
async def verdicts(call: Call[Nothing, VerdictsQuery, Nothing]) -> VerdictReport:
    """Reports how often people were taken for machines, by campaign, as far as listeners know."""
    return await _verdicts(call)


@routes.add("GET", "/v1/qa/reports/verdicts.csv", "qa_reports.verdicts_csv", produces=(MEDIA_TYPE,))
async def verdicts_csv(call: Call[Nothing, VerdictsQuery, Nothing]) -> web.Response:
    """Sends the same as a CSV file."""
    return _file("qa-verdicts", VerdictLineOut, (await _verdicts(call)).items)


async def _figures(call: Call[Nothing, LinesQuery, Nothing], form: str) -> LineList:
    asked = call.query
    if call.actor.role is Role.COLLECTOR and asked.by is By.SCORER:
        raise ApiError(HTTPStatus.FORBIDDEN, "who scored how is for supervisors")
    wanted = _filter(call)
    await _note(call, wanted, f"by {asked.by.value}, {form}")
    stored = call.services.storage.qa_figures
    scored = [one for one in await stored.scored(wanted) if _is_asked(asked, one)]
    coverage: Sequence[Coverage] = ()
    if asked.by is not By.SCORER:
        coverage = await stored.coverage(wanted, call.services.clock.utcnow())
    lines = report(asked.by, scored, coverage, _zone(call), weekly=asked.weekly)
    names = await _names(call, asked.by)
    items = [LineOut.of(line, names) for line in lines]
    return LineList(by=asked.by, since=wanted.span.begins, until=wanted.span.ends, items=items)


async def _questions(call: Call[Nothing, FiguresQuery, Nothing], form: str) -> QuestionList:
    asked, wanted = call.query, _filter(call)
    await _note(call, wanted, f"by question, {form}")
    answered = await call.services.storage.qa_figures.answered(wanted)
    kept = [one for one in answered if _is_asked(asked, one.scored)]
    items = [QuestionOut.of(line) for line in question_report(kept, _zone(call), weekly=asked.weekly)]
    return QuestionList(since=wanted.span.begins, until=wanted.span.ends, items=items)


async def _verdicts(call: Call[Nothing, VerdictsQuery, Nothing]) -> VerdictReport:
    asked, storage = call.query, call.services.storage
    since = asked.since or call.services.clock.utcnow() - USUAL
    names = await _names(call, By.CAMPAIGN)
    wanted = sorted(int(key) for key in names) if asked.campaign_id is None else [asked.campaign_id]
    waiting = await storage.qa_work.waiting_verdicts()
    items: list[VerdictLineOut] = []
    for campaign_id in wanted:
        known = await storage.verdict_samples.false_machines(campaign_id, since)
        waits = waiting.get(campaign_id, 0)
        if known.verdicts or waits:
            name = names.get(str(campaign_id), "")
            items.append(VerdictLineOut(campaign_id=campaign_id, name=name, waiting=waits, **asdict(known)))
    return VerdictReport(since=since, items=items)


def _filter(call: Call[Nothing, LinesQuery, Nothing] | Call[Nothing, FiguresQuery, Nothing]) -> FiguresFilter:
    asked = call.query
    until = asked.until or call.services.clock.utcnow()
    since = asked.since or until - USUAL
    if not timedelta() < until - since <= LONGEST:
        raise bad_field("query.until", f"is not after since, or more than {LONGEST.days} days after it")
    collector_id = asked.collector_id
    if call.actor.role is Role.COLLECTOR:
        if call.actor.account_id is None or collector_id not in (None, call.actor.account_id):
            raise ApiError(HTTPStatus.FORBIDDEN, "collectors see their own results only")
        collector_id = call.actor.account_id
    return FiguresFilter(Span(since, until), collector_id, asked.scorecard_id, asked.campaign_id)


def _is_asked(asked: FiguresQuery, scored: Scored) -> bool:
    return asked.drawn is None or scored.drawn is asked.drawn


async def _names(call: AnyCall, by: By) -> Mapping[str, str]:
    storage = call.services.storage
    if by is By.TEAM:
        return {}
    if by is By.CAMPAIGN:
        return {str(campaign.campaign_id): campaign.name for campaign in await storage.campaigns.all()}
    return {str(account.account_id): account.name for account in await storage.accounts.all()}


async def _note(call: AnyCall, wanted: FiguresFilter, what: str) -> None:
    """Figures of people are theirs: who read them is on record."""
    subject = "qa_report" if wanted.collector_id is None else f"account/{wanted.collector_id}"
    await audit(call, "qa_report.read", subject, what)


def _zone(call: AnyCall) -> tzinfo:
    return call.services.policy.current(call.services.clock.utcnow()).house_zone


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _file(name: str, model: type[BaseModel], items: Sequence[BaseModel]) -> web.Response:
    """One column for each field, so that a file holds what the answer holds."""
    columns = list(model.model_fields)
    rows: list[list[Cell]] = [[getattr(item, column) for column in columns] for item in items]
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return web.Response(body=csv_of(columns, rows), content_type=MEDIA_TYPE, charset=CHARSET, headers=headers)
