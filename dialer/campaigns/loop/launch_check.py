"""Before the launch: how many may be called now, how many not and by which rule, and what would limit the pace."""

from dataclasses import dataclass, field

from dialer.calls.prompts import render_prompts
from dialer.calls.services import CallServices
from dialer.errors import ConfigError
from dialer.model.campaign import Campaign
from dialer.model.decision import GateSurvey, RefusedRule
from dialer.model.entry import EntryCounts
from dialer.sip.trunks import Trunks

SURVEY_LIMIT = 2000
"""So many waiting entries are put to the gate, in the order of dialing; larger lists are judged by this sample."""
EXAMPLES_PER_RULE = 5


@dataclass(frozen=True, slots=True)
class LaunchCheck:
    """What a supervisor reads before a launch.

    Of the `surveyed` entries, in the order of dialing, `callable_now` pass the gate at this moment; `refused` says
    for each rule how many it keeps back, with examples (masked) and when they open. `problems` forbid the launch,
    `warnings` do not.
    """

    campaign_id: int
    entries: EntryCounts
    surveyed: int
    callable_now: int
    refused: tuple[RefusedRule, ...]
    limiting: str
    problems: tuple[str, ...] = field(default=())
    warnings: tuple[str, ...] = field(default=())


async def check_launch(services: CallServices, campaign: Campaign, trunks: Trunks) -> LaunchCheck:
    """Puts the campaign's entries to the gate without reserving or recording anything."""
    now = services.clock.utcnow()
    counts = await services.storage.entries.counts(campaign.campaign_id, now)
    survey = await services.storage.survey.campaign(
        campaign.campaign_id, services.policy.current(now), now, limit=SURVEY_LIMIT, examples=EXAMPLES_PER_RULE
    )
    problems = await _problems(services, campaign, counts, trunks)
    return LaunchCheck(
        campaign.campaign_id,
        counts,
        survey.surveyed,
        survey.allowed,
        survey.refused,
        _limiting(survey, counts),
        tuple(problems),
        (*_warnings(campaign, trunks), *services.policy.current(now).warnings(now.date())),
    )


async def _problems(services: CallServices, campaign: Campaign, counts: EntryCounts, trunks: Trunks) -> list[str]:
    problems = []
    if counts.waiting == 0:
        problems.append("no entry waits to be dialed")
    if not any(trunk.group == campaign.settings.trunk_group for trunk in trunks.status()):
        problems.append(f"no trunk belongs to the group {campaign.settings.trunk_group!r}")
    try:
        await render_prompts(services.prompts, campaign.settings)
    except ConfigError as error:
        problems.append(str(error))
    return problems


def _warnings(campaign: Campaign, trunks: Trunks) -> list[str]:
    warnings = []
    if not campaign.settings.caller_ids:
        warnings.append("no caller IDs are set: the trunk decides what the person sees")
    if not campaign.settings.form.codes:
        warnings.append("the disposition form has no codes: collectors cannot wrap up")
    group = [trunk for trunk in trunks.status() if trunk.group == campaign.settings.trunk_group]
    warnings += [f"trunk {trunk.name}: {trunk.obstacle}" for trunk in group if trunk.obstacle]
    return warnings


def _limiting(survey: GateSurvey, counts: EntryCounts) -> str:
    if counts.waiting == 0:
        return "the list is empty"
    if survey.allowed:
        return f"{survey.allowed} of {survey.surveyed} surveyed entries may be called now"
    if not survey.refused:
        return f"{counts.waiting} entries wait for their time"
    first = survey.refused[0]
    opens = "never by waiting" if first.retry_at is None else f"from {first.retry_at:%Y-%m-%d %H:%M} UTC"
    return f"rule {first.rule} keeps {first.count} of {survey.surveyed} back: {first.reason} ({opens})"
