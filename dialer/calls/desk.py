"""What a collector can do: log in, be ready, take a break, see a case and dial it, hang up, record the outcome.

Everything a collector does that ends in a call goes to `CallFloor.place`, so through the one gate. Methods return
values or raise `DialerError` with words a collector understands.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Self

from dialer.agents.browser_phones import BrowserPhones
from dialer.agents.phone import NailedUpLine, PhoneError
from dialer.agents.ports import SipPort
from dialer.agents.sessions import AgentChanged, AgentSession, AgentSessions, PhoneLine
from dialer.agents.state import BREAK_CODES, AgentEvent, AgentStateError
from dialer.calls.case_view import AgentDeskView, Shown, case_view, desk_view, not_dialed
from dialer.calls.floor import CallFloor
from dialer.calls.order import CallOrder
from dialer.calls.pace_story import Observe
from dialer.calls.placing import NotPlaced
from dialer.calls.previews import RETURN_DELAY, SKIP_DELAY, PreviewOffer, Previews
from dialer.calls.prompts import CallPrompts, render_prompts
from dialer.calls.runner import AttemptRunner
from dialer.calls.screens import IDENTIFIABLE, IN_TALK, Screens
from dialer.calls.wrapping import WrappingUp
from dialer.errors import DialerError, InputError
from dialer.live import LiveData
from dialer.model.agent import Agent, AgentState
from dialer.model.attempt import CallPath, Disposition
from dialer.model.campaign import Campaign, CampaignState
from dialer.model.collecting import IdentityCheck, IdentityResult
from dialer.model.contact import CaseStatus, Contact
from dialer.model.outcome import WrapUp
from dialer.sip.calls import IncomingCall
from dialer.sip.registrar import Registrar, RegistrationChanged

logger = logging.getLogger(__name__)

NO_NEW_CALLS = (CampaignState.PAUSED, CampaignState.DRAINING, CampaignState.FINISHED)
LOOKUP_LIMIT_S = 5.0
"""How long a phone that dials in waits for the account behind it."""


Tell = Callable[[str, LiveData | None], None]
"""Takes the newest value of a topic of the live state; None: it is gone."""


class CaseStoppedError(DialerError):
    """The case does not allow calls."""


class AgentDesk:
    """Used as `async with`, inside the sessions and the floor it serves."""

    def __init__(
        self,
        floor: CallFloor,
        sessions: AgentSessions,
        sip: SipPort,
        registrar: Registrar | None,
        from_host: str,
        tell: Tell = lambda topic, data: None,
        *,
        browser_phones: BrowserPhones | None = None,
    ) -> None:
        """`tell` hears of every desk under `agent/ID`: no name of a person, no number, nothing of a debt."""
        self._floor = floor
        self._storage = floor.services.storage
        self._clock = floor.services.clock
        self._sessions = sessions
        self._sip = sip
        self._registrar = registrar
        self._from_host = from_host
        self._browser_phones = browser_phones
        self._previews = Previews(self._storage, self._clock)
        self._screens = Screens()
        self._wrapping = WrappingUp(floor, sessions)
        self._tell = tell
        self._ringing: set[int] = set()
        self._closing = False
        self._tasks = asyncio.TaskGroup()
        sessions.listen(self._on_change)

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cases on screens go back; a phone that calls in now is refused."""
        self._closing = True
        await self._previews.close("the service stops")
        await self._tasks.__aexit__(None, None, None)

    # ---- the shift

    async def log_in(self, agent_id: int, campaign_ids: Collection[int]) -> AgentDeskView:
        """Begins the shift on the headset in the browser, else on the phone, rung unless it called in already.

        Raises PhoneError, InputError.
        """
        agent = await self._agent(agent_id)
        session = self._sessions.find(agent_id)
        if session is None:
            line = self._headset(agent) or await self._ring(agent)
            session = self._sessions.open(agent, line, campaign_ids, "logged in")
        session.campaign_ids = frozenset(campaign_ids)
        self._publish(session)
        return self.view(agent_id)

    async def log_out(self, agent_id: int, cause: str = "logged out") -> AgentDeskView | None:
        """Ends the shift, after the call at hand and its wrap-up; None when it ended at once."""
        session = self._sessions.get(agent_id)
        self._sessions.apply(session, AgentEvent.LOG_OUT, cause)
        return self.view(agent_id) if self._sessions.find(agent_id) else None

    async def ready(self, agent_id: int) -> AgentDeskView:
        """Takes calls from now on, or after the wrap-up. Raises AgentStateError."""
        self._sessions.apply(self._sessions.get(agent_id), AgentEvent.READY, "ready")
        return self.view(agent_id)

    async def take_break(self, agent_id: int, code: str) -> AgentDeskView:
        """No calls from now on, or after the wrap-up; `code` says why. Raises AgentStateError."""
        chosen = BREAK_CODES.get(code, AgentState.BREAK)
        self._sessions.apply(self._sessions.get(agent_id), AgentEvent.PAUSE, code or "break", chosen=chosen)
        return self.view(agent_id)

    def view(self, agent_id: int) -> AgentDeskView:
        """What the collector's screen shows. Raises AgentStateError while offline."""
        session = self._sessions.get(agent_id)
        shown = self._screens.find(agent_id)
        call = self._call_of(session)
        paused_since, recorded = (None, False) if call is None else (call.pause.since, call.is_recorded)
        case = None
        if shown is not None:
            facts = self._wrapping.facts(shown.order.campaign.settings, shown.order.contact)
            case = case_view(shown, session.agent.name, facts)
        refused, notice = self._screens.refused(agent_id), self._screens.notice(agent_id)
        return desk_view(session, case, self._clock, refused, notice, paused_since, recorded=recorded)

    def refresh(self, agent_id: int) -> None:
        """Tells whoever watches the desk how it stands; nothing while the collector is offline."""
        session = self._sessions.find(agent_id)
        if session is not None:
            self._publish(session)

    def case(self, agent_id: int) -> Shown:
        """What is on the collector's screen. Raises AgentStateError where there is no case."""
        self._sessions.get(agent_id)
        shown = self._screens.find(agent_id)
        if shown is None:
            raise AgentStateError("there is no case on the screen")
        return shown

    async def identify(self, agent_id: int, attempt_id: int, result: IdentityResult) -> AgentDeskView:
        """Records who is, or was, on the line of the call at hand; the screen shows the case, or no longer does.

        Raises AgentStateError where that call is not on the screen.
        """
        state, shown = self._sessions.get(agent_id).state, self.case(agent_id)
        if shown.attempt_id != attempt_id or state not in IDENTIFIABLE:
            raise AgentStateError("that call is not on the screen, or nobody has answered it yet")
        check = IdentityCheck(attempt_id, agent_id, result, self._clock.utcnow())
        await self._storage.identity_checks.record(check)
        self._screens.identified(check)
        session = self._sessions.get(agent_id)
        self._publish(session)
        return self.view(agent_id)

    # ---- calls

    def offer_preview(self, agent_id: int, offer: PreviewOffer) -> None:
        """Shows a case to a ready collector. Raises AgentStateError; the entry is the caller's then."""
        limit_s = offer.campaign.settings.preview_limit_s
        self._sessions.apply(self._sessions.get(agent_id), AgentEvent.PREVIEW, "preview", limit_s=limit_s)
        self._previews.show(agent_id, offer)
        self._screens.preview(agent_id, offer.order(agent_id))
        self._publish(self._sessions.get(agent_id))

    async def preview_dial(self, agent_id: int) -> AgentDeskView:
        """Dials the case on the screen, or puts it back where the campaign dials no more.

        Raises AgentStateError, NoNewCallsError.
        """
        offer = self._preview(agent_id)
        campaign = await self._storage.campaigns.get(offer.campaign.campaign_id)
        if self._preview(agent_id) is not offer:
            raise AgentStateError("there is another case on the screen now")
        stopped = _why_not(campaign)
        if stopped:
            self._sessions.apply(self._sessions.get(agent_id), AgentEvent.RELEASE, stopped)
            raise AgentStateError(stopped)
        self._place(agent_id, offer.order(agent_id), offer.prompts, offer.observe, "dialed from preview")
        self._previews.take(agent_id)
        return self.view(agent_id)

    async def preview_skip(self, agent_id: int, code: str, words: str) -> AgentDeskView:
        """Puts the case on the screen back, for a reason of the campaign's list (a code), in words, or both.

        Raises AgentStateError, InputError.
        """
        offer = self._preview(agent_id)
        reason = offer.skip_reason(code, words)
        self._previews.take(agent_id)
        self._sessions.apply(self._sessions.get(agent_id), AgentEvent.RELEASE, reason)
        await self._previews.skipped(offer, reason)
        return self.view(agent_id)

    def has_shown(self, agent_id: int, phone_id: int) -> bool:
        """Whether a number is of the case on the collector's screen, or of the one before."""
        return self._screens.has_shown(agent_id, phone_id)

    async def dial_manually(self, agent_id: int, phone_id: int) -> AgentDeskView:
        """Calls one number of a contact, for the contact's campaign; a case that is looked at goes back.

        Raises AgentStateError, InputError.
        """
        session = self._sessions.get(agent_id)
        contact = await self._storage.lists.contact_of_phone(phone_id)
        if contact is None:
            raise InputError("there is no such number")
        campaign = await self._campaign_of(session, contact)
        if contact.case_status is not CaseStatus.OPEN:
            raise CaseStoppedError(f"the case is {contact.case_status.value}: no calls")
        phone = next(phone for phone in contact.phones if phone.phone_id == phone_id)
        prompts = await render_prompts(self._floor.services.prompts, campaign.settings)
        order = CallOrder(campaign, contact, phone, CallPath.MANUAL, agent_id=agent_id)
        self._place(agent_id, order, prompts, _nobody_paces, "dialed by hand")
        self._give_back(agent_id, contact)
        return self.view(agent_id)

    async def hang_up(self, agent_id: int) -> AgentDeskView:
        """Ends the call at hand, ringing or talking. Raises AgentStateError when there is none."""
        session = self._sessions.get(agent_id)
        if session.call is None:
            raise AgentStateError("there is no call to hang up")
        session.call.collector_hung_up()
        return self.view(agent_id)

    async def pause_recording(self, agent_id: int) -> AgentDeskView:
        """Keeps what is said from now on out of the recording, for as long as a pause may last; twice is once.

        Raises AgentStateError while nobody is talked to.
        """
        if not self._talk_of(agent_id).pause_recording() and self.view(agent_id).recording_paused_since is None:
            raise AgentStateError("the call is not recorded")
        return self.view(agent_id)

    async def resume_recording(self, agent_id: int) -> AgentDeskView:
        """Records again; where it does so already nothing changes. Raises AgentStateError while nobody is talked to."""
        self._talk_of(agent_id).resume_recording("asked to")
        return self.view(agent_id)

    async def wrap_up(self, wrap_up: WrapUp) -> AgentDeskView | None:
        """Records the outcome; the collector is READY again. None when the collector has left meanwhile.

        Raises FormError (InputError) naming every wrong field, AgentStateError while the call is still up.
        """
        await self._wrapping.record(wrap_up)
        return self._wrapped(wrap_up)

    def _wrapped(self, wrap_up: WrapUp) -> AgentDeskView | None:
        session = self._sessions.find(wrap_up.agent_id)
        if session is None:
            return None
        if session.state is AgentState.WRAPUP and session.last_attempt_id == wrap_up.attempt_id:
            self._sessions.apply(session, AgentEvent.WRAPPED, f"wrapped up: {wrap_up.code}")
        return self.view(wrap_up.agent_id) if self._sessions.find(wrap_up.agent_id) else None

    # ---- phones

    def on_incoming(self, incoming: IncomingCall) -> None:
        """A registered phone dials the shift line: it becomes the nailed-up leg."""
        if self._closing:
            incoming.reject(480)
            return
        self._tasks.create_task(self._accept(incoming), name="shift call")

    def on_registration(self, change: RegistrationChanged) -> None:
        """A phone whose registration is gone cannot be trusted to be there."""
        if change.binding is not None:
            return
        for session in self._sessions:
            if session.agent.sip_user == change.user:
                self._sessions.lose(session.agent_id, "the phone's registration is gone")

    async def _accept(self, incoming: IncomingCall) -> None:
        try:
            async with asyncio.timeout(LOOKUP_LIMIT_S):
                account = await self._storage.accounts.by_sip_user(incoming.user)
                agent = None if account is None else await self._storage.accounts.agent(account.account_id)
            if agent is None:
                incoming.reject(403)
                return
            line = self._line(agent)
            if line.accept(incoming):
                self._sessions.open(agent, line, (), "the phone called in")
        except (DialerError, TimeoutError):  # the edge of one phone's call
            logger.exception("shift call not taken", extra={"action": "shift_call", "sip_user": incoming.user})

    def _headset(self, agent: Agent) -> PhoneLine | None:
        phone = None if self._browser_phones is None else self._browser_phones.find(agent.agent_id)
        return phone if phone is not None and phone.is_connected else None

    async def _ring(self, agent: Agent) -> NailedUpLine:
        binding = self._registrar.binding(agent.sip_user) if self._registrar and agent.sip_user else None
        if binding is None:
            phone = f"the phone {agent.sip_user!r} is not registered" if agent.sip_user else "no phone is set"
            raise PhoneError(f"no headset is connected in the browser, and {phone}")
        if agent.agent_id in self._ringing:
            raise PhoneError("the phone is ringing already")
        self._ringing.add(agent.agent_id)
        try:
            line = self._line(agent)
            await line.ring(self._sip, binding, self._from_host)
        finally:
            self._ringing.discard(agent.agent_id)
        return line

    def _line(self, agent: Agent) -> NailedUpLine:
        services = self._floor.services
        return NailedUpLine(
            services.media, lambda cause: self._sessions.lose(agent.agent_id, cause), services.advertised_host
        )

    # ---- inside

    def _place(self, agent_id: int, order: CallOrder, prompts: CallPrompts, observe: Observe, cause: str) -> None:
        def ended(_: AttemptRunner, outcome: NotPlaced | Disposition) -> None:
            if isinstance(outcome, NotPlaced) and self._sessions.find(agent_id) is not None:
                self._screens.not_dialed(agent_id, not_dialed(order, outcome))
                self._publish(self._sessions.get(agent_id))

        self._floor.place(order, prompts, observe, on_end=ended, cause=cause)

    def _on_change(self, changed: AgentChanged) -> None:
        session, transition = changed.session, changed.transition
        self._screens.changed(changed)
        if transition.old is AgentState.PREVIEW and transition.new is not AgentState.RESERVED:
            offer = self._previews.take(session.agent_id)
            if offer is not None:
                self._tasks.create_task(self._previews.returned(offer, transition.cause), name="preview returned")
        self._publish(session)

    def _give_back(self, agent_id: int, called: Contact) -> None:
        """The previewed case, after a call by hand: that took no entry, and this one would stay leased for nothing."""
        offer = self._previews.take(agent_id)
        if offer is not None:
            delay = SKIP_DELAY if offer.candidate.contact.contact_id == called.contact_id else RETURN_DELAY
            returned = self._previews.returned(offer, "another number was dialed by hand", delay)
            self._tasks.create_task(returned, name="preview returned")

    def _publish(self, session: AgentSession) -> None:
        self._tell(f"agent/{session.agent_id}", self._screens.live_data(session, self._clock))

    def _call_of(self, session: AgentSession) -> AttemptRunner | None:
        return session.call if isinstance(session.call, AttemptRunner) else None

    def _talk_of(self, agent_id: int) -> AttemptRunner:
        session = self._sessions.get(agent_id)
        call = self._call_of(session)
        if call is None or session.state not in IN_TALK:
            raise AgentStateError("there is no talk to pause the recording of")
        return call

    def _preview(self, agent_id: int) -> PreviewOffer:
        session = self._sessions.get(agent_id)
        offer = self._previews.find(agent_id)
        if offer is None or session.state is not AgentState.PREVIEW:
            raise AgentStateError("there is no case to dial or skip")
        return offer

    async def _agent(self, agent_id: int) -> Agent:
        agent = await self._storage.accounts.agent(agent_id)
        if agent is None:
            raise InputError(f"there is no collector {agent_id}")
        return agent

    async def _campaign_of(self, session: AgentSession, contact: Contact) -> Campaign:
        """A campaign of the collector's that calls this contact: agency, creditor and product are what rules go by."""
        stopped = ""
        for campaign_id in sorted(session.campaign_ids):
            campaign = await self._storage.campaigns.get(campaign_id)
            if campaign is not None and contact.list_id in campaign.list_ids:
                stopped = _why_not(campaign)
                if not stopped:
                    return campaign
        if stopped:
            raise AgentStateError(stopped)
        raise InputError("the contact is in none of the campaigns you are logged in for")


def _why_not(campaign: Campaign | None) -> str:
    """Why collectors may place no call for a campaign, "" when they may: before its start they may try it out."""
    if campaign is None:
        return "the campaign is gone: no new calls"
    return f"the campaign is {campaign.state.value}: no new calls" if campaign.state in NO_NEW_CALLS else ""


def _nobody_paces(_: object) -> None:
    """A call dialed by hand is no campaign's pace."""
