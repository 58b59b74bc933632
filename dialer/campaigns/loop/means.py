"""What a campaign needs beside entries: a trunk that answers, and collectors. Said in words where it is missing."""

from collections.abc import Sequence

from dialer.agents.sessions import AgentSessions
from dialer.model.campaign import Campaign, CampaignMode
from dialer.sip.trunks import Trunks, TrunkStatus


def trunks_of(trunks: Trunks, group: str) -> tuple[TrunkStatus, ...]:
    """The trunks of a group."""
    return tuple(trunk for trunk in trunks.status() if trunk.group == group)


def trunks_down(group: str, members: Sequence[TrunkStatus]) -> str:
    """Why no call can leave, where no trunk of the group answers; "" where one does."""
    if any(trunk.is_up for trunk in members):
        return ""
    if not members:
        return f"trunk group {group!r} has no trunk"
    names = ", ".join(trunk.name for trunk in members)
    return f"trunk group {group!r}: no trunk answers ({names}); calls go on when one does"


def nobody_at_work(sessions: AgentSessions, campaign: Campaign, node: str) -> str:
    """Why nobody could talk to whom is called; "" where somebody could. Reminders need nobody.

    A node calls for its own collectors: those of other nodes are not seen here.
    """
    settings = campaign.settings
    if settings.mode is CampaignMode.REMINDER:
        return ""
    at_work = sessions.of_campaign(campaign.campaign_id)
    if not at_work:
        return f"no collector is logged in for the campaign on {node}"
    if not any(session.agent.skills.issuperset(settings.skills) for session in at_work):
        return f"no collector logged in for the campaign on {node} has its skills ({', '.join(settings.skills)})"
    return ""
