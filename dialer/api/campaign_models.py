"""Campaigns as callers write and read them: bounds on every setting, and the way to and from the stored values."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from dialer.api.collecting_models import CollectingIn
from dialer.api.routing import Id, Input
from dialer.model.attempt import Disposition
from dialer.model.campaign import (
    AmdMode,
    Campaign,
    CampaignMode,
    CampaignSettings,
    CampaignState,
    DispositionCode,
    DispositionForm,
    FormField,
    FormFieldKind,
    MachineAction,
    PriorityTerm,
    RetryRule,
)
from dialer.model.pacing_bounds import PACING_BOUNDS
from dialer.words.said import Said

Name = Annotated[str, Field(min_length=1, max_length=100)]
Label = Annotated[str, Field(min_length=1, max_length=200)]
EnglishLabel = Annotated[str, Field(max_length=200)]
PromptName = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9_.-]*$")]
CallerId = Annotated[
    str,
    Field(
        pattern=r"^(\+[1-9]\d{6,14}|\d{3,15})$", description="E.164 with a leading plus, or as assigned, like 95588."
    ),
]
Party = Annotated[str, Field(max_length=100)]


@dataclass(frozen=True, slots=True)
class Within:
    """Keeps a setting of pacing within its bound; the refusal says why and what to write, the schema where it ends."""

    name: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The type's own checks, then ours."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The bound as callers read it."""
        bound = PACING_BOUNDS[self.name]
        ends = {"minimum": bound.least, "maximum": bound.most}
        return handler(schema) | ends

    def _checked(self, value: float) -> float:
        bound = PACING_BOUNDS[self.name]
        refusal = bound.refuses(value)
        if refusal:
            raise PydanticCustomError("out_of_bounds", "{reason}", {"reason": refusal, "fix": bound.fix})
        return value


def _finite(value: float) -> float:
    if not Decimal(value).is_finite():
        raise ValueError("must be a finite number")
    return value


class RetryIn(Input):
    """After a disposition: again after `delay_s`, at most `max_attempts` times per number."""

    delay_s: Annotated[float, Field(ge=0, le=30 * 86400)]
    max_attempts: Annotated[int, Field(ge=1, le=100)]


class PriorityIn(Input):
    """One case field's share in the order of dialing."""

    field_name: Name
    weight: Annotated[float, AfterValidator(_finite)]


class FormFieldIn(Input):
    """One field of the disposition form; `label_en` is its label for readers of English, where it differs."""

    name: Name
    kind: FormFieldKind
    label: Label
    choices: Annotated[tuple[Label, ...], Field(max_length=100)] = ()
    required_for: tuple[Name, ...] = ()
    label_en: EnglishLabel = ""
    least: Annotated[float | None, Field(ge=0, le=1e12, description="Kind amount: no less than this.")] = None
    most_of_debt: Annotated[
        float | None,
        Field(gt=0, le=100, description="Kind amount: at most so many times what the case owes; 1 is all of it."),
    ] = None
    within_days: Annotated[
        int | None, Field(ge=0, le=3650, description="Kind date: today, or at most so many days later.")
    ] = None
    workdays_only: Annotated[bool, Field(description="Kind date: a workday of the house, from today on.")] = False

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        if self.kind is not FormFieldKind.AMOUNT and (self.least is not None or self.most_of_debt is not None):
            raise ValueError("`least` and `most_of_debt` belong to kind amount, and only there")
        if self.kind is not FormFieldKind.DATE and (self.within_days is not None or self.workdays_only):
            raise ValueError("`within_days` and `workdays_only` belong to kind date, and only there")
        return self


class DispositionCodeIn(Input):
    """One choice of the collector at the end of a call."""

    code: Name
    label: Label
    right_party: bool = False
    final: bool = False
    do_not_call: bool = False
    callback: bool = False
    not_a_conversation: bool = False
    promise: Annotated[
        bool, Field(description="The person promised to pay: what the share of promises is counted by.")
    ] = False
    key: Annotated[
        str, Field(pattern=r"^[A-Z0-9]?$", description="The letter or digit that chooses it on the keyboard.")
    ] = ""
    label_en: EnglishLabel = ""

    @model_validator(mode="after")
    def _promise_by_the_person(self) -> Self:
        if self.promise and not self.right_party:
            raise ValueError("only the right person can promise to pay: set `right_party`, too")
        return self


class FormIn(Input):
    """The codes and typed fields a collector fills in after a call."""

    codes: Annotated[tuple[DispositionCodeIn, ...], Field(max_length=100)] = ()
    fields: Annotated[tuple[FormFieldIn, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        codes = [code.code for code in self.codes]
        names = [field.name for field in self.fields]
        if len(set(codes)) < len(codes) or len(set(names)) < len(names):
            raise ValueError("codes and field names must each be different")
        keys = [code.key for code in self.codes if code.key]
        if len(set(keys)) < len(keys):
            raise ValueError("each key may choose one code only")
        for field in self.fields:
            unknown = set(field.required_for) - set(codes)
            if unknown:
                raise ValueError(f"field {field.name!r} is required for codes that do not exist: {sorted(unknown)}")
            if (field.kind is FormFieldKind.CHOICE) != bool(field.choices):
                raise ValueError(f"field {field.name!r}: `choices` belong to kind choice, and only there")
        return self


class SettingsIn(Input):
    """What a supervisor sets; every field has the house's default. Durations in seconds."""

    mode: CampaignMode = CampaignMode.PROGRESSIVE
    agency: Annotated[Party, Field(description="Who calls, as the house lists it; empty: the house itself.")] = ""
    creditor: Annotated[Party, Field(description="For whom; rules may depend on it.")] = ""
    product: Annotated[Party, Field(description="What is collected; rules may depend on it.")] = ""
    trunk_group: Name = "default"
    caller_ids: Annotated[tuple[CallerId, ...], Field(max_length=1000)] = ()
    skills: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    ring_timeout_s: Annotated[
        float, Within("ring_timeout_s"), Field(description="15 s of ringing at least: 47 CFR 64.1200.")
    ] = 28
    abandon_target: Annotated[
        float,
        Within("abandon_target"),
        Field(description="The share of people who answered that may be abandoned; 47 CFR 64.1200 allows 3 %."),
    ] = 0.03
    max_lines_per_agent: Annotated[
        float,
        Within("max_lines_per_agent"),
        Field(
            description="Mode predictive: at most so many lines not yet connected per collector at work. The "
            "abandonment budget is what limits the pace; this is for trunks and lists that must be spared."
        ),
    ] = 10
    power_ratio: Annotated[
        float,
        Within("power_ratio"),
        Field(
            description="Mode power: so many lines not yet connected per ready collector; one while the abandonment "
            "budget is spent."
        ),
    ] = 1.5
    amd: Annotated[
        AmdMode,
        Field(
            description="Whether people are told from machines: off, before_connect, or parallel: connect at the "
            "probable end of the greeting, and take the call back from what is surely a machine. A reminder waits for "
            "the verdict in both.",
        ),
    ] = AmdMode.BEFORE_CONNECT
    lost_person_cost_s: Annotated[
        float,
        Within("lost_person_cost_s"),
        Field(description="What hanging up on a person costs, in seconds of a collector's time."),
    ] = 600
    machine_action: MachineAction = MachineAction.HANG_UP
    machine_prompt: PromptName = ""
    safe_harbour_prompt: PromptName = "safe_harbour"
    reminder_script: PromptName = "reminder"
    notice_prompt: Annotated[
        PromptName,
        Field(
            description="Tells the person that the call is recorded, as the collector is connected, or before a "
            "reminder's own words; `recording_notice` is shipped. Empty: it is left to the collector's words."
        ),
    ] = ""
    max_reminder_channels: Annotated[int, Within("max_reminder_channels")] = 10
    wrap_up_limit_s: Annotated[float, Field(ge=5, le=3600)] = 60
    preview_limit_s: Annotated[float, Field(ge=5, le=3600)] = 120
    retries: dict[Disposition, RetryIn] = Field(default_factory=dict)
    priority: Annotated[tuple[PriorityIn, ...], Field(max_length=20)] = ()
    form: FormIn = FormIn()
    collecting: CollectingIn = CollectingIn()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.machine_action is MachineAction.LEAVE_MESSAGE and not self.machine_prompt:
            raise ValueError("machine_action leave_message needs a machine_prompt")
        return self

    def to_settings(self) -> CampaignSettings:
        """The value that is stored."""
        plain = {name: getattr(self, name) for name in type(self).model_fields}
        plain["retries"] = {end: RetryRule(rule.delay_s, rule.max_attempts) for end, rule in self.retries.items()}
        plain["priority"] = tuple(PriorityTerm(term.field_name, term.weight) for term in self.priority)
        plain["form"] = DispositionForm(
            codes=tuple(DispositionCode(**code.model_dump()) for code in self.form.codes),
            fields=tuple(FormField(**field.model_dump()) for field in self.form.fields),
        )
        plain["collecting"] = self.collecting.value()
        return CampaignSettings(**plain)


class CampaignIn(Input):
    """A campaign to create: a draft until it is checked."""

    name: Name
    list_ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=100)]
    settings: SettingsIn = SettingsIn()


class CampaignChange(Input):
    """New settings for a draft; they replace the old ones as a whole."""

    settings: SettingsIn


class CampaignOut(BaseModel):
    """A campaign."""

    campaign_id: int
    name: str
    state: CampaignState
    state_reason: Said
    list_ids: tuple[int, ...]
    settings: CampaignSettings
    created_at: datetime

    @classmethod
    def of(cls, campaign: Campaign) -> Self:
        """As stored."""
        return cls(
            campaign_id=campaign.campaign_id,
            name=campaign.name,
            state=campaign.state,
            state_reason=campaign.state_reason,
            list_ids=campaign.list_ids,
            settings=campaign.settings,
            created_at=campaign.created_at,
        )


class CampaignPage(BaseModel):
    """Campaigns, oldest first."""

    items: list[CampaignOut]
