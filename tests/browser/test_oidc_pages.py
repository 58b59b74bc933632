"""Logging in by an OpenID provider in a real browser: its cookies go the way they must between two sites."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import expect

from dialer.app import Application
from dialer.clock import SystemClock
from dialer.config import Config, HttpConfig, MediaConfig, NodeConfig, SipConfig
from dialer.model.account import NewAccount, Role
from tests.support.browser import Seen, chromium, new_page
from tests.support.oidc_provider import Provider, open_provider
from tests.support.path_ports import free_ports
from tests.support.sip_peers import HOST

pytestmark = [pytest.mark.peer("chromium"), pytest.mark.allow_blocking]


@dataclass
class Node:
    """A node, and the provider it sends people to."""

    app: Application
    provider: Provider


@asynccontextmanager
async def node_with_provider(folder: Path) -> AsyncIterator[Node]:
    """To a browser `localhost` is another site than an address: the way back is one from elsewhere."""
    async with open_provider(SystemClock()) as provider:
        provider.issuer = provider.issuer.replace(HOST, "localhost")
        http = HttpConfig(port=free_ports())
        provider.callback = f"http://{HOST}:{http.port}/v1/session/oidc/callback"
        config = Config(
            node=NodeConfig(data_dir=folder / "data"),
            sip=SipConfig(port=free_ports()),
            media=MediaConfig(port_min=20_000, port_max=21_999, spool_min_free_mb=1),
            http=http,
            oidc=provider.config(name="Bank ID", match="email"),
        )
        async with Application(config) as app:
            yield Node(app, provider)


async def test_log_in_by_a_provider(tmp_path: Path) -> None:
    async with node_with_provider(tmp_path) as node, chromium() as browser:
        account = NewAccount("wang", "Wang Wei", Role.QA, "", email="wang@bank.example")
        await node.app.storage.accounts.create(account, node.app.clock.utcnow())
        node.provider.person = {"sub": "s-1", "email": "wang@bank.example", "email_verified": True}
        async with new_page(browser, node) as seen:
            await goes_there_and_back(seen)
            await goes_on_after_the_session_ended(seen, node)
            await logs_out_there_too(seen)
            await is_told_why_it_failed(seen, node.provider)


async def goes_there_and_back(seen: Seen) -> None:
    """One press of a button; the session is there after the way back and after a reload."""
    await seen.go("/login")
    await seen.page.get_by_role("link", name="Log in with Bank ID").click()
    await expect(seen.page.get_by_role("button", name="Wang Wei")).to_be_visible()
    assert seen.page.url.startswith(f"{seen.url}/qa")
    await seen.page.reload()
    await expect(seen.page.get_by_role("button", name="Wang Wei")).to_be_visible()


async def goes_on_after_the_session_ended(seen: Seen, node: Node) -> None:
    """By the provider, in another tab; the page stays as it was."""
    await seen.page.evaluate("window.stayed = true")
    account = await node.app.storage.accounts.by_login("wang")
    assert account is not None
    await node.app.storage.sessions.close_all(account.account_id)
    await seen.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    dialog = seen.page.get_by_role("dialog")
    await expect(dialog.get_by_label("Password", exact=True)).to_have_count(0)
    async with seen.context.expect_page() as opened:
        await dialog.get_by_role("link", name="Log in with Bank ID").click()
    other = await opened.value
    await expect(other.get_by_role("button", name="Wang Wei")).to_be_visible()
    await other.close()
    await seen.page.evaluate("window.dispatchEvent(new Event('focus'))")
    await expect(dialog).to_have_count(0)
    await expect(seen.page.get_by_role("button", name="Wang Wei")).to_be_visible()
    assert await seen.page.evaluate("window.stayed")


async def logs_out_there_too(seen: Seen) -> None:
    """The next person at this desk must not come back in as this one."""
    await seen.page.get_by_role("button", name="Wang Wei").click()
    await seen.page.get_by_text("Log out", exact=True).click()
    await expect(seen.page.get_by_text("You are logged out everywhere.")).to_be_visible()
    await seen.go("/qa")
    await expect(seen.page.get_by_label("Password")).to_be_visible()


async def is_told_why_it_failed(seen: Seen, provider: Provider) -> None:
    provider.wrong = {"nonce": "another's"}
    await seen.go("/login")
    await seen.page.get_by_role("link", name="Log in with Bank ID").click()
    await expect(seen.page.get_by_text("What Bank ID answered does not prove who you are")).to_be_visible()
    assert await seen.serious_findings() == []
