"""A vault of a test's own, and what lies in one as samples."""

import io
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from dialer.config import Config, parse_config
from dialer.evidence.recording_keeper import vault_settings
from recording.keys import KEY_BYTES, KeyRing, Wrapped
from recording.objects import StoreSettings
from recording.sealing import SealedReader
from recording.vault import Vault, audio_id
from recording.worker import VaultSettings

KEY = bytes(range(KEY_BYTES))


class Stored(Protocol):
    """What is known of a recording: its row, or what finalising gave."""

    @property
    def recording_id(self) -> str: ...
    @property
    def path(self) -> str: ...


def vault_in(folder: Path) -> VaultSettings:
    """A vault whose store is a directory in `folder`."""
    (folder / "store").mkdir(exist_ok=True)
    return VaultSettings(KeyRing(KEY), StoreSettings(str(folder / "store")), folder / "sealing")


def vault_of(data_dir: Path, config: Config | None = None) -> Vault:
    """The vault of a node that keeps its recordings there, as anybody opens it who has the node's files."""
    own = config or parse_config({"node": {"data_dir": str(data_dir)}}, "a node's files")
    return vault_settings(own).open()


def flac_of(vault: Vault, recording: Stored, key: Wrapped) -> bytes:
    """The file as it is exported."""
    return whole(vault.open(recording.path, key, audio_id(recording.recording_id)))


def samples_in(vault: Vault, recording: Stored, key: Wrapped) -> NDArray[np.int16]:
    """int16[n, 2], as a decoder that is not ours reads the file."""
    return decoded(flac_of(vault, recording, key))


def decoded(flac: bytes) -> NDArray[np.int16]:
    """int16[n, 2] of a FLAC file."""
    samples, rate_hz = soundfile.read(io.BytesIO(flac), dtype="int16", always_2d=True)
    assert rate_hz == 8000
    read: NDArray[np.int16] = samples
    return read


def whole(reader: SealedReader) -> bytes:
    """All of a sealed object's content."""
    return reader.read(0, reader.size)
