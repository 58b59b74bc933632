"""What an attempt needs of the house. The composition root fills it once; tests fill it with their own parts."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dialer.agents.ports import SipPort
from dialer.agents.sessions import AgentSessions
from dialer.calls.caller_ids import CallerIds
from dialer.calls.listening import Listening, Matcher, NewMatcher
from dialer.calls.recording_pause import LONGEST_PAUSE_S
from dialer.calls.trunk_call import NoteCall
from dialer.clock import Clock
from dialer.compliance.policy import Policy
from dialer.media.interface import MediaPort
from dialer.model.attempt import Attempt, Settlement
from dialer.model.verdict_sample import VerdictPhase
from dialer.progress.amd import AmdConfig
from dialer.progress.verdict import Verdict
from dialer.prompts.store import PromptStore
from dialer.sip.trunks import TrunkLease, TrunkRefusal
from dialer.storage import Storage


class TrunkPort(Protocol):
    """Who lends trunks."""

    def acquire(self, group: str, exclude: Collection[str] = ()) -> TrunkLease | TrunkRefusal:
        """One channel and one token of calls per second, or why not."""
        ...


class PolicyPort(Protocol):
    """Who keeps the policy."""

    def current(self, now: datetime) -> Policy:
        """What binds at `now` (aware)."""
        ...


KeepRecording = Callable[[str, Attempt], None]
"""Takes a stopped recording (its id, its attempt) to be finalised; returns at once."""


class KeepVerdict(Protocol):
    """Takes a verdict with the audio it was made from, for people to check it; returns at once."""

    def __call__(
        self, attempt: Attempt, phase: VerdictPhase, verdict: Verdict, pcm: bytes, *, audio_from_ms: int = 0
    ) -> None: ...


class AnnouncementPort(Protocol):
    """Who keeps the library of known announcements, and what nobody knows yet."""

    def matcher(self) -> Matcher | None:
        """A matcher over the library as it is now; None while it is empty."""
        ...

    def keep_unknown(self, attempt: Attempt, end: Settlement, pcm: bytes) -> None:
        """Takes an announcement that was not recognised (int16, 8 kHz, mono), and how its call ended; returns at once.

        `attempt` is as it was reserved; trunk and SIP status are the end's.
        """
        ...


NewListening = Callable[[AmdConfig, NewMatcher], Listening]
"""What listens to one call."""


@dataclass(frozen=True, slots=True)
class CallServices:
    """The parts every attempt uses. `announcements` None: none is known.

    `advertised_host` goes into SDP, empty: the leg's own address. `new_listening` is another one in a rehearsal, where
    nothing can be heard. A recording that is paused goes on by itself after `longest_pause_s`. `note_call` learns which
    SIP call is which attempt's, `refresh_desk` of which collector another thing is to be shown.
    """

    storage: Storage
    sip: SipPort
    media: MediaPort
    trunks: TrunkPort
    agents: AgentSessions
    prompts: PromptStore
    policy: PolicyPort
    caller_ids: CallerIds
    clock: Clock
    node: str
    keep_recording: KeepRecording
    keep_verdict: KeepVerdict
    announcements: AnnouncementPort | None = None
    advertised_host: str = ""
    new_listening: NewListening = Listening
    longest_pause_s: float = LONGEST_PAUSE_S
    note_call: NoteCall = lambda call_id, attempt_id, trunk: None
    refresh_desk: Callable[[int], None] = lambda agent_id: None
