"""For commands that work on the node's own configuration and database, with or without the service running."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # heavy: imported when a command needs it, so that `dialer --help` stays quick
    from dialer.config import Config
    from dialer.storage import Storage

DEFAULT_CONFIG = Path("dialer.toml")

ConfigFile = Annotated[Path, typer.Option("--config", envvar="DIALER_CONFIG", help="The configuration file.")]


def read_config(path: Path) -> "Config":
    """The configuration (ConfigError names the file, the key and what to write)."""
    from dialer.config import load_config

    return load_config(path)


@asynccontextmanager
async def open_storage(config: "Config") -> AsyncIterator["Storage"]:
    """The node's database, made and upgraded when it has to be."""
    import asyncio

    from dialer.clock import SystemClock
    from dialer.storage import Storage, load_or_create_key, parse_key

    data_dir = config.node.data_dir
    await asyncio.to_thread(data_dir.mkdir, parents=True, exist_ok=True)
    if config.database.key:
        key = parse_key(config.database.key)
    else:
        key = await asyncio.to_thread(load_or_create_key, data_dir / "secret.key")
    url = config.database.url or f"sqlite:///{data_dir / 'dialer.db'}"
    async with Storage.open(url, key, SystemClock()) as storage:
        yield storage
