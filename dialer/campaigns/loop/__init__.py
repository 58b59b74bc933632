"""The loops of running campaigns: every tick they look at the floor, ask the pacer, and place calls."""

from dialer.campaigns.loop.launch_check import LaunchCheck
from dialer.campaigns.loop.manager import CampaignError, CampaignManager
from dialer.campaigns.loop.status import CampaignStatus

__all__ = ["CampaignError", "CampaignManager", "CampaignStatus", "LaunchCheck"]
