"""What signalling, tones and announcements say together."""

import pytest

from dialer.calls.attempt import AttemptMachine
from dialer.calls.dispositions import DEAD_ENDS, MEANS, NEVER_OUTRANKED, VAGUE, pacing_outcome, with_early_media
from dialer.calls.facts import AttemptFacts, AttemptPlan
from dialer.calls.listening import Listening
from dialer.calls.settling import corrected
from dialer.calls.signals import Signal
from dialer.calls.signals import SignalKind as K
from dialer.campaigns.pacing import CallOutcome
from dialer.campaigns.retry import DEFAULT_RETRIES
from dialer.model.announcement import AnnouncementMeaning as Meaning
from dialer.model.attempt import TRUNK_FAULTS, Disposition
from dialer.progress.verdict import Label, Verdict
from dialer.storage.earlier import ANSWERS, NO_FAILURES

BUSY_TONE = Verdict(Label.BUSY, 0.9, 3000)


@pytest.mark.parametrize("disposition", Disposition)
@pytest.mark.parametrize("meaning", Meaning)
def test_an_announcement_outranks_the_signalling(meaning: Meaning, disposition: Disposition) -> None:
    """Not our own cancelling, nor a block in so many words; and what means nothing leaves everything as it is."""
    kept = disposition in NEVER_OUTRANKED or meaning not in MEANS
    assert with_early_media(disposition, None, meaning) is (disposition if kept else MEANS[meaning])


@pytest.mark.parametrize("disposition", Disposition)
@pytest.mark.parametrize(
    ("label", "subclass", "means"),
    [
        (Label.BUSY, "", Disposition.BUSY),
        (Label.CONGESTION, "", Disposition.UNREACHABLE),
        (Label.SIT, "vc", Disposition.BAD_NUMBER),
        (Label.SIT, "nc", Disposition.UNREACHABLE),
        (Label.SIT, "itu", None),
        (Label.RINGBACK, "", None),
        (Label.ANNOUNCEMENT, "", None),
    ],
)
def test_a_tone_only_mends_a_vague_word(
    label: Label, subclass: str, means: Disposition | None, disposition: Disposition
) -> None:
    heard = with_early_media(disposition, Verdict(label, 0.9, 3000, subclass=subclass))
    assert heard is (means if means and disposition in VAGUE else disposition)


def test_what_an_announcement_means_is_no_trunk_fault_and_may_be_tried_again() -> None:
    """It was heard in early media: the call counts as placed, and each end has its own pause."""
    assert TRUNK_FAULTS.isdisjoint(MEANS.values())
    assert set(MEANS.values()) <= set(DEFAULT_RETRIES)
    assert ANSWERS.isdisjoint(MEANS.values())
    assert NO_FAILURES & set(MEANS.values()) == {Disposition.INCOMING_BARRED}
    assert set(DEAD_ENDS) < set(MEANS)


@pytest.mark.parametrize("disposition", sorted(set(MEANS.values())))
def test_pacing_takes_an_announcement_after_the_answer_for_a_machine(disposition: Disposition) -> None:
    assert pacing_outcome(disposition, answered=True) is CallOutcome.MACHINE
    assert pacing_outcome(disposition) in (CallOutcome.NO_ANSWER, CallOutcome.BUSY, CallOutcome.FAILED)


class Known:
    title = "not in use"
    meaning = Meaning.EMPTY_NUMBER
    certain = True


def test_the_record_names_what_was_heard() -> None:
    heard = Listening()
    refused = AttemptFacts(disposition=Disposition.NO_ANSWER)
    assert (corrected(refused, heard).disposition, corrected(refused, heard).verdict) == (Disposition.NO_ANSWER, "")
    heard.early = BUSY_TONE
    assert (corrected(refused, heard).disposition, corrected(refused, heard).verdict) == (Disposition.BUSY, "busy")
    heard.announcement = Known()
    end = corrected(refused, heard)
    assert (end.disposition, end.verdict) == (Disposition.BAD_NUMBER, "empty_number")


def test_an_answer_is_what_the_greeting_said() -> None:
    """Early media may say what it likes: somebody answered."""
    heard = Listening()
    heard.early, heard.announcement = BUSY_TONE, Known()
    machine = AttemptMachine(1, AttemptPlan())
    for kind in (K.INVITE_SENT, K.EARLY_MEDIA, K.ANSWERED, K.MACHINE):
        machine.handle_input(Signal(kind, confidence=0.9), 1.0)
    end = corrected(machine.facts, heard)
    assert (end.disposition, end.verdict) == (Disposition.MACHINE, "machine")
