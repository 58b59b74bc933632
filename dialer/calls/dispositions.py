"""From what the network and the audio said to a disposition. Pure."""

from dialer.campaigns.pacing import CallOutcome
from dialer.model.attempt import Disposition
from dialer.progress.verdict import Label, Verdict
from dialer.sip import cause, events

VAGUE = frozenset({Disposition.NO_ANSWER, Disposition.REJECTED, Disposition.UNKNOWN, Disposition.TRUNK_CONGESTION})
"""What trunks say for lack of something better: a busy tone heard before outranks it."""

_PACING = {
    Disposition.MACHINE: CallOutcome.MACHINE,
    Disposition.MESSAGE_LEFT: CallOutcome.MACHINE,
    Disposition.FAX: CallOutcome.MACHINE,
    Disposition.SILENCE: CallOutcome.MACHINE,
    Disposition.SHORT_ANSWER: CallOutcome.MACHINE,
    Disposition.REMINDED: CallOutcome.MACHINE,
    Disposition.BUSY: CallOutcome.BUSY,
    Disposition.NO_ANSWER: CallOutcome.NO_ANSWER,
    Disposition.POWERED_OFF: CallOutcome.NO_ANSWER,
    Disposition.CANCELLED: CallOutcome.CANCELLED,
}


def end_of(failed: events.Failed) -> Disposition:
    """How a call that was not answered ended, by signalling alone."""
    return cause.disposition(failed.cause, rang=failed.rang, no_response=failed.no_response)


def with_early_media(disposition: Disposition, early: Verdict | None) -> Disposition:
    """The signalling's word, corrected by what was heard before the end."""
    if early is not None and early.label is Label.BUSY and disposition in VAGUE:
        return Disposition.BUSY
    return disposition


def pacing_outcome(disposition: Disposition) -> CallOutcome:
    """How pacing sees a call that ended without a collector; answered ones without a person count as machines."""
    return _PACING.get(disposition, CallOutcome.FAILED)
