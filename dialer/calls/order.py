"""What is asked of a runner: call this number of this contact for this campaign, by this way."""

from dataclasses import dataclass, replace

from dialer.calls.facts import AttemptPlan
from dialer.model.attempt import CallPath
from dialer.model.campaign import Campaign, CampaignMode
from dialer.model.contact import Contact, Phone
from dialer.model.entry import Candidate, Reservation


@dataclass(frozen=True, slots=True)
class CallOrder:
    """One attempt to make. `agent_id` is a collector reserved for this very call; `entry_id` None: dialed by hand."""

    campaign: Campaign
    contact: Contact
    phone: Phone
    path: CallPath
    entry_id: int | None = None
    agent_id: int | None = None

    @classmethod
    def of_candidate(cls, campaign: Campaign, candidate: Candidate, agent_id: int | None = None) -> "CallOrder":
        """The order for a claimed entry."""
        return cls(campaign, candidate.contact, candidate.phone, candidate.path, candidate.entry_id, agent_id)

    @property
    def is_reminder(self) -> bool:
        """Whether a dialogue talks instead of a collector."""
        return self.campaign.settings.mode is CampaignMode.REMINDER and self.agent_id is None

    def with_collector(self, agent_id: int) -> "CallOrder":
        """The same call with a collector reserved for it."""
        return replace(self, agent_id=agent_id)

    def plan(self) -> AttemptPlan:
        """What the attempt's machine must know."""
        settings = self.campaign.settings
        return AttemptPlan(
            ring_timeout_s=settings.ring_timeout_s,
            amd=settings.amd,
            machine_action=settings.machine_action,
            reminder=self.is_reminder,
            dedicated_agent=self.agent_id,
        )

    def reservation(self, node: str, trunk: str, caller_id: str) -> Reservation:
        """What the gate is asked."""
        return Reservation.of_campaign(
            self.campaign,
            self.contact.contact_id,
            self.phone.phone_id,
            self.path,
            node,
            caller_id=caller_id,
            trunk=trunk,
            entry_id=self.entry_id,
            agent_id=self.agent_id,
        )
