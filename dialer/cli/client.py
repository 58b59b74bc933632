"""One request of a command to a running service."""

import asyncio
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from dialer.cli.house import DEFAULT_CONFIG
from dialer.cli.output import note
from dialer.errors import DialerError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8080
DEFAULT_URL = ""
"""Where the node configured here listens."""

Url = Annotated[
    str, typer.Option("--url", envvar="DIALER_URL", help="Where the service answers; else as the configuration says.")
]
Token = Annotated[str, typer.Option("--token", envvar="DIALER_TOKEN", help="An API token; `dialer token create`.")]


def call(url: str, token: str, method: str, path: str, body: object = None, **query: object) -> Any:
    """One request; its JSON answer. Raises DialerError with the service's own words."""
    asked = {name: str(value) for name, value in query.items() if value is not None}
    return asyncio.run(_call(url or configured_url(), need_token(token), method, path, body, asked))


def download_all(url: str, token: str, folder: Path, files: Mapping[str, str]) -> None:
    """Puts answers of GET requests (file name to path) into a folder. Raises DialerError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(_download_all(url or configured_url(), need_token(token), folder, files))
    except OSError as error:
        raise DialerError(f"{folder}: cannot be written to: {error.strerror}") from error
    note(f"{len(files)} files in {folder}")


def need_token(token: str) -> str:
    """The token; DialerError says how to come by one."""
    if not token:
        raise DialerError("no token: set DIALER_TOKEN, or give --token; `dialer token create` makes one")
    return token


def configured_url() -> str:
    """The address in the node's own configuration file, where there is one; else the default one.

    Nothing else is read of the file: a supervisor's shell need not know the secrets it refers to.
    """
    path = Path(os.environ.get("DIALER_CONFIG", DEFAULT_CONFIG))
    try:
        http = tomllib.loads(path.read_text(encoding="utf-8")).get("http", {})
    except (OSError, ValueError):
        http = {}
    return service_url(http if isinstance(http, dict) else {})


def service_url(http: Mapping[str, object]) -> str:
    """The address of a service with this `http` section, as reached from its own machine."""
    host = str(http.get("host", DEFAULT_HOST))
    host = {"0.0.0.0": DEFAULT_HOST, "::": "::1"}.get(host, host)  # noqa: S104 - all addresses: this one is among them
    return f"http://{f'[{host}]' if ':' in host else host}:{http.get('port', DEFAULT_PORT)}"


async def _call(url: str, token: str, method: str, path: str, body: object, query: dict[str, str]) -> Any:
    from dialer.api.client import ApiClient

    async with ApiClient(url, token) as client:
        return await client.send(method, path, body, query)


async def _download_all(url: str, token: str, folder: Path, files: Mapping[str, str]) -> None:
    from dialer.api.client import ApiClient

    async with ApiClient(url, token) as client:
        for name, path in files.items():
            with (folder / name).open("wb") as file:
                await client.download(path, (), file.write)
