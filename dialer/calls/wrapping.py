"""Wrap-ups: held against the campaign's form, the case and the day, then recorded with all they bring about."""

from datetime import date

from dialer.agents.sessions import AgentSessions
from dialer.agents.state import AgentStateError
from dialer.calls.case_fields import amount_of
from dialer.calls.floor import CallFloor
from dialer.calls.form import FormFacts, check_wrap_up
from dialer.compliance.policy import Policy
from dialer.errors import InputError
from dialer.model.attempt import Attempt
from dialer.model.campaign import Campaign, CampaignSettings, CampaignState, DispositionCode
from dialer.model.collecting import IdentityResult
from dialer.model.contact import Contact
from dialer.model.entry import WrapUpEffects
from dialer.model.outcome import WrapUp
from dialer.storage.do_not_call import STOP_REASON
from schedules.calendar import DayKind

KEEPS_CALLBACKS = frozenset({CampaignState.RUNNING, CampaignState.PAUSED})
WORKED = frozenset({DayKind.WORKDAY, DayKind.MAKE_UP_WORKDAY})
SATURDAY = 5


class WrappingUp:
    """Records wrap-ups; what they change of a collector's state is the desk's."""

    def __init__(self, floor: CallFloor, sessions: AgentSessions) -> None:
        self._floor = floor
        self._services = floor.services
        self._storage = floor.services.storage
        self._sessions = sessions

    def facts(
        self,
        settings: CampaignSettings,
        contact: Contact | None,
        *,
        is_confirmed: bool = True,
        keeps_callbacks: bool = True,
    ) -> FormFacts:
        """What a form is held against, for this case, now."""
        now = self._services.clock.utcnow()
        policy = self._services.policy.current(now)
        owed = None if contact is None else contact.fields.get(settings.collecting.debt_field)
        return FormFacts(
            today=policy.house_day(now),
            debt=amount_of(owed),
            is_workday=lambda day: is_workday(policy, day),
            is_confirmed=is_confirmed,
            keeps_callbacks=keeps_callbacks,
        )

    async def record(self, wrap_up: WrapUp) -> None:
        """Checks and records; calls to somebody who must not be called any more end.

        Raises FormError (InputError) naming every wrong field, AgentStateError while the call is still up.
        """
        session = self._sessions.find(wrap_up.agent_id)
        if session is not None and session.call is not None and session.call.attempt_id == wrap_up.attempt_id:
            raise AgentStateError("the call is still up; hang up first")
        attempt, campaign = await self._wrapped_call(wrap_up)
        contact = await self._storage.lists.contact_of_phone(attempt.phone_id)
        is_confirmed = await self._is_confirmed(campaign.settings, attempt.attempt_id)
        now = self._services.clock.utcnow()
        goes_on = campaign.state in KEEPS_CALLBACKS
        facts = self.facts(campaign.settings, contact, is_confirmed=is_confirmed, keeps_callbacks=goes_on)
        code = check_wrap_up(campaign.settings.form, wrap_up, now, facts)
        await self._storage.attempts.flush_marks()  # that it was connected may not be written down yet
        await self._storage.wrap_ups.record(wrap_up, _effects(code, wrap_up), now)
        if code.do_not_call and contact is not None:
            self._stop_calls_like(attempt, contact, attempt.person_ref if code.right_party else None)

    async def _is_confirmed(self, settings: CampaignSettings, attempt_id: int) -> bool:
        if not settings.collecting.identity_check:
            return True
        check = await self._storage.identity_checks.latest(attempt_id)
        return check is not None and check.result is IdentityResult.CONFIRMED

    def _stop_calls_like(self, attempt: Attempt, contact: Contact, person_ref: str | None) -> None:
        for phone in contact.phones:
            if phone.phone_id == attempt.phone_id:
                self._floor.stop(STOP_REASON, person_ref=person_ref, number=phone.number)

    async def _wrapped_call(self, wrap_up: WrapUp) -> tuple[Attempt, Campaign]:
        """The call a wrap-up is about: one this collector was on. Until it is settled only the session knows."""
        attempt = await self._storage.attempts.get(wrap_up.attempt_id)
        campaign = None if attempt is None else await self._storage.campaigns.get(attempt.campaign_id)
        if attempt is None or campaign is None:
            raise InputError(f"there is no attempt {wrap_up.attempt_id}")
        session = self._sessions.find(wrap_up.agent_id)
        on_it = session is not None and session.last_attempt_id == attempt.attempt_id
        if attempt.agent_id != wrap_up.agent_id and not (attempt.agent_id is None and on_it):
            raise InputError(
                "that call was another collector's" if attempt.agent_id else "no collector was on that call"
            )
        return attempt, campaign


def is_workday(policy: Policy, day: date) -> bool:
    """Whether all work calendars of the packs have the day as worked; without a calendar Monday to Friday are."""
    calendars = [pack.calendar for pack in policy.used_packs if pack.calendar is not None]
    if not calendars:
        return day.weekday() < SATURDAY
    return all(calendar.kind(day) in WORKED for calendar in calendars)


def _effects(code: DispositionCode, wrap_up: WrapUp) -> WrapUpEffects:
    return WrapUpEffects(
        final=code.final,
        right_party=code.right_party,
        do_not_call=code.do_not_call,
        not_a_conversation=code.not_a_conversation,
        callback_at=wrap_up.callback_at if code.callback else None,
        callback_agent_id=wrap_up.agent_id if code.callback else None,
    )
