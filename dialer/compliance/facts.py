"""What the gate must know about one number at one instant. Storage fills it inside the transaction that reserves."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dialer.model.attempt import REACHED_A_PERSON, TRUNK_FAULTS, Disposition
from dialer.model.contact import CaseStatus, PhoneRole
from schedules.zones import ZoneCandidates

HISTORY = timedelta(hours=26)
"""How far back `GateFacts.attempts` must reach: the current calendar day, in whatever zone, began at most 25 h ago."""


@dataclass(frozen=True, slots=True)
class EarlierAttempt:
    """One earlier attempt to the same number, in whichever campaign and for whichever person.

    Instants are aware. `disposition` is None while the attempt is in flight (reserved included) and UNKNOWN after a
    crash; `ended_at` is then the instant at which it was found to be unknown. Released attempts are left out: no INVITE
    left the host.
    """

    placed_at: datetime
    disposition: Disposition | None = None
    ended_at: datetime | None = None

    @property
    def in_flight(self) -> bool:
        """Whether a call may be up right now."""
        return self.disposition is None

    @property
    def unknown(self) -> bool:
        """Whether its end was lost in a crash."""
        return self.disposition is Disposition.UNKNOWN

    @property
    def placed(self) -> bool:
        """Whether it counts as placed: everything but a trunk's fault before anything rang."""
        return self.disposition not in TRUNK_FAULTS

    @property
    def unreached(self) -> bool:
        """Whether it counts as placed and did not reach a person; in flight and unknown count so too."""
        return self.placed and self.disposition not in REACHED_A_PERSON


@dataclass(frozen=True, slots=True)
class GateFacts:
    """Everything a policy is evaluated on, besides the instant.

    `attempts` are those to this number since `HISTORY` ago, and all that are in flight or unknown however old.
    `max_ring_s` is the longest this attempt may ring: its end must lie inside the calling hours, too.
    """

    zones: ZoneCandidates
    max_ring_s: float
    role: PhoneRole = PhoneRole.OWN
    case_status: CaseStatus = CaseStatus.OPEN
    do_not_call: bool = False
    attempts: tuple[EarlierAttempt, ...] = ()
