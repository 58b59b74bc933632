"""The composition root: one node with all its parts, entered in the order of their dependence and left in the reverse.

`async with Application(config) as app` is a running dialer. Entering recovers what a crash left behind before
anything new begins; leaving lets calls end by themselves for a while, then ends them in order. Each part says what is
wrong with the configuration by itself (ConfigError: what, where, what to do).
"""

import asyncio
import gc
import logging
import random
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from aiohttp import web

from dialer.agents.browser_phones import BrowserPhones
from dialer.agents.phone_secrets import PhoneSecrets
from dialer.agents.sessions import AgentSessions
from dialer.api.app import create_app
from dialer.api.services import Services
from dialer.calls.caller_ids import CallerIds
from dialer.calls.desk import AgentDesk
from dialer.calls.floor import CallFloor
from dialer.calls.listening import prepare
from dialer.calls.listening_in import ListeningDesk
from dialer.calls.policy_keeper import PolicyKeeper
from dialer.calls.services import CallServices
from dialer.calls.spool_guard import SpoolGuard
from dialer.campaigns.import_lease import IMPORTS_FOLDER, clean_imports
from dialer.campaigns.loop import CampaignManager
from dialer.campaigns.loop.stop_watch import StopWatch
from dialer.clock import Clock, RehearsalClock, SystemClock
from dialer.config import Config
from dialer.errors import ConfigError, system_reason
from dialer.evidence.exporting import Encoders
from dialer.evidence.ledger_keeper import LedgerKeeper
from dialer.evidence.playing import Player
from dialer.evidence.proving import Prover
from dialer.evidence.recording_keeper import RecordingKeeper
from dialer.evidence.redacting import Redactor
from dialer.evidence.retention_keeper import RetentionKeeper
from dialer.evidence.rewrapping import Rewrapper
from dialer.evidence.transcribing import Transcripts
from dialer.evidence.transcript_runner import TranscriptRunner
from dialer.live import LiveBoard
from dialer.media.engine import MediaEngine
from dialer.metrics import Metrics
from dialer.outcomes.announcement_keeper import AnnouncementKeeper
from dialer.outcomes.delivery import Delivery, destination_names, open_destinations
from dialer.outcomes.verdict_keeper import VerdictKeeper
from dialer.prompts.store import PromptStore
from dialer.prompts.tts import local_speech
from dialer.quality.plan_runner import PlanRunner
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.ladder_book import LadderBook
from dialer.sip.registrar import RegistrationChanged
from dialer.sip.trunk_monitor import TrunkMonitor
from dialer.sip.trunks import Trunks
from dialer.storage import Storage, storage_of
from dialer.supervising.supervision import House, Supervision
from recording.transcription import CommandTranscriber

logger = logging.getLogger(__name__)

HTTP_STOP_S = 5.0


class Application:
    """A node. Its parts are attributes once it is entered."""

    storage: Storage
    ledger: LedgerKeeper
    media: MediaEngine
    phone_secrets: PhoneSecrets
    ladders: LadderBook
    sip: SipEndpoint
    trunks: Trunks
    policy: PolicyKeeper
    prompts: PromptStore
    sessions: AgentSessions
    browser_phones: BrowserPhones
    listening: ListeningDesk
    floor: CallFloor
    desk: AgentDesk
    campaigns: CampaignManager
    recordings: RecordingKeeper
    player: Player
    transcripts: Transcripts
    retention: RetentionKeeper
    verdicts: VerdictKeeper
    announcements: AnnouncementKeeper
    delivery: Delivery
    supervision: Supervision

    def __init__(self, config: Config, reread: Callable[[], Config] | None = None) -> None:
        """`reread` reads the configuration again, for what can change while the node runs (ConfigError)."""
        self.config = config
        self._reread = reread
        starts_at = config.node.rehearsal_starts_at
        self.clock: Clock = SystemClock() if starts_at is None else RehearsalClock(starts_at)
        self.board = LiveBoard(self.clock)
        self.http_port = config.http.port
        data_dir = config.node.data_dir
        self.spool_dir = config.node.spool_dir
        self.verdicts_dir = data_dir / "verdicts"
        self.uploads_dir = data_dir / "uploads"
        self.prompts_dir = data_dir / "prompts"
        self._chance = random.Random()  # noqa: S311 - spreads retries and weighs trunks; guards no secret
        self._stack = AsyncExitStack()
        self._desk: AgentDesk | None = None
        self._delivery: Delivery | None = None

    async def __aenter__(self) -> Self:
        try:
            async with AsyncExitStack() as stack:
                await self._enter(stack)
                self._stack = stack.pop_all()
        except BaseExceptionGroup as group:
            raise only_error(group) from group
        logger.info("the node is up", extra={"action": "node_up", "node": self.config.node.name})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)
        logger.info("the node is down", extra={"action": "node_down", "node": self.config.node.name})

    async def _enter(self, stack: AsyncExitStack) -> None:
        await asyncio.to_thread(self._make_directories)
        await self._enter_storage(stack)
        await self._enter_outside(stack)
        await self._enter_calls(stack)
        await self._enter_supervision(stack)
        await self._serve_http(stack)

    # ---- parts, from the bottom up

    def _make_directories(self) -> None:
        for directory in (self.spool_dir, self.uploads_dir, self.prompts_dir):
            try:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                reason = f"node.data_dir: cannot make {directory}: {system_reason(error)}"
                raise ConfigError(f"{reason}; choose a directory that this user may write to") from error

    async def _enter_storage(self, stack: AsyncExitStack) -> None:
        self.storage = await stack.enter_async_context(await storage_of(self.config, self.clock))
        node = self.config.node.name
        # Before the first event of this run: one that is new in the configuration hears of the recovery too.
        await self.storage.outbox.register(*destination_names(self.config))
        n_unknown = await self.storage.attempts.recover(node, self.clock.utcnow())
        n_lists = await clean_imports(self.storage, node, self.config.node.data_dir / IMPORTS_FOLDER)
        facts = {"action": "recovered", "attempts_unknown": n_unknown, "imports_removed": n_lists}
        logger.info("recovered from the last run", extra=facts)
        # Below whatever adds to the ledger, so that its last signature is over all of it.
        signing, reading = self.storage.ledger_signing, self.storage.ledger_reading
        keeper = LedgerKeeper(signing, reading, self.config, self.clock, self.board)
        self.ledger = await stack.enter_async_context(keeper)

    async def _enter_outside(self, stack: AsyncExitStack) -> None:
        """What faces the disk, the case system, the wire."""
        await self._enter_recordings(stack)
        node, limits = self.config.node.name, self.config.verdicts
        keeper = VerdictKeeper(self.storage.verdict_samples, self.verdicts_dir, node, limits, self.clock, self.board)
        self.verdicts = await stack.enter_async_context(keeper)
        library = AnnouncementKeeper(self.storage.announcements, self.clock)
        self.announcements = await stack.enter_async_context(library)
        destinations = open_destinations(self.config, self.clock, self._chance)
        self.delivery = self._delivery = await stack.enter_async_context(
            Delivery(
                self.storage.outbox,
                destinations,
                node=self.config.node.name,
                clock=self.clock,
                chance=self._chance,
            )
        )
        second_dir = self.config.recordings.second_spool_dir
        self.media = await stack.enter_async_context(MediaEngine(self.config.media, self.spool_dir, second_dir))
        self.trunks = Trunks(self.config.trunks, self.clock, self._chance.random)
        self.ladders = LadderBook(self.clock, self.trunks.is_trunk)
        secrets = PhoneSecrets(self.storage.accounts, self.config.sip.realm)
        self.phone_secrets = await stack.enter_async_context(secrets)
        self.sip = await stack.enter_async_context(
            SipEndpoint(
                self.config.sip,
                is_trunk=self.trunks.is_trunk,
                secrets_of=self.phone_secrets.lookup,
                on_registration=self._on_registration,
                on_message=self.ladders.passed,
            )
        )
        monitor = TrunkMonitor(self.trunks, self.sip)
        await monitor.resolve()
        await stack.enter_async_context(_Background(monitor.run()))

    async def _enter_recordings(self, stack: AsyncExitStack) -> None:
        """They are kept as long as the policy says, so that comes first."""
        policy = PolicyKeeper(self.storage.policies, self.clock, self.config, self._reread)
        self.policy = await stack.enter_async_context(policy)
        second = self.config.recordings.second_spool_dir
        spool_dirs = (self.spool_dir, *(() if second is None else (second,)))
        recordings = RecordingKeeper(
            self.storage,
            self.config,
            self.policy.current,
            spool_dirs,
            self.clock,
            self._wake_delivery,
            self.board,
        )
        self.recordings = await stack.enter_async_context(recordings)
        self.player = await stack.enter_async_context(Player(self.recordings))
        command = self.config.recordings.transcriber
        transcriber = CommandTranscriber(command) if command else None
        node, vault = self.config.node.name, self.recordings.vault
        self.transcripts = Transcripts(self.storage, vault, self.player, transcriber, node, self.clock)
        if transcriber is not None:
            runner = TranscriptRunner(self.storage, self.transcripts, node, self.clock)
            await stack.enter_async_context(runner)
        retention = RetentionKeeper(
            self.storage, self.policy.current, recordings.objects, self.config.node.name, self.clock, self.board
        )
        self.retention = await stack.enter_async_context(retention)
        plans = PlanRunner(self.storage, self.clock, self.board, node, self._house_zone, self.transcripts.text)
        await stack.enter_async_context(_Background(plans.run()))

    async def _enter_calls(self, stack: AsyncExitStack) -> None:
        await asyncio.to_thread(prepare)
        speech = await asyncio.to_thread(local_speech, self.config.node.data_dir / "speech")
        self.prompts = PromptStore(self.prompts_dir, speech, self.storage.prompts)
        self.sessions = await stack.enter_async_context(AgentSessions(self.clock, self.storage.agents.record_change))
        phones = BrowserPhones(self.media, self.sessions, self.clock, self.config.phones.reconnect_s)
        self.browser_phones = await stack.enter_async_context(phones)
        spool = self._spool_guard()
        await spool.refresh()
        self.floor = await stack.enter_async_context(CallFloor(self._call_services(), lambda: spool.obstacle))
        await stack.enter_async_context(StopWatch(self.floor))
        self.desk = AgentDesk(
            self.floor,
            self.sessions,
            self.sip,
            self.sip.registrar,
            self.config.sip.advertised_host or self.config.sip.host,
            self.board.publish,
            browser_phones=self.browser_phones,
        )
        self._desk = await stack.enter_async_context(self.desk)
        self.sip.on_incoming(self.desk.on_incoming)
        self.campaigns = await stack.enter_async_context(
            CampaignManager(self.floor, self.sessions, self.desk, self.trunks, self.board, spool, self.delivery.wake)
        )

    def _call_services(self) -> CallServices:
        return CallServices(
            storage=self.storage,
            sip=self.sip,
            media=self.media,
            trunks=self.trunks,
            agents=self.sessions,
            prompts=self.prompts,
            policy=self.policy,
            caller_ids=CallerIds(self.storage.policies, self.clock),
            clock=self.clock,
            node=self.config.node.name,
            keep_recording=self.recordings.keep,
            keep_verdict=self.verdicts.keep,
            announcements=self.announcements,
            advertised_host=self.config.sip.advertised_host,
            longest_pause_s=self.config.recordings.longest_pause_s,
            note_call=self.ladders.name,
            refresh_desk=lambda agent_id: self.desk.refresh(agent_id),  # it is there before the first call
        )

    def _spool_guard(self) -> SpoolGuard:
        return SpoolGuard(
            self.spool_dir,
            self.config.media.spool_min_free_mb,
            second_dir=self.config.recordings.second_spool_dir,
            writer=self.media,
            tell=partial(self.board.publish, f"spool/{self.config.node.name}"),
        )

    async def _enter_supervision(self, stack: AsyncExitStack) -> None:
        house = House(
            storage=self.storage,
            board=self.board,
            clock=self.clock,
            policy=self.policy.current,
            node=self.config.node.name,
            ladders=self.ladders,
            sessions=self.sessions,
            destinations=destination_names(self.config),
        )
        self.supervision = await stack.enter_async_context(Supervision(house))
        listening = ListeningDesk(
            self.media,
            self.sessions,
            self.browser_phones,
            self.storage.audit.record,
            self.clock,
            self.config.supervision,
            self.board.publish,
            self.desk.refresh,
        )
        self.listening = await stack.enter_async_context(listening)

    async def _serve_http(self, stack: AsyncExitStack) -> None:
        services = Services(
            config=self.config,
            clock=self.clock,
            storage=self.storage,
            campaigns=self.campaigns,
            desk=self.desk,
            browser_phones=self.browser_phones,
            listening=self.listening,
            trunks=self.trunks,
            policy=self.policy,
            live=self.board,
            metrics=Metrics(self.board),
            player=self.player,
            encoders=Encoders(),
            prompts=self.prompts,
            redactor=Redactor(self.storage, self.recordings.vault, self.player, self.config.node.name, self.clock),
            transcripts=self.transcripts,
            rewrapper=Rewrapper(self.storage.recording_keys, self.recordings.keys),
            prover=Prover(self.storage, self.recordings.objects, self.recordings.keys, self.config),
            supervision=self.supervision,
            verdicts_dir=self.verdicts_dir,
            uploads_dir=self.uploads_dir,
            outcomes_wake=self.delivery.wake,
        )
        app = await asyncio.to_thread(create_app, services)  # it reads the pages
        runner = web.AppRunner(app, shutdown_timeout=HTTP_STOP_S, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        http = self.config.http
        try:
            site = web.TCPSite(runner, http.host, http.port)
            await site.start()
        except OSError as error:
            raise ConfigError(
                f"cannot open HTTP on {http.host}:{http.port}: {system_reason(error)}; set http.port to a free one"
            ) from error
        self.http_port = runner.addresses[0][1]

    # ---- what the parts tell each other

    def _house_zone(self) -> ZoneInfo:
        return self.policy.current(self.clock.utcnow()).house_zone

    def _on_registration(self, change: RegistrationChanged) -> None:
        if self._desk is not None:
            self._desk.on_registration(change)

    def _wake_delivery(self) -> None:
        if self._delivery is not None:
            self._delivery.wake()


def only_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error inside nested groups (parts that were up already wrap it as they close), else the group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


class _Background:
    """One endless task as an `async with` object."""

    def __init__(self, work: Coroutine[object, object, None]) -> None:
        self._work = work
        self._tasks = asyncio.TaskGroup()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._task = self._tasks.create_task(self._work)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
        await self._tasks.__aexit__(None, None, None)


async def serve(
    config: Config,
    on_up: Callable[[Application], None] = lambda app: None,
    reread: Callable[[], Config] | None = None,
) -> None:
    """Runs a node until SIGTERM or SIGINT. `on_up` hears when it is ready. Raises ConfigError, StorageError.

    `reread` reads the configuration again, for what can change while the node runs.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with Application(config, reread) as app:
            # What is there now stays for the process's life: a full collection that walks it would stop the loop for
            # some 40 ms each time (measured during an import); frozen, it takes less than one.
            gc.collect()
            gc.freeze()
            on_up(app)
            await stop.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
