"""The rules in force: which packs, since when and until when, what retires, and reading them again."""

from datetime import date, datetime
from http import HTTPStatus
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from dialer.api.auditing import audit
from dialer.api.problems import ApiError
from dialer.api.routing import AnyCall, Call, Nothing, Routes
from dialer.compliance.policy import Pack, Policy
from dialer.compliance.registry import RegisteredNumber
from dialer.compliance.rule import Rule
from dialer.compliance.rule_words import tell
from dialer.compliance.words import title_of
from dialer.errors import ConfigError
from dialer.model.decision import Effect
from dialer.words.said import Said

routes = Routes("policy")

SUBJECT = "policy"


class PackOut(BaseModel):
    """One version of a pack; `in_force` today, by the pack's own calendar day."""

    name: str
    title: str
    status: str
    jurisdiction: str
    sha256: str
    valid_from: date
    valid_through: date | None
    zone: str
    calendar: str | None
    in_force: bool

    @classmethod
    def of(cls, pack: Pack, in_force: bool) -> Self:
        """As loaded."""
        plain = {name: getattr(pack, name) for name in cls.model_fields if name not in ("calendar", "in_force")}
        return cls(calendar=pack.calendar.name if pack.calendar else None, in_force=in_force, **plain)


class RetiringOut(BaseModel):
    """A version that was replaced today and binds beside the others until then."""

    name: str
    valid_from: date
    sha256: str
    until: datetime


class CallerIdOut(BaseModel):
    """A number that may be shown, and for what it is registered; `agency` empty: by the house itself."""

    number: str
    purposes: tuple[str, ...]
    agency: str
    valid_from: date | None
    valid_through: date | None
    in_force: bool

    @classmethod
    def of(cls, entry: RegisteredNumber, today: date) -> Self:
        """As registered."""
        plain = {name: getattr(entry, name) for name in cls.model_fields if name != "in_force"}
        return cls(in_force=entry.in_force(today), **plain)


class PolicyOut(BaseModel):
    """What every call is put to. `pack_hash` is what proofs name; `overrides` are files."""

    pack_hash: str
    packs: list[PackOut]
    retiring: list[RetiringOut]
    warnings: list[Said]
    overrides: tuple[str, ...]
    caller_ids: list[CallerIdOut]
    agencies: list[str]


@routes.add("GET", "/v1/policy", "policy.show")
async def show(call: Call[Nothing, Nothing, Nothing]) -> PolicyOut:
    """Shows the rules in force on this node, and what a supervisor should know of them."""
    return _shown(call, call.services.policy.current(call.services.clock.utcnow()))


class PackRuleOut(BaseModel):
    """A rule of a pack, told in English and Chinese; `note` is the pack's own, `title` what its kind is about.

    An override may change a rule for some calls, or from some day on: then each variant is a line of its own.
    """

    pack: str
    valid_from: date
    in_force: bool
    rule_id: str
    kind: str
    title_en: str
    title_zh: str
    en: str
    zh: str
    effect: Effect
    source: str
    note: str


class PackRuleList(BaseModel):
    """The rules of every pack, in the order in which they stand there."""

    items: list[PackRuleOut]


@routes.add("GET", "/v1/policy/rules", "policy.rules")
async def rules(call: Call[Nothing, Nothing, Nothing]) -> PackRuleList:
    """Tells every rule that calls are put to in words: whom it binds, what it allows, what lifts it."""
    now = call.services.clock.utcnow()
    policy = call.services.policy.current(now)
    retiring = {pack.sha256 for pack, _ in policy.retiring}
    told = [
        _told(rule, pack, _in_force(pack, policy, now) or pack.sha256 in retiring)
        for pack in policy.used_packs
        for rule in pack.rules
    ]
    return PackRuleList(items=told)


def _told(rule: Rule, pack: Pack, in_force: bool) -> PackRuleOut:
    return PackRuleOut(
        pack=pack.name,
        valid_from=pack.valid_from,
        in_force=in_force,
        rule_id=rule.rule_id,
        kind=rule.kind,
        title_en=title_of(rule.kind, "en"),
        title_zh=title_of(rule.kind, "zh"),
        en=tell(rule, "en"),
        zh=tell(rule, "zh"),
        effect=rule.effect,
        source=rule.source,
        note=rule.note,
    )


@routes.add("POST", "/v1/policy/reload", "policy.reload")
async def reload(call: Call[Nothing, Nothing, Nothing]) -> PolicyOut:
    """Reads configuration, packs and overrides again.

    What a pack was until now binds beside what it is until the next midnight. What cannot be loaded is refused with
    file, line and reason, and the rules in force stay so.
    """
    try:
        policy = await call.services.policy.reload(f"reloaded by {call.actor.actor}")
    except ConfigError as error:
        await audit(call, "policy.reload", SUBJECT, f"refused: {error}")
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, f"the rules in force stay: {error}") from error
    await audit(call, "policy.reload", SUBJECT, policy.pack_hash)
    return _shown(call, policy)


def _shown(call: AnyCall, policy: Policy) -> PolicyOut:
    now = call.services.clock.utcnow()
    today = policy.house_day(now)
    return PolicyOut(
        pack_hash=policy.pack_hash,
        packs=[PackOut.of(pack, _in_force(pack, policy, now)) for pack in policy.packs],
        retiring=[
            RetiringOut(name=pack.name, valid_from=pack.valid_from, sha256=pack.sha256, until=until)
            for pack, until in policy.retiring
        ],
        warnings=list(policy.warnings(today)),
        overrides=call.services.policy.config.policy.overrides,
        caller_ids=[CallerIdOut.of(entry, today) for entry in policy.registry.caller_ids],
        agencies=sorted(policy.registry.agencies or ()),
    )


def _in_force(pack: Pack, policy: Policy, now: datetime) -> bool:
    """Whether it is the newest of its pack's versions that has begun, and has not ended."""
    today = now.astimezone(ZoneInfo(pack.zone)).date()
    begun = [other.valid_from for other in policy.packs if other.name == pack.name and other.valid_from <= today]
    return pack.valid_from == max(begun, default=None) and (pack.valid_through is None or today <= pack.valid_through)
