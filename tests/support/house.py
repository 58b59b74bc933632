"""The API over a real database, with the calls' side played: campaigns change state, nobody is rung."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from dialer.agents.browser_phones import BrowserPhones
from dialer.agents.sessions import AgentSessions
from dialer.agents.state import AgentStateError
from dialer.api.app import create_app
from dialer.api.security import hash_token
from dialer.api.services import Services
from dialer.calls.case_view import AgentDeskView, Shown
from dialer.calls.listening_in import ListeningDesk
from dialer.calls.policy_keeper import PolicyKeeper
from dialer.campaigns.lifecycle import CampaignAction, Refusal, transition
from dialer.campaigns.loop import CampaignError, CampaignStatus, LaunchCheck
from dialer.clock import Clock, SystemClock
from dialer.config import Config, HttpConfig, MediaConfig, NodeConfig, PolicyConfig
from dialer.config_access import OidcConfig
from dialer.config_recordings import RecordingsConfig
from dialer.config_supervision import SupervisionConfig
from dialer.evidence.exporting import Encoders
from dialer.evidence.playing import Player
from dialer.evidence.proving import Prover
from dialer.evidence.recording_keeper import RecordingKeeper
from dialer.evidence.redacting import Redactor
from dialer.evidence.rewrapping import Rewrapper
from dialer.evidence.transcribing import Transcripts
from dialer.live import LiveBoard
from dialer.media.loopback import LoopbackEngine
from dialer.metrics import Metrics
from dialer.model.account import Role
from dialer.model.agent import AgentState
from dialer.model.collecting import IdentityResult
from dialer.model.outcome import WrapUp
from dialer.prompts.store import PromptStore
from dialer.prompts.tts import FragmentSpeech
from dialer.sip.ladder_book import LadderBook
from dialer.sip.trunks import TrunkStatus
from dialer.storage import Storage
from dialer.supervising.supervision import House as SupervisedHouse
from dialer.supervising.supervision import Supervision
from recording.transcription import CommandTranscriber
from tests.support.policy import registered
from tests.support.schema import make_sqlite

KEY = bytes(32)


@dataclass
class PlayedCampaigns:
    """Walks campaigns through the real state table, and remembers which calls it was told to stop."""

    storage: Storage
    clock: Clock
    stopped: list[dict[str, str | None]] = field(default_factory=list)

    async def check(self, campaign_id: int) -> LaunchCheck:
        await self._apply(campaign_id, CampaignAction.CHECK)
        now = self.clock.utcnow()
        counts = await self.storage.entries.counts(campaign_id, now)
        return LaunchCheck(
            campaign_id,
            now,
            counts,
            finished=True,
            total=counts.waiting,
            surveyed=counts.waiting,
            callable_now=counts.callable_now,
            limiting="nothing",
        )

    def latest_check(self, campaign_id: int) -> LaunchCheck | None:
        return None

    async def start(self, campaign_id: int, actor: str) -> None:
        await self._apply(campaign_id, CampaignAction.START)

    async def pause(self, campaign_id: int, actor: str) -> None:
        await self._apply(campaign_id, CampaignAction.PAUSE)

    async def resume(self, campaign_id: int, actor: str) -> None:
        await self._apply(campaign_id, CampaignAction.RESUME)

    async def stop_now(self, campaign_id: int, actor: str) -> None:
        await self._apply(campaign_id, CampaignAction.STOP)

    async def status(self, campaign_id: int) -> CampaignStatus:
        campaign = await self.storage.campaigns.get(campaign_id)
        assert campaign is not None
        return CampaignStatus(campaign_id, campaign.name, campaign.state, campaign.state_reason, "nobody is ready")

    def stop_calls(
        self, reason: str, *, person_ref: str | None = None, case_ref: str | None = None, number: str | None = None
    ) -> int:
        self.stopped.append({"reason": reason, "person_ref": person_ref, "case_ref": case_ref, "number": number})
        return 0

    async def _apply(self, campaign_id: int, action: CampaignAction) -> None:
        campaign = await self.storage.campaigns.get(campaign_id)
        assert campaign is not None
        after = transition(campaign.state, action)
        if isinstance(after, Refusal):
            raise CampaignError(after.reason)
        await self.storage.campaigns.set_state(campaign_id, campaign.state, after, action.value, self.clock.utcnow())


@dataclass
class PlayedDesk:
    """One step per action, without a phone."""

    clock: Clock
    states: dict[int, AgentState] = field(default_factory=dict)
    wrap_ups: list[WrapUp] = field(default_factory=list)
    cases: dict[int, Shown] = field(default_factory=dict)

    async def log_in(self, agent_id: int, campaign_ids: Collection[int]) -> AgentDeskView:
        return self._go(agent_id, AgentState.AUX)

    async def log_out(self, agent_id: int, cause: str) -> AgentDeskView | None:
        self.view(agent_id)
        del self.states[agent_id]
        return None

    async def ready(self, agent_id: int) -> AgentDeskView:
        self.view(agent_id)
        return self._go(agent_id, AgentState.READY)

    async def take_break(self, agent_id: int, code: str) -> AgentDeskView:
        self.view(agent_id)
        return self._go(agent_id, AgentState.BREAK)

    async def preview_dial(self, agent_id: int) -> AgentDeskView:
        self._previewed(agent_id)
        return self._go(agent_id, AgentState.RESERVED)

    async def preview_skip(self, agent_id: int, code: str, words: str) -> AgentDeskView:
        self._previewed(agent_id)
        return self._go(agent_id, AgentState.READY)

    def has_shown(self, agent_id: int, phone_id: int) -> bool:
        return False

    async def dial_manually(self, agent_id: int, phone_id: int) -> AgentDeskView:
        return self.view(agent_id)

    async def hang_up(self, agent_id: int) -> AgentDeskView:
        raise AgentStateError("there is no call to hang up")

    async def pause_recording(self, agent_id: int) -> AgentDeskView:
        raise AgentStateError("there is no talk to pause the recording of")

    async def resume_recording(self, agent_id: int) -> AgentDeskView:
        raise AgentStateError("there is no talk to pause the recording of")

    async def identify(self, agent_id: int, attempt_id: int, result: IdentityResult) -> AgentDeskView:
        raise AgentStateError("there is no case on the screen")

    def case(self, agent_id: int) -> Shown:
        if agent_id not in self.cases:
            raise AgentStateError("there is no case on the screen")
        return self.cases[agent_id]

    async def wrap_up(self, wrap_up: WrapUp) -> AgentDeskView | None:
        self.wrap_ups.append(wrap_up)
        return self.view(wrap_up.agent_id)

    def view(self, agent_id: int) -> AgentDeskView:
        if agent_id not in self.states:
            raise AgentStateError("the collector is not logged in on this node")
        now = self.clock.utcnow()
        return AgentDeskView(agent_id, f"agent {agent_id}", self.states[agent_id], now, now)

    def _previewed(self, agent_id: int) -> None:
        if self.states.get(agent_id) is not AgentState.PREVIEW:
            raise AgentStateError("there is no case to dial or skip")

    def _go(self, agent_id: int, state: AgentState) -> AgentDeskView:
        self.states[agent_id] = state
        return self.view(agent_id)


class PlayedTrunks:
    """One idle trunk."""

    def status(self) -> Sequence[TrunkStatus]:
        return (TrunkStatus("main", "default", True, 0, 30, 5.0, ""),)


@dataclass
class House:
    """A running API with a token for every role; `api` is an HTTP client, `tokens` by role."""

    storage: Storage
    services: Services
    campaigns: PlayedCampaigns
    desk: PlayedDesk
    live: LiveBoard
    api: TestClient  # type: ignore[type-arg]
    tokens: dict[Role, str]
    wakes: list[datetime]
    keeper: RecordingKeeper
    media: LoopbackEngine
    sessions: AgentSessions

    def auth(self, role: Role) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}


@asynccontextmanager
async def open_house(
    folder: Path,
    *,
    new_tokens: bool = True,
    token_prefix: str = "token",
    clock: Clock | None = None,
    policy: PolicyConfig | None = None,
    recordings: RecordingsConfig | None = None,
    http: HttpConfig | None = None,
    oidc: OidcConfig | None = None,
    listening_in: SupervisionConfig | None = None,
) -> AsyncIterator[House]:
    """The house over a SQLite file; without `new_tokens` over one whose tokens are known already."""
    clock = clock or SystemClock()
    if not (folder / "dialer.db").exists():
        make_sqlite(folder / "dialer.db")
    config = Config(
        node=NodeConfig(data_dir=folder),
        policy=policy or PolicyConfig(),
        caller_ids=registered(),
        recordings=recordings or RecordingsConfig(),
        http=http or HttpConfig(),
        oidc=oidc,
        supervision=listening_in or SupervisionConfig(),
    )
    live = LiveBoard(clock)
    async with (
        Storage.open(f"sqlite:///{folder / 'dialer.db'}", KEY, clock) as storage,
        PolicyKeeper(storage.policies, clock, config) as keeper,
        RecordingKeeper(storage, config, keeper.current, (folder / "spool",), clock, lambda: None, live) as recorder,
        Player(recorder) as player,
        LoopbackEngine(MediaConfig(), folder / "phones") as media,
        AgentSessions(clock, storage.agents.record_change) as sessions,
        BrowserPhones(media, sessions, clock, config.phones.reconnect_s) as browser_phones,
        ListeningDesk(
            media, sessions, browser_phones, storage.audit.record, clock, config.supervision, live.publish
        ) as listening,
    ):
        node, vault = config.node.name, recorder.vault
        ladders = LadderBook(clock, lambda peer: True)
        # Its clockwork stands still: tests look for themselves.
        supervision = Supervision(SupervisedHouse(storage, live, clock, keeper.current, node, ladders))
        command = config.recordings.transcriber
        transcriber = CommandTranscriber(command) if command else None
        campaigns, desk = PlayedCampaigns(storage, clock), PlayedDesk(clock)
        wakes: list[datetime] = []
        services = Services(
            config=config,
            clock=clock,
            storage=storage,
            campaigns=campaigns,
            desk=desk,
            browser_phones=browser_phones,
            listening=listening,
            trunks=PlayedTrunks(),
            policy=keeper,
            live=live,
            metrics=Metrics(live),
            player=player,
            encoders=Encoders(),
            prompts=PromptStore(folder / "prompts", FragmentSpeech(), storage.prompts),
            redactor=Redactor(storage, vault, player, node, clock),
            rewrapper=Rewrapper(storage.recording_keys, recorder.keys),
            prover=Prover(storage, recorder.objects, recorder.keys, config),
            supervision=supervision,
            transcripts=Transcripts(storage, vault, player, transcriber, node, clock),
            verdicts_dir=folder / "verdicts",
            uploads_dir=folder / "uploads",
            outcomes_wake=lambda: wakes.append(clock.utcnow()),
        )
        tokens = {role: f"{token_prefix}-of-{role.value}" for role in Role}
        for role, token in tokens.items() if new_tokens else ():
            await storage.accounts.add_token(hash_token(token), role.value, role, clock.utcnow())
        async with supervision.what_if, TestClient(TestServer(await asyncio.to_thread(create_app, services))) as api:
            yield House(storage, services, campaigns, desk, live, api, tokens, wakes, recorder, media, sessions)
