"""Live and abandoned calls of the abandonment period.

The database's count, and what it cannot know yet. Strict side up.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from dialer.calls.attempt import AttemptMachine, Phase
from dialer.calls.runner import AttemptRunner
from dialer.model.attempt import REACHED_A_PERSON, Disposition
from dialer.storage import Storage

PERIOD = timedelta(days=1)
"""The abandoned share is kept over any 24 hours, the shorter of the periods the rules ask for."""
REFRESH_S = 2.0
_WILL_BE: Mapping[Phase, Disposition] = {
    Phase.TALKING: Disposition.CONNECTED,
    Phase.HOLDING_ON: Disposition.CONNECTED,
    Phase.GOODBYE: Disposition.CONNECTED,
    Phase.DIALOGUE: Disposition.REMINDED,
    Phase.APOLOGY: Disposition.ABANDONED,
}
"""How a call with a person ends at best."""


class AbandonmentPeriod:
    """Counts for one campaign.

    Attempts that ended since the last reading are added until the next one has seen them.
    """

    def __init__(self, campaign_id: int) -> None:
        self._campaign_id = campaign_id
        self._stored = (0, 0)
        self._read_at: float | None = None
        self._ended: list[tuple[float, Disposition]] = []

    def ended(self, now: float, disposition: Disposition) -> None:
        """An attempt was settled."""
        if disposition in REACHED_A_PERSON:
            self._ended.append((now, disposition))

    async def refresh(self, storage: Storage, now: float, utc: datetime) -> None:
        """Reads the database when the last reading is old."""
        if self._read_at is not None and now - self._read_at < REFRESH_S:
            return
        self._stored = await storage.attempts.live_and_abandoned(self._campaign_id, utc - PERIOD)
        self._read_at = now
        self._ended = [(at, disposition) for at, disposition in self._ended if at >= now]

    def counts(self, runners: Sequence[AttemptRunner]) -> tuple[int, int]:
        """(live, abandoned), with the calls that are still up, or have ended and are being settled."""
        ends = [disposition for _, disposition in self._ended]
        ends += [end for runner in runners if (end := _end_of(runner.machine)) in REACHED_A_PERSON]
        live, abandoned = self._stored
        return live + len(ends), abandoned + ends.count(Disposition.ABANDONED)


def _end_of(machine: AttemptMachine) -> Disposition | None:
    return machine.facts.disposition if machine.phase is Phase.ENDED else _WILL_BE.get(machine.phase)
