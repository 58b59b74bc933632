"""From what the network and the audio said to a disposition. Pure."""

from collections.abc import Mapping

from dialer.campaigns.pacing import CallOutcome
from dialer.model.announcement import AnnouncementMeaning as Meaning
from dialer.model.attempt import Disposition
from dialer.progress.verdict import Label, Verdict
from dialer.sip import cause, events

VAGUE = frozenset({Disposition.NO_ANSWER, Disposition.REJECTED, Disposition.UNKNOWN, Disposition.TRUNK_CONGESTION})
"""What trunks say for lack of something better: a tone heard before outranks it."""
NEVER_OUTRANKED = frozenset(
    {Disposition.CANCELLED, Disposition.NETWORK_BLOCKED, Disposition.UNWANTED, Disposition.SHORT_ANSWER}
)
"""Our own doing, a block said in so many words, or an answer: no announcement knows better."""

DEAD_ENDS: Mapping[Meaning, Disposition] = {
    Meaning.EMPTY_NUMBER: Disposition.BAD_NUMBER,
    Meaning.POWERED_OFF: Disposition.POWERED_OFF,
    Meaning.SUSPENDED: Disposition.SUSPENDED,
    Meaning.UNREACHABLE: Disposition.UNREACHABLE,
    Meaning.INCOMING_BARRED: Disposition.INCOMING_BARRED,
    Meaning.BUSY: Disposition.BUSY,
}
"""Announcements after which nobody will answer this call: it ends early."""
MEANS: Mapping[Meaning, Disposition] = {
    **DEAD_ENDS,
    Meaning.NO_ANSWER: Disposition.NO_ANSWER,
    # It offers to take a message, or forwards the call: nobody has answered, and somebody still may.
    Meaning.CALL_ASSISTANT: Disposition.NO_ANSWER,
    # Said in a 183, so the call counts as placed like every other that got an 18x: no trunk's fault that gives its slot
    # back and is tried again at once, which would spend a person's attempts of the day while the network is full.
    Meaning.NETWORK_BUSY: Disposition.UNREACHABLE,
}
"""What an announcement says of a call that was not answered. The others say nothing of it."""
TONES: Mapping[Label, Disposition] = {Label.BUSY: Disposition.BUSY, Label.CONGESTION: Disposition.UNREACHABLE}
"""What a tone says of it, where the signalling is vague."""

_KINDS_OF_SIT: Mapping[str, Disposition] = {
    "vc": Disposition.BAD_NUMBER,
    "ic": Disposition.BAD_NUMBER,
    "ro": Disposition.UNREACHABLE,
    "nc": Disposition.UNREACHABLE,
}
"""Vacant code and intercept (changed, out of service), reorder and no circuit: the information tones of North America.
Elsewhere they say only that the call failed. A bad number heard this way is dialed once more before it is one."""

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
    Disposition.SUSPENDED: CallOutcome.NO_ANSWER,
    Disposition.UNREACHABLE: CallOutcome.NO_ANSWER,
    Disposition.INCOMING_BARRED: CallOutcome.NO_ANSWER,
    Disposition.CANCELLED: CallOutcome.CANCELLED,
}


def end_of(failed: events.Failed) -> Disposition:
    """How a call that was not answered ended, by signalling alone."""
    return cause.disposition(failed.cause, rang=failed.rang, no_response=failed.no_response)


def with_early_media(disposition: Disposition, early: Verdict | None, meaning: Meaning | None = None) -> Disposition:
    """The signalling's word, corrected by what was heard before the end; `meaning` is a known announcement's."""
    if meaning is not None and meaning in MEANS and disposition not in NEVER_OUTRANKED:
        return MEANS[meaning]
    if early is None or disposition not in VAGUE:
        return disposition
    heard = _KINDS_OF_SIT.get(early.subclass) if early.label is Label.SIT else TONES.get(early.label)
    return heard or disposition


def pacing_outcome(disposition: Disposition, *, answered: bool = False) -> CallOutcome:
    """How pacing sees a call that ended without a collector; answered ones without a person count as machines."""
    outcome = _PACING.get(disposition, CallOutcome.FAILED)
    return CallOutcome.MACHINE if answered and disposition in MEANS.values() else outcome
