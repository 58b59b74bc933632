"""Log-ins, prompts and the audit log as they are stored, on both engines."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from dialer.errors import InputError
from dialer.model.account import AuditEntry, AuditFilter, Identity, LogInWay, NewAccount, Role
from dialer.model.prompt import NewPrompt
from dialer.storage import Storage
from tests.support.storage import MINUTE, MONDAY, open_storage

WANG = NewAccount("wang", "王", Role.QA, "", email="Wang@bank.example")
ISSUER = "https://id.bank.example"
SHIFT, IDLE = timedelta(hours=12), timedelta(minutes=30)


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


async def test_an_identity_is_one_persons_and_a_person_has_one(storage: Storage) -> None:
    wang = await storage.accounts.create(WANG, MONDAY)
    li = await storage.accounts.create(NewAccount("li", "李", Role.QA, ""), MONDAY)
    first, second = Identity(ISSUER, "s-1"), Identity(ISSUER, "s-2")
    assert await storage.identities.account(first) is None
    assert await storage.identities.link(first, wang.account_id, MONDAY)
    assert await storage.identities.account(first) == wang
    assert not await storage.identities.link(first, li.account_id, MONDAY), "somebody else's"
    assert not await storage.identities.link(second, wang.account_id, MONDAY), "known there as somebody else"
    assert await storage.identities.link(Identity("https://other.example", "s-1"), wang.account_id, MONDAY)
    assert await storage.identities.unlink(wang.account_id) == 2
    assert await storage.identities.account(first) is None


async def test_an_account_made_for_an_identity_is_made_whole_or_not_at_all(storage: Storage) -> None:
    identity = Identity(ISSUER, "s-1")
    made = await storage.identities.create(identity, WANG, MONDAY)
    assert await storage.identities.account(identity) == made
    for new in (WANG, NewAccount("other", "王", Role.QA, "", email="wang@BANK.example")):
        with pytest.raises(InputError):
            await storage.identities.create(Identity(ISSUER, "s-2"), new, MONDAY)
    with pytest.raises(InputError):
        await storage.identities.create(identity, NewAccount("third", "王", Role.QA, ""), MONDAY)
    assert [account.login for account in await storage.accounts.all()] == ["wang"]
    assert await storage.accounts.by_email("WANG@bank.example") == made


async def test_an_answer_is_used_up_once_however_many_come_at_once(storage: Storage) -> None:
    until = MONDAY + 10 * MINUTE
    together = await asyncio.gather(*(storage.identities.spend("hash", MONDAY, until) for _ in range(5)))
    assert sorted(together) == [False] * 4 + [True]
    assert await storage.identities.spend("another", MONDAY, until)
    later = until + MINUTE
    assert await storage.identities.spend("hash", later, later + MINUTE), "what could not come any more is forgotten"


async def test_sessions_say_where_they_came_from_and_end_together(storage: Storage) -> None:
    wang = await storage.accounts.create(WANG, MONDAY)
    for n, way in enumerate(LogInWay):
        await storage.sessions.open(
            f"hash {n}", wang.account_id, MONDAY + n * MINUTE, lasts=SHIFT, remote=f"10.0.0.{n}", log_in=way
        )
    now = MONDAY + 2 * MINUTE
    listed = await storage.sessions.all(now, lasts=SHIFT, idle=IDLE)
    assert [(session.remote, session.log_in) for session in listed] == [
        ("10.0.0.1", LogInWay.OIDC),
        ("10.0.0.0", LogInWay.PASSWORD),
    ]
    assert await storage.sessions.close(listed[0].session_id) == wang.account_id
    assert await storage.sessions.close(listed[0].session_id) is None
    assert await storage.sessions.close_all(wang.account_id) == 1
    assert await storage.sessions.all(now, lasts=SHIFT, idle=IDLE) == ()


async def test_one_version_of_a_prompt_is_in_use_however_many_are_uploaded_at_once(storage: Storage) -> None:
    def take(name: str, language: str = "") -> NewPrompt:
        return NewPrompt(name, language, b"fLaC", 1000)

    await asyncio.gather(*(storage.prompts.add(take("told"), f"person {n}", MONDAY) for n in range(5)))
    english = await storage.prompts.add(take("told", "en"), "li", MONDAY)
    versions = await storage.prompts.all()
    (in_use,) = [version for version in versions if version.in_use and version.language == ""]
    assert len(versions) == 6
    assert await storage.prompts.in_use("told", "zh-CN") == in_use.prompt_id
    assert await storage.prompts.in_use("told", "en") == english.prompt_id, "the language's own goes first"
    assert await storage.prompts.in_use("another", "en") is None
    before = await storage.prompts.version()
    assert await storage.prompts.use(versions[-1].prompt_id) is not None
    assert await storage.prompts.use(10**9) is None
    assert await storage.prompts.version() != before
    assert [await storage.prompts.withdraw("told", "") for _ in range(2)] == [True, False]
    assert await storage.prompts.in_use("told", "zh-CN") is None


async def test_the_audit_log_goes_by_the_time_of_what_was_done(storage: Storage) -> None:
    for n in (2, 0, 1):
        await storage.audit.record(AuditEntry(MONDAY + n * MINUTE, f"p{n}", f"a.{n % 2}", "s"))
    found = await storage.audit.find(AuditFilter(subject="s"), limit=2)
    assert [entry.actor for _, entry in found] == ["p2", "p1"]
    rest = await storage.audit.find(AuditFilter(subject="s"), before=found[-1][0])
    assert [entry.actor for _, entry in rest] == ["p0"]
    between = AuditFilter(since=MONDAY, until=MONDAY + MINUTE)
    assert [entry.actor for _, entry in await storage.audit.find(between)] == ["p0"]
    assert await storage.audit.actions() == ("a.0", "a.1")
