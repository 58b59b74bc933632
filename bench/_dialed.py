"""A database with a running campaign, filled through the storage's own doors, for benchmarks of what reads it."""

from collections.abc import Iterable
from datetime import UTC, datetime

from dialer.compliance.packs import load_policy
from dialer.compliance.policy import Policy
from dialer.compliance.registry import RegisteredNumber, Registry
from dialer.model.attempt import Attempt, Disposition, Settlement
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.campaign import CampaignSettings, CampaignState
from dialer.model.entry import Candidate, Reservation
from dialer.storage import Storage

CHUNK = 2000
CALLER_ID = "+8640012345678"
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai, a workday


def house_policy() -> Policy:
    """The default pack, with a caller ID registered."""
    return load_policy(("cn-bank-card",), (), Registry((RegisteredNumber(CALLER_ID, ("collection",)),)))


def different_numbers(n: int) -> Iterable[str]:
    """So many different mobile numbers in no order."""
    return (f"+8613{number * 7_919_111 % 10**9:09d}" for number in range(n))


async def running_campaign(storage: Storage, n_contacts: int) -> int:
    """A campaign over a list of so many people with one own number each."""
    list_id = await storage.lists.begin("bench", "bench", "bench", MONDAY)
    people = [
        NewContact(f"P{n}", f"C{n}", (NewPhone(number),), "王五")
        for n, number in enumerate(different_numbers(n_contacts))
    ]
    for first in range(0, n_contacts, CHUNK):
        await storage.lists.add(list_id, people[first : first + CHUNK])
    await storage.lists.finish(list_id)
    campaign = await storage.campaigns.create("bench", [list_id], CampaignSettings(caller_ids=(CALLER_ID,)), MONDAY)
    await storage.entries.build(campaign.campaign_id, MONDAY)
    await storage.campaigns.set_state(campaign.campaign_id, CampaignState.DRAFT, CampaignState.RUNNING, "", MONDAY)
    return campaign.campaign_id


async def call(storage: Storage, policy: Policy, candidate: Candidate, at: datetime) -> Attempt:
    """One call that nobody answers, outside its entry's own turn."""
    reservation = Reservation(
        campaign_id=candidate.campaign_id,
        contact_id=candidate.contact.contact_id,
        phone_id=candidate.phone.phone_id,
        path=candidate.path,
        node="bench",
        caller_id=CALLER_ID,
    )
    attempt = await storage.attempts.reserve(reservation, policy, at)
    if not isinstance(attempt, Attempt):
        raise RuntimeError(f"the gate refused: {attempt.reason}")
    await storage.attempts.settle(Settlement(attempt.attempt_id, Disposition.NO_ANSWER, at, trunk="bench"), None, at)
    return attempt
