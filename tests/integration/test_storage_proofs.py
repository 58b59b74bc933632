"""What the chains of proofs say of reservations and of the ends of attempts, on both engines."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from dialer.compliance.answer import ENTRY_NOT_LEASED, NUMBER_IN_FLIGHT
from dialer.compliance.packs import pack_from_content
from dialer.compliance.policy import Policy
from dialer.compliance.proof import ProofKind
from dialer.compliance.proof_replay import Replay
from dialer.model.attempt import Attempt, AttemptState, Disposition, Settlement
from dialer.model.decision import Decision
from dialer.model.outcome import EventType
from dialer.storage import Storage, tables
from tests.support.policy import HOUSE_NUMBER, bank_policy
from tests.support.rules import cap, policy_of
from tests.support.storage import MINUTE, MONDAY, NO_MORE, Dialing, contacts, open_storage, run_campaign
from tests.support.storage_books import bodies, check_books


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


@pytest.fixture(scope="module")
def capped() -> Policy:
    return policy_of(cap("person", 3), cap("caller_id", 5), cap("phone", 2, "conversation"))


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


def _counts(body: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    return {said["rule"]: (said["before"], said["after"], said["limit"]) for said in body["counters"]}


async def test_an_answer_says_what_it_was_given_from(storage: Storage, policy: Policy) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    dialing = Dialing(storage, policy)
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    (body,) = await bodies(storage, ProofKind.ALLOWED)
    assert (body["attempt_id"], body["node"], body["case_ref"]) == (attempt.attempt_id, "node1", "case-0")
    assert body["number"] == "138****0000"
    assert body["clock"]["local"]["Asia/Shanghai"] == "2026-11-23T10:00:00+08:00"
    (calendar,) = body["calendars"]
    assert (calendar["name"], calendar["complete_through"]) == ("cn-workdays", "2026-12-31")
    assert body["packs"] == [pack.sha256 for pack in policy.used_packs]
    assert _counts(body)["cn.unreached"] == (0, 1, 6)
    assert body["facts"]["caller_id"]["number"] == HOUSE_NUMBER
    contents = await storage.policies.contents(body["packs"])
    assert [pack_from_content(contents[sha256], sha256).name for sha256 in body["packs"]] == ["cn-bank-card"]


async def test_nothing_in_a_link_is_a_number_or_a_name(storage: Storage, policy: Policy) -> None:
    campaign_id = await run_campaign(storage, contacts(4))
    dialing = Dialing(storage, policy)
    for n, candidate in enumerate(await dialing.claim(campaign_id, 4)):
        attempt = await dialing.reserve(dialing.reservation(candidate))
        if n == 0:
            await storage.attempts.release(attempt.attempt_id, "no trunk for 13800000003", MONDAY)
        else:
            await dialing.settle(attempt, Disposition.UNKNOWN if n == 1 else Disposition.BUSY)
        await dialing.ask(dialing.by_hand(candidate), MONDAY + timedelta(hours=12))
    raw = await storage._database.read(
        lambda connection: b"".join(connection.execute(select(tables.proofs.c.body)).scalars())
    )
    assert b"3800000" not in raw
    assert b"3900000" not in raw
    assert "王".encode() not in raw
    assert b"138****0003" in raw


async def test_counters_before_and_after(storage: Storage, capped: Policy) -> None:
    """What counts placed calls goes up by one; a refused call changes nothing; what never rang gives its place back."""
    campaign_id = await run_campaign(storage, contacts(1))
    dialing = Dialing(storage, capped)
    (candidate,) = await dialing.claim(campaign_id)
    for n, end in enumerate((Disposition.BUSY, Disposition.TRUNK_CONGESTION, Disposition.NO_ANSWER)):
        attempt = await dialing.reserve(dialing.by_hand(candidate), MONDAY + n * MINUTE)
        await dialing.settle(attempt, end, MONDAY + n * MINUTE, None)
    released = await dialing.reserve(dialing.by_hand(candidate), MONDAY + 3 * MINUTE)
    await storage.attempts.release(released.attempt_id, "no trunk", MONDAY + 3 * MINUTE)
    await dialing.settle(await dialing.reserve(dialing.by_hand(candidate), MONDAY + 4 * MINUTE), Disposition.BUSY)
    assert isinstance(await dialing.ask(dialing.by_hand(candidate), MONDAY + 5 * MINUTE), Decision)
    allowed = [_counts(body) for body in await bodies(storage, ProofKind.ALLOWED)]
    assert [said["test.0"] for said in allowed] == [(0, 1, 3), (1, 2, 3), (1, 2, 3), (2, 3, 3), (2, 3, 3)]
    assert [said["test.1"] for said in allowed] == [(0, 1, 5), (1, 2, 5), (1, 2, 5), (2, 3, 5), (2, 3, 5)]
    assert {said["test.2"] for said in allowed} == {(0, 0, 2)}
    (refused,) = await bodies(storage, ProofKind.REFUSED)
    assert _counts(refused)["test.0"] == (3, 3, 3)
    settled = await bodies(storage, ProofKind.SETTLED)
    assert [body["gives_back"] for body in settled] == [False, True, False, False]
    assert _counts(settled[1])["test.0"] == (2, 1, 3)
    assert settled[0]["counters"] == []
    (given_back,) = await bodies(storage, ProofKind.RELEASED)
    assert (given_back["gives_back"], _counts(given_back)["test.0"]) == (True, (3, 2, 3))


async def test_every_end_names_the_first_link(storage: Storage, policy: Policy) -> None:
    await storage.outbox.register("hook")
    campaign_id = await run_campaign(storage, contacts(4))
    dialing = Dialing(storage, policy)
    for n, candidate in enumerate(await dialing.claim(campaign_id, 4)):
        attempt = await dialing.reserve(dialing.reservation(candidate))
        if n == 0:
            await storage.attempts.release(attempt.attempt_id, "no trunk", MONDAY)
        elif n == 1:
            settlement = Settlement(attempt.attempt_id, Disposition.TRUNK_CONFIG, MONDAY, ringing_at=MONDAY)
            await storage.attempts.settle(settlement, NO_MORE, MONDAY)
    assert await storage.attempts.recover("node1", MONDAY) == 2
    assert await storage.attempts.reconcile(attempt.attempt_id, Disposition.NO_ANSWER, "wang", MONDAY + MINUTE)
    assert await check_books(storage) == {"released": 1, "settled": 2, "unknown": 1}
    (rang,) = await bodies(storage, ProofKind.SETTLED)
    assert not rang["gives_back"], "it rang"
    (reconciled,) = await bodies(storage, ProofKind.RECONCILED)
    assert (reconciled["why"], reconciled["disposition"]) == ("wang", "no_answer")
    assert len(await bodies(storage, ProofKind.UNKNOWN)) == 2


async def test_the_event_carries_the_hash_away(storage: Storage, policy: Policy) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    dialing = Dialing(storage, policy)
    (candidate,) = await dialing.claim(campaign_id)
    await dialing.settle(await dialing.reserve(dialing.reservation(candidate)), Disposition.BUSY)
    (event,) = [one for one in await storage.outbox.events() if one.type is EventType.ATTEMPT_SETTLED]
    head = await storage._database.read(lambda connection: connection.execute(select(tables.proof_heads)).one())
    assert event.data["proof"] == {"chain": "node1", "sequence": 2, "hash": head.hash.hex()}


async def test_guards_of_the_reservation_leave_a_proof_too(storage: Storage, capped: Policy) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    dialing = Dialing(storage, capped)
    (candidate,) = await dialing.claim(campaign_id)
    await storage.entries.put_back(candidate.entry_id, MONDAY, "back")
    assert isinstance(await dialing.ask(dialing.reservation(candidate)), Decision)
    other = await dialing.reserve(replace(dialing.by_hand(candidate), phone_id=candidate.contact.phones[1].phone_id))
    assert await dialing.reserve(dialing.by_hand(candidate)), "another number of the person: no rule keeps them apart"
    assert isinstance(await dialing.ask(dialing.by_hand(candidate)), Decision)
    refused = await bodies(storage, ProofKind.REFUSED)
    assert [body["decision"]["rule"] for body in refused] == [ENTRY_NOT_LEASED, NUMBER_IN_FLIGHT]
    assert other.attempt_id
    await check_books(storage)


async def test_an_answer_can_be_given_again_from_its_own_link(storage: Storage, policy: Policy, capped: Policy) -> None:
    campaign_id = await run_campaign(storage, contacts(3))
    for rules in (policy, capped):
        dialing = Dialing(storage, rules)
        for candidate in await dialing.claim(campaign_id, 3):
            for n in range(8):
                answer = await dialing.ask(dialing.by_hand(candidate), MONDAY + n * MINUTE)
                if isinstance(answer, Attempt):
                    await dialing.settle(answer, Disposition.NO_ANSWER, MONDAY + n * MINUTE, None)
            await storage.entries.put_back(candidate.entry_id, MONDAY, "again")
    replay = Replay()
    for sha256, content in (await storage._database.read(_packs)).items():
        replay.add_pack(sha256, content)
    found = [body for kind in (ProofKind.ALLOWED, ProofKind.REFUSED) for body in await bodies(storage, kind)]
    assert len(found) == 2 * 3 * 8
    assert {differences for body in found if (differences := replay.check(json.dumps(body).encode()))} == set()


def _packs(connection: Connection) -> dict[str, str]:
    return {row.sha256: row.content.decode() for row in connection.execute(select(tables.policy_packs))}


async def test_a_pack_is_stored_once_and_again_when_its_first_proof_was_undone(
    storage: Storage, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = await run_campaign(storage, contacts(3))
    dialing = Dialing(storage, policy)
    candidates = await dialing.claim(campaign_id, 3)

    async def failing(work: Any) -> None:
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(storage._database, "write", failing)
        with pytest.raises(TimeoutError):
            await dialing.ask(dialing.reservation(candidates[0]))
    query = select(func.count()).select_from(tables.policy_packs)
    for candidate in candidates:
        await dialing.reserve(dialing.reservation(candidate))
        assert await storage._database.read(lambda connection: connection.execute(query).scalar()) == 1


async def test_chains_of_several_nodes_grow_beside_each_other(storage: Storage, policy: Policy) -> None:
    campaign_id = await run_campaign(storage, contacts(24))
    nodes = [Dialing(storage, policy, f"node{n}") for n in range(4)]

    async def work(dialing: Dialing) -> None:
        for candidate in await dialing.claim(campaign_id, 6):
            attempt = await dialing.reserve(dialing.reservation(candidate))
            await dialing.settle(attempt, Disposition.BUSY)

    await asyncio.gather(*(work(node) for node in nodes))
    assert await check_books(storage) == {AttemptState.SETTLED.value: 24}
    heads = await storage._database.read(lambda connection: connection.execute(select(tables.proof_heads)).all())
    assert {(head.chain, head.sequence) for head in heads} == {(f"node{n}", 12) for n in range(4)}
