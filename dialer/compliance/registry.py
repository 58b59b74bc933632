"""The house's registers: which caller IDs are registered for what, and which agencies may collect."""

from dataclasses import dataclass
from datetime import date

from dialer.compliance.facts import ShownNumber


@dataclass(frozen=True, slots=True)
class RegisteredNumber:
    """A caller ID that is registered for outbound calls of these purposes, by the house ("") or for one agency.

    Of a number with several entries those in force on the day count; first and last day are included, None has no end.
    """

    number: str
    purposes: tuple[str, ...]
    agency: str = ""
    valid_from: date | None = None
    valid_through: date | None = None

    def in_force(self, today: date) -> bool:
        """Whether the registration holds on that day."""
        begun = self.valid_from is None or self.valid_from <= today
        return begun and (self.valid_through is None or today <= self.valid_through)


@dataclass(frozen=True, slots=True)
class Registry:
    """All registrations. `agencies` is the white list; None: none is kept, so only the house itself is listed."""

    caller_ids: tuple[RegisteredNumber, ...] = ()
    agencies: frozenset[str] | None = None

    def shown(self, number: str, today: date) -> ShownNumber:
        """What a caller ID is registered for today; without purposes when it is not.

        A number that two agencies registered at a time belongs to none of them: it has no purposes.
        """
        entries = [entry for entry in self.caller_ids if entry.number == number and entry.in_force(today)]
        agencies = {entry.agency for entry in entries}
        if len(agencies) != 1:
            return ShownNumber(number)
        purposes = sorted({purpose for entry in entries for purpose in entry.purposes})
        return ShownNumber(number, tuple(purposes), agencies.pop())

    def is_listed(self, agency: str) -> bool:
        """Whether an agency may collect; the house itself ("") always may."""
        return agency == "" or (self.agencies is not None and agency in self.agencies)


NO_REGISTRY = Registry()
"""Nothing is registered and nobody listed."""
