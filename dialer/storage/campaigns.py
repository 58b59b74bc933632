"""Campaigns: what a supervisor set, and the state each is in."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, bindparam, insert, select, update

from dialer.errors import InputError
from dialer.model.call_list import ListState
from dialer.model.campaign import Campaign, CampaignSettings, CampaignState
from dialer.model.outcome import EventType
from dialer.outcomes import payloads
from dialer.storage import tables, values
from dialer.storage.database import Database
from dialer.storage.dialect import among, insert_row
from dialer.storage.events import emit

# Built once: composing a statement costs more time than running it.
_ONE = select(tables.campaigns).where(tables.campaigns.c.campaign_id == bindparam("wanted"))


class Campaigns:
    """The `campaigns` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, list_ids: Sequence[int], settings: CampaignSettings, now: datetime) -> Campaign:
        """Stores a draft; InputError when a list does not exist. `entries.build` makes its entries."""
        return await self._database.write(lambda connection: _create(connection, name, list_ids, settings, now))

    async def get(self, campaign_id: int) -> Campaign | None:
        """The campaign, or None."""
        return await self._database.read(lambda connection: load_campaign(connection, campaign_id))

    async def all(self, states: Sequence[CampaignState] = ()) -> tuple[Campaign, ...]:
        """Campaigns in the given states (none given: in any), oldest first."""
        statement = _in_states(tuple(states) or tuple(CampaignState))

        def work(connection: Connection) -> tuple[Campaign, ...]:
            rows = connection.execute(statement).all()
            lists = _lists_of(connection, [row.campaign_id for row in rows])
            return tuple(values.campaign(row, lists.get(row.campaign_id, [])) for row in rows)

        return await self._database.read(work)

    async def change_settings(self, campaign_id: int, settings: CampaignSettings) -> Campaign:
        """Replaces the settings; InputError for an unknown campaign."""
        statement = (
            update(tables.campaigns)
            .where(tables.campaigns.c.campaign_id == campaign_id)
            .values(settings=values.encode_settings(settings))
        )

        def work(connection: Connection) -> Campaign:
            connection.execute(statement)
            return _existing(connection, campaign_id)

        return await self._database.write(work)

    async def set_state(
        self, campaign_id: int, expected: CampaignState, new: CampaignState, reason: str, now: datetime
    ) -> bool:
        """Goes from `expected` to `new` and tells the case system; False when the state was not `expected` any more."""
        return await self._database.write(
            lambda connection: _set_state(connection, campaign_id, expected, new, reason, now)
        )

    async def save_pacer(self, campaign_id: int, state: dict[str, object]) -> None:
        """Keeps what the pacing learned, for the next start."""
        statement = (
            update(tables.campaigns)
            .where(tables.campaigns.c.campaign_id == campaign_id)
            .values(pacer=msgspec.json.encode(state))
        )
        await self._database.write(lambda connection: connection.execute(statement))

    async def load_pacer(self, campaign_id: int) -> dict[str, object]:
        """What the pacing had learned; empty at first."""
        query = select(tables.campaigns.c.pacer).where(tables.campaigns.c.campaign_id == campaign_id)
        saved = await self._database.read(lambda connection: connection.execute(query).scalar())
        return msgspec.json.decode(saved, type=dict[str, object]) if saved else {}


def load_campaign(connection: Connection, campaign_id: int) -> Campaign | None:
    """The campaign inside a transaction, or None."""
    row = connection.execute(_ONE, {"wanted": campaign_id}).first()
    if row is None:
        return None
    return values.campaign(row, _lists_of(connection, [campaign_id]).get(campaign_id, []))


def _lists_of(connection: Connection, campaign_ids: Sequence[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row in connection.execute(_lists(connection.dialect.name), {"wanted": campaign_ids}):
        found.setdefault(row.campaign_id, []).append(row.list_id)
    return found


@cache
def _in_states(states: tuple[CampaignState, ...]) -> Select[Any]:
    wanted = [state.value for state in states]
    return select(tables.campaigns).where(tables.campaigns.c.state.in_(wanted)).order_by(tables.campaigns.c.campaign_id)


@cache
def _lists(dialect: str) -> Select[Any]:
    links = tables.campaign_lists
    return select(links).where(among(dialect, links.c.campaign_id, "wanted")).order_by(links.c.position)


def _existing(connection: Connection, campaign_id: int) -> Campaign:
    campaign = load_campaign(connection, campaign_id)
    if campaign is None:
        raise InputError(f"there is no campaign {campaign_id}")
    return campaign


def _create(
    connection: Connection, name: str, list_ids: Sequence[int], settings: CampaignSettings, now: datetime
) -> Campaign:
    query = select(tables.lists.c.list_id).where(tables.lists.c.state == ListState.READY.value)
    known = set(connection.execute(query.where(tables.lists.c.list_id.in_(list_ids))).scalars())
    missing = [list_id for list_id in list_ids if list_id not in known]
    if missing:
        raise InputError(f"there is no list {missing[0]}; import it first")
    row: dict[str, Any] = {
        "name": name,
        "state": CampaignState.DRAFT.value,
        "state_reason": "",
        "settings": values.encode_settings(settings),
        "pacer": b"",
        "created_at": now,
    }
    campaign_id = insert_row(connection, tables.campaigns, row)
    links = [
        {"campaign_id": campaign_id, "list_id": list_id, "position": position}
        for position, list_id in enumerate(dict.fromkeys(list_ids))
    ]
    if links:
        connection.execute(insert(tables.campaign_lists), links)
    return _existing(connection, campaign_id)


def _set_state(
    connection: Connection,
    campaign_id: int,
    expected: CampaignState,
    new: CampaignState,
    reason: str,
    now: datetime,
) -> bool:
    statement = (
        update(tables.campaigns)
        .where(tables.campaigns.c.campaign_id == campaign_id, tables.campaigns.c.state == expected.value)
        .values(state=new.value, state_reason=reason)
    )
    if connection.execute(statement).rowcount == 0:
        return False
    data = payloads.campaign_state(_existing(connection, campaign_id), expected)
    emit(connection, EventType.CAMPAIGN_STATE, "", now, data)
    return True
