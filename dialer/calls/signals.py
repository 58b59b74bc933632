"""What reaches an attempt's machine (signals) and what it asks of its shell (orders)."""

from dataclasses import dataclass
from enum import Enum

from dialer.model.attempt import AttemptState, Disposition, HangupSide, NetworkCause

NO_CAUSE = NetworkCause()


class SignalKind(str, Enum):
    """What can happen to an attempt.

    TRUNK_FAULT is a failure before anything rang that another trunk may heal; FAILED every other final failure.
    UNSURE is a verdict that goes to a collector like HUMAN. GREETING_OVER says that the greeting has probably ended,
    while the verdict is still to come, GREETING_RESUMED that it had not. DEAD_END: by what the network plays the call
    leads nowhere. STOP is a payment, hold or do-not-call, or the pacing that takes a ringing call back; ABORT ends the
    attempt whatever its phase.
    """

    INVITE_SENT = "invite_sent"
    NO_TRUNK = "no_trunk"
    RINGING = "ringing"
    EARLY_MEDIA = "early_media"
    ANSWERED = "answered"
    TRUNK_FAULT = "trunk_fault"
    FAILED = "failed"
    PERSON_HUNG_UP = "person_hung_up"
    MEDIA_LOST = "media_lost"
    HUMAN = "human"
    UNSURE = "unsure"
    MACHINE = "machine"
    FAX = "fax"
    SILENCE = "silence"
    GREETING_OVER = "greeting_over"
    GREETING_RESUMED = "greeting_resumed"
    DEAD_END = "dead_end"
    BEEP = "beep"
    COLLECTOR = "collector"
    COLLECTOR_HUNG_UP = "collector_hung_up"
    COLLECTOR_LOST = "collector_lost"
    PROMPT_ENDED = "prompt_ended"
    DIALOGUE_ENDED = "dialogue_ended"
    STOP = "stop"
    ABORT = "abort"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Signal:
    """One event with the facts its kind carries.

    `greeting_end_at` (monotonic s) and `confidence` go with verdicts; `disposition` and `cause` with FAILED and
    TRUNK_FAULT, `disposition` with DEAD_END; `agent_id` with COLLECTOR; `crossed` says that a 200 crossed our CANCEL.
    """

    kind: SignalKind
    reason: str = ""
    agent_id: int | None = None
    cause: NetworkCause = NO_CAUSE
    disposition: Disposition | None = None
    confidence: float = 0.0
    greeting_end_at: float | None = None
    crossed: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the INVITE that has no final answer yet."""

    reason: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """BYE to the called person."""

    reason: str


@dataclass(frozen=True, slots=True)
class NextTrunk:
    """Give the trunk back and try the next one of the group under the same reservation."""

    reason: str


@dataclass(frozen=True, slots=True)
class Listen:
    """Start the recording if it does not run yet, and what hears the audio: early media, greeting or beep."""

    target: "ListenTarget"


class ListenTarget(str, Enum):
    """What the tap is for."""

    EARLY_MEDIA = "early_media"
    GREETING = "greeting"
    BEEP = "beep"


@dataclass(frozen=True, slots=True)
class StopListening:
    """Nothing needs the tap any more."""


@dataclass(frozen=True, slots=True)
class FindCollector:
    """A person is there: ask for a collector, now or as soon as one is ready; COLLECTOR answers."""


@dataclass(frozen=True, slots=True)
class ForgetCollector:
    """Withdraw that question."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """Connect this reserved collector with the person."""

    agent_id: int


@dataclass(frozen=True, slots=True)
class EndTalk:
    """The talk is over: the collector goes to wrap-up."""

    agent_id: int


@dataclass(frozen=True, slots=True)
class TakeBack:
    """There is no person to talk to: the collector is free at once, without a wrap-up. `what` is what there is."""

    agent_id: int
    what: str


@dataclass(frozen=True, slots=True)
class Play:
    """Play a prompt to the person; PROMPT_ENDED answers."""

    prompt: "PromptRole"


class PromptRole(str, Enum):
    """Which prompt: the campaign's settings name the files."""

    SAFE_HARBOUR = "safe_harbour"
    MACHINE_MESSAGE = "machine_message"
    HOLD_ON = "hold_on"
    GOODBYE = "goodbye"
    NOTICE = "notice"
    """That the call is recorded."""


@dataclass(frozen=True, slots=True)
class StartDialogue:
    """Begin the reminder's dialogue; DIALOGUE_ENDED or COLLECTOR answers."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Progress worth storing."""

    state: AttemptState


@dataclass(frozen=True, slots=True)
class Settle:
    """The attempt is over: settle it once with this end."""

    disposition: Disposition
    hangup_side: HangupSide | None


Order = (
    Cancel
    | HangUp
    | NextTrunk
    | Listen
    | StopListening
    | FindCollector
    | ForgetCollector
    | Bridge
    | EndTalk
    | TakeBack
    | Play
    | StartDialogue
    | Mark
    | Settle
)
