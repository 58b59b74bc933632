"""What the API needs of the house, filled once by the composition root.

The protocols are the API's declared needs: `CampaignManager`, `AgentDesk`, `Trunks` and the importer fulfil them.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from dialer.agents.browser_phones import BrowserPhones
from dialer.calls.case_view import AgentDeskView, Shown
from dialer.calls.listening_in import ListeningDesk
from dialer.campaigns.loop import CampaignStatus, LaunchCheck
from dialer.clock import Clock
from dialer.compliance.policy import Policy
from dialer.config import Config
from dialer.evidence.exporting import Encoders
from dialer.evidence.playing import Player
from dialer.evidence.proving import Prover
from dialer.evidence.redacting import Redactor
from dialer.evidence.rewrapping import Rewrapper
from dialer.evidence.transcribing import Transcripts
from dialer.live import LiveBoard
from dialer.metrics import Metrics
from dialer.model.collecting import IdentityResult
from dialer.model.outcome import WrapUp
from dialer.prompts.store import PromptStore
from dialer.sip.trunks import TrunkStatus
from dialer.storage import Storage
from dialer.supervising.supervision import Supervision


class Campaigns(Protocol):
    """What a supervisor does with campaigns. An action the state does not allow raises DialerError."""

    async def check(self, campaign_id: int) -> LaunchCheck: ...
    def latest_check(self, campaign_id: int) -> LaunchCheck | None: ...

    async def start(self, campaign_id: int, actor: str) -> None: ...

    async def pause(self, campaign_id: int, actor: str) -> None: ...

    async def resume(self, campaign_id: int, actor: str) -> None: ...

    async def stop_now(self, campaign_id: int, actor: str) -> None: ...

    async def status(self, campaign_id: int) -> CampaignStatus: ...

    def stop_calls(
        self, reason: str, *, person_ref: str | None = None, case_ref: str | None = None, number: str | None = None
    ) -> int: ...


class Desk(Protocol):
    """What a collector does. An action the state does not allow raises DialerError."""

    async def log_in(self, agent_id: int, campaign_ids: Collection[int]) -> AgentDeskView: ...

    async def log_out(self, agent_id: int, cause: str) -> AgentDeskView | None: ...

    async def ready(self, agent_id: int) -> AgentDeskView: ...

    async def take_break(self, agent_id: int, code: str) -> AgentDeskView: ...

    async def preview_dial(self, agent_id: int) -> AgentDeskView: ...

    async def preview_skip(self, agent_id: int, code: str, words: str) -> AgentDeskView: ...

    def has_shown(self, agent_id: int, phone_id: int) -> bool: ...

    async def dial_manually(self, agent_id: int, phone_id: int) -> AgentDeskView: ...

    async def hang_up(self, agent_id: int) -> AgentDeskView: ...

    async def pause_recording(self, agent_id: int) -> AgentDeskView: ...

    async def resume_recording(self, agent_id: int) -> AgentDeskView: ...

    async def wrap_up(self, wrap_up: WrapUp) -> AgentDeskView | None: ...

    async def identify(self, agent_id: int, attempt_id: int, result: IdentityResult) -> AgentDeskView: ...

    def view(self, agent_id: int) -> AgentDeskView: ...

    def case(self, agent_id: int) -> Shown: ...


class TrunkBoard(Protocol):
    """How the trunks stand."""

    def status(self) -> Sequence[TrunkStatus]: ...


class PolicyBoard(Protocol):
    """The policy in force, and reading it again. ConfigError: what is there now is wrong, the old one stays."""

    @property
    def config(self) -> Config: ...

    def current(self, now: datetime) -> Policy: ...

    async def reload(self, cause: str) -> Policy: ...


@dataclass(frozen=True, slots=True)
class Services:
    """The parts the handlers use."""

    config: Config
    clock: Clock
    storage: Storage
    campaigns: Campaigns
    desk: Desk
    browser_phones: BrowserPhones
    listening: ListeningDesk
    trunks: TrunkBoard
    policy: PolicyBoard
    live: LiveBoard
    metrics: Metrics
    player: Player
    encoders: Encoders
    prompts: PromptStore
    redactor: Redactor
    transcripts: Transcripts
    rewrapper: Rewrapper
    prover: Prover
    supervision: Supervision
    verdicts_dir: Path
    """Where the audio of verdicts lies; `VerdictSample.audio_path` is relative to it."""
    uploads_dir: Path
    """Where an uploaded list lies while it is imported."""
    outcomes_wake: Callable[[], None]
    """Says that the outbox has something new."""
