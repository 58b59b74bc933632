"""For tests of storage: an open storage, a running campaign, and short ways to move an attempt along."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dialer.clock import SystemClock
from dialer.compliance.policy import Policy
from dialer.model.attempt import Attempt, CallPath, Disposition, Settlement
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.campaign import CampaignSettings, CampaignState, PriorityTerm
from dialer.model.decision import Decision
from dialer.model.entry import Candidate, NextStep, Reservation
from dialer.storage import Storage
from tests.support.policy import HOUSE_NUMBER

KEY = bytes(range(32))
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai, a workday
MINUTE = timedelta(minutes=1)
NO_MORE = NextStep(None, None, exhausted=True, reason="no more attempts")


def open_storage(url: str, key: bytes = KEY) -> Storage:
    return Storage.open(url, key, SystemClock())


def contacts(n: int, *, offset: int = 0) -> list[NewContact]:
    """People with two numbers each; the later ones are longer overdue."""
    return [
        NewContact(
            person_ref=f"person-{i}",
            case_ref=f"case-{i}",
            phones=(NewPhone(f"+861380000{i:04d}"), NewPhone(f"+861390000{i:04d}")),
            name=f"王{i}",
            fields={"days_overdue": i, "amount": f"{i}00.50"},
        )
        for i in range(offset, offset + n)
    ]


async def add_list(storage: Storage, people: list[NewContact]) -> int:
    list_id = await storage.lists.begin("list", "list.csv", "node1", MONDAY)
    await storage.lists.add(list_id, people)
    await storage.lists.finish(list_id)
    return list_id


async def run_campaign(storage: Storage, people: list[NewContact]) -> int:
    """A running campaign over a list of these people, the longest overdue first."""
    list_id = await add_list(storage, people)
    settings = CampaignSettings(priority=(PriorityTerm("days_overdue", 1.0),), caller_ids=(HOUSE_NUMBER,))
    campaign = await storage.campaigns.create("campaign", [list_id], settings, MONDAY)
    await storage.entries.build(campaign.campaign_id, MONDAY)
    await storage.campaigns.set_state(
        campaign.campaign_id, CampaignState.DRAFT, CampaignState.RUNNING, "started", MONDAY
    )
    return campaign.campaign_id


@dataclass(frozen=True)
class Dialing:
    """Moves candidates of one storage along under one policy."""

    storage: Storage
    policy: Policy
    node: str = "node1"

    def reservation(self, candidate: Candidate) -> Reservation:
        return Reservation(
            campaign_id=candidate.campaign_id,
            contact_id=candidate.contact.contact_id,
            phone_id=candidate.phone.phone_id,
            path=candidate.path,
            node=self.node,
            entry_id=candidate.entry_id,
            caller_id=HOUSE_NUMBER,
        )

    def by_hand(self, candidate: Candidate) -> Reservation:
        """The same number, dialed by a collector: no entry is involved."""
        return Reservation(
            campaign_id=candidate.campaign_id,
            contact_id=candidate.contact.contact_id,
            phone_id=candidate.phone.phone_id,
            path=CallPath.MANUAL,
            node=self.node,
            caller_id=HOUSE_NUMBER,
        )

    async def claim(self, campaign_id: int, n: int = 1, now: datetime = MONDAY) -> tuple[Candidate, ...]:
        return await self.storage.entries.claim(campaign_id, self.node, n, now)

    async def ask(self, reservation: Reservation, now: datetime = MONDAY) -> Attempt | Decision:
        return await self.storage.attempts.reserve(reservation, self.policy, now)

    async def reserve(self, reservation: Reservation, now: datetime = MONDAY) -> Attempt:
        """A reservation that must be allowed."""
        attempt = await self.ask(reservation, now)
        assert isinstance(attempt, Attempt), attempt
        return attempt

    async def settle(
        self, attempt: Attempt, disposition: Disposition, now: datetime = MONDAY, step: NextStep | None = NO_MORE
    ) -> bool:
        return await self.storage.attempts.settle(Settlement(attempt.attempt_id, disposition, now), step, now)
