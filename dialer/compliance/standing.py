"""Rules about what stands: the case, the lists, whose number it is, consent, the number shown, the agency."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from dialer.compliance.demand import Demand
from dialer.compliance.facts import GateFacts, OwnNumber
from dialer.compliance.rule import NO_DEMAND, Body, consent_from
from dialer.model.contact import CaseStatus, PhoneRole
from dialer.model.decision import Finding


@dataclass(frozen=True, slots=True)
class CaseOpen(Body):
    """Only open cases are called, and nobody of whom another case stops every call (complaint, bereavement)."""

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """Time alone does not help."""
        return at if facts.case_status is CaseStatus.OPEN and facts.person_stop is None else None

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """With the status that stops the call."""
        if facts.case_status is CaseStatus.OPEN and facts.person_stop is not None:
            return Finding("person_stopped", {"status": facts.person_stop.value})
        return Finding("case_not_open", {"status": facts.case_status.value})


@dataclass(frozen=True, slots=True)
class DoNotCall(Body):
    """Numbers and persons on the do-not-call list are never called."""

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """Time does not help."""
        return None if facts.do_not_call else at

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """In one word."""
        return Finding("do_not_call")


class Permitted(str, Enum):
    """When third parties may be called."""

    NEVER = "never"
    WHEN_LOST = "when_lost"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class ThirdParty(Body):
    """Third parties' numbers: never, always, or once the person cannot be reached on any number of their own."""

    permitted: Permitted
    lost_after: int = 3
    invalid_after: int = 2

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """Time does not help."""
        return at if facts.role is PhoneRole.OWN or self._allows(facts) else None

    def _allows(self, facts: GateFacts) -> bool:
        """A person of whom no own number is known is not lost, only unknown."""
        if self.permitted is Permitted.WHEN_LOST:
            return bool(facts.own_numbers) and all(map(self._is_lost, facts.own_numbers or ()))
        return self.permitted is Permitted.ALWAYS

    def _is_lost(self, number: OwnNumber) -> bool:
        return number.failures_in_a_row >= self.lost_after or number.times_invalid >= self.invalid_after

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """Of how many own numbers the person may still be reached on."""
        if self.permitted is Permitted.NEVER:
            return Finding("third_party")
        numbers = facts.own_numbers or ()
        values = {"lost_after": self.lost_after, "invalid_after": self.invalid_after, "numbers": len(numbers)}
        return Finding("not_lost", values | {"left": sum(not self._is_lost(number) for number in numbers)})

    @property
    def demand(self) -> Demand:
        """How the own numbers fared, where it matters."""
        return Demand(own_numbers=True) if self.permitted is Permitted.WHEN_LOST else NO_DEMAND


@dataclass(frozen=True, slots=True)
class ConsentNeeded(Body):
    """Only with a recorded consent of that kind that is in force."""

    consent: str

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """When such a consent begins."""
        return consent_from(facts.consents, self.consent, at)

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """Which consent is missing."""
        return Finding("consent_missing", {"consent": self.consent})

    def stays_open(self, facts: GateFacts) -> bool:
        """A consent may expire."""
        return False


@dataclass(frozen=True, slots=True)
class CallerId(Body):
    """The number shown is registered for the purpose and the agency, and begins as it must."""

    purpose: str
    prefixes: tuple[str, ...] = ()

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """Time does not help."""
        return at if self._fault(facts) is None else None

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """What is wrong with the number."""
        shown = facts.caller_id
        values = {"number": shown.number, "purpose": self.purpose, "prefixes": ", ".join(self.prefixes)}
        return Finding(self._fault(facts) or "", values | {"agency": facts.agency, "registered_for": shown.agency})

    def _fault(self, facts: GateFacts) -> str | None:
        shown = facts.caller_id
        if self.purpose not in shown.purposes:
            return "caller_id_not_registered"
        if shown.agency != facts.agency:
            return "caller_id_of_another"
        if self.prefixes and not shown.number.startswith(self.prefixes):
            return "caller_id_prefix"
        return None


@dataclass(frozen=True, slots=True)
class AgencyListed(Body):
    """Only agencies on the house's list collect."""

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """Time does not help."""
        return at if facts.agency_listed else None

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """Which agency."""
        return Finding("agency_not_listed", {"agency": facts.agency})
