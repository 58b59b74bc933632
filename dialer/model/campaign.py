"""A campaign: which list is dialed how, and what happens to each kind of end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from dialer.model.attempt import CallPath, Disposition
from dialer.model.collecting import CollectingSettings


class CampaignMode(str, Enum):
    """How calls are paced."""

    PROGRESSIVE = "progressive"
    PREDICTIVE = "predictive"
    POWER = "power"
    PREVIEW = "preview"
    REMINDER = "reminder"

    @property
    def path(self) -> CallPath:
        """The way its calls go; to the rules POWER is predictive: it, too, calls more people than can be taken."""
        return CallPath.PREDICTIVE if self is CampaignMode.POWER else CallPath(self.value)


class CampaignState(str, Enum):
    """draft → checked → running ⇄ paused → finished; DRAINING is running without new calls until the last one ends."""

    DRAFT = "draft"
    CHECKED = "checked"
    RUNNING = "running"
    PAUSED = "paused"
    DRAINING = "draining"
    FINISHED = "finished"


class AmdMode(str, Enum):
    """Whether, and when, what answers is classified.

    PARALLEL connects a collector at the probable end of the greeting, goes on listening, and takes the call back only
    when it is sure of a machine.
    """

    OFF = "off"
    BEFORE_CONNECT = "before_connect"
    PARALLEL = "parallel"


class MachineAction(str, Enum):
    """What to do with an answering machine."""

    HANG_UP = "hang_up"
    LEAVE_MESSAGE = "leave_message"


@dataclass(frozen=True, slots=True)
class RetryRule:
    """After a disposition: try again after `delay_s`, at most `max_attempts` times in the campaign (per number)."""

    delay_s: float
    max_attempts: int


@dataclass(frozen=True, slots=True)
class PriorityTerm:
    """One case field's share in the order of dialing: priority = Σ weight × value; missing fields count as 0."""

    field_name: str
    weight: float


class FormFieldKind(str, Enum):
    """Types a disposition form knows."""

    TEXT = "text"
    CHOICE = "choice"
    AMOUNT = "amount"
    DATE = "date"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a campaign's disposition form; `required_for` names the disposition codes that demand it.

    An AMOUNT is at least `least` and at most `most_of_debt` times what the case owes; a DATE is today or at most
    `within_days` later, and with `workdays_only` a workday of the house. None: no such bound; `label_en` "": `label`.
    """

    name: str
    kind: FormFieldKind
    label: str
    choices: tuple[str, ...] = ()
    required_for: tuple[str, ...] = ()
    label_en: str = ""
    least: float | None = None
    most_of_debt: float | None = None
    within_days: int | None = None
    workdays_only: bool = False


@dataclass(frozen=True, slots=True)
class DispositionCode:
    """One choice of the collector at the end of a call.

    `right_party` counts as identity-verified contact; `final` takes the contact out of the campaign; `do_not_call` puts
    the number on the do-not-call list for ever, and with `right_party` the whole person; `callback` demands a promised
    time; `not_a_conversation`: nobody was there to talk to (a machine, silence), so that rules about conversations do
    not count the call; `promise`: the person promised to pay. `key` is the letter or digit that chooses it on the
    keyboard ("": none), `label_en` "" means as `label`.
    """

    code: str
    label: str
    right_party: bool = False
    final: bool = False
    do_not_call: bool = False
    callback: bool = False
    not_a_conversation: bool = False
    promise: bool = False
    key: str = ""
    label_en: str = ""


@dataclass(frozen=True, slots=True)
class DispositionForm:
    """The codes and typed fields a collector fills in after a call."""

    codes: tuple[DispositionCode, ...]
    fields: tuple[FormField, ...] = ()


@dataclass(frozen=True, slots=True)
class CampaignSettings:
    """What a supervisor sets. Durations in seconds; prompts are names in the prompt store.

    `lost_person_cost_s` is what hanging up on a person costs, in seconds of a collector's time: the higher, the more
    machines are put through rather than one person lost. `power_ratio` is lines per ready collector in mode power.

    `notice_prompt` tells the person that the call is recorded, as the collector is connected ("": nobody is told so).

    `agency` is who calls ("": the house itself), `creditor` for whom, `product` what is collected: rules may depend
    on it.
    """

    mode: CampaignMode = CampaignMode.PROGRESSIVE
    agency: str = ""
    creditor: str = ""
    product: str = ""
    trunk_group: str = "default"
    caller_ids: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    ring_timeout_s: float = 28.0
    abandon_target: float = 0.03
    max_lines_per_agent: float = 10.0
    power_ratio: float = 1.5
    amd: AmdMode = AmdMode.BEFORE_CONNECT
    lost_person_cost_s: float = 600.0
    machine_action: MachineAction = MachineAction.HANG_UP
    machine_prompt: str = ""
    safe_harbour_prompt: str = "safe_harbour"
    reminder_script: str = "reminder"
    notice_prompt: str = ""
    max_reminder_channels: int = 10
    wrap_up_limit_s: float = 60.0
    preview_limit_s: float = 120.0
    retries: Mapping[Disposition, RetryRule] = field(default_factory=dict)
    priority: tuple[PriorityTerm, ...] = ()
    form: DispositionForm = DispositionForm(codes=())
    collecting: CollectingSettings = field(default_factory=CollectingSettings)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as stored."""

    campaign_id: int
    name: str
    state: CampaignState
    list_ids: tuple[int, ...]
    settings: CampaignSettings
    created_at: datetime
    state_reason: str = ""
