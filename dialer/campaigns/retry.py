"""What follows an attempt: which number of the person, when, or nothing more. Pure; the gate still has the last word.

A person's own numbers take turns. Each number may be tried again after the delay its last end asks for; the next
attempt goes to the number that is due first (an untried one is due at once), but a person whose phone has just rung is
left alone for a while, whatever the number. A number leaves the rotation when its end is final for it (fax, blocked) or
when it has had the attempts its last end permits; the contact is exhausted when no number is left. Trunks call a number
bad that they cannot reach, so their word counts when it comes twice, on different days; the network's own announcement
that the number is not in use counts at once. Third parties' numbers are not in the rotation: they are dialed by hand,
where the policy permits it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from dialer.model.announcement import AnnouncementMeaning
from dialer.model.attempt import TRUNK_FAULTS, Disposition
from dialer.model.campaign import CampaignSettings, RetryRule
from dialer.model.contact import Contact, Phone, PhoneRole
from dialer.model.entry import NextStep, PastAttempt

MINUTE_S = 60.0
HOUR_S = 3600.0
NEXT_DAY_S = 24 * HOUR_S
PERSON_GAP = timedelta(minutes=10)
"""The least time between two attempts that may have disturbed one person."""

DEFAULT_RETRIES: Mapping[Disposition, RetryRule] = {
    Disposition.BUSY: RetryRule(15 * MINUTE_S, 6),
    Disposition.NO_ANSWER: RetryRule(3 * HOUR_S, 5),
    Disposition.POWERED_OFF: RetryRule(4 * HOUR_S, 5),
    Disposition.UNREACHABLE: RetryRule(2 * HOUR_S, 5),
    Disposition.MACHINE: RetryRule(3 * HOUR_S, 5),
    Disposition.SILENCE: RetryRule(1 * HOUR_S, 3),
    Disposition.CANCELLED: RetryRule(30 * MINUTE_S, 6),
    Disposition.MESSAGE_LEFT: RetryRule(NEXT_DAY_S, 3),
    Disposition.SHORT_ANSWER: RetryRule(NEXT_DAY_S, 3),
    Disposition.REJECTED: RetryRule(NEXT_DAY_S, 3),
    Disposition.INCOMING_BARRED: RetryRule(NEXT_DAY_S, 3),
    Disposition.SUSPENDED: RetryRule(3 * NEXT_DAY_S, 3),
    Disposition.BAD_NUMBER: RetryRule(NEXT_DAY_S, 2),
    Disposition.ABANDONED: RetryRule(NEXT_DAY_S, 3),
    Disposition.TRUNK_CONGESTION: RetryRule(0.0, 20),
    Disposition.TRUNK_CONFIG: RetryRule(5 * MINUTE_S, 20),
}
"""Used for every disposition a campaign does not set itself; what is in neither is final for the number."""

SUCCESS = {
    Disposition.CONNECTED: "a collector spoke with the person",
    Disposition.REMINDED: "the person heard the reminder",
}
"""Ends that finish the contact; a collector's wrap-up may still ask for a callback."""

EMPTY_NUMBER = AnnouncementMeaning.EMPTY_NUMBER.value
UNDISTURBED = TRUNK_FAULTS | {Disposition.BAD_NUMBER, Disposition.SUSPENDED}
"""Ends that the person did not notice: another number may follow at once."""


def next_step(settings: CampaignSettings, contact: Contact, history: Sequence[PastAttempt], now: datetime) -> NextStep:
    """What becomes of a contact after `history`, the attempts of this campaign, oldest first.

    An UNKNOWN end waits for reconciliation: no number, no time, not exhausted.
    """
    last = history[-1] if history else None
    if last is not None and last.disposition in SUCCESS:
        return NextStep(None, None, exhausted=True, reason=SUCCESS[last.disposition])
    if any(attempt.disposition is Disposition.UNKNOWN for attempt in history):
        return NextStep(None, None, exhausted=False, reason="an attempt's end is unknown: waits for reconciliation")
    rules = {**DEFAULT_RETRIES, **settings.retries}
    own = sorted((phone for phone in contact.phones if phone.role is PhoneRole.OWN), key=lambda phone: phone.rank)
    due = [(at, place, phone) for place, phone in enumerate(own) if (at := _due_at(phone, history, rules, now))]
    if not due:
        why = (
            f"after {len(history)} attempts no number is left to try" if own else "the contact has no number of its own"
        )
        return NextStep(None, None, exhausted=True, reason=why)
    at, _, phone = min(due, key=lambda item: item[:2])
    at = max(at, _left_alone_until(history, now))
    why = "first attempt" if last is None else f"after {last.disposition.value}"
    return NextStep(phone.phone_id, at if at > now else None, exhausted=False, reason=why)


def _due_at(
    phone: Phone, history: Sequence[PastAttempt], rules: Mapping[Disposition, RetryRule], now: datetime
) -> datetime | None:
    """When a number may be tried (not before `now`); None when it is out of the rotation."""
    mine = [attempt for attempt in history if attempt.phone_id == phone.phone_id]
    if not mine:
        return now
    last = mine[-1]
    rule = rules.get(last.disposition)
    used = sum(_counts_with(attempt.disposition, last.disposition) for attempt in mine)
    if rule is None or used >= rule.max_attempts or last.verdict == EMPTY_NUMBER:
        return None
    return max(now, last.ended_at + timedelta(seconds=rule.delay_s))


def _counts_with(earlier: Disposition, last: Disposition) -> bool:
    """Whether an end uses up the attempts that another one permits: trunk faults and bad numbers are counted apart."""
    if last is Disposition.BAD_NUMBER:
        return earlier is last
    return (earlier in TRUNK_FAULTS) == (last in TRUNK_FAULTS)


def _left_alone_until(history: Sequence[PastAttempt], now: datetime) -> datetime:
    """The end of the gap after the last attempt the person may have noticed."""
    noticed = (attempt.ended_at for attempt in history if attempt.disposition not in UNDISTURBED)
    return max(now, max(noticed, default=now - PERSON_GAP) + PERSON_GAP)
