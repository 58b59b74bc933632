"""The floor: every collector with state, call, line and today's figures, for those who supervise them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import BaseModel

from dialer.api.routing import Call, Nothing, Routes
from dialer.model.account import Account, Role
from dialer.model.agent import AgentState, PhoneKind
from dialer.model.figures import AT_WORK, BUSY, CollectorFigures
from dialer.supervising.definitions import with_ratios
from dialer.supervising.floor import CollectorNow, collectors_now

routes = Routes("floor")

_NOW = ("state", "since", "pending", "campaign_ids", "campaign_id", "attempt_id", "on_call_since")


class PhoneOut(BaseModel):
    """The collector's line: `mos` estimates how well we hear them, 1.0 to 4.4; null: not known yet."""

    kind: PhoneKind
    is_connected: bool
    mos: float
    jitter_ms: float
    round_trip_ms: float | None


class CollectorToday(BaseModel):
    """Today's figures by the keys of the definitions; `talks` is their `connected`. Seconds are by state."""

    talks: int
    right_party: int
    promises: int
    talk_s: float
    mean_talk_s: float | None
    handle_s: float | None
    occupancy: float | None
    seconds: dict[AgentState, float]

    @classmethod
    def of(cls, figures: CollectorFigures) -> Self:
        """As counted from the record, a few seconds ago."""
        tally = figures.tally
        wrap_s = figures.seconds_in([AgentState.WRAPUP])
        ratios = with_ratios(
            {
                "connected": tally.connected,
                "talk_s": tally.talk_s,
                "handled_s": tally.talk_s + wrap_s,
                "busy_s": figures.seconds_in(BUSY),
                "at_work_s": figures.seconds_in(AT_WORK),
            }
        )
        return cls(
            talks=tally.connected,
            right_party=tally.right_party,
            promises=tally.promises,
            talk_s=round(tally.talk_s, 1),
            mean_talk_s=ratios["mean_talk_s"],
            handle_s=ratios["handle_s"],
            occupancy=ratios["occupancy"],
            seconds={state: round(seconds, 1) for state, seconds in figures.seconds.items()},
        )


class CollectorOut(BaseModel):
    """One collector. `is_here`: logged in on the node that answers; elsewhere only the record's last state is known.

    `campaign_id` is that of the call at hand or of the one being wrapped up, `pending` a state that was asked for.
    """

    agent_id: int
    login: str
    name: str
    team: str
    state: AgentState
    since: datetime | None
    is_here: bool
    pending: AgentState | None = None
    campaign_ids: tuple[int, ...] = ()
    campaign_id: int | None = None
    attempt_id: int | None = None
    on_call_since: datetime | None = None
    phone: PhoneOut | None = None
    today: CollectorToday | None = None


class Floor(BaseModel):
    """All collectors with open accounts, by name; those at work on other nodes as the record has them.

    `now` is what the service's clock reads: how long a state lasts is counted from it.
    """

    node: str
    now: datetime
    items: list[CollectorOut]


@routes.add("GET", "/v1/floor", "floor.show")
async def show(call: Call[Nothing, Nothing, Nothing]) -> Floor:
    """Shows every collector: state, call, line, and today's figures."""
    services, supervision = call.services, call.services.supervision
    accounts = [each for each in await services.storage.accounts.all() if each.role is Role.COLLECTOR and each.active]
    teams = {member.account_id: member.team for member in await services.storage.qa_teams.all()}
    here = {now.agent_id: now for now in collectors_now(supervision.house.sessions, services.clock)}
    figures = {each.agent_id: each for each in await supervision.figures.collectors()}
    items = [_line(account, teams, here, figures) for account in accounts]
    return Floor(
        node=services.config.node.name,
        now=services.clock.utcnow(),
        items=sorted(items, key=lambda item: (item.name, item.agent_id)),
    )


def _line(
    account: Account,
    teams: Mapping[int, str],
    here: Mapping[int, CollectorNow],
    figures: Mapping[int, CollectorFigures],
) -> CollectorOut:
    agent_id = account.account_id
    now, recorded = here.get(agent_id), figures.get(agent_id)
    about = {"agent_id": agent_id, "login": account.login, "name": account.name, "team": teams.get(agent_id, "")}
    today = None if recorded is None else CollectorToday.of(recorded)
    if now is not None:
        phone = PhoneOut.model_validate(now.phone, from_attributes=True)
        named = {name: getattr(now, name) for name in _NOW}
        return CollectorOut.model_validate(about | named | {"is_here": True, "phone": phone, "today": today})
    state, since = (AgentState.OFFLINE, None) if recorded is None else (recorded.state, recorded.since)
    return CollectorOut.model_validate(about | {"state": state, "since": since, "is_here": False, "today": today})
