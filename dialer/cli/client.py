"""One request of a command to a running service."""

import asyncio
from typing import Annotated, Any

import typer

from dialer.errors import DialerError

DEFAULT_URL = "http://127.0.0.1:8080"

Url = Annotated[str, typer.Option("--url", envvar="DIALER_URL", help="Where the service answers.")]
Token = Annotated[str, typer.Option("--token", envvar="DIALER_TOKEN", help="An API token; `dialer token create`.")]


def call(url: str, token: str, method: str, path: str, body: object = None, **query: object) -> Any:
    """One request; its JSON answer. Raises DialerError with the service's own words."""
    if not token:
        raise DialerError("no token: set DIALER_TOKEN, or give --token; `dialer token create` makes one")
    asked = {name: str(value) for name, value in query.items() if value is not None}
    return asyncio.run(_call(url, token, method, path, body, asked))


async def _call(url: str, token: str, method: str, path: str, body: object, query: dict[str, str]) -> Any:
    from dialer.api.client import ApiClient

    async with ApiClient(url, token) as client:
        return await client.send(method, path, body, query)
