"""One running campaign: its pacer, its calls under way, and one tick after the other."""

import logging
from collections import Counter
from datetime import datetime, timedelta

from dialer.agents.sessions import AgentChanged, AgentSession, AgentSessions
from dialer.agents.state import AgentStateError
from dialer.calls.attempt import Phase
from dialer.calls.desk import AgentDesk
from dialer.calls.floor import CallFloor, NoNewCallsError
from dialer.calls.order import CallOrder
from dialer.calls.pace_story import stage_of
from dialer.calls.placing import NotPlaced
from dialer.calls.previews import PreviewOffer
from dialer.calls.prompts import CallPrompts
from dialer.calls.runner import AttemptRunner
from dialer.campaigns.loop.means import trunks_down, trunks_of
from dialer.campaigns.loop.occupancy import Occupancy
from dialer.campaigns.loop.paces import Paces
from dialer.campaigns.loop.period import AbandonmentPeriod, budgets_of
from dialer.campaigns.loop.refusals import Refusals
from dialer.campaigns.loop.sharing import Here
from dialer.campaigns.loop.snapshot import agent_events, takes_more, views_of
from dialer.campaigns.loop.staffing import Demand
from dialer.campaigns.loop.status import CampaignStatus
from dialer.campaigns.pacing import CallStage, PacingDecision, PacingEvent, PacingLimits, PacingSnapshot
from dialer.campaigns.pacing.config import PacerConfig
from dialer.campaigns.pacing.pacer import Pacer
from dialer.campaigns.pacing.types import MIN_RING_S
from dialer.model.attempt import CallPath, Disposition
from dialer.model.campaign import Campaign, CampaignMode, CampaignSettings, CampaignState
from dialer.model.entry import Candidate, EntryCounts
from dialer.model.limiting import Factor
from dialer.model.pacing_bounds import sensible
from dialer.sip.trunks import Trunks, TrunkStatus
from dialer.storage.entries import LEASE_S
from dialer.words.bilingual import Bilingual, both
from dialer.words.catalogue import in_both

logger = logging.getLogger(__name__)

TICK_S = 0.5
LEAST_TARGET = 1e-6
"""What a policy's limit of nobody at all means to the pace."""
COUNT_REFRESH_S = 5.0
"""How often the entries of a list are counted; at every tick while nothing is callable, so that the end is seen."""
COUNT_COST_FACTOR = 50
"""On a million entries counting takes a tenth of a second: it never takes more than a fiftieth of the time."""
PACER_SAVE_S = 30.0
CALLBACK_PAUSE = timedelta(seconds=30)
"""A callback promised by a collector who is busy is looked at again after this."""
WRAP_UP_PATIENCE = timedelta(minutes=1)
"""On top of its limit a wrap-up on another node, or of before a restart, may take so long to be recorded."""
NO_CALLS_PAUSE = timedelta(seconds=5)
PREVIEW_MARGIN_S = 60.0
"""So much longer than a preview may last its entry is leased: what is dialed at the last moment must still be ours."""


class RunningCampaign:
    """The loop of one campaign on this node. `tick` is its whole clockwork; calls run on the floor."""

    def __init__(
        self,
        campaign: Campaign,
        prompts: CallPrompts,
        floor: CallFloor,
        sessions: AgentSessions,
        desk: AgentDesk,
        trunks: Trunks,
        pacer: Paces,
        tick_s: float = TICK_S,
    ) -> None:
        """`tick_s` is how often `tick` will be called."""
        self.campaign = campaign
        self.pacer = pacer
        self.counts = EntryCounts()
        self.limits = in_both("starting")
        """What holds the pace, in words."""
        self.factor = Factor.STARTING
        self.staff: frozenset[int] = frozenset()
        """The collectors this campaign may count on; the manager lends them before every tick."""
        self.prompts = prompts
        """What its next calls say."""
        self._floor = floor
        self._sessions = sessions
        self._desk = desk
        self._trunks = trunks
        self._tick_s = tick_s
        self._clock = floor.services.clock
        self._storage = floor.services.storage
        self._period = AbandonmentPeriod(campaign.campaign_id)
        self._events: list[PacingEvent] = []
        self._refusals = Refusals()
        self._occupancy = Occupancy()
        self._is_counted = False
        self._counted_at: float | None = None
        self._count_pause_s = 0.0
        self._saved_at: float | None = None

    @property
    def campaign_id(self) -> int:
        return self.campaign.campaign_id

    @property
    def runners(self) -> tuple[AttemptRunner, ...]:
        """The campaign's calls under way."""
        return self._floor.of_campaign(self.campaign_id)

    @property
    def limiting(self) -> str:
        """What holds the pace, in English words."""
        return self.limits.en

    def observe(self, event: PacingEvent) -> None:
        """An event of a call; the pacer hears it at the next tick."""
        self._events.append(event)

    def agent_changed(self, changed: AgentChanged) -> None:
        """A collector of this campaign changed state."""
        if self.campaign_id in changed.session.campaign_ids:
            self._events += agent_events(changed)

    async def load(self) -> None:
        """Takes over what the pacing had learned before the last stop."""
        state = await self._storage.campaigns.load_pacer(self.campaign_id)
        if state:
            try:
                self.pacer.load(state)
            except ValueError:
                logger.warning("what the pacing had learned is of another version", extra=self._facts())

    async def save(self) -> None:
        """Keeps what the pacing learned."""
        await self._storage.campaigns.save_pacer(self.campaign_id, self.pacer.dump())

    async def tick(self) -> None:
        """Observe, decide, place. Raises StorageError; the next tick tries again."""
        now = self._clock.monotonic()
        await self._refresh(now)
        decision = self._decide(now)
        self._take_back(decision)
        self.factor, self.limits = await self._act(decision)
        self._occupancy.look(views_of(self._staff()), now)

    @property
    def is_over(self) -> bool:
        """Nothing is left to dial, nothing is under way, and no wrap-up that could promise a callback is being written.

        Entries waiting for a person's word do not count; a list that was not counted yet is not an empty one.
        """
        counts = self.counts
        is_empty = self._is_counted and counts.waiting == counts.leased == counts.dialing == 0
        return is_empty and not self.runners and all(s.busy_for != self.campaign_id for s in self._sessions)

    async def awaits_wrap_ups(self) -> bool:
        """Whether a wrap-up that could promise a callback is still to come from a collector this node does not see.

        Those who took a call here speak for themselves, in `is_over`.
        """
        patience = timedelta(seconds=self.campaign.settings.wrap_up_limit_s) + WRAP_UP_PATIENCE
        awaited = await self._storage.wrap_ups.awaited(self.campaign_id, self._clock.utcnow() - patience)
        return bool(awaited - {s.agent_id for s in self._sessions if s.last_attempt_id is not None})

    async def recount(self) -> None:
        """Counts the entries now: what a wrap-up or a list added is seen before the campaign is called over."""
        self.counts = await self._storage.entries.counts(self.campaign_id, self._clock.utcnow())
        self._is_counted = True

    def demand(self) -> Demand:
        """What it asks of the collectors who work in several campaigns."""
        settings = self.campaign.settings
        has_work = self.counts.callable_now > 0 or bool(self.runners)
        dials = self.campaign.state is CampaignState.RUNNING and settings.mode is not CampaignMode.REMINDER
        return Demand(self.campaign_id, frozenset(settings.skills), dials and has_work)

    def status(self) -> CampaignStatus:
        """The campaign now, from memory."""
        agents = Counter(session.state.value for session in self._sessions.of_campaign(self.campaign_id))
        calls = Counter(stage_of(runner.machine).value for runner in self._up() if runner.attempt_id)
        period = self._period.standing(self.runners)
        campaign = self.campaign
        return CampaignStatus(
            campaign.campaign_id,
            campaign.name,
            campaign.state,
            campaign.state_reason,
            self.limiting,
            self.counts,
            dict(agents),
            dict(calls),
            period.live,
            period.abandoned,
            period.live_on_record,
            period.abandoned_on_record,
            self.factor,
            campaign.settings.mode,
            period.target,
            period.period_s,
            self._occupancy.share,
            self.limits.zh,
        )

    def live_data(self) -> dict[str, object]:
        """The same for the live board."""
        return self.status().live_data()

    # ---- inside

    async def _refresh(self, now: float) -> None:
        utc = self._clock.utcnow()
        await self._refresh_period(now, utc)
        if self._counted_at is None or now - self._counted_at >= self._count_pause_s:
            await self.recount()
            self._counted_at = now
            took_s = self._clock.monotonic() - now
            is_short = self.counts.callable_now == 0 or not self.runners
            self._count_pause_s = max(0.0 if is_short else COUNT_REFRESH_S, COUNT_COST_FACTOR * took_s)
        if self._saved_at is None or now - self._saved_at >= PACER_SAVE_S:
            self._saved_at = now
            await self.save()

    async def _refresh_period(self, now: float, utc: datetime) -> None:
        policy = self._floor.services.policy.current(utc)
        budgets = budgets_of(policy, self.campaign.settings, utc)
        if self._period.is_due(budgets, now):
            if self._storage.is_shared:
                await self._period.share(self._storage.budget_parts, self._here(), budgets, now, utc)
            else:
                await self._period.read(self._storage.policies, budgets, now, utc)
            self._period.took(self._clock.monotonic() - now)

    def _here(self) -> Here:
        """What other nodes must know of this one."""
        collectors = sum(takes_more(view) for view in views_of(self._staff()))
        lines = sum(stage_of(runner.machine) is not CallStage.CONNECTED for runner in self._up())
        return Here(self._floor.services.node, collectors, lines, self._period.debt(self.runners))

    def _decide(self, now: float) -> PacingDecision:
        events, self._events = self._events, []
        for event in sorted(events, key=lambda event: event.at):
            self.pacer.observe(event)
        return self.pacer.decide(self._snapshot(now))

    def _snapshot(self, now: float) -> PacingSnapshot:
        settings = self.campaign.settings
        calls = tuple(runner.view() for runner in self._up())
        period = self._period.standing(self.runners)
        live, abandoned = self._period.paced_by(period, self.runners)
        trunks = self._group()
        up = sum(trunk.channels - trunk.in_use for trunk in trunks if trunk.is_up) + len(calls)
        if settings.mode is CampaignMode.REMINDER:
            up = min(up, settings.max_reminder_channels)
        limits = PacingLimits(
            max_channels=up,
            max_cps=sum(trunk.cps for trunk in trunks if trunk.is_up),
            ring_timeout_s=max(settings.ring_timeout_s, MIN_RING_S),
            abandon_target=max(period.target, LEAST_TARGET),
            tick_s=self._tick_s,
        )
        return PacingSnapshot(
            now=now,
            agents=tuple(views_of(self._staff())),
            calls=calls,
            limits=limits,
            period_live=live,
            period_abandoned=abandoned,
            period_ends_at=now + period.period_s,
            leads_left=self.counts.callable_now,
        )

    async def _act(self, decision: PacingDecision) -> tuple[Factor, Bilingual]:
        """Does what was decided; returns what limits the pace, in a word and in words."""
        if self.campaign.state is not CampaignState.RUNNING:
            why = self.campaign.state_reason or "no new calls"
            return Factor.STATE, in_both(f"{self.campaign.state.value}: {why}")
        now = self._clock.monotonic()
        obstacles = {
            Factor.RECORDING: in_both(self._floor.obstacle()),
            Factor.TRUNKS_DOWN: in_both(trunks_down(self.campaign.settings.trunk_group, self._group())),
            Factor.REFUSED: self._refusals.held(now),
        }
        for factor, obstacle in obstacles.items():
            if obstacle:
                return factor, obstacle
        if self.campaign.settings.mode is CampaignMode.PREVIEW:
            return Factor.PREVIEW, in_both(await self._preview())
        wanted = self._refusals.allowed(decision.dial, len(self._ready_agents()), self.runners, now)
        placed = await self._place(wanted) if wanted > 0 else 0
        spent = self._refusals.limiting(self.runners, now)
        return (Factor.BUDGET, spent) if spent else self._reason(decision, placed)

    def _has_somebody(self) -> bool:
        """Whether a person who answers could be talked to, now or when a talk is over; reminders need nobody."""
        is_reminder = self.campaign.settings.mode is CampaignMode.REMINDER
        return is_reminder or any(takes_more(view) for view in views_of(self._staff()))

    def _take_back(self, decision: PacingDecision) -> None:
        """What the pace gives up, but no call that has a collector of its own.

        With nobody left, calls whose INVITE has not left yet stay here: nothing rang, so no ringing call is taken back.
        """
        has_somebody = self._has_somebody()
        for runner in self.runners if decision.cancel or not has_somebody else ():
            if runner.machine.plan.dedicated_agent is not None:
                continue
            if runner.view().call_id in decision.cancel:
                runner.stop("pacing")
            elif not has_somebody and runner.machine.phase is Phase.PLACING:
                runner.stop("no collector is left")

    def _up(self) -> list[AttemptRunner]:
        """Without the calls that are over and only wait for the database to take their end."""
        return [runner for runner in self.runners if runner.machine.phase is not Phase.ENDED]

    def _group(self) -> tuple[TrunkStatus, ...]:
        return trunks_of(self._trunks, self.campaign.settings.trunk_group)

    def _reason(self, decision: PacingDecision, placed: int) -> tuple[Factor, Bilingual]:
        counts = self.counts
        is_short = decision.dial > placed or decision.factor is Factor.LIST_SHORT
        if is_short and counts.callable_now == 0:
            factor = Factor.LIST_WAITS if counts.waiting else Factor.LIST_EMPTY
            return factor, _nothing_callable(counts) + self._refusals.last
        decided = Bilingual(decision.reason, decision.reason_zh)
        return decision.factor, decided + self._period.words + self._refusals.last

    async def _place(self, wanted: int) -> int:
        """Claims and dials up to `wanted` entries; returns how many calls were begun."""
        ready = {session.agent_id for session in self._ready_agents()}
        now = self._clock.utcnow()
        claimed = await self._storage.entries.claim(
            self.campaign_id, self._floor.services.node, wanted, now, agents=ready
        )
        if not claimed:
            self._counted_at = None
        begun = 0
        for candidate in claimed:
            begun += await self._begin(candidate)
        return begun

    async def _begin(self, candidate: Candidate) -> bool:
        dedicated = candidate.agent_id if candidate.path is CallPath.CALLBACK else None
        order = CallOrder.of_candidate(self.campaign, candidate, dedicated)
        try:
            self._floor.place(order, self.prompts, self.observe, on_end=self._on_end, cause="promised callback")
        except (AgentStateError, NoNewCallsError) as error:
            pause = CALLBACK_PAUSE if isinstance(error, AgentStateError) else NO_CALLS_PAUSE
            await self._storage.entries.put_back(candidate.entry_id, self._clock.utcnow() + pause, str(error))
            return False
        return True

    async def _preview(self) -> str:
        """A case for every ready collector."""
        sessions = self._ready_agents()
        if not sessions:
            return "preview: no collector is ready"
        ready, now = {session.agent_id for session in sessions}, self._clock.utcnow()
        lease_s = max(LEASE_S, self.campaign.settings.preview_limit_s + PREVIEW_MARGIN_S)
        claimed = await self._storage.entries.claim(
            self.campaign_id, self._floor.services.node, len(sessions), now, agents=ready, lease_s=lease_s
        )
        for candidate in claimed:
            await self._offer(candidate, ready)
        short = len(sessions) - len(claimed)
        return f"preview: {short} collectors wait for a case that is due" if short else "preview: collectors decide"

    async def _offer(self, candidate: Candidate, ready: set[int]) -> None:
        agent_id = candidate.agent_id if candidate.agent_id in ready else min(ready, default=None)
        offer = PreviewOffer(self.campaign, candidate, self.prompts, self.observe)
        try:
            if agent_id is None:
                raise AgentStateError("no collector is ready any more")
            ready.discard(agent_id)
            self._desk.offer_preview(agent_id, offer)
        except AgentStateError as error:
            not_before = self._clock.utcnow() + CALLBACK_PAUSE
            await self._storage.entries.put_back(candidate.entry_id, not_before, str(error))

    def _staff(self) -> list[AgentSession]:
        staff = self.staff
        return [s for s in self._sessions.of_campaign(self.campaign_id) if s.machine.agent_id in staff]

    def _ready_agents(self) -> list[AgentSession]:
        return [session for session in self._staff() if session.is_ready]

    def _on_end(self, runner: AttemptRunner, outcome: NotPlaced | Disposition) -> None:
        now = self._clock.monotonic()
        if isinstance(outcome, NotPlaced):
            self._refusals.refused(outcome, now)
            self._counted_at = None
        else:
            self._refusals.ended()
            self._period.ended(now, outcome)

    def _facts(self) -> dict[str, object]:
        return {"action": "campaign", "campaign_id": self.campaign_id}


def pacer_of(settings: CampaignSettings) -> Pacer:
    """The house's own pacer."""
    return Pacer(pacer_config(settings))


def pacer_config(settings: CampaignSettings) -> PacerConfig:
    """The pacer for a campaign's mode; settings stored before they had bounds are taken for the nearest within them."""
    settings = sensible(settings)
    return PacerConfig(
        mode=settings.mode.value,
        ratio=settings.power_ratio,
        channels=settings.max_reminder_channels,
        max_lines_per_agent=settings.max_lines_per_agent,
    )


def _nothing_callable(counts: EntryCounts) -> Bilingual:
    said = both("nothing is callable now: {later}", "目前无可呼对象：{later}", later=_later(counts.waiting))
    reconcile = both(", {n} to reconcile", "，{n} 条待核对", n=counts.reconcile)
    return said + reconcile if counts.reconcile else said


def _later(waiting: int) -> Bilingual:
    return both("{n} wait for their time", "{n} 条未到时间", n=waiting) if waiting else in_both("the list is empty")
