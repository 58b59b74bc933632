"""What a campaign makes of calls the gate refused: how many it asks for next, and what it says about it.

Where every call would be refused alike (a caller ID that is not registered any more), asking for thousands would only
fill the record: now and then a single one is asked for, until one is allowed. Where only calls with a collector of
their own are allowed, no more are asked for than collectors are ready.
"""

from collections.abc import Sequence

from dialer.calls.placing import NotPlaced
from dialer.calls.runner import AttemptRunner
from dialer.words.bilingual import SILENCE, Bilingual, both

HOLD_S = 10.0
"""How long nothing is asked for after a refusal that would be every call's."""
RESERVED_ONLY_S = 15.0
"""How long after a refusal for want of a collector only calls with one are asked for."""
BUDGET_SPENT = Bilingual(
    "abandonment budget spent: only calls with a reserved collector", "放弃率额度已用尽：仅外呼已预留催收员的呼叫"
)


class Refusals:
    """Of one running campaign. Instants on the monotonic clock."""

    def __init__(self) -> None:
        self.last = SILENCE
        """What was refused last, to be put behind a sentence."""
        self._alike = SILENCE
        self._refused_at = 0.0
        self._reserved_only_until = 0.0

    def refused(self, outcome: NotPlaced, now: float) -> None:
        """A call was not placed."""
        reason = outcome.words
        self.last = both("; last refused: {why}", "；最近一次被拒：{why}", why=reason)
        if outcome.alike:
            self._alike, self._refused_at = reason, now
        if outcome.needs_agent:
            self._reserved_only_until = now + RESERVED_ONLY_S

    def ended(self) -> None:
        """A call was placed and is over."""
        self.last = SILENCE

    def held(self, now: float) -> Bilingual:
        """Why nothing is asked for now; empty when something may be."""
        is_held = self._alike and now < self._refused_at + HOLD_S
        return (
            both("every call would be refused: {why}", "所有呼叫都会被拒绝：{why}", why=self._alike)
            if is_held
            else SILENCE
        )

    def allowed(self, wanted: int, n_ready: int, runners: Sequence[AttemptRunner], now: float) -> int:
        """How many of the wanted calls may be asked for."""
        invited_at = [runner.machine.facts.invited_at for runner in runners]
        if any(at is not None and at > self._refused_at for at in invited_at):
            self._alike = SILENCE
        if self._alike:
            return 0 if None in invited_at else min(wanted, 1)
        return min(wanted, n_ready) if self._reserved_only(runners, now) else wanted

    def limiting(self, runners: Sequence[AttemptRunner], now: float) -> Bilingual:
        """The sentence, where the abandonment budget is what limits the pace."""
        return BUDGET_SPENT if self._reserved_only(runners, now) else SILENCE

    def _reserved_only(self, runners: Sequence[AttemptRunner], now: float) -> bool:
        return now < self._reserved_only_until or any(runner.needed_agent for runner in runners)
