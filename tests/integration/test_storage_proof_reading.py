"""Proofs read back, and "why?" answered from them, on both engines."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete

from dialer.compliance.proof import ProofKind
from dialer.compliance.proof_chain import verify_chain
from dialer.compliance.proof_replay import PolicySet, Replay
from dialer.model.attempt import Disposition
from dialer.model.contact import CaseStatus
from dialer.model.decision import Decision
from dialer.model.entry import EntryState
from dialer.storage import proof_reading, tables
from dialer.storage.proof_reading import ChainRange
from tests.support.policy import REGISTRY, bank_policy
from tests.support.storage import MINUTE, MONDAY, NO_MORE, Dialing, contacts, open_storage, run_campaign

POLICY = bank_policy()
LATER = MONDAY + timedelta(hours=2)


async def test_proofs_are_read_by_chain_attempt_case_and_number(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        reading = storage.proof_reading
        assert await reading.heads() == ()
        assert await reading.ranges((), None, None) == ()
        await storage.policies.record("node1", POLICY, "test", MONDAY - MINUTE)
        dialing, other = Dialing(storage, POLICY), Dialing(storage, POLICY, node="node2")
        campaign_id = await run_campaign(storage, contacts(2))
        first, second = await dialing.claim(campaign_id, 2)
        attempt = await dialing.reserve(dialing.reservation(first))
        await dialing.settle(attempt, Disposition.NO_ANSWER, MONDAY + MINUTE, NO_MORE)
        refused = await other.ask(other.by_hand(first), MONDAY + MINUTE)
        assert isinstance(refused, Decision) or await other.settle(refused, Disposition.BUSY, MONDAY + 2 * MINUTE, None)
        heads = await reading.heads()
        assert [head.chain for head in heads] == ["node1", "node2"]
        ranges = await reading.ranges(heads, None, None)
        assert ranges == tuple(ChainRange(head.chain, 1, head.sequence) for head in heads)
        pages = [await reading.page(links) for links in ranges]
        report = verify_chain(((link.hash.hex(), link.body) for page in pages for link in page), heads)
        assert (report.well, report.complete) == (True, True)
        replay = Replay()
        for sha256 in await reading.packs():
            pack = await reading.pack(sha256)
            assert pack is not None
            replay.add_pack(pack.sha256, pack.content)
        decisions = [link for page in pages for link in page if link.kind in (ProofKind.ALLOWED, ProofKind.REFUSED)]
        assert [replay.check(link.body) for link in decisions] == [(), ()]
        of_attempt = await reading.of_attempt(attempt.attempt_id)
        assert [link.kind for link in of_attempt] == [ProofKind.ALLOWED, ProofKind.SETTLED]
        assert all(link.intact for link in of_attempt)
        of_case = await reading.of_case(first.contact.case_ref, LATER, 10)
        assert {link.chain for link in of_case} == {"node1", "node2"}
        assert [link.at for link in of_case] == [MONDAY + MINUTE, MONDAY], "newest first"
        assert await reading.of_number(first.phone.number, LATER, 10) == of_case
        assert await reading.of_number(first.phone.number, MONDAY, 10) == of_case[1:]
        assert await reading.of_number(second.phone.number, LATER, 10) == ()
        since = await reading.ranges(heads, MONDAY + MINUTE, None)
        assert since[0] == ChainRange("node1", 3, 3)
        assert await reading.ranges(heads, LATER, None) == ()


async def test_attempts_without_a_link_are_found(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof_reading, "WALKED", 2)
    async with open_storage(database_url) as storage:
        reading = storage.proof_reading
        assert await reading.unproved_attempts(None, None, 9) == ()
        dialing = Dialing(storage, POLICY)
        campaign_id = await run_campaign(storage, contacts(3))
        made = [
            await dialing.reserve(dialing.reservation(candidate), MONDAY + n * MINUTE)
            for n, candidate in enumerate(await dialing.claim(campaign_id, 3))
        ]
        ids = [attempt.attempt_id for attempt in made]
        (links,) = await reading.ranges(await reading.heads(), None, None)
        page = await reading.page(links)
        assert await reading.stored_attempts(page) == frozenset(ids)
        assert await reading.stored_attempts([replace(link, chain="node2") for link in page]) == frozenset()
        assert await reading.unproved_attempts(None, None, 9) == ()
        forget = delete(tables.proofs).where(tables.proofs.c.attempt_id.in_(ids[1:]))
        await storage._database.write(lambda connection: connection.execute(forget))
        lost = tuple(("node1", attempt_id) for attempt_id in ids[1:])
        assert await reading.unproved_attempts(None, None, 9) == lost
        assert await reading.unproved_attempts(None, None, 1) == lost[:1]
        assert await reading.unproved_attempts(MONDAY + 2 * MINUTE, None, 9) == lost[1:]
        assert await reading.unproved_attempts(None, MONDAY + 2 * MINUTE, 9) == lost[:1]


async def test_the_policy_of_an_instant(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        reading = storage.proof_reading
        await storage.policies.record("node1", POLICY, "test", MONDAY)
        until = MONDAY + timedelta(hours=14)
        stricter = replace(POLICY, registry=replace(REGISTRY, agencies=frozenset({"north"})))
        await storage.policies.record("node1", stricter, "registers", MONDAY + MINUTE)
        assert await reading.policy_at("node1", MONDAY - MINUTE) is None
        found = await reading.policy_at("node1", MONDAY)
        assert found is not None
        assert (found.packs, found.registry) == (PolicySet.of(POLICY), REGISTRY)
        later = await reading.policy_at("node1", until)
        assert later is not None
        assert later.registry == stricter.registry
        elsewhere = await reading.policy_at("node9", until)
        assert elsewhere is not None
        assert elsewhere.node == "node1"
        assert await reading.pack_sets() == (PolicySet.of(POLICY),)


async def test_why_reads_what_was_known_then(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        dialing = Dialing(storage, POLICY)
        campaign_id = await run_campaign(storage, contacts(1))
        (candidate,) = await dialing.claim(campaign_id, 1)
        asked = [dialing.by_hand(candidate)]
        await storage.cases.set_status(candidate.contact.case_ref, CaseStatus.HOLD, MONDAY, source="test", node="node1")
        (now,) = await storage.explaining.ask(asked, POLICY, MONDAY + MINUTE, None)
        assert (now.decision.allowed, now.zones) == (False, ("Asia/Shanghai",))
        before = MONDAY - MINUTE
        (then,) = await storage.explaining.ask(asked, POLICY, before, before)
        assert then.decision.allowed, then.decision
        (known,) = await storage.explaining.of_case(candidate.contact.case_ref, 5)
        assert (known.list_name, known.is_list_ready) == ("list", True)
        assert [standing.state for standing in known.standings] == [EntryState.STOPPED]
        assert await storage.explaining.of_number(candidate.phone.number, 5) == (known,)
        assert await storage.explaining.of_number("+8613911112222", 5) == ()
        assert await storage.proof_reading.heads() == (), "asking why leaves no proof"
