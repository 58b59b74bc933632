"""All campaigns of this node: started, ticked, paused, drained, and always able to say why nothing is dialing.

The database holds each campaign's state; every node runs the loop of every running campaign for its own collectors.
What another node or a person changed there is taken over within `RELOAD_S`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Self

from dialer.agents.sessions import AgentChanged, AgentSessions
from dialer.calls.desk import AgentDesk
from dialer.calls.floor import CallFloor
from dialer.calls.prompts import CallPrompts, render_prompts, role_names
from dialer.calls.spool_guard import SpoolGuard
from dialer.campaigns.lifecycle import CampaignAction, Refusal, transition
from dialer.campaigns.loop.complaints import Complaints
from dialer.campaigns.loop.launch_check import LaunchCheck, LaunchChecks
from dialer.campaigns.loop.paces import PacerOf
from dialer.campaigns.loop.running import TICK_S, RunningCampaign, pacer_of
from dialer.campaigns.loop.staffing import Collector, lend
from dialer.campaigns.loop.status import CampaignStatus
from dialer.errors import ConfigError, DialerError, InputError, StorageError
from dialer.live import LiveBoard
from dialer.model.campaign import Campaign, CampaignState
from dialer.model.entry import EntryCounts
from dialer.model.limiting import Factor
from dialer.sip.trunks import Trunks
from dialer.words.catalogue import chinese, in_both

logger = logging.getLogger(__name__)

RELOAD_S = 2.0
"""How often the states in the database are read."""
TICK_LIMIT_S = 10.0
"""A tick of one campaign that hangs longer is given up, so that the others go on."""
LEASE_SWEEP_S = 60.0
RECLAIM_AFTER = timedelta(minutes=5)
"""A reservation this old that no call knows of never will be: its answer was lost in a database's timeout."""
DRAIN_S = 20.0
"""At the end, calls may finish by themselves for this long; then they are ended."""
LIVE_STATES = (CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.DRAINING)


class CampaignError(DialerError):
    """The campaign's state does not allow that."""


@dataclass(frozen=True, slots=True)
class _Parts:
    floor: CallFloor
    sessions: AgentSessions
    desk: AgentDesk
    trunks: Trunks
    board: LiveBoard
    spool: SpoolGuard
    pacer_of: PacerOf
    tick_s: float


class CampaignManager:
    """Used as `async with`, inside the floor. `wake_outcomes` is told when a state change is in the outbox."""

    def __init__(
        self,
        floor: CallFloor,
        sessions: AgentSessions,
        desk: AgentDesk,
        trunks: Trunks,
        board: LiveBoard,
        spool: SpoolGuard,
        wake_outcomes: Callable[[], None] = lambda: None,
        pacer_of: PacerOf = pacer_of,
        tick_s: float = TICK_S,
    ) -> None:
        self._parts = _Parts(floor, sessions, desk, trunks, board, spool, pacer_of, tick_s)
        self._storage = floor.services.storage
        self._clock = floor.services.clock
        self._wake_outcomes = wake_outcomes
        self._running: dict[int, RunningCampaign] = {}
        self._not_run: dict[int, str] = {}
        """Why campaigns that should run do not."""
        self._complaints = Complaints(self._clock)
        self._reloaded_at: float | None = None
        self._uploads: Hashable = None
        """Of the prompts that were rendered."""
        self._swept_at = self._clock.monotonic()
        self._tasks = asyncio.TaskGroup()
        self._checks = LaunchChecks(floor.services, trunks, self._tasks)
        self._loop: asyncio.Task[None] | None = None
        sessions.listen(self._on_agent)

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._loop = self._tasks.create_task(self._tick_for_ever(), name="campaign loop")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """No new calls; those that are up may end by themselves for `DRAIN_S`."""
        if self._loop is not None:
            self._loop.cancel()
        self._checks.stop()
        await self._tasks.__aexit__(None, None, None)
        await self._parts.floor.wait_idle(DRAIN_S)
        for running in self._running.values():
            await self._guarded(running.save, running)

    # ---- what supervisors do

    async def check(self, campaign_id: int) -> LaunchCheck:
        """How many may be called now, how many not and why; a draft without an obstacle is then checked.

        Waits a while for the end; what has not `finished` by then goes on, and `latest_check` shows it.
        """
        return await self._checks.check(await self._campaign(campaign_id), self._passed)

    def latest_check(self, campaign_id: int) -> LaunchCheck | None:
        """The check under way, as far as it has come, or the last one; None when there was none."""
        return self._checks.latest(campaign_id)

    async def _passed(self, campaign_id: int) -> None:
        campaign = await self._campaign(campaign_id)
        if not isinstance(transition(campaign.state, CampaignAction.CHECK), Refusal):
            await self._change(campaign_id, CampaignAction.CHECK, "checked")

    async def start(self, campaign_id: int, actor: str = "") -> None:
        """Begins dialing. Raises CampaignError (not checked), ConfigError (a prompt is missing)."""
        campaign = await self._campaign(campaign_id)
        await render_prompts(self._parts.floor.services.prompts, campaign.settings)
        await self._change(campaign_id, CampaignAction.START, _by("started", actor))

    async def pause(self, campaign_id: int, actor: str = "") -> None:
        """No new calls; those that are up go on. Raises CampaignError."""
        await self._change(campaign_id, CampaignAction.PAUSE, _by("paused", actor))

    async def resume(self, campaign_id: int, actor: str = "") -> None:
        """Dials again. Raises CampaignError."""
        await self._change(campaign_id, CampaignAction.RESUME, _by("resumed", actor))

    async def stop_now(self, campaign_id: int, actor: str = "") -> None:
        """Ends the campaign: no new calls, and finished once the last call has ended. Raises CampaignError."""
        await self._change(campaign_id, CampaignAction.STOP, _by("stopped", actor))

    async def status(self, campaign_id: int) -> CampaignStatus:
        """The campaign now. Raises InputError for an unknown one."""
        running = self._running.get(campaign_id)
        if running is not None:
            return running.status()
        campaign = await self._campaign(campaign_id)
        counts = await self._storage.entries.counts(campaign_id, self._clock.utcnow())
        return self._not_running(campaign, counts)

    def _not_running(self, campaign: Campaign, counts: EntryCounts) -> CampaignStatus:
        fault = self._not_run.get(campaign.campaign_id)
        words = in_both(fault or f"{campaign.state.value}: {campaign.state_reason or 'not running'}")
        return CampaignStatus(
            campaign.campaign_id,
            campaign.name,
            campaign.state,
            campaign.state_reason,
            words.en,
            counts,
            factor=Factor.STATE if fault is None else Factor.NOT_RUN,
            mode=campaign.settings.mode,
            budget_target=campaign.settings.abandon_target,
            limiting_zh=words.zh,
        )

    def stop_calls(
        self, reason: str, *, person_ref: str | None = None, case_ref: str | None = None, number: str | None = None
    ) -> int:
        """A payment, hold or do-not-call: ends the unanswered calls it is about, at once; returns how many."""
        return self._parts.floor.stop(reason, person_ref=person_ref, case_ref=case_ref, number=number)

    # ---- the loop

    async def _tick_for_ever(self) -> None:
        while True:
            began_at = self._clock.monotonic()
            await self._tick()
            await asyncio.sleep(max(began_at + self._parts.tick_s - self._clock.monotonic(), 0.05))

    async def _tick(self) -> None:
        """One round. A fault of one campaign is logged and shown, and ends no other."""
        try:
            await self._parts.spool.refresh()
            await self._sweep()
            await self._reload()
        except (StorageError, OSError) as error:
            self._complaints.say("reload", "campaigns not read", error, action="campaigns")
        for running in tuple(self._running.values()):
            self._lend_collectors()
            await self._guarded(running.tick, running)
            await self._guarded(lambda running=running: self._conclude(running), running)  # type: ignore[misc]
            self._parts.board.publish(f"campaign/{running.campaign_id}", running.live_data)
        self._publish_house()

    def _lend_collectors(self) -> None:
        """Before every campaign's tick: the one before may have reserved somebody, or run out of work."""
        collectors = [
            Collector(session.agent_id, session.campaign_ids, session.agent.skills, session.busy_for)
            for session in self._parts.sessions
        ]
        staff = lend(collectors, [running.demand() for running in self._running.values()])
        for campaign_id, running in self._running.items():
            running.staff = staff[campaign_id]

    async def _guarded(self, work: Callable[[], Awaitable[None]], running: RunningCampaign) -> None:
        try:
            async with asyncio.timeout(TICK_LIMIT_S):
                await work()
        except Exception as error:  # the edge of one campaign's tick: the others go on
            running.factor = Factor.FAULT
            running.limits = in_both(f"a fault in the loop: {error or type(error).__name__}")
            campaign_id = running.campaign_id
            self._complaints.say(campaign_id, "campaign tick failed", error, action="tick", campaign_id=campaign_id)

    async def _sweep(self) -> None:
        now = self._clock.monotonic()
        if now - self._swept_at >= LEASE_SWEEP_S:
            self._swept_at = now
            utc, services = self._clock.utcnow(), self._parts.floor.services
            await self._storage.entries.release_expired(utc)
            known = [runner.attempt_id for runner in self._parts.floor]
            n_lost = await self._storage.attempts.reclaim(services.node, known, utc - RECLAIM_AFTER, utc)
            if n_lost:
                logger.error("reservations were left without a call", extra={"action": "reclaim", "n": n_lost})

    async def _reload(self) -> None:
        now = self._clock.monotonic()
        if self._reloaded_at is not None and now - self._reloaded_at < RELOAD_S:
            return
        self._reloaded_at = now
        campaigns = {campaign.campaign_id: campaign for campaign in await self._storage.campaigns.all(LIVE_STATES)}
        for campaign_id in set(self._running) - set(campaigns):
            await self._forget(campaign_id)
        self._not_run = {known: why for known, why in self._not_run.items() if known in campaigns}
        before, self._uploads = self._uploads, await self._parts.floor.services.prompts.version()
        for campaign in campaigns.values():
            known = self._running.get(campaign.campaign_id)
            if known is not None:
                if before != self._uploads or role_names(known.campaign.settings) != role_names(campaign.settings):
                    await self._render_again(known, campaign)
                known.campaign = campaign
            else:
                await self._take_up(campaign)

    async def _take_up(self, campaign: Campaign) -> None:
        parts = self._parts
        try:
            prompts = await render_prompts(parts.floor.services.prompts, campaign.settings)
        except ConfigError as error:
            if campaign.state is not CampaignState.DRAINING:
                self._cannot_run(campaign, error)
                return
            prompts = CallPrompts()  # nothing new is dialed: it is only let to its end
        self._not_run.pop(campaign.campaign_id, None)
        pacer = parts.pacer_of(campaign.settings)
        running = RunningCampaign(
            campaign, prompts, parts.floor, parts.sessions, parts.desk, parts.trunks, pacer, parts.tick_s
        )
        await running.load()
        self._running[campaign.campaign_id] = running
        logger.info("campaign taken up", extra={"action": "campaign", "campaign_id": campaign.campaign_id})

    def _cannot_run(self, campaign: Campaign, error: ConfigError) -> None:
        campaign_id = campaign.campaign_id
        self._complaints.say(campaign_id, "campaign not run", error, action="campaign", campaign_id=campaign_id)
        self._not_run[campaign_id] = str(error)
        status = self._not_running(campaign, EntryCounts())
        self._parts.board.publish(f"campaign/{campaign_id}", status.live_data())

    async def _render_again(self, running: RunningCampaign, campaign: Campaign) -> None:
        """What was uploaded or chosen meanwhile; what cannot be rendered leaves what there is."""
        try:
            running.prompts = await render_prompts(self._parts.floor.services.prompts, campaign.settings)
        except ConfigError as error:
            name = campaign.campaign_id
            self._complaints.say(name, "prompts stay as they were", error, action="campaign", campaign_id=name)

    async def _forget(self, campaign_id: int) -> None:
        running = self._running.pop(campaign_id)
        await running.save()
        status = await self.status(campaign_id)
        self._parts.board.publish(f"campaign/{campaign_id}", status.live_data())

    async def _conclude(self, running: RunningCampaign) -> None:
        """Running to draining when nothing is left; draining to finished when the last call has ended."""
        campaign = running.campaign
        if campaign.state is CampaignState.RUNNING and running.is_over:
            await running.recount()
            if running.is_over and not await running.awaits_wrap_ups():
                await self._change(campaign.campaign_id, CampaignAction.COMPLETE, "every entry is done or exhausted")
        elif campaign.state is CampaignState.DRAINING and not running.runners:
            await self._change(campaign.campaign_id, CampaignAction.DRAINED, campaign.state_reason)

    async def _change(self, campaign_id: int, action: CampaignAction, reason: str) -> None:
        campaign = await self._campaign(campaign_id)
        after = transition(campaign.state, action)
        if isinstance(after, Refusal):
            raise CampaignError(after.reason)
        done = await self._storage.campaigns.set_state(campaign_id, campaign.state, after, reason, self._clock.utcnow())
        if not done:
            raise CampaignError("the campaign's state was changed by somebody else just now; look again")
        logger.info(
            "campaign %s", after.value, extra={"action": "campaign", "campaign_id": campaign_id, "reason": reason}
        )
        self._reloaded_at = None
        running = self._running.get(campaign_id)
        if running is not None:  # binds at once, not at the next reading
            running.campaign = await self._campaign(campaign_id)
        self._wake_outcomes()

    async def _campaign(self, campaign_id: int) -> Campaign:
        campaign = await self._storage.campaigns.get(campaign_id)
        if campaign is None:
            raise InputError(f"there is no campaign {campaign_id}")
        return campaign

    # ---- what watchers see

    def _on_agent(self, changed: AgentChanged) -> None:
        for running in self._running.values():
            running.agent_changed(changed)

    def _publish_house(self) -> None:
        for trunk in self._parts.trunks.status():
            self._parts.board.publish(
                f"trunk/{trunk.name}",
                {
                    "group": trunk.group,
                    "is_up": trunk.is_up,
                    "in_use": trunk.in_use,
                    "channels": trunk.channels,
                    "cps": trunk.cps,
                    "obstacle": trunk.obstacle,
                    "obstacle_zh": chinese(trunk.obstacle),
                },
            )


def _by(what: str, actor: str) -> str:
    return f"{what} by {actor}" if actor else what
