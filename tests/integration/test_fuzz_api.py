"""Random requests to a running node, drawn from its own OpenAPI document: never a fault, every answer as documented."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from yarl import URL

from dialer.api.app import openapi_document
from dialer.api.security import hash_token
from dialer.app import Application
from dialer.config import Config, HttpConfig, MediaConfig, NodeConfig, SipConfig
from dialer.model.account import Role
from tests.support.openapi_fuzz import Operation, Request, documented, operations, requests
from tests.support.storage import contacts, run_campaign

DOCUMENT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(openapi_document()))
OPERATIONS = operations(DOCUMENT)
EXAMPLES = 40
"""Per operation: all of them together take some twenty seconds."""
MAX_URL = 4000
"""Longer ones are refused while HTTP is read, before there is an operation to document that."""
PROBLEM = "application/problem+json"
PLAIN_TOKENS = 60
"""Tokens under small numbers, for the fuzzer to revoke; its own have higher ones."""


@dataclass
class Target:
    """The node, its loop, and a token per role."""

    runner: asyncio.Runner
    session: aiohttp.ClientSession
    url: str

    def send(self, request: Request, role: str) -> tuple[int, str, bytes]:
        return self.runner.run(self._send(request, role))

    async def _send(self, request: Request, role: str) -> tuple[int, str, bytes]:
        headers = {"Authorization": f"Bearer fuzz-{role}", **request.headers}
        url = URL(self.url + request.url, encoded=True)
        method = request.operation.method
        async with self.session.request(method, url, headers=headers, data=request.body) as answer:
            return answer.status, answer.content_type, await answer.read()


async def _furnish(app: Application) -> None:
    """Something under the small numbers: a list, a running campaign, an account, tokens."""
    now = app.clock.utcnow()
    await run_campaign(app.storage, contacts(3))
    for index in range(PLAIN_TOKENS):
        await app.storage.accounts.add_token(hash_token(f"plain-{index}"), "plain", Role.QA, now)
    for role in Role:
        await app.storage.accounts.add_token(hash_token(f"fuzz-{role.value}"), role.value, role, now)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    config = Config(
        node=NodeConfig(data_dir=tmp_path_factory.mktemp("fuzz")),
        sip=SipConfig(port=0, transports=("udp",)),
        media=MediaConfig(port_min=28400, port_max=28419, workers=1, spool_min_free_mb=1),
        http=HttpConfig(port=0),
    )
    with asyncio.Runner() as runner:
        app = runner.run(Application(config).__aenter__())
        runner.run(_furnish(app))
        session = runner.run(_session())
        try:
            yield Target(runner, session, f"http://127.0.0.1:{app.http_port}")
        finally:
            runner.run(session.close())
            runner.run(app.__aexit__(None, None, None))


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@given(data=st.data())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_every_answer_is_documented(target: Target, operation: Operation, data: st.DataObject) -> None:
    request = data.draw(requests(DOCUMENT, operation).filter(lambda drawn: len(drawn.url) < MAX_URL))
    role = data.draw(st.sampled_from(operation.roles)) if operation.roles else "qa"
    status, media, body = target.send(request, role)
    said = f"{operation.method} {request.url} {request.body!r} → {status} {body[:500]!r}"
    assert status < 500, said
    assert str(status) in operation.described["responses"], said
    if status >= 400:
        assert media == PROBLEM, said
    schema = documented(DOCUMENT, operation, status, media) if body else None
    if schema is not None and media.endswith(("/json", "+json")):
        errors = [error.message for error in Draft202012Validator(schema).iter_errors(msgspec.json.decode(body))]
        assert errors == [], said
