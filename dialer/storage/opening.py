"""A node's own database: where it is, with which key. The same for the service and for commands beside it."""

import asyncio
from pathlib import Path

from dialer.clock import Clock
from dialer.config import Config
from dialer.errors import ConfigError
from dialer.storage.crypto import load_or_create_key, parse_key
from dialer.storage.storage import Storage

KEY_FILE = "secret.key"
DATABASE_FILE = "dialer.db"


async def storage_of(config: Config, clock: Clock) -> Storage:
    """The storage of this configuration, not yet entered; its directory and its key are made where they are new.

    Raises:
        ConfigError: the directory cannot be made, or the key is wrong or missing beside a database made with it.
    """
    key = await asyncio.to_thread(_key, config)
    url = config.database.url or f"sqlite:///{local_database(config)}"
    return Storage.open(url, key, clock)


def local_database(config: Config) -> Path:
    """The SQLite file that stands in for an empty `database.url`."""
    return config.node.data_dir / DATABASE_FILE


def key_file(config: Config) -> Path:
    """The file that stands in for an empty `database.key`."""
    return config.node.data_dir / KEY_FILE


def _key(config: Config) -> bytes:
    data_dir = config.node.data_dir
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # keys, audio, the database: nobody else's
    except OSError as error:
        raise ConfigError(
            f"node.data_dir: cannot make {data_dir}: {error.strerror}; choose a directory that this user may write to"
        ) from error
    if config.database.key:
        return parse_key(config.database.key)
    path, database = key_file(config), local_database(config)
    if not path.exists() and not config.database.url and database.exists():
        raise ConfigError(
            f"{path} is missing, and {database} was made with it; put your copy of the key back: "
            "without it no number can be read"
        )
    return load_or_create_key(path)
