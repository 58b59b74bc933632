"""What people and the case system said that keeps calls back or allows them: stops, consents, inconvenient times."""

from dataclasses import dataclass
from datetime import datetime

from dialer.model.contact import CaseStatus


@dataclass(frozen=True, slots=True)
class Stop:
    """Whose unanswered calls end at once: a person's, a case's, or those to a number (by its keyed index)."""

    reason: str
    person_ref: str | None = None
    case_ref: str | None = None
    number_index: bytes | None = None


@dataclass(frozen=True, slots=True)
class CaseChanged:
    """What a new status of a case led to: `entries` were stopped or freed, `stops` must reach the calls under way."""

    entries: int
    stops: tuple[Stop, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseChange:
    """One change of a case's status, and who said so."""

    status: CaseStatus
    at: datetime
    source: str = ""


@dataclass(frozen=True, slots=True)
class NewConsent:
    """A consent or agreement to record: in force in [given_at, expires_at), or until it is withdrawn.

    `kind` is a free word that packs ask for; those shipped use `night` (calls outside the hours), `agreement` (more
    calls a day than the cap), `contact` (calls inside a cool-off) and `prerecorded` (a voice that is no person's).
    `case_ref` None: for all debts of the person. `evidence` says where it is kept: a letter's number, a recording's id.
    """

    person_ref: str
    kind: str
    given_at: datetime
    source: str
    expires_at: datetime | None = None
    evidence: str = ""
    case_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent as stored; a withdrawn one stays on record."""

    consent_id: int
    given: NewConsent
    recorded_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""


@dataclass(frozen=True, slots=True)
class NewInconvenience:
    """A time or a number (E.164) a person named as inconvenient.

    On `weekdays` (0 is Monday; empty: every day) from `from_minute` to before `to_minute` of the person's day, over
    midnight when `to` is before `from`; at all times where both are None, which only a number may be. `number` None:
    all numbers of the person.
    """

    person_ref: str
    source: str
    number: str | None = None
    weekdays: tuple[int, ...] = ()
    from_minute: int | None = None
    to_minute: int | None = None
    until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Inconvenience:
    """The same as stored, its number masked; a removed one stays on record."""

    inconvenience_id: int
    person_ref: str
    source: str
    added_at: datetime
    number_masked: str = ""
    weekdays: tuple[int, ...] = ()
    from_minute: int | None = None
    to_minute: int | None = None
    until: datetime | None = None
    reason: str = ""
    removed_at: datetime | None = None
    removed_by: str = ""
