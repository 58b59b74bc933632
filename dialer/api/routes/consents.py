"""What persons agreed to and what they asked for: consents, and times or numbers that are inconvenient."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from dialer.agents.state import AgentStateError
from dialer.api.auditing import audit
from dialer.api.problems import ApiError, bad_field, conflict, not_found
from dialer.api.routes.suppression import Ref, e164
from dialer.api.routing import AnyCall, Call, Id, Input, Instant, Nothing, Routes
from dialer.model.account import Role
from dialer.model.suppression import Consent, Inconvenience, NewConsent, NewInconvenience
from dialer.storage.consents import WITHDRAWN
from schedules.calendar import WEEKDAYS
from schedules.hours import MINUTES_A_DAY, clock, minute_of_day

routes = Routes("consents")

Kind = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=50),
    Field(description="A word that policy packs ask for; those shipped use night, agreement, contact and prerecorded."),
]
Text = Annotated[str, StringConstraints(max_length=500)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]


class ConsentPath(Input):
    consent_id: Id


class InconveniencePath(Input):
    inconvenience_id: Id


class PersonQuery(Input):
    """The case system's own id of the person."""

    person_ref: Ref


class ConsentIn(Input):
    """A consent in force from `given_at` until `expires_at` or its withdrawal; without `case_ref` for all debts."""

    person_ref: Ref
    case_ref: Ref | None = None
    kind: Kind
    given_at: Instant
    expires_at: Instant | None = None
    source: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    evidence: Text = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("given_at", "expires_at"):
            at = getattr(self, name)
            if at is not None and at.tzinfo is None:
                raise ValueError(f"{name} needs a UTC offset")
        if self.expires_at is not None and self.expires_at <= self.given_at:
            raise ValueError("expires_at must come after given_at")
        return self


class ConsentAdded(BaseModel):
    """The consent; recording again what stands already gives the same one."""

    consent_id: int


class ConsentOut(BaseModel):
    """A consent on record."""

    consent_id: int
    person_ref: str
    case_ref: str | None
    kind: str
    given_at: datetime
    expires_at: datetime | None
    source: str
    evidence: str
    recorded_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str

    @classmethod
    def of(cls, consent: Consent) -> Self:
        """As stored."""
        given = {name: getattr(consent.given, name) for name in NewConsent.__dataclass_fields__}
        return cls(
            consent_id=consent.consent_id,
            recorded_at=consent.recorded_at,
            withdrawn_at=consent.withdrawn_at,
            withdrawn_by=consent.withdrawn_by,
            **given,
        )


class ConsentList(BaseModel):
    """A person's consents, oldest first, withdrawn and expired ones too."""

    items: list[ConsentOut]


class InconvenienceIn(Input):
    """A time, a number, or a number at a time. Times are those of the person's day; over midnight when `to` is earlier.

    `number` or, where it is not known in clear, `phone_id` names one number; neither: all of them. A collector leaves
    `person_ref` out: the person is that of the case on the screen.
    """

    person_ref: Ref | None = None
    number: Annotated[str, StringConstraints(min_length=3, max_length=40)] | None = None
    phone_id: Id | None = None
    weekdays: Annotated[frozenset[Weekday], Field(description="Empty: every day.")] = frozenset()
    from_: Annotated[Clock | None, Field(alias="from")] = None
    to: Clock | None = None
    until: Annotated[Instant | None, Field(description="From then on it binds no more.")] = None
    reason: Text = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.from_ is None) != (self.to is None):
            raise ValueError("from and to belong together")
        if self.from_ is not None and (self.from_ == self.to or self.from_ == "24:00"):
            raise ValueError("from and to must be different, and from before 24:00")
        if self.number is not None and self.phone_id is not None:
            raise ValueError("give number or phone_id, not both")
        if not self.weekdays and self.from_ is None and self.number is None and self.phone_id is None:
            raise ValueError("say which number, weekdays or hours; who wants no calls at all is listed as do-not-call")
        if self.until is not None and self.until.tzinfo is None:
            raise ValueError("until needs a UTC offset")
        return self


class InconvenienceAdded(BaseModel):
    """What was put on record."""

    inconvenience_id: int


class InconvenienceOut(BaseModel):
    """A time or number on record, the number masked; no hours: at all times."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    inconvenience_id: int
    person_ref: str
    number_masked: str
    weekdays: list[Weekday]
    from_: Annotated[str | None, Field(alias="from")]
    to: str | None
    until: datetime | None
    source: str
    reason: str
    added_at: datetime
    removed_at: datetime | None
    removed_by: str

    @classmethod
    def of(cls, stored: Inconvenience) -> Self:
        """As stored."""
        same = ("inconvenience_id", "person_ref", "number_masked", "until", "source", "reason")
        return cls.model_validate(
            {name: getattr(stored, name) for name in (*same, "added_at", "removed_at", "removed_by")}
            | {"weekdays": [WEEKDAYS[day] for day in stored.weekdays]}
            | {"from_": _clock(stored.from_minute), "to": _clock(stored.to_minute)}
        )


class InconvenienceList(BaseModel):
    """What a person named, oldest first, removed and past ones too."""

    items: list[InconvenienceOut]


@routes.add("POST", "/v1/consents", "consents.record", status=201)
async def record(call: Call[Nothing, Nothing, ConsentIn]) -> ConsentAdded:
    """Records a consent or agreement of a person, with where it is kept."""
    given = NewConsent(**{name: getattr(call.body, name) for name in ConsentIn.model_fields})
    consent_id = await call.services.storage.consents.record(given, call.services.clock.utcnow())
    await audit(call, "consents.record", f"consent/{consent_id}", given.kind)
    return ConsentAdded(consent_id=consent_id)


@routes.add("GET", "/v1/consents", "consents.list")
async def list_consents(call: Call[Nothing, PersonQuery, Nothing]) -> ConsentList:
    """Lists what a person agreed to."""
    found = await call.services.storage.consents.of_person(call.query.person_ref)
    return ConsentList(items=[ConsentOut.of(consent) for consent in found])


@routes.add("POST", "/v1/consents/{consent_id}/withdraw", "consents.withdraw")
async def withdraw(call: Call[ConsentPath, Nothing, Nothing]) -> ConsentOut:
    """Ends a consent now; it stays on record, and calls to the person that nobody has answered yet end too."""
    services, consent_id = call.services, call.path.consent_id
    actor, node = call.actor.actor, services.config.node.name
    consent = await services.storage.consents.withdraw(consent_id, actor, services.clock.utcnow(), node=node)
    if consent is None:
        raise not_found("consent")
    services.campaigns.stop_calls(WITHDRAWN, person_ref=consent.given.person_ref)
    await audit(call, "consents.withdraw", f"consent/{consent_id}")
    return ConsentOut.of(consent)


@routes.add("POST", "/v1/inconveniences", "inconveniences.add", status=201)
async def add(call: Call[Nothing, Nothing, InconvenienceIn]) -> InconvenienceAdded:
    """Records a time or a number a person named as inconvenient; a collector for the case on the screen only."""
    asked, services = call.body, call.services
    now = services.clock.utcnow()
    if asked.until is not None and asked.until <= now:
        raise bad_field("body.until", "lies in the past")
    person_ref = await _person(call)
    all_day = (0, MINUTES_A_DAY) if asked.weekdays else (None, None)
    hours = (
        all_day if asked.from_ is None or asked.to is None else (minute_of_day(asked.from_), minute_of_day(asked.to))
    )
    said = NewInconvenience(
        person_ref=person_ref,
        source=f"api: {call.actor.actor}",
        number=await _number(call, person_ref),
        weekdays=tuple(sorted(WEEKDAYS.index(day) for day in asked.weekdays)),
        from_minute=hours[0],
        to_minute=hours[1],
        until=asked.until,
        reason=asked.reason,
    )
    added = await services.storage.inconveniences.add(said, now)
    await audit(call, "inconveniences.add", f"inconvenience/{added}")
    return InconvenienceAdded(inconvenience_id=added)


@routes.add("GET", "/v1/inconveniences", "inconveniences.list")
async def list_inconveniences(call: Call[Nothing, PersonQuery, Nothing]) -> InconvenienceList:
    """Lists the times and numbers a person named."""
    found = await call.services.storage.inconveniences.of_person(call.query.person_ref)
    return InconvenienceList(items=[InconvenienceOut.of(stored) for stored in found])


@routes.add("DELETE", "/v1/inconveniences/{inconvenience_id}", "inconveniences.remove")
async def remove(call: Call[InconveniencePath, Nothing, Nothing]) -> None:
    """Takes it back; who did it and when stays on record."""
    inconvenience_id, services = call.path.inconvenience_id, call.services
    now = services.clock.utcnow()
    if not await services.storage.inconveniences.remove(inconvenience_id, call.actor.actor, now):
        raise not_found("inconvenience")
    await audit(call, "inconveniences.remove", f"inconvenience/{inconvenience_id}")


async def _person(call: AnyCall) -> str:
    """Whom it is about: for a collector the person on the screen and nobody else."""
    asked: str | None = call.body.person_ref
    if call.actor.role is not Role.COLLECTOR:
        if asked is None:
            raise bad_field("body.person_ref", "is missing", "add this field")
        return asked
    shown = _shown_person(call)
    if asked not in (None, shown):
        raise ApiError(HTTPStatus.FORBIDDEN, "a collector speaks for the person on the screen only")
    return shown


def _shown_person(call: AnyCall) -> str:
    try:
        shown = call.services.desk.case(call.actor.account_id or 0)
    except AgentStateError as error:  # offline, or between two calls
        raise conflict("there is no case on the screen") from error
    return shown.order.contact.person_ref


async def _number(call: AnyCall, person_ref: str) -> str | None:
    if call.body.number is not None:
        return e164(call.body.number)
    if call.body.phone_id is None:
        return None
    contact = await call.services.storage.lists.contact_of_phone(call.body.phone_id)
    if contact is None or contact.person_ref != person_ref:
        raise bad_field("body.phone_id", "is no number of this person")
    return next(phone.number for phone in contact.phones if phone.phone_id == call.body.phone_id)


def _clock(minute: int | None) -> str | None:
    return None if minute is None else clock(minute)
