"""For tests of quality assurance: people, and recorded calls of collectors, as a node would have put them on record."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dialer.compliance.policy import Policy
from dialer.model.account import NewAccount, Role
from dialer.model.attempt import Attempt, Disposition, Settlement
from dialer.model.quality_work import NewPlan, PlanKind
from dialer.storage import Storage
from recording.review.periods import Cadence
from recording.review.sampling import Rules
from tests.support.recordings import new_recording
from tests.support.storage import MONDAY, NO_MORE, Dialing, contacts, run_campaign


def random_plan(**said: object) -> NewPlan:
    """Two of each collector in a week, but for what is `said`."""
    plain: dict[str, object] = {
        "name": "two a week",
        "kind": PlanKind.RANDOM,
        "cadence": Cadence.WEEKLY,
        "rules": Rules(per_collector=2),
        "seed": "seed",
    }
    return NewPlan(**plain | said)  # type: ignore[arg-type]


async def person(storage: Storage, login: str, role: Role = Role.QA, now: datetime = MONDAY) -> int:
    """An account; its id."""
    return (await storage.accounts.create(NewAccount(login, f"{login} 姓", role, "no hash"), now)).account_id


@dataclass
class Calls:
    """A campaign of which calls are taken by collectors, one after the other."""

    storage: Storage
    policy: Policy
    campaign_id: int
    waiting: list[Attempt]

    async def record(self, agent_id: int, started_at: datetime, **said: object) -> str:
        """The next call, taken by this collector and recorded; the recording's id."""
        attempt = self.waiting.pop()
        recording_id = f"r-{attempt.attempt_id}"
        end = Settlement(
            attempt.attempt_id,
            Disposition.CONNECTED,
            started_at + timedelta(minutes=1),
            agent_id=agent_id,
            connected_at=started_at,
        )
        assert await self.storage.attempts.settle(end, NO_MORE, started_at)
        recording = new_recording(recording_id, attempt.attempt_id, started_at, **said)
        assert await self.storage.recordings.add(recording, None, started_at)
        return recording_id


async def calls_of(storage: Storage, policy: Policy, n: int) -> Calls:
    """A campaign with `n` calls under way."""
    campaign_id = await run_campaign(storage, contacts(n))
    dialing = Dialing(storage, policy)
    claimed = await dialing.claim(campaign_id, n)
    return Calls(storage, policy, campaign_id, [await dialing.reserve(dialing.reservation(one)) for one in claimed])
