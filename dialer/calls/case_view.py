"""What a collector's screen shows. Numbers are masked here: nothing beyond this module hands one to a collector."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dialer.agents.sessions import AgentSession
from dialer.calls.order import CallOrder
from dialer.calls.placing import NotPlaced
from dialer.clock import Clock
from dialer.model.agent import AgentState
from dialer.model.campaign import DispositionForm
from dialer.model.contact import FieldValue, PhoneRole, mask_number

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class PhoneView:
    """One number of the contact, to choose from without seeing it."""

    phone_id: int
    number_masked: str
    role: PhoneRole


@dataclass(frozen=True, slots=True)
class CaseView:
    """The case on the screen: of the call at hand, the preview, or the wrap-up."""

    campaign_id: int
    contact_id: int
    case_ref: str
    person_name: str
    fields: Mapping[str, FieldValue]
    number_masked: str
    phones: tuple[PhoneView, ...]
    form: DispositionForm
    attempt_id: int | None = None


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


@dataclass(frozen=True, slots=True)
class AgentDeskView:
    """A collector's own view. Instants are aware UTC; `limit_at` ends a wrap-up or a preview by itself.

    `pending` is the state that was asked for while busy, `not_dialed` what came of the last call the collector asked
    for, where it was not placed, until the next case or call. `notice` says why the last call was taken away, as long.
    `recording_paused_since`: what is said is not recorded; null while it is, or where there is no call.
    """

    agent_id: int
    name: str
    state: AgentState
    since: datetime
    pending: AgentState | None = None
    limit_at: datetime | None = None
    campaign_ids: tuple[int, ...] = field(default=())
    case: CaseView | None = None
    not_dialed: NotDialed | None = None
    notice: str = ""
    recording_paused_since: datetime | None = None


def case_view(order: CallOrder, attempt_id: int | None) -> CaseView:
    """The case of an order."""
    contact = order.contact
    return CaseView(
        campaign_id=order.campaign.campaign_id,
        contact_id=contact.contact_id,
        case_ref=contact.case_ref,
        person_name=contact.name,
        fields=dict(contact.fields),
        number_masked=mask_number(order.phone.number),
        phones=tuple(PhoneView(phone.phone_id, mask_number(phone.number), phone.role) for phone in contact.phones),
        form=order.campaign.settings.form,
        attempt_id=attempt_id,
    )


def not_dialed(order: CallOrder, outcome: NotPlaced) -> NotDialed:
    """What the collector who asked for the call is told."""
    number = mask_number(order.phone.number)
    return NotDialed(order.contact.case_ref, number, outcome.reason, outcome.rule, outcome.retry_at)


def desk_view(
    session: AgentSession,
    case: CaseView | None,
    clock: Clock,
    refused: NotDialed | None = None,
    notice: str = "",
    recording_paused_since: datetime | None = None,
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
        pending=machine.pending,
        limit_at=None if deadline is None else utc + (deadline - monotonic) * SECOND,
        campaign_ids=tuple(sorted(session.campaign_ids)),
        case=case,
        not_dialed=refused,
        notice=notice,
        recording_paused_since=recording_paused_since,
    )
