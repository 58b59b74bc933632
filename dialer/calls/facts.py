"""What is decided of an attempt before its INVITE, and what was learned of it while it lived."""

from dataclasses import dataclass

from dialer.calls.signals import NO_CAUSE
from dialer.model.attempt import Disposition, HangupSide, NetworkCause
from dialer.model.campaign import AmdMode, MachineAction


@dataclass(frozen=True, slots=True)
class AttemptPlan:
    """What is decided before the INVITE. Seconds; `dedicated_agent` is a collector reserved for this very call."""

    ring_timeout_s: float = 28.0
    abandon_wait_s: float = 2.0
    amd: AmdMode = AmdMode.BEFORE_CONNECT
    machine_action: MachineAction = MachineAction.HANG_UP
    reminder: bool = False
    dedicated_agent: int | None = None

    @property
    def connects_early(self) -> bool:
        """Whether a person meets a collector before the verdict, so that nobody waits for it."""
        return self.amd is AmdMode.PARALLEL and not self.reminder


@dataclass(slots=True)
class AttemptFacts:
    """What was learned so far; instants on the monotonic clock."""

    invites: int = 0
    invited_at: float | None = None
    ringing_at: float | None = None
    answered_at: float | None = None
    greeting_end_at: float | None = None
    waiting_since: float | None = None
    connected_at: float | None = None
    notice_at: float | None = None
    """When the person began to be told of the recording; None unless that was heard to its end."""
    ended_at: float | None = None
    agent_id: int | None = None
    verdict: str = ""
    verdict_confidence: float = 0.0
    cause: NetworkCause = NO_CAUSE
    disposition: Disposition | None = None
    hangup_side: HangupSide | None = None
    stop_reason: str = ""
    crossed: bool = False
