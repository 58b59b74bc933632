"""Whether attempts, entries, events and proofs agree: what no crash and no race may disturb."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from dialer.compliance.proof import ProofKind
from dialer.compliance.proof_chain import Head, verify_chain
from dialer.model.attempt import AttemptState
from dialer.model.entry import EntryState
from dialer.model.outcome import EventType
from dialer.storage import Storage, tables
from dialer.storage.values import IN_FLIGHT_NAMES

LAST_LINKS = {
    AttemptState.SETTLED.value: {ProofKind.SETTLED.value, ProofKind.RECONCILED.value},
    AttemptState.UNKNOWN.value: {ProofKind.UNKNOWN.value},
    AttemptState.RELEASED.value: {ProofKind.RELEASED.value},
    **{state: {ProofKind.ALLOWED.value} for state in IN_FLIGHT_NAMES},
}
"""State of an attempt → what its newest link may be, wrap-ups aside."""
ENTRIES = {
    AttemptState.UNKNOWN.value: EntryState.RECONCILE.value,
    **dict.fromkeys(IN_FLIGHT_NAMES, EntryState.DIALING.value),
}
"""State of an entry's attempt → state of the entry."""
Row = dict[str, Any]


async def check_books(storage: Storage) -> Counter[str]:
    """Asserts that everything agrees; returns how many attempts are in which state."""
    return await storage._database.read(_check)


async def bodies(storage: Storage, kind: ProofKind) -> list[Row]:
    """The bodies of all links of a kind, in the order in which they were stored."""
    links = await storage._database.read(lambda connection: _rows(connection, tables.proofs))
    links.sort(key=lambda link: link["proof_id"])
    return [json.loads(link["body"]) for link in links if link["kind"] == kind.value]


def _rows(connection: Connection, table: Any) -> list[Row]:
    return [dict(row._mapping) for row in connection.execute(select(table))]


def _check(connection: Connection) -> Counter[str]:
    attempts = _rows(connection, tables.attempts)
    links = sorted(_rows(connection, tables.proofs), key=lambda link: (link["chain"], link["sequence"]))
    heads = {row["chain"]: row for row in _rows(connection, tables.proof_heads)}
    _check_chains(links, heads)
    of_attempt: dict[int, list[Row]] = defaultdict(list)
    for link in sorted(links, key=lambda link: link["proof_id"]):
        if link["attempt_id"] is not None and link["kind"] != ProofKind.WRAP_UP.value:
            of_attempt[link["attempt_id"]].append(link)
    assert of_attempt.keys() == {attempt["attempt_id"] for attempt in attempts}, (
        "attempts without proofs, or vice versa"
    )
    entries = {entry["entry_id"]: entry["queue"] for entry in _rows(connection, tables.entries)}
    for attempt in attempts:
        _check_attempt(attempt, of_attempt[attempt["attempt_id"]], entries)
    _check_entries(attempts, entries)
    _check_events(attempts, _rows(connection, tables.events))
    return Counter(attempt["state"] for attempt in attempts)


def _check_chains(links: Sequence[Row], heads: dict[str, Row]) -> None:
    noted = [Head(chain, head["sequence"], head["hash"].hex()) for chain, head in heads.items()]
    report = verify_chain([(link["hash"].hex(), link["body"]) for link in links], noted)
    assert report.well, report.faults
    assert report.complete, report.chains


def _check_attempt(attempt: Row, links: Sequence[Row], entries: dict[int, str]) -> None:
    state = attempt["state"]
    first, *later = links
    assert first["kind"] == ProofKind.ALLOWED.value
    assert links[-1]["kind"] in LAST_LINKS[state], (state, [link["kind"] for link in links])
    assert len(later) <= 2
    assert all(json.loads(link["body"])["first"] == first["hash"].hex() for link in later)
    assert (attempt["in_flight_index"] is not None) == (state in IN_FLIGHT_NAMES)
    if attempt["entry_id"] is not None and state in ENTRIES:
        assert entries[attempt["entry_id"]] == ENTRIES[state], attempt


def _check_entries(attempts: Sequence[Row], entries: dict[int, str]) -> None:
    open_entries = {attempt["entry_id"] for attempt in attempts if attempt["state"] in ENTRIES}
    for entry_id, queue in entries.items():
        assert queue not in ENTRIES.values() or entry_id in open_entries, f"entry {entry_id} is {queue} for nothing"


def _check_events(attempts: Sequence[Row], events: Sequence[Row]) -> None:
    told: dict[int, list[str]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event["sequence"]):
        if event["type"] in (EventType.ATTEMPT_SETTLED.value, EventType.ATTEMPT_UNKNOWN.value):
            told[json.loads(event["data"])["attempt_id"]].append(event["type"])
    settled, unknown = EventType.ATTEMPT_SETTLED.value, EventType.ATTEMPT_UNKNOWN.value
    allowed = {
        AttemptState.SETTLED.value: ([settled], [unknown, settled]),
        AttemptState.UNKNOWN.value: ([unknown],),
    }
    for attempt in attempts:
        assert told[attempt["attempt_id"]] in allowed.get(attempt["state"], ([],))
