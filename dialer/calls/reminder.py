"""The dialogue of an automated reminder call: pure. Keys and ended prompts in, what to do next out.

The script is said once, then the called person is given time to press a key: 1 speak to a collector, 2 hear it again,
9 do not call me again. Keys work while the script plays (barge-in), except that a key pressed twice counts once.
Nobody has to press anything: after the pause the call says goodbye and ends. Waiting for a collector is bounded; when
none comes the person hears an apology and is offered a callback (a key 1 there asks for one).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

KEY_COLLECTOR, KEY_AGAIN, KEY_NO_CALLS = "1", "2", "9"
KEY_WAIT_S = 6.0
"""How long a key is awaited after the script."""
QUEUE_LIMIT_S = 20.0
"""How long the person waits for a collector after asking for one."""
MAX_REPEATS = 3


class Step(str, Enum):
    """Where the dialogue stands."""

    START = "start"
    SCRIPT = "script"
    KEY_WAIT = "key_wait"
    QUEUE = "queue"
    OFFER = "offer"
    OFFER_WAIT = "offer_wait"
    CLOSING = "closing"
    DONE = "done"


class Heard(str, Enum):
    """What reaches the dialogue."""

    BEGIN = "begin"
    PROMPT_ENDED = "prompt_ended"
    KEY_COLLECTOR = "key_collector"
    KEY_AGAIN = "key_again"
    KEY_NO_CALLS = "key_no_calls"
    TIMEOUT = "timeout"


class Say(str, Enum):
    """Prompts of the dialogue; SCRIPT is the campaign's, with the contact's fields."""

    SCRIPT = "script"
    PLEASE_HOLD = "please_hold"
    APOLOGY_CALLBACK = "apology_callback"
    CALLBACK_NOTED = "callback_noted"
    NO_MORE_CALLS = "no_more_calls"
    GOODBYE = "goodbye"


class Ask(str, Enum):
    """What the dialogue wants done beside talking."""

    QUEUE_FOR_COLLECTOR = "queue_for_collector"
    LEAVE_QUEUE = "leave_queue"
    REQUEST_CALLBACK = "request_callback"
    DO_NOT_CALL = "do_not_call"
    END = "end"


KEYS: Mapping[str, Heard] = {
    KEY_COLLECTOR: Heard.KEY_COLLECTOR,
    KEY_AGAIN: Heard.KEY_AGAIN,
    KEY_NO_CALLS: Heard.KEY_NO_CALLS,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """The next thing to say (None: go on with what plays) and to do."""

    say: Say | None = None
    ask: tuple[Ask, ...] = ()


NOTHING = Reply()


class ReminderDialogue:
    """One reminder's dialogue.

    `handle_input`, `next_deadline` (monotonic s) and `handle_timeout` are its whole face.
    """

    def __init__(self) -> None:
        self.step = Step.START
        self.next_deadline: float | None = None
        self.times_said = 0

    def handle_key(self, digit: str, now: float) -> Reply:
        """A key of the called person; unknown keys change nothing."""
        heard = KEYS.get(digit)
        return self.handle_input(heard, now) if heard else NOTHING

    def handle_input(self, heard: Heard, now: float) -> Reply:
        """Applies one event; what the table does not know changes nothing."""
        action = TABLE.get((self.step, heard))
        return action(self, now) if action else NOTHING

    def handle_timeout(self, now: float) -> Reply:
        """Applies the deadline once it has passed."""
        if self.next_deadline is None or now < self.next_deadline:
            return NOTHING
        return self.handle_input(Heard.TIMEOUT, now)

    def _set_step(self, step: Step, deadline: float | None = None) -> None:
        self.step, self.next_deadline = step, deadline

    def say_script(self, now: float) -> Reply:
        if self.times_said > MAX_REPEATS:
            return self.close(now)
        self.times_said += 1
        self._set_step(Step.SCRIPT)
        return Reply(Say.SCRIPT)

    def await_key(self, now: float) -> Reply:
        self._set_step(Step.KEY_WAIT, now + KEY_WAIT_S)
        return NOTHING

    def queue(self, now: float) -> Reply:
        self._set_step(Step.QUEUE, now + QUEUE_LIMIT_S)
        return Reply(Say.PLEASE_HOLD, (Ask.QUEUE_FOR_COLLECTOR,))

    def offer_callback(self, now: float) -> Reply:
        self._set_step(Step.OFFER)
        return Reply(Say.APOLOGY_CALLBACK, (Ask.LEAVE_QUEUE,))

    def await_offer(self, now: float) -> Reply:
        self._set_step(Step.OFFER_WAIT, now + KEY_WAIT_S)
        return NOTHING

    def note_callback(self, now: float) -> Reply:
        self._set_step(Step.CLOSING)
        return Reply(Say.CALLBACK_NOTED, (Ask.REQUEST_CALLBACK,))

    def no_more_calls(self, now: float) -> Reply:
        self._set_step(Step.CLOSING)
        return Reply(Say.NO_MORE_CALLS, (Ask.LEAVE_QUEUE, Ask.DO_NOT_CALL))

    def close(self, now: float) -> Reply:
        self._set_step(Step.CLOSING)
        return Reply(Say.GOODBYE)

    def end(self, now: float) -> Reply:
        self._set_step(Step.DONE)
        return Reply(None, (Ask.END,))


D = ReminderDialogue
SPEAKING = (Step.SCRIPT, Step.KEY_WAIT)
OFFERING = (Step.OFFER, Step.OFFER_WAIT)

TABLE: Mapping[tuple[Step, Heard], Callable[[ReminderDialogue, float], Reply]] = {
    (Step.START, Heard.BEGIN): D.say_script,
    (Step.SCRIPT, Heard.PROMPT_ENDED): D.await_key,
    (Step.KEY_WAIT, Heard.TIMEOUT): D.close,
    **{(step, Heard.KEY_COLLECTOR): D.queue for step in SPEAKING},
    **{(step, Heard.KEY_AGAIN): D.say_script for step in SPEAKING},
    **{(step, Heard.KEY_NO_CALLS): D.no_more_calls for step in (*SPEAKING, Step.QUEUE, *OFFERING)},
    (Step.QUEUE, Heard.TIMEOUT): D.offer_callback,
    (Step.OFFER, Heard.PROMPT_ENDED): D.await_offer,
    (Step.OFFER_WAIT, Heard.TIMEOUT): D.close,
    **{(step, Heard.KEY_COLLECTOR): D.note_callback for step in OFFERING},
    (Step.CLOSING, Heard.PROMPT_ENDED): D.end,
}
