"""What the gate must know about one call at one instant. Storage fills it inside the transaction that reserves.

Facts are plain values that JSON can hold: a proof keeps them, and whoever re-evaluates them gets the same decision.
They hold no clear number and no name.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from dialer.model.attempt import TRUNK_FAULTS, CallPath, Disposition
from dialer.model.contact import CaseStatus, PhoneRole
from dialer.model.verdict_sample import Heard
from schedules.zones import ZoneCandidates


class Event(str, Enum):
    """What may happen in an attempt, as rules count it. Each implies those before it, as far as the network told."""

    PLACED = "placed"
    ALERTED = "alerted"
    ANSWERED = "answered"
    LIVE_ANSWERED = "live_answered"
    CONVERSATION = "conversation"
    RIGHT_PARTY = "right_party"
    MESSAGE_LEFT = "message_left"
    ABANDONED = "abandoned"
    UNKNOWN = "unknown"


class Scope(str, Enum):
    """Whose attempts a rule looks at. A debt is a case; THIRD_PARTY: the calls to third parties of the case."""

    PERSON = "person"
    PERSON_DEBT = "person_debt"
    PHONE = "phone"
    PERSON_PHONE = "person_phone"
    CASE = "case"
    THIRD_PARTY = "third_party"
    CAMPAIGN = "campaign"
    CAMPAIGN_TRUNK = "campaign_trunk"
    CALLER_ID = "caller_id"
    COLLECTOR = "collector"
    AGENCY = "agency"


WIDE_SCOPES = frozenset({Scope.CAMPAIGN, Scope.CAMPAIGN_TRUNK, Scope.CALLER_ID, Scope.COLLECTOR, Scope.AGENCY})
"""Scopes with too many attempts to list: they come as a `Tally`."""


@dataclass(frozen=True, slots=True)
class EarlierAttempt:
    """One earlier attempt that concerns the number, the person or the case, by whichever campaign and agency.

    Instants are aware. `disposition` is None while the attempt is in flight (reserved included) and UNKNOWN after a
    crash; `ended_at` is then the instant at which it was found to be unknown. Released attempts are left out: no INVITE
    left the host. `right_party` and `conversation` are the wrap-up's word, None until there is one. The `same_…` flags
    say what it has in common with the call that is asked for; `role` is that of the number it went to.
    """

    placed_at: datetime
    disposition: Disposition | None = None
    ended_at: datetime | None = None
    alerted: bool = False
    answered: bool = False
    right_party: bool | None = None
    conversation: bool | None = None
    role: PhoneRole = PhoneRole.OWN
    same_phone: bool = True
    same_person: bool = True
    same_case: bool = True
    same_campaign: bool = True

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


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a wide scope was used within a rule's window.

    `used` counts up to the rule's limit; `limiting_at` is when the limit-th newest of them was placed, None below the
    limit: the rule allows again once that one leaves the window.
    """

    key: str
    used: int
    limiting_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """Calls of the campaign within a budget's window: with a person (abandoned ones included), abandoned, to machines.

    `last_abandoned_at` and `last_machine_at` are the newest of them: once both have left the window, nothing is spent.
    `heard` is what listeners heard of the campaign's machine verdicts; None: nobody asked.
    """

    key: str
    live: int
    abandoned: int
    machines: int
    last_abandoned_at: datetime | None = None
    last_machine_at: datetime | None = None
    heard: Heard | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """A recorded consent or agreement of the person; in force in [given_at, expires_at), until it is withdrawn."""

    kind: str
    given_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Inconvenient:
    """A time or a number the person said is inconvenient.

    On `weekdays` (0 is Monday; empty: every day) from `from_minute` to before `to_minute` of the person's day, over
    midnight when `to` is before `from`; the whole number for as long as it stands where both are None.
    """

    weekdays: tuple[int, ...] = ()
    from_minute: int | None = None
    to_minute: int | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """How the person's own number fared: failures in a row since it last reached the person, times found invalid."""

    failures_in_a_row: int
    times_invalid: int


@dataclass(frozen=True, slots=True)
class ShownNumber:
    """The caller ID the person would see, and what it is registered for; no purposes: not registered now."""

    number: str = ""
    purposes: tuple[str, ...] = ()
    agency: str = ""


@dataclass(frozen=True, slots=True)
class GateFacts:
    """Everything a policy is evaluated on, besides the instant.

    `attempts` reach back as far as the policy's demand says, and hold all that are in flight or unknown however old;
    oldest first. `max_ring_s` is the longest this attempt may ring: its end must lie inside the calling hours, too.
    `regions` are ISO 3166 codes of the number and the contact ("US", "US-MA"). `person_stop` is the status of another
    case that stops the whole person. `own_numbers` is filled for third parties' numbers, where a rule asks for it.
    """

    zones: ZoneCandidates
    max_ring_s: float
    role: PhoneRole = PhoneRole.OWN
    case_status: CaseStatus = CaseStatus.OPEN
    do_not_call: bool = False
    attempts: tuple[EarlierAttempt, ...] = ()
    path: CallPath = CallPath.PROGRESSIVE
    dedicated_agent: bool = False
    person_stop: CaseStatus | None = None
    regions: tuple[str, ...] = ()
    agency: str = ""
    agency_listed: bool = True
    creditor: str = ""
    product: str = ""
    caller_id: ShownNumber = ShownNumber()
    consents: tuple[Consent, ...] = ()
    inconvenient: tuple[Inconvenient, ...] = ()
    own_numbers: tuple[OwnNumber, ...] | None = None
    tallies: tuple[Tally, ...] = ()
    budgets: tuple[BudgetUse, ...] = ()
