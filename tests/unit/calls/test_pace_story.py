"""Every call that was placed ends in the pacing's ears, exactly once, whatever became of its collector."""

import pytest

from dialer.calls.facts import AttemptFacts
from dialer.calls.pace_story import PaceStory
from dialer.campaigns.pacing import CallOutcome, EventKind, PacingEvent
from dialer.model.attempt import Disposition


class Story:
    def __init__(self) -> None:
        self.heard: list[PacingEvent] = []
        self.story = PaceStory(self.heard.append)
        self.facts = AttemptFacts(invited_at=0.0)
        self.story.placed(1, 0.0)

    def answer(self) -> None:
        self.story.answered(1, self.facts, 5.0)
        self.facts.greeting_end_at = self.facts.waiting_since = 6.0

    def connect(self, agent_id: int, now: float) -> None:
        self.story.connected(1, agent_id, self.facts, now)

    def end(self, disposition: Disposition, now: float) -> list[EventKind]:
        self.facts.disposition = disposition
        self.story.ended(1, self.facts, now)
        return [event.kind for event in self.heard]


def test_a_talk_ends_once() -> None:
    story = Story()
    story.answer()
    story.connect(7, 7.0)
    story.story.talk_ended(1, 27.0)
    kinds = story.end(Disposition.CONNECTED, 27.0)
    assert kinds == [EventKind.PLACED, EventKind.ANSWERED, EventKind.CONNECTED, EventKind.TALK_ENDED]
    assert (story.heard[-1].agent_id, story.heard[-1].seconds) == (7, 20.0)


def test_a_talk_with_a_machine_was_no_live_one() -> None:
    """Told once: the end of the call, with or without a message left, adds nothing."""
    story = Story()
    story.answer()
    story.connect(7, 7.0)
    story.story.talk_ended(1, 9.0, CallOutcome.NOT_LIVE)
    assert story.end(Disposition.MESSAGE_LEFT, 30.0)[-1] is EventKind.TALK_ENDED
    assert (story.heard[-1].outcome, story.heard[-1].seconds) == (CallOutcome.NOT_LIVE, 2.0)


def test_the_talk_of_a_collector_who_vanished_ends_with_the_call() -> None:
    story = Story()
    story.answer()
    story.connect(7, 7.0)
    kinds = story.end(Disposition.CONNECTED, 30.0)
    assert kinds[-2:] == [EventKind.CONNECTED, EventKind.TALK_ENDED]


def test_a_takeover_is_two_talks() -> None:
    story = Story()
    story.answer()
    story.connect(7, 7.0)
    story.connect(8, 17.0)
    story.end(Disposition.CONNECTED, 30.0)
    talks = [(event.agent_id, event.seconds) for event in story.heard if event.kind is EventKind.TALK_ENDED]
    assert talks == [(7, 10.0), (8, 13.0)]


@pytest.mark.parametrize(
    ("disposition", "kind"),
    [(Disposition.ABANDONED, EventKind.ABANDONED), (Disposition.MACHINE, EventKind.FINISHED)],
)
def test_an_answer_without_a_talk(disposition: Disposition, kind: EventKind) -> None:
    story = Story()
    story.answer()
    assert story.end(disposition, 8.0) == [EventKind.PLACED, EventKind.ANSWERED, kind]
    assert [event.at for event in story.heard] == sorted(event.at for event in story.heard)


def test_nothing_placed_nothing_told() -> None:
    heard: list[PacingEvent] = []
    PaceStory(heard.append).ended(1, AttemptFacts(disposition=Disposition.CANCELLED), 1.0)
    assert heard == []
