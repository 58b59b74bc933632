"""The tables, by subject. Nothing outside `dialer.storage` may import them."""

from dialer.storage.tables.attempts import attempts, recordings, refusals, wrap_ups
from dialer.storage.tables.base import Base
from dialer.storage.tables.campaigns import campaign_lists, campaigns, entries
from dialer.storage.tables.lists import cases, contacts, do_not_call, lists, phones
from dialer.storage.tables.outbox import deliveries, destinations, events
from dialer.storage.tables.people import accounts, agent_changes, audit, tokens
from dialer.storage.tables.system import idempotency_keys, properties

metadata = Base.metadata

__all__ = [
    "accounts",
    "agent_changes",
    "attempts",
    "audit",
    "campaign_lists",
    "campaigns",
    "cases",
    "contacts",
    "deliveries",
    "destinations",
    "do_not_call",
    "entries",
    "events",
    "idempotency_keys",
    "lists",
    "metadata",
    "phones",
    "properties",
    "recordings",
    "refusals",
    "tokens",
    "wrap_ups",
]
