"""What a collector's screen shows. Numbers are masked here: nothing beyond this module hands one to a collector.

Until the right person is on record as being on the line, a case shows whom to ask for and what to ask, and nothing of
the debt: no reference, no field, no product, none of the words that are for that person alone.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dialer.agents.phone import kind_of
from dialer.agents.sessions import AgentSession
from dialer.calls.case_fields import CaseField, as_text, case_fields
from dialer.calls.form import FieldLimits, FormFacts, limits_of
from dialer.calls.order import CallOrder
from dialer.calls.placing import NotPlaced
from dialer.calls.script import Speaker, render
from dialer.clock import Clock
from dialer.model.agent import AgentState, PhoneKind
from dialer.model.attempt import CallPath
from dialer.model.campaign import CampaignSettings, DispositionForm
from dialer.model.collecting import IdentityCheck, IdentityQuestion, IdentityResult, LocalText, Script, SkipReason
from dialer.model.contact import Contact, PhoneRole, mask_number
from dialer.words.said import Said

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class PhoneView:
    """One number of the contact, to choose from without seeing it."""

    phone_id: int
    number_masked: str
    role: PhoneRole


@dataclass(frozen=True, slots=True)
class QuestionView:
    """What the person is asked for, and what they must say; `expected` "": the case does not hold it."""

    field_name: str
    words: LocalText
    expected: str


@dataclass(frozen=True, slots=True)
class IdentityView:
    """Who is on the line, as far as that is on record; `is_needed`: the campaign asks, and it is not confirmed."""

    is_needed: bool
    result: IdentityResult | None = None
    at: datetime | None = None
    questions: tuple[QuestionView, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseView:
    """The case on the screen: of the call at hand, the preview, or the wrap-up.

    Unless `is_open`, `case_ref`, `product`, `fields`, `limits` and the script's words for the person are empty.
    `version` is another one whenever another case, or more or less of it, is to be shown.
    """

    version: int
    campaign_id: int
    campaign_name: str
    creditor: str
    agency: str
    contact_id: int
    person_name: str
    phone_id: int
    number_masked: str
    number_role: PhoneRole
    phones: tuple[PhoneView, ...]
    is_open: bool
    identity: IdentityView
    script: Script
    form: DispositionForm
    wrap_up_limit_s: float
    attempt_id: int | None = None
    case_ref: str = ""
    product: str = ""
    fields: tuple[CaseField, ...] = ()
    limits: tuple[FieldLimits, ...] = ()
    skip_reasons: tuple[SkipReason, ...] = ()


@dataclass(frozen=True, slots=True)
class NotDialed:
    """Why a call the collector asked for was not placed: the rule, where the gate refused it, and its words.

    `retry_at` is when it may be asked for again; None: no passing of time helps.
    """

    case_ref: str
    number_masked: str
    reason: str
    rule: str
    retry_at: datetime | None
    reason_zh: str = ""
    """In Chinese; "" where it has no Chinese form."""


@dataclass(frozen=True, slots=True)
class AgentDeskView:
    """A collector's own view at `now`. Instants are aware UTC; `limit_at` ends a wrap-up or a preview by itself.

    `cause` is why the collector is in this state, of a break its code; `pending` is the state that was asked for while
    busy, with its cause. `not_dialed` is what came of the last call the collector asked for, where it was not placed,
    until the next case or call. `notice` says why the last call was taken away, as long. `recorded`: a recording of the
    call at hand is being made; `recording_paused_since`: but for what is said since then. `listened`: the ways in which
    somebody listens in, where the house tells its collectors.
    """

    agent_id: int
    name: str
    state: AgentState
    since: datetime
    now: datetime
    pending: AgentState | None = None
    limit_at: datetime | None = None
    campaign_ids: tuple[int, ...] = field(default=())
    case: CaseView | None = None
    not_dialed: NotDialed | None = None
    notice: Said = ""
    recording_paused_since: datetime | None = None
    listened: tuple[str, ...] = ()
    phone: PhoneKind = PhoneKind.SIP
    cause: str = ""
    pending_cause: str = ""
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A case as it stands on one screen; `is_preview`: it is looked at, and nobody is called yet."""

    order: CallOrder
    version: int
    attempt_id: int | None = None
    identity: IdentityCheck | None = None
    is_preview: bool = False

    @property
    def is_open(self) -> bool:
        """Whether what the case says of the debt is shown."""
        collecting = self.order.campaign.settings.collecting
        return not collecting.identity_check or self.is_confirmed or (self.is_preview and collecting.preview_details)

    @property
    def is_confirmed(self) -> bool:
        """Whether the right person is on record as being on the line."""
        return self.identity is not None and self.identity.result is IdentityResult.CONFIRMED


def case_view(shown: Shown, collector_name: str, facts: FormFacts) -> CaseView:
    """The case as far as it may be shown; `facts` are the day's and the case's."""
    order, settings = shown.order, shown.order.campaign.settings
    contact, number = order.contact, mask_number(order.phone.number)
    speaker = Speaker(collector_name, number)
    is_open = shown.is_open
    return CaseView(
        version=shown.version,
        campaign_id=order.campaign.campaign_id,
        campaign_name=order.campaign.name,
        creditor=settings.creditor,
        agency=settings.agency,
        contact_id=contact.contact_id,
        person_name=contact.name,
        phone_id=order.phone.phone_id,
        number_masked=number,
        number_role=order.phone.role,
        phones=tuple(PhoneView(phone.phone_id, mask_number(phone.number), phone.role) for phone in contact.phones),
        is_open=is_open,
        identity=_identity(shown, settings, contact),
        script=render(settings.collecting.script, settings, contact, speaker, is_open=is_open),
        form=settings.form,
        wrap_up_limit_s=settings.wrap_up_limit_s,
        attempt_id=shown.attempt_id,
        case_ref=contact.case_ref if is_open else "",
        product=settings.product if is_open else "",
        fields=case_fields(contact.fields) if is_open else (),
        limits=tuple(limits_of(one, facts) for one in settings.form.fields) if is_open else (),
        skip_reasons=settings.collecting.skip_reasons if shown.is_preview else (),
    )


def _identity(shown: Shown, settings: CampaignSettings, contact: Contact) -> IdentityView:
    check, collecting = shown.identity, settings.collecting
    return IdentityView(
        is_needed=collecting.identity_check and not shown.is_confirmed,
        result=None if check is None else check.result,
        at=None if check is None else check.at,
        questions=tuple(_question(question, contact) for question in collecting.identity_questions),
    )


def _question(question: IdentityQuestion, contact: Contact) -> QuestionView:
    value = as_text(contact.fields.get(question.field_name, ""))
    return QuestionView(question.field_name, question.words, value[-question.show_last :] if value else "")


def not_dialed(order: CallOrder, outcome: NotPlaced) -> NotDialed:
    """What the collector who asked for the call is told; `case_ref` is empty where the screen would not show it."""
    number = mask_number(order.phone.number)
    words = outcome.words
    is_open = Shown(order, version=0, is_preview=order.path is CallPath.PREVIEW).is_open
    case_ref = order.contact.case_ref if is_open else ""
    return NotDialed(case_ref, number, words.en, outcome.rule, outcome.retry_at, words.zh)


def desk_view(
    session: AgentSession,
    case: CaseView | None,
    clock: Clock,
    refused: NotDialed | None = None,
    notice: str = "",
    recording_paused_since: datetime | None = None,
    *,
    recorded: bool = False,
) -> AgentDeskView:
    """A session as its collector sees it."""
    utc, monotonic = clock.utcnow(), clock.monotonic()
    machine = session.machine
    deadline = machine.next_deadline
    return AgentDeskView(
        agent_id=session.agent_id,
        name=session.agent.name,
        state=machine.state,
        since=utc + (machine.since - monotonic) * SECOND,
        now=utc,
        pending=machine.pending,
        limit_at=None if deadline is None else utc + (deadline - monotonic) * SECOND,
        campaign_ids=tuple(sorted(session.campaign_ids)),
        case=case,
        not_dialed=refused,
        notice=notice,
        recording_paused_since=recording_paused_since,
        listened=session.listened,
        phone=kind_of(session.line),
        cause=machine.cause,
        pending_cause=machine.pending_cause,
        recorded=recorded,
    )
