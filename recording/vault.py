"""From the spool into the store, sealed; and out of it again. All of it blocks: call it from a worker or a thread.

    2026/11/22/ID.0f3a9c24e1b7.flac.sealed     the audio; the digits begin the SHA-256 of the sealed object
    2026/11/22/ID.77e2b90d4c15.peaks.sealed    its waveform

By the day (UTC) of the start. A name is never used for two contents, whatever crashes: each attempt has a fresh key, so
that a new object neither takes the place of an earlier one, which the store may have locked, nor can be taken for it.
What an attempt left that nobody was told of is removed when a later one is on record, as far as the store allows;
nothing opens it.

The audio lies unencrypted nowhere but in the spool, which stays until the store has verified its copy and the database
has the recording with its wrapped key.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from recording.errors import ObjectMissingError, RecordingError, SpoolError, StoreFullError
from recording.file_objects import FULL_ERRNOS, sha256_on_disk
from recording.finalize import Feed, Heard, lay_out, write_audio
from recording.flac import FlacWriter, read_back
from recording.keys import KeyRing, Wrapped
from recording.marks import encode_marks
from recording.objects import ObjectStore
from recording.sealing import SealedReader, SealWriter
from recording.spool_parts import open_parts

_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_NAME_DIGITS = 12
AUDIO = "flac"
PEAKS = "peaks"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalizedRecording:
    """A recording in the store, with the wrapped key that opens it; the fields are those of its row."""

    recording_id: str
    started_at: datetime
    duration_s: float
    path: str
    peaks_path: str
    sha256: str
    size_bytes: int
    sealed_sha256: str
    sealed_bytes: int
    marks: bytes
    lost_ms: int
    truncated: bool
    far_share: float
    near_share: float
    silence_share: float
    overtalk_share: float
    key: Wrapped = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """As passed between processes."""
        key = {"kek_id": self.key.kek_id, "wrapped": self.key.wrapped.hex()}
        return {
            **asdict(self),
            "started_at": self.started_at.isoformat(),
            "marks": self.marks.decode(),
            "key": key,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "FinalizedRecording":
        """Raises KeyError, TypeError or ValueError when this is no such recording."""
        key = data["key"]
        read = {
            "started_at": datetime.fromisoformat(data["started_at"]),
            "marks": data["marks"].encode(),
            "key": Wrapped(key["kek_id"], bytes.fromhex(key["wrapped"])),
        }
        return cls(**data | read)


@dataclass(frozen=True, slots=True)
class Ingest:
    """What is to be stored: the spool files of one recording.

    `locked_until`: how long a store that locks shall hold the objects; None: not at all.
    """

    recording_id: str
    parts: tuple[Path, ...]
    locked_until: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """As passed between processes."""
        until = None if self.locked_until is None else self.locked_until.isoformat()
        return {**asdict(self), "parts": [str(part) for part in self.parts], "locked_until": until}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Ingest":
        """What `to_json` made."""
        until = data["locked_until"]
        read = {
            "parts": tuple(map(Path, data["parts"])),
            "locked_until": None if until is None else datetime.fromisoformat(until),
        }
        return cls(**data | read)


def audio_id(recording_id: str) -> str:
    """What the sealed audio is bound to."""
    return recording_id


def peaks_id(recording_id: str) -> str:
    """What the sealed waveform is bound to."""
    return f"{recording_id}/{PEAKS}"


class Vault:
    """Sealed recordings in one store. `staging` is a directory of this program's own, for sealed files only."""

    def __init__(self, store: ObjectStore, keys: KeyRing, staging: Path) -> None:
        self._store = store
        self._keys = keys
        self._staging = staging

    def ingest(self, what: Ingest) -> FinalizedRecording:
        """Stores a spool, and reads it back; the spool stays. Memory does not grow with the length of the call.

        Raises SpoolError (no spool), StoreFullError, StoreAwayError (worth trying again), RecordingError.
        """
        if not what.parts:
            raise SpoolError(f"{what.recording_id}: there is no such spool; nothing was recorded, or it is stored")
        try:
            with open_parts(what.parts) as spool:
                feed = partial(lay_out, spool)
                started_at = spool.header.started_at
                return self.keep(what.recording_id, started_at, feed, locked_until=what.locked_until)
        except FileNotFoundError as error:
            raise SpoolError(f"{what.parts[0]}: there is no such spool any more") from error
        except OSError as error:
            raise RecordingError(f"{what.parts[0]}: cannot read the spool: {error.strerror}") from error

    def keep(
        self, recording_id: str, started_at: datetime, feed: Feed, *, locked_until: datetime | None = None
    ) -> FinalizedRecording:
        """Stores samples under a fresh key, and reads them back.

        Raises StoreFullError, StoreAwayError, RecordingError, and what `feed` raises.
        """
        key = self._keys.new_key()
        with self._stage(_checked_id(recording_id)) as folder, _explained(recording_id, folder):
            heard, sha256, size_bytes = _sealed_audio(folder / AUDIO, key, recording_id, started_at, feed)
            _seal_file(folder / PEAKS, key, peaks_id(recording_id), heard.peaks)
            path, sealed_sha256, sealed_bytes = self._put(folder / AUDIO, recording_id, started_at, locked_until)
            peaks_path, _, _ = self._put(folder / PEAKS, recording_id, started_at, locked_until)
        laid, shares = heard.laid, heard.shares
        return FinalizedRecording(
            recording_id=recording_id,
            started_at=started_at,
            duration_s=laid.duration_s,
            path=path,
            peaks_path=peaks_path,
            sha256=sha256,
            size_bytes=size_bytes,
            sealed_sha256=sealed_sha256,
            sealed_bytes=sealed_bytes,
            marks=encode_marks(laid.marks),
            lost_ms=laid.lost_ms,
            truncated=laid.truncated,
            far_share=shares.far,
            near_share=shares.near,
            silence_share=shares.silence,
            overtalk_share=shares.overtalk,
            key=self._keys.wrap(key, recording_id),
        )

    def keep_beside(self, name: str, wrapped: Wrapped, object_id: str, content: bytes) -> tuple[str, int]:
        """Stores something small under a recording's key, in the place of what had that name.

        Gives the SHA-256 (hex) and size of the sealed object. Raises KeyLostError, StoreFullError, StoreAwayError.
        """
        recording_id, _, part = object_id.partition("/")
        key = self._keys.unwrap(wrapped, recording_id)
        with self._stage(recording_id) as folder, _explained(recording_id, folder):
            _seal_file(folder / part, key, object_id, content)
            sha256 = sha256_on_disk(folder / part)
            stored = self._store.put(name, folder / part, sha256, replace=True)
        return sha256, stored.size

    def open(self, name: str, wrapped: Wrapped, object_id: str) -> SealedReader:
        """An object's content. Raises KeyLostError, SealBrokenError, ObjectMissingError, StoreAwayError."""
        recording_id = object_id.partition("/")[0]
        key = self._keys.unwrap(wrapped, recording_id)
        found = self._store.stat(name)
        if found is None:
            raise ObjectMissingError(f"recording {recording_id}: the store holds no {name}; restore it from a copy")
        return SealedReader(partial(self._store.read, name), found.size, key, object_id)

    def remove_others(self, recording: FinalizedRecording) -> None:
        """Removes what earlier attempts at it left; call it when this one is on record. Raises RecordingError."""
        prefix = _prefix(recording.recording_id, recording.started_at)
        kept = (recording.path, recording.peaks_path)
        ours = re.compile(rf"[0-9a-f]{{{_NAME_DIGITS}}}\.({AUDIO}|{PEAKS})\.sealed")
        for name in list(self._store.names(prefix)):
            if name not in kept and ours.fullmatch(name.removeprefix(prefix)):
                self._store.delete(name)

    def clean(self) -> int:
        """Removes what processes that were killed left half-done; call it while none works. Returns how many."""
        left = sorted(self._staging.iterdir()) if self._staging.exists() else []
        for folder in left:
            shutil.rmtree(folder, ignore_errors=True)
        return len(left) + self._store.remove_unfinished()

    @contextmanager
    def _stage(self, recording_id: str) -> Iterator[Path]:
        """A directory for the sealed files of one recording; it goes when they are stored, or were not."""
        with _explained(recording_id, self._staging):
            self._staging.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{recording_id}.", dir=self._staging))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _put(
        self, staged: Path, recording_id: str, started_at: datetime, locked_until: datetime | None
    ) -> tuple[str, str, int]:
        """The object's name, the SHA-256 of what was stored, and its size."""
        sha256 = sha256_on_disk(staged)
        name = f"{_prefix(recording_id, started_at)}{sha256[:_NAME_DIGITS]}.{staged.name}.sealed"
        return name, sha256, self._store.put(name, staged, sha256, locked_until).size


def _sealed_audio(
    path: Path, key: bytes, recording_id: str, started_at: datetime, feed: Feed
) -> tuple[Heard, str, int]:
    """Writes the sealed FLAC file; gives its SHA-256 and size unsealed, as an export of it has them."""
    object_id = audio_id(recording_id)
    with path.open("xb") as target:
        audio = FlacWriter(SealWriter(target, key, object_id), recording_id, started_at)
        try:
            heard = write_audio(feed, audio)
        except BaseException:
            audio.abandon()
            raise
    with path.open("rb") as stream:

        def read_at(offset: int, n: int) -> bytes:
            stream.seek(offset)
            return stream.read(n)

        reader = SealedReader(read_at, path.stat().st_size, key, object_id)
        return heard, read_back(reader, audio.checksum, audio.n_samples), reader.size


def _seal_file(path: Path, key: bytes, object_id: str, content: bytes) -> None:
    with path.open("xb") as stream:
        sealed = SealWriter(stream, key, object_id)
        sealed.write(content)
        sealed.finish()


@contextmanager
def _explained(recording_id: str, folder: Path) -> Iterator[None]:
    """What the operating system refused, in words that say what becomes of the recording."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL_ERRNOS:
            problem = f"{folder}: no room to seal recording {recording_id}; make room there"
            raise StoreFullError(f"{problem}, the spool is kept and tried again") from error
        problem = f"{folder}: recording {recording_id} could not be sealed: {error.strerror or error}"
        raise RecordingError(f"{problem}; the spool is kept") from error


def _prefix(recording_id: str, started_at: datetime) -> str:
    return f"{started_at.astimezone(UTC):%Y/%m/%d}/{recording_id}."


def _checked_id(recording_id: str) -> str:
    if not _ID.fullmatch(recording_id):
        raise RecordingError(f"{recording_id!r} is not a recording's id")
    return recording_id
