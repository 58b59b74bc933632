"""For commands that work on the node's own configuration and database, with or without the service running."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dialer.errors import ConfigError

if TYPE_CHECKING:  # heavy: imported when a command needs it, so that `dialer --help` stays quick
    from dialer.config import Config
    from dialer.storage import Storage

DEFAULT_CONFIG = Path("dialer.toml")

ConfigFile = Annotated[Path, typer.Option("--config", envvar="DIALER_CONFIG", help="The configuration file.")]


def read_config(path: Path) -> "Config":
    """The configuration (ConfigError names the file, the key and what to write)."""
    from dialer.config import load_config

    if not path.exists():
        raise ConfigError(f"{path}: there is no such file; copy examples/dialer.toml, or name yours with --config")
    return load_config(path)


@asynccontextmanager
async def open_storage(config: "Config") -> AsyncIterator["Storage"]:
    """The node's database, made and upgraded when it has to be."""
    from dialer.clock import SystemClock
    from dialer.storage import storage_of

    async with await storage_of(config, SystemClock()) as storage:
        yield storage
