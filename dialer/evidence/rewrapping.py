"""A new key-encryption key: every recording's key is wrapped by it, a batch at a time; the audio stays as it is."""

from collections.abc import Mapping
from dataclasses import dataclass

from dialer.model.recording import WrappedKey
from dialer.storage.recording_keys import KeyChange, RecordingKeys
from recording.errors import KeyLostError
from recording.keys import KeyRing, Wrapped

BATCH = 500
"""Some 50 ms of CPU and one transaction: calls do not wait for it."""


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What one batch did. `lost` could not be opened by any key of this node; `last` "": the batch was the last one."""

    n_done: int
    lost: tuple[str, ...]
    last: str


class Rewrapper:
    """One per node. It may be broken off at any time, and begun again: what is done is done."""

    def __init__(self, stored: RecordingKeys, keys: KeyRing) -> None:
        self._stored = stored
        self._keys = keys

    @property
    def current_id(self) -> str:
        """The name of the key-encryption key that everything is to be wrapped by."""
        return self._keys.current_id

    async def counts(self) -> Mapping[str, int]:
        """How many recordings' keys each key-encryption key wraps."""
        return await self._stored.counts()

    async def batch(self, after: str = "", limit: int = BATCH) -> Rewrapped:
        """Wraps the keys of the next recordings anew, those whose ids come after `after`."""
        found = await self._stored.wrapped_otherwise(self.current_id, after, limit)
        changes: list[KeyChange] = []
        lost: list[str] = []
        for recording_id, key in found.items():
            try:
                new = self._keys.rewrap(Wrapped(key.kek_id, key.wrapped), recording_id)
            except KeyLostError:
                lost.append(recording_id)
            else:
                changes.append(KeyChange(recording_id, key, WrappedKey(new.kek_id, new.wrapped)))
        n_done = await self._stored.replace(changes)
        return Rewrapped(n_done, tuple(lost), max(found) if len(found) == limit else "")
