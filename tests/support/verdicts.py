"""For tests of verdicts: settled attempts of a campaign, and verdicts on them."""

from dataclasses import dataclass
from datetime import datetime

from dialer.compliance.policy import Policy
from dialer.model.attempt import Attempt, Disposition
from dialer.model.verdict_sample import NewVerdictSample, VerdictPhase
from dialer.progress.verdict import Label
from dialer.storage import Storage
from tests.support.storage import MONDAY, Dialing, contacts, run_campaign


@dataclass(frozen=True)
class Judged:
    """A campaign whose calls have been answered by machines."""

    storage: Storage
    campaign_id: int
    attempts: tuple[Attempt, ...]

    async def keep(self, n: int, label: Label = Label.MACHINE, now: datetime = MONDAY, **more: object) -> int:
        """Keeps a verdict on the n-th attempt."""
        return await self.storage.verdict_samples.keep(verdict_on(self.attempts[n], label, now, **more))


async def answered(storage: Storage, policy: Policy, n: int) -> Judged:
    """A campaign with `n` settled attempts."""
    campaign_id = await run_campaign(storage, contacts(n))
    dialing = Dialing(storage, policy)
    attempts = [await dialing.reserve(dialing.reservation(each)) for each in await dialing.claim(campaign_id, n)]
    for attempt in attempts:
        await dialing.settle(attempt, Disposition.MACHINE)
    return Judged(storage, campaign_id, tuple(attempts))


def verdict_on(attempt: Attempt, label: Label, now: datetime, **more: object) -> NewVerdictSample:
    """A verdict with audio on disk, as the keeper would make it."""
    return bare_verdict(attempt.attempt_id, attempt.campaign_id, now, label, **more)


def bare_verdict(attempt_id: int, campaign_id: int, now: datetime, label: Label, **more: object) -> NewVerdictSample:
    """The same of an attempt of which only the ids are known."""
    plain: dict[str, object] = {
        "attempt_id": attempt_id,
        "campaign_id": campaign_id,
        "node": "node1",
        "made_at": now,
        "phase": VerdictPhase.ANSWERED,
        "label": label.value,
        "subclass": "",
        "confidence": 0.9,
        "reason": "talks on",
        "decided_ms": 1840,
        "first_speech_ms": 240,
        "greeting_end_ms": None,
        "beep_ms": None,
        "audio_path": f"2026-11-23/{attempt_id}-answered.wav",
        "audio_from_ms": 0,
        "audio_bytes": 40_058,
    }
    return NewVerdictSample(**plain | more)  # type: ignore[arg-type]
