"""Accounts, tokens, collectors' states, recordings and the audit log, on both engines."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.errors import InputError
from dialer.model.account import AuditEntry, NewAccount, Role, SipCredentials
from dialer.model.agent import Agent, AgentState, AgentStateChange
from dialer.model.attempt import Disposition
from dialer.model.outcome import EventType
from dialer.model.recording import WrappedKey
from dialer.model.recording_query import RecordingQuery
from dialer.storage import Storage
from tests.support.policy import bank_policy
from tests.support.recordings import new_recording
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign

LI = NewAccount(
    login="li",
    name="李四",
    role=Role.COLLECTOR,
    password_hash="$argon2id$…",
    skills=frozenset({"card", "粤语"}),
    sip=SipCredentials("1001", "dialer", "a" * 32, "b" * 64),
)


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


async def test_accounts_and_their_phones(storage: Storage) -> None:
    li = await storage.accounts.create(LI, MONDAY)
    assert (li.login, li.skills, li.sip_user) == ("li", LI.skills, "1001")
    assert await storage.accounts.by_login("li") == await storage.accounts.get(li.account_id) == li
    assert await storage.accounts.by_sip_user("1001") == li
    assert await storage.accounts.sip_credentials("1001") == LI.sip
    assert await storage.accounts.password_hash(li.account_id) == LI.password_hash
    assert await storage.accounts.agent(li.account_id) == Agent(li.account_id, "li", "李四", LI.skills, "1001")
    with pytest.raises(InputError, match="'li' or its phone's user name is taken"):
        await storage.accounts.create(replace(LI, sip=None), MONDAY)
    wang = await storage.accounts.create(replace(LI, login="wang", role=Role.QA, sip=None), MONDAY)
    with pytest.raises(InputError, match="user name is taken"):
        await storage.accounts.set_person(wang.account_id, MONDAY, sip=LI.sip)
    assert await storage.accounts.agent(wang.account_id) is None
    assert [account.login for account in await storage.accounts.all()] == ["li", "wang"]


async def test_changes_of_an_account(storage: Storage) -> None:
    li = await storage.accounts.create(LI, MONDAY)
    await storage.accounts.set_password(li.account_id, "other")
    await storage.accounts.set_skills(li.account_id, frozenset())
    await storage.accounts.set_person(li.account_id, MONDAY, sip=SipCredentials("", "", "", ""))
    changed = await storage.accounts.get(li.account_id)
    assert changed is not None
    assert (changed.skills, changed.sip_user) == (frozenset(), "")
    assert await storage.accounts.password_hash(li.account_id) == "other"
    token = await storage.accounts.add_token("hash", "session", Role.COLLECTOR, MONDAY, account_id=li.account_id)
    assert await storage.accounts.token("hash", MONDAY) == token
    await storage.accounts.set_active(li.account_id, False, MONDAY)
    assert await storage.accounts.token("hash", MONDAY) is None
    assert await storage.accounts.password_hash(li.account_id) is None
    await storage.accounts.add_token("meanwhile", "li", Role.COLLECTOR, MONDAY, account_id=li.account_id)
    assert await storage.accounts.token("meanwhile", MONDAY) is None, "made while the account was closed"


async def test_tokens_end(storage: Storage) -> None:
    until = MONDAY + MINUTE
    token = await storage.accounts.add_token("hash", "crm", Role.INTEGRATION, MONDAY, expires_at=until)
    assert await storage.accounts.token("hash", MONDAY) == token
    assert await storage.accounts.token("hash", until) is None
    assert await storage.accounts.revoke_token(token.token_id, MONDAY)
    assert not await storage.accounts.revoke_token(token.token_id, MONDAY)
    assert await storage.accounts.token("hash", MONDAY) is None
    (listed,) = await storage.accounts.tokens()
    assert listed.revoked_at == MONDAY


async def test_time_in_state(storage: Storage) -> None:
    steps = [
        (0, AgentState.OFFLINE, AgentState.READY, "log-in"),
        (10, AgentState.READY, AgentState.TALKING, "call"),
        (25, AgentState.TALKING, AgentState.WRAPUP, "call ended"),
        (27, AgentState.WRAPUP, AgentState.READY, "wrapped up"),
    ]
    for minutes, old, new, cause in steps:
        await storage.agents.record_change(AgentStateChange(7, MONDAY + minutes * MINUTE, old, new, cause))
    await storage.agents.record_change(AgentStateChange(8, MONDAY, AgentState.OFFLINE, AgentState.READY, "log-in"))
    spent = await storage.agents.time_in_state(7, MONDAY + 5 * MINUTE, MONDAY + 60 * MINUTE)
    assert spent == {
        AgentState.READY: 38 * MINUTE,
        AgentState.TALKING: 15 * MINUTE,
        AgentState.WRAPUP: 2 * MINUTE,
    }
    assert await storage.agents.time_in_state(9, MONDAY, MONDAY + MINUTE) == {AgentState.OFFLINE: MINUTE}
    changes = await storage.agents.changes(7, MONDAY, MONDAY + 26 * MINUTE)
    assert [change.cause for change in changes] == ["log-in", "call", "call ended"]
    last = await storage.agents.state(7)
    assert last is not None
    assert last.new is AgentState.READY


@pytest.mark.allow_blocking  # the policy is read from its file inside the test
async def test_recordings(storage: Storage) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    dialing = Dialing(storage, bank_policy())
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    await dialing.settle(attempt, Disposition.CONNECTED)
    recording = new_recording("r1", attempt.attempt_id, MONDAY)
    key = WrappedKey("kek", b"wrapped")
    assert await storage.recordings.add(recording, key, MONDAY)
    assert not await storage.recordings.add(recording, key, MONDAY)
    kept = await storage.recordings.get("r1")
    assert kept is not None
    assert (kept.path, kept.campaign_id, kept.case_ref) == (recording.path, campaign_id, "case-0")
    assert await storage.recordings.key("r1") == key
    assert await storage.recordings.get("r2") is None
    second = replace(recording, recording_id="r2", started_at=MONDAY + timedelta(seconds=30))
    assert await storage.recordings.add(second, key, MONDAY)
    page = await storage.recordings.find(RecordingQuery(attempt_id=attempt.attempt_id))
    assert [found.recording_id for found in page.items] == ["r2", "r1"]
    assert (await storage.recordings.find(RecordingQuery(), (second.started_at, "r2"))).items == (kept,)
    with pytest.raises(InputError, match="there is no attempt 99"):
        await storage.recordings.add(replace(recording, recording_id="r3", attempt_id=99), key, MONDAY)
    kinds = [event.type for event in await storage.outbox.events(case_ref="case-0")]
    assert kinds == [EventType.ATTEMPT_SETTLED, EventType.RECORDING_READY, EventType.RECORDING_READY]


async def test_where_a_person_lives(storage: Storage) -> None:
    """Rows that name a person and case again add what they say: every place the person may be counts."""
    (person,) = contacts(1)
    list_id = await storage.lists.begin("list", "list.csv", "node1", MONDAY)
    await storage.lists.add(list_id, [replace(person, regions=("CN", "CN-XJ"))], [replace(person, regions=("US-MA",))])
    await storage.lists.add(list_id, contacts(1, offset=1), [replace(person, regions=("CN",))])
    await storage.lists.finish(list_id)
    first, second = await storage.lists.contacts(list_id)
    assert (first.regions, second.regions) == (("CN", "CN-XJ", "US-MA"), ())


async def test_audit_log(storage: Storage) -> None:
    entries = [AuditEntry(MONDAY + n * MINUTE, "wang", "recording.read", f"recording/{n % 2}") for n in range(4)]
    for entry in entries:
        await storage.audit.record(entry)
    page = await storage.audit.list(limit=3)
    assert [entry for _id, entry in page] == entries[:0:-1]
    assert [entry for _id, entry in await storage.audit.list(before=page[-1][0])] == entries[:1]
    assert len(await storage.audit.list("recording/1")) == 2


async def test_pacer_state_and_settings_of_a_campaign(storage: Storage) -> None:
    campaign_id = await run_campaign(storage, contacts(2))
    assert await storage.campaigns.load_pacer(campaign_id) == {}
    await storage.campaigns.save_pacer(campaign_id, {"n": [1, 2.5]})
    assert await storage.campaigns.load_pacer(campaign_id) == {"n": [1, 2.5]}
    campaign = await storage.campaigns.get(campaign_id)
    assert campaign is not None
    changed = await storage.campaigns.change_settings(campaign_id, replace(campaign.settings, priority=()))
    await storage.entries.reprioritize(campaign_id)
    (candidate, _other) = await storage.entries.claim(campaign_id, "node1", 2, MONDAY)
    assert (changed.settings.priority, candidate.priority) == ((), 0.0)
    assert await storage.campaigns.all() == (changed,)
    assert await storage.entries.build(campaign_id, MONDAY) == 2
