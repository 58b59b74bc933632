"""An entry: one contact in one campaign, from the list to its last attempt, and the values that move it along."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from dialer.model.attempt import CallPath, Disposition
from dialer.model.campaign import Campaign
from dialer.model.contact import Contact, Phone

DIALING_MARGIN_S = 10.0
"""The gate is asked for a call that rings this much longer than it will: the time a slow database and trunks that do
not answer may take before the last INVITE under one reservation leaves. No INVITE leaves later than that."""


class EntryState(str, Enum):
    """Where an entry stands. Only WAITING entries can be claimed; RECONCILE waits for a person's word after a crash."""

    WAITING = "waiting"
    LEASED = "leased"
    DIALING = "dialing"
    RECONCILE = "reconcile"
    EXHAUSTED = "exhausted"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry claimed by a node: whom to call next and with which number.

    `path` is CALLBACK for a promised callback, else the campaign's own; `agent_id` names the collector a callback was
    promised to (None: anyone).
    """

    entry_id: int
    campaign_id: int
    contact: Contact
    phone: Phone
    priority: float
    path: CallPath
    agent_id: int | None = None


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """One earlier attempt to reach a contact in the same campaign, oldest first where several are given.

    `verdict` is what the audio said, as in `Attempt`.
    """

    phone_id: int
    disposition: Disposition
    ended_at: datetime
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What becomes of an entry: try `phone_id` not before `not_before`, or nothing more (`exhausted`), and why.

    `not_before` None with `exhausted` False means: as soon as possible; without a `phone_id`, too: not before somebody
    has reconciled an attempt whose end is unknown.
    """

    phone_id: int | None
    not_before: datetime | None
    exhausted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is asked for before an INVITE may leave: this contact on this number, by this path, from this node.

    `entry_id` is None for a number a collector dials by hand, `agent_id` a collector reserved for this very call.
    `agency`, `creditor` and `product` are the campaign's: rules may depend on them. `ring_timeout_s` is the longest the
    call may ring: the calling window must still be open then.
    """

    campaign_id: int
    contact_id: int
    phone_id: int
    path: CallPath
    node: str
    entry_id: int | None = None
    agent_id: int | None = None
    caller_id: str = ""
    trunk: str = ""
    ring_timeout_s: float = 28.0
    agency: str = ""
    creditor: str = ""
    product: str = ""

    @classmethod
    def of_campaign(
        cls,
        campaign: Campaign,
        contact_id: int,
        phone_id: int,
        path: CallPath,
        node: str,
        *,
        caller_id: str = "",
        trunk: str = "",
        entry_id: int | None = None,
        agent_id: int | None = None,
    ) -> "Reservation":
        """What is asked for a campaign's call: whose it is, and ringing that may last DIALING_MARGIN_S longer."""
        settings = campaign.settings
        return cls(
            campaign_id=campaign.campaign_id,
            contact_id=contact_id,
            phone_id=phone_id,
            path=path,
            node=node,
            entry_id=entry_id,
            agent_id=agent_id,
            caller_id=caller_id,
            trunk=trunk,
            ring_timeout_s=settings.ring_timeout_s + DIALING_MARGIN_S,
            agency=settings.agency,
            creditor=settings.creditor,
            product=settings.product,
        )


@dataclass(frozen=True, slots=True)
class EntryCounts:
    """How many entries of a campaign stand where. `callable_now` is the part of `waiting` that is due.

    `next_due_at` is told where nothing is: when the first of those that wait is.
    """

    waiting: int = 0
    callable_now: int = 0
    leased: int = 0
    dialing: int = 0
    reconcile: int = 0
    exhausted: int = 0
    done: int = 0
    stopped: int = 0
    next_due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WrapUpEffects:
    """What a wrap-up's code does, resolved from the campaign's form.

    `final` takes the contact out of the campaign; a callback is promised for `callback_at`, by `callback_agent_id` or
    (None) anyone; `do_not_call` lists the number, and with `right_party` (an identity-verified contact) the person
    too; `not_a_conversation`: rules about conversations do not count the call.
    """

    final: bool = False
    right_party: bool = False
    do_not_call: bool = False
    not_a_conversation: bool = False
    callback_at: datetime | None = None
    callback_agent_id: int | None = None
