"""Talks to a running service over its API; every refusal becomes one clear line."""

import asyncio
from typing import Annotated, Any

import typer

from dialer.errors import DialerError

TIMEOUT_S = 60.0
DEFAULT_URL = "http://127.0.0.1:8080"

Url = Annotated[str, typer.Option("--url", envvar="DIALER_URL", help="Where the service answers.")]
Token = Annotated[str, typer.Option("--token", envvar="DIALER_TOKEN", help="An API token; `dialer token create`.")]


def call(url: str, token: str, method: str, path: str, body: object = None, **query: object) -> Any:
    """One request; its JSON answer. Raises DialerError with the service's own words."""
    if not token:
        raise DialerError("no token: set DIALER_TOKEN, or give --token; `dialer token create` makes one")
    asked = {name: str(value) for name, value in query.items() if value is not None}
    return asyncio.run(_call(url.rstrip("/"), token, method, path, body, asked))


async def _call(url: str, token: str, method: str, path: str, body: object, query: dict[str, str]) -> Any:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.request(method, url + path, json=body, params=query) as answer,
        ):
            content = await answer.json(content_type=None) if answer.status != 204 else None
    except (aiohttp.ClientError, OSError) as error:
        raise DialerError(f"{url} does not answer ({type(error).__name__}); is `dialer serve` running?") from error
    except TimeoutError as error:
        raise DialerError(f"{url} did not answer within {TIMEOUT_S:g} s") from error
    except ValueError as error:
        raise DialerError(f"{url} answered something that is not this service's API; check --url") from error
    if answer.status >= 400:
        raise DialerError(_words(content, answer.status))
    return content


def _words(problem: Any, status: int) -> str:
    if not isinstance(problem, dict):
        return f"refused with HTTP {status}"
    fixes = [error["fix"] for error in problem.get("errors", []) if error.get("fix")]
    detail = str(problem.get("detail") or problem.get("title") or f"HTTP {status}")
    return f"{detail} – {'; '.join(dict.fromkeys(fixes))}" if fixes else detail
