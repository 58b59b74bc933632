"""Whether the objects of a recording are in the store, byte for byte as the ledger has them, and open. Blocks."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial

from dialer.storage.ledger_rows import LedgerRow
from recording.errors import KeyLostError, RecordingError, SealBrokenError, StoreAwayError, StoreFaultyError
from recording.faults import Fault, Trouble
from recording.keys import KeyRing, Wrapped
from recording.objects import ObjectStore
from recording.sealing import ReadAt, SealedReader
from recording.stored import checked_name
from recording.vault import audio_id, peaks_id

STEP_BYTES = 1 << 20
KEPT_BYTES = 16 << 20
"""An object up to this size is fetched once, for its seal and for its content; a longer one twice."""


class ObjectCheck:
    """Checks recordings against a store; without `keys`, as they lie there sealed."""

    def __init__(self, store: ObjectStore, keys: KeyRing | None) -> None:
        self._store = store
        self._keys = keys

    def check(self, row: LedgerRow) -> list[Fault]:
        """What is wrong with the audio and the waveform of a recording that is kept. Raises StoreAwayError."""
        return [*self._audio(row), *self._peaks(row)]

    # ---- inside

    def _audio(self, row: LedgerRow) -> Iterator[Fault]:
        name, said = str(row.said["path"]), row.said
        fetched = self._fetch(name)
        if fetched is None:
            yield Fault(Trouble.AUDIO_MISSING, row.recording_id, f"the store has no {name!r}")
            return
        read_at, sealed_bytes, sealed_sha256 = fetched
        if (sealed_sha256, sealed_bytes) != (said["sealed_sha256"], said["sealed_bytes"]):
            words = (
                f"{name} in the store has {sealed_bytes} bytes with the SHA-256 {sealed_sha256}: not what was stored"
            )
            yield Fault(Trouble.AUDIO_ALTERED, row.recording_id, words)
            return

        def look(key: bytes) -> Iterator[Fault]:
            return _content(row, SealedReader(read_at, sealed_bytes, key, audio_id(row.recording_id)))

        yield from self._opened(row, look)

    def _peaks(self, row: LedgerRow) -> Iterator[Fault]:
        """The waveform has no digest of its own on record: its seal proves it."""
        name = str(row.said["peaks_path"])
        if not name:
            return
        size = self._size(name)
        if size is None:
            yield Fault(Trouble.AUDIO_MISSING, row.recording_id, f"the store has no {name!r}")
            return

        def look(key: bytes) -> Iterator[Fault]:
            reader = SealedReader(partial(self._store.read, name), size, key, peaks_id(row.recording_id))
            reader.read(0, reader.size)
            return iter(())

        yield from self._opened(row, look)

    def _opened(self, row: LedgerRow, look: Callable[[bytes], Iterator[Fault]]) -> Iterator[Fault]:
        """What `look` finds with the recording's key, or why nothing opens it; without keys, nothing."""
        if self._keys is None or row.key is None:
            return
        try:
            key = self._keys.unwrap(Wrapped(row.key.kek_id, row.key.wrapped), row.recording_id)
            yield from look(key)
        except KeyLostError as error:
            yield Fault(Trouble.KEY_MISSING, row.recording_id, str(error))
        except SealBrokenError as error:
            yield Fault(Trouble.AUDIO_ALTERED, row.recording_id, str(error))

    def _fetch(self, name: str) -> tuple[ReadAt, int, str] | None:
        """Reads an object whole: how to read it again, its size, its SHA-256. None: it is not there."""
        expected = self._size(name)
        if expected is None:
            return None
        digest, kept, size = hashlib.sha256(), bytearray(), 0
        while size < expected and (piece := self._store.read(name, size, STEP_BYTES)):
            digest.update(piece)
            size += len(piece)
            if expected <= KEPT_BYTES:
                kept += piece
        if expected > KEPT_BYTES:
            return partial(self._store.read, name), size, digest.hexdigest()
        content = bytes(kept)
        return (lambda offset, n: content[offset : offset + n]), size, digest.hexdigest()

    def _size(self, name: str) -> int | None:
        """An object's size; None: there is none, or the name, as somebody put it into the row, cannot be one."""
        try:
            found = self._store.stat(checked_name(name))
        except (StoreAwayError, StoreFaultyError):
            raise
        except RecordingError:
            return None
        return None if found is None else found.size


def _content(row: LedgerRow, reader: SealedReader) -> Iterator[Fault]:
    digest = hashlib.sha256()
    for offset in range(0, reader.size, STEP_BYTES):
        digest.update(reader.read(offset, STEP_BYTES))
    if (digest.hexdigest(), reader.size) != (row.said["sha256"], row.said["size_bytes"]):
        words = f"what {row.said['path']} holds has the SHA-256 {digest.hexdigest()}: not what was recorded"
        yield Fault(Trouble.AUDIO_ALTERED, row.recording_id, words)
