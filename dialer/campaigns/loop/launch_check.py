"""Before the launch and at any time after: how many may be called now and when the others, and what keeps them back.

A check walks through the whole list, which takes its time with a million entries: it runs beside everything else, one
at a time for a campaign, and whoever asks meanwhile sees how far it has come.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from dialer.calls.presentable import campaign_facts, number_problems
from dialer.calls.prompts import render_prompts
from dialer.calls.services import CallServices
from dialer.campaigns.loop.means import nobody_at_work, trunks_down, trunks_of
from dialer.compliance.policy import Policy
from dialer.errors import ConfigError, DialerError
from dialer.model.campaign import Campaign, CampaignMode
from dialer.model.decision import GateSurvey, OpeningDay, RefusedRule
from dialer.model.entry import EntryCounts
from dialer.model.pacing_bounds import odd_settings
from dialer.sip.trunks import Trunks
from dialer.words.bilingual import Bilingual, both
from dialer.words.catalogue import in_both
from dialer.words.said import Said

logger = logging.getLogger(__name__)

EXAMPLES_PER_RULE = 5
CHECK_WAIT_S = 10.0
"""So long whoever asks for a check waits for its end; then it goes on without them."""
NO_IDENTITY_HINT = "identity_check is off: collectors see the debt before anybody is known to be the right person"
POWER_HINT = "mode power: while the abandonment budget is spent, only one call is placed for each ready collector"
EDITED = "the settings were changed during the check: check again"


@dataclass(frozen=True, slots=True)
class LaunchCheck:
    """What a supervisor reads before a launch, and when nothing is dialing.

    Of `total` waiting entries `surveyed` have been put to the gate by now (all when `finished`): `callable_now` may be
    called at `at`, the others open by waiting on the days of `opens`, or `never`. `refused` says for each rule how many
    it keeps back, with examples (masked) and when they open. `limiting` is the one sentence about what holds it up:
    rules, or with entries to call the collectors or trunks that are missing; `limiting_zh` says it in Chinese.
    `problems` forbid the launch, `warnings` do not.
    """

    campaign_id: int
    at: datetime
    entries: EntryCounts = field(default_factory=EntryCounts)
    finished: bool = False
    total: int = 0
    surveyed: int = 0
    callable_now: int = 0
    refused: tuple[RefusedRule, ...] = ()
    opens: tuple[OpeningDay, ...] = ()
    never: int = 0
    limiting: str = ""
    problems: tuple[Said, ...] = field(default=())
    warnings: tuple[Said, ...] = field(default=())
    limiting_zh: str = ""


class LaunchChecks:
    """The checks of a node: those under way, and the last one of each campaign."""

    def __init__(self, services: CallServices, trunks: Trunks, tasks: asyncio.TaskGroup) -> None:
        """`tasks`: the owner's; it must be entered before the first check."""
        self._services = services
        self._trunks = trunks
        self._tasks = tasks
        self._under_way: dict[int, asyncio.Task[DialerError | None]] = {}
        self._latest: dict[int, LaunchCheck] = {}

    def latest(self, campaign_id: int) -> LaunchCheck | None:
        """The check under way or the last one; None when there was none since the start."""
        return self._latest.get(campaign_id)

    async def check(
        self, campaign: Campaign, on_pass: Callable[[int], Awaitable[None]], wait_s: float = CHECK_WAIT_S
    ) -> LaunchCheck:
        """Joins the check under way or begins one, and waits for its end, but no longer than `wait_s`.

        `on_pass` is awaited when a check has ended without a problem. Raises what the check failed with, to everybody
        who waits; whoever looks later reads it in the problems.
        """
        campaign_id = campaign.campaign_id
        task = self._under_way.get(campaign_id)
        if task is None:
            self._latest[campaign_id] = LaunchCheck(campaign_id, self._services.clock.utcnow())
            task = self._tasks.create_task(self._run(campaign, on_pass), name="launch check")
            self._under_way[campaign_id] = task
        done, _ = await asyncio.wait([task], timeout=wait_s)
        if done and not task.cancelled() and (error := task.result()) is not None:
            raise error
        return self._latest[campaign_id]

    def stop(self) -> None:
        """Gives up the checks under way."""
        for task in self._under_way.values():
            task.cancel()

    async def _run(self, campaign: Campaign, on_pass: Callable[[int], Awaitable[None]]) -> DialerError | None:
        """What it failed with; a task that raises would end the campaigns."""
        campaign_id = campaign.campaign_id
        try:
            await self._services.storage.entries.build(campaign_id, self._services.clock.utcnow())
            found = await self._survey(campaign)
            if await self._is_edited(campaign):
                found = replace(found, problems=(*found.problems, EDITED))
            self._latest[campaign_id] = found
            if not found.problems:
                await on_pass(campaign_id)
        except DialerError as error:
            return self._fail(campaign_id, error, str(error))
        except Exception as error:  # the edge of one check: no fault in it may end the campaigns
            logger.exception("launch check failed", extra={"action": "check", "campaign_id": campaign_id})
            why = str(error) or type(error).__name__
            return self._fail(campaign_id, DialerError(f"the launch check failed: {why}"), why)
        finally:
            del self._under_way[campaign_id]
        return None

    def _fail(self, campaign_id: int, error: DialerError, why: str) -> DialerError:
        problem = f"the launch check failed: {why}"
        self._latest[campaign_id] = replace(self._latest[campaign_id], finished=True, problems=(problem,))
        return error

    async def _is_edited(self, campaign: Campaign) -> bool:
        """Whether other settings would be launched than those that were checked."""
        now = await self._services.storage.campaigns.get(campaign.campaign_id)
        return now is None or now.settings != campaign.settings

    async def _survey(self, campaign: Campaign) -> LaunchCheck:
        services, campaign_id = self._services, campaign.campaign_id
        now = services.clock.utcnow()
        policy = services.policy.current(now)
        counts = await services.storage.entries.counts(campaign_id, now)
        problems = (
            *await _problems(services, campaign, counts, self._trunks),
            *number_problems(policy, campaign.settings, now),
        )
        untold = _untold(campaign, policy, now)
        warnings = (*_warnings(campaign, self._trunks), *untold, *policy.warnings(now.date()))
        begun = LaunchCheck(campaign_id, now, counts, problems=problems, warnings=warnings)

        def show(survey: GateSurvey) -> None:
            self._latest[campaign_id] = _with(begun, survey)

        settings = campaign.settings
        numbers = await services.caller_ids.usable_in(settings, campaign_facts(settings), policy, now)
        survey = await services.storage.survey.campaign(
            campaign_id,
            policy,
            now,
            examples=EXAMPLES_PER_RULE,
            caller_id=next(iter(numbers), None),
            on_progress=show,
        )
        limiting = _limiting(survey, counts, self._missing(campaign))
        return replace(_with(begun, survey), finished=True, limiting=limiting.en, limiting_zh=limiting.zh)

    def _missing(self, campaign: Campaign) -> str:
        """What keeps calls from leaving whatever the rules allow; "" for nothing."""
        group = campaign.settings.trunk_group
        down = trunks_down(group, trunks_of(self._trunks, group))
        nobody = nobody_at_work(self._services.agents, campaign, self._services.node)
        return ", and ".join(filter(None, (nobody, down)))


def _with(check: LaunchCheck, survey: GateSurvey) -> LaunchCheck:
    return replace(
        check,
        total=survey.total,
        surveyed=survey.surveyed,
        callable_now=survey.allowed,
        refused=survey.refused,
        opens=survey.opens,
        never=survey.never,
    )


async def _problems(services: CallServices, campaign: Campaign, counts: EntryCounts, trunks: Trunks) -> list[str]:
    problems = []
    if counts.waiting == 0:
        problems.append("no entry waits to be dialed")
    if not trunks_of(trunks, campaign.settings.trunk_group):
        problems.append(f"no trunk belongs to the group {campaign.settings.trunk_group!r}")
    try:
        await render_prompts(services.prompts, campaign.settings)
    except ConfigError as error:
        problems.append(str(error))
    return problems


def _untold(campaign: Campaign, policy: Policy, now: datetime) -> list[str]:
    """Where people must be told that they are recorded, and no prompt does it."""
    if campaign.settings.notice_prompt or not policy.notice_required(now):
        return []
    return ["people must be told that the call is recorded, and no notice_prompt is set: it is left to the collectors"]


def _warnings(campaign: Campaign, trunks: Trunks) -> list[str]:
    warnings = [*odd_settings(campaign.settings)]
    if campaign.settings.mode is CampaignMode.POWER:
        warnings.append(POWER_HINT)
    if not campaign.settings.caller_ids:
        warnings.append("no caller IDs are set: the trunk decides what the person sees")
    if not campaign.settings.form.codes:
        warnings.append("the disposition form has no codes: collectors cannot wrap up")
    if not campaign.settings.collecting.identity_check and campaign.settings.mode is not CampaignMode.REMINDER:
        warnings.append(NO_IDENTITY_HINT)
    group = trunks_of(trunks, campaign.settings.trunk_group)
    warnings += [f"trunk {trunk.name}: {trunk.obstacle}" for trunk in group if trunk.obstacle]
    return warnings


def _limiting(survey: GateSurvey, counts: EntryCounts, missing: str) -> Bilingual:
    if counts.waiting == 0:
        return in_both("the list is empty")
    if survey.allowed:
        but = f", but {missing}" if missing else ""
        return in_both(f"{survey.allowed} of {survey.surveyed} waiting entries may be called now{but}")
    if not survey.refused:
        return in_both(f"{counts.waiting} entries wait, and no number is left of them")
    first = survey.refused[0]
    return both(
        "rule {rule} keeps {count} of {surveyed} back: {why} ({opens})",
        "规则 {rule} 拦下 {surveyed} 条中的 {count} 条：{why}（{opens}）",
        rule=first.rule,
        count=first.count,
        surveyed=survey.surveyed,
        why=Bilingual(first.reason, first.reason_zh),
        opens=_opens(first.retry_at),
    )


def _opens(at: datetime | None) -> Bilingual:
    if at is None:
        return Bilingual("never by waiting", "等待也无法呼叫")
    return both("from {at:%Y-%m-%d %H:%M} UTC", "{at:%Y-%m-%d %H:%M} UTC 起可呼", at=at)
