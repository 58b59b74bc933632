"""What the pacing hears of one call, in its own words."""

from collections.abc import Callable

from dialer.calls.attempt import AttemptMachine, Phase
from dialer.calls.dispositions import pacing_outcome
from dialer.calls.facts import AttemptFacts
from dialer.campaigns.pacing import CallOutcome, CallStage, CallView, EventKind, PacingEvent
from dialer.model.attempt import Disposition

Observe = Callable[[PacingEvent], None]

STAGES = {
    Phase.PLACING: CallStage.DIALING,
    Phase.DIALING: CallStage.DIALING,
    Phase.RINGING: CallStage.DIALING,
    Phase.EARLY_MEDIA: CallStage.DIALING,
    Phase.CANCELLING: CallStage.DIALING,
    Phase.WAITING: CallStage.WAITING,
    Phase.TALKING: CallStage.CONNECTED,
    Phase.HOLDING_ON: CallStage.CONNECTED,
    Phase.GOODBYE: CallStage.CONNECTED,
}
"""What pacing sees of the phases; the others are answered calls that need no collector yet, or never."""


def call_view(call_id: int, machine: AttemptMachine) -> CallView:
    """The call as pacing sees it now; one not reserved yet is dialing, since it was ordered."""
    invited_at = machine.facts.invited_at
    placed_at = machine.phase_since if invited_at is None else invited_at
    return CallView(call_id, stage_of(machine), placed_at, machine.phase_since)


def stage_of(machine: AttemptMachine) -> CallStage:
    """Where the call stands for pacing."""
    return STAGES.get(machine.phase, CallStage.DETECTING)


class PaceStory:
    """Turns a call's milestones into pacing events, each once."""

    def __init__(self, observe: Observe) -> None:
        self._observe = observe
        self._talk_since: float | None = None
        self._agent_id: int | None = None

    def placed(self, call_id: int, now: float) -> None:
        """The INVITE left."""
        self._observe(PacingEvent(now, EventKind.PLACED, call_id))

    def answered(self, call_id: int, facts: AttemptFacts, now: float) -> None:
        """Somebody or something picked up."""
        self._observe(PacingEvent(now, EventKind.ANSWERED, call_id, seconds=now - (facts.invited_at or now)))

    def connected(self, call_id: int, agent_id: int, facts: AttemptFacts, now: float) -> None:
        """A collector talks, instead of one who vanished if there was one."""
        self.talk_ended(call_id, now)
        waited_s = 0.0 if facts.waiting_since is None else max(now - facts.waiting_since, 0.0)
        self._talk_since, self._agent_id = now, agent_id
        self._observe(PacingEvent(now, EventKind.CONNECTED, call_id, agent_id, seconds=waited_s))

    def talk_ended(self, call_id: int, now: float, outcome: CallOutcome = CallOutcome.LIVE) -> None:
        """The collector's part is over, NOT_LIVE where a machine had reached one; nothing where there was none."""
        if self._talk_since is None:
            return
        length_s, self._talk_since = now - self._talk_since, None
        self._observe(PacingEvent(now, EventKind.TALK_ENDED, call_id, self._agent_id, outcome, length_s))

    def ended(self, call_id: int, facts: AttemptFacts, now: float) -> None:
        """The call is over; without a talk this says how, and it ends a talk whose collector vanished."""
        self.talk_ended(call_id, now)
        if self._agent_id is not None or facts.invited_at is None or facts.disposition is None:
            return
        if facts.disposition is Disposition.ABANDONED:
            waited_s = now - (facts.greeting_end_at or now)
            self._observe(PacingEvent(now, EventKind.ABANDONED, call_id, seconds=max(waited_s, 0.0)))
            return
        outcome = pacing_outcome(facts.disposition, answered=facts.answered_at is not None)
        self._observe(PacingEvent(now, EventKind.FINISHED, call_id, None, outcome, now - facts.invited_at))
