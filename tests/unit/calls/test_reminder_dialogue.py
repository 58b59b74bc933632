"""The reminder's dialogue: the whole product of steps and events, and the ways people take."""

import pytest

from dialer.calls.reminder import (
    KEY_WAIT_S,
    MAX_REPEATS,
    NOTHING,
    QUEUE_LIMIT_S,
    TABLE,
    Ask,
    Heard,
    ReminderDialogue,
    Reply,
    Say,
    Step,
)

WAYS: dict[Step, list[Heard]] = {
    Step.START: [],
    Step.SCRIPT: [Heard.BEGIN],
    Step.KEY_WAIT: [Heard.BEGIN, Heard.PROMPT_ENDED],
    Step.QUEUE: [Heard.BEGIN, Heard.KEY_COLLECTOR],
    Step.OFFER: [Heard.BEGIN, Heard.KEY_COLLECTOR, Heard.TIMEOUT],
    Step.OFFER_WAIT: [Heard.BEGIN, Heard.KEY_COLLECTOR, Heard.TIMEOUT, Heard.PROMPT_ENDED],
    Step.CLOSING: [Heard.BEGIN, Heard.KEY_NO_CALLS],
    Step.DONE: [Heard.BEGIN, Heard.KEY_NO_CALLS, Heard.PROMPT_ENDED],
}


def dialogue_in(step: Step) -> ReminderDialogue:
    dialogue = ReminderDialogue()
    for heard in WAYS[step]:
        dialogue.handle_input(heard, 0.0)
    assert dialogue.step is step
    return dialogue


@pytest.mark.parametrize("heard", Heard)
@pytest.mark.parametrize("step", Step)
def test_every_pair(step: Step, heard: Heard) -> None:
    dialogue = dialogue_in(step)
    reply = dialogue.handle_input(heard, 1.0)
    if (step, heard) not in TABLE:
        assert reply == NOTHING
        assert dialogue.step is step


def test_silence_ends_the_call_politely() -> None:
    dialogue = ReminderDialogue()
    assert dialogue.handle_input(Heard.BEGIN, 0.0) == Reply(Say.SCRIPT)
    assert dialogue.handle_input(Heard.PROMPT_ENDED, 20.0) == NOTHING
    assert dialogue.handle_timeout(20.0 + KEY_WAIT_S - 0.1) == NOTHING
    assert dialogue.handle_timeout(20.0 + KEY_WAIT_S) == Reply(Say.GOODBYE)
    assert dialogue.handle_input(Heard.PROMPT_ENDED, 30.0) == Reply(None, (Ask.END,))


def test_nobody_is_free_so_a_callback_is_offered() -> None:
    dialogue = dialogue_in(Step.SCRIPT)
    assert dialogue.handle_key("1", 5.0) == Reply(Say.PLEASE_HOLD, (Ask.QUEUE_FOR_COLLECTOR,))
    assert dialogue.handle_timeout(5.0 + QUEUE_LIMIT_S) == Reply(Say.APOLOGY_CALLBACK, (Ask.LEAVE_QUEUE,))
    assert dialogue.handle_key("1", 30.0) == Reply(Say.CALLBACK_NOTED, (Ask.REQUEST_CALLBACK,))


def test_nine_stops_calls_even_from_the_queue() -> None:
    reply = dialogue_in(Step.QUEUE).handle_key("9", 1.0)
    assert reply == Reply(Say.NO_MORE_CALLS, (Ask.LEAVE_QUEUE, Ask.DO_NOT_CALL))


def test_repeats_are_bounded() -> None:
    dialogue = dialogue_in(Step.SCRIPT)
    said = [dialogue.handle_key("2", float(index)).say for index in range(MAX_REPEATS + 1)]
    assert said == [Say.SCRIPT] * MAX_REPEATS + [Say.GOODBYE]


@pytest.mark.parametrize("digit", ["3", "*", "#", "0", "A"])
def test_other_keys_change_nothing(digit: str) -> None:
    assert dialogue_in(Step.SCRIPT).handle_key(digit, 1.0) == NOTHING
