"""`dialer check`: whether recordings can be sealed, opened again, and stored. None of it keeps a call from being made
but a key that cannot be had: the node does not start without one."""

import asyncio
from pathlib import Path

from dialer.cli.finding import Finding, Level, of_error
from dialer.cli.house import open_storage
from dialer.config import Config
from dialer.errors import DialerError
from dialer.evidence.recording_keys import KEY_FILE, recording_keys
from dialer.evidence.stores import store_settings
from dialer.storage.opening import local_database
from recording.errors import RecordingError
from recording.objects import open_store

KEY = "recording key"
STORE = "recording store"
_ASKED_FOR = "check.flac.sealed"
"""No recording's name: any answer to it shows that the store is there and lets us in."""


async def recording_key(config: Config) -> Finding:
    """Whether the key-encryption key can be had, and opens what is on record. Makes no key."""
    said, path = config.recordings, config.node.data_dir / KEY_FILE
    in_file = not (said.key or said.key_command)
    if in_file and not await asyncio.to_thread(path.exists):
        return Finding(KEY, Level.WARN, f"{path} does not exist yet", "made at the first start; back it up then")
    try:
        ring = await asyncio.to_thread(recording_keys, config)
        counts = await _keys_on_record(config)
    except DialerError as error:
        return of_error(KEY, error, "correct [recordings]")
    n_lost = sum(n for kek_id, n in counts.items() if not ring.holds(kek_id))
    if n_lost:
        detail = f"{n_lost:,} recordings are sealed under keys that are not here"
        return Finding(KEY, Level.WARN, detail, "add the keys from before to recordings.old_keys")
    if not in_file:
        return Finding(KEY, Level.OK, "from the configuration")
    return Finding(KEY, Level.OK, f"{path}; keep a copy elsewhere: without it no recording can be heard")


def recording_store(config: Config) -> Finding:
    """Whether the store answers. Blocks, for a minute at most."""
    settings = store_settings(config)
    advice = "recordings wait in the spool until it is there"
    if "://" not in settings.location and config.recordings.store and not Path(settings.location).is_dir():
        return Finding(STORE, Level.WARN, f"{settings.location} is not there", f"mount or make it; {advice}")
    try:
        open_store(settings).stat(_ASKED_FOR)
    except RecordingError as error:
        return Finding(STORE, Level.WARN, str(error), advice)
    return Finding(STORE, Level.OK, settings.location)


async def _keys_on_record(config: Config) -> dict[str, int]:
    """How many recordings each key-encryption key wraps; none where there is no database yet."""
    local = None if config.database.url else local_database(config)
    if local is not None and not await asyncio.to_thread(local.exists):
        return {}
    async with open_storage(config) as storage:
        return dict(await storage.recording_keys.counts())
