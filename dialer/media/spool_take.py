"""One recording of the loopback twin: frames in, spool records out, written by a thread of the engine's."""

import io
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime
from pathlib import Path

from dialer.media.g711 import PAYLOAD_TYPES
from dialer.media.interface import FRAME_MS, FRAME_SAMPLES, Codec
from recording.spool import SpoolCodec, SpoolWriter

_APPEND_FRAMES = 200 // FRAME_MS
"""As the native engine: at most 200 ms wait in memory."""
_FAR_END, _NEAR_END = 0, 1


class SpoolTake:
    """Counts frames since the start; `on_failure` is told, once and by the engine's thread, why writing failed."""

    def __init__(self, path: Path, started_at: datetime, disk: Executor, on_failure: Callable[[str], None]) -> None:
        self._path = path
        self._disk = disk
        self._on_failure = on_failure
        self._buffer = io.BytesIO()
        self._writer = SpoolWriter(self._buffer, started_at)
        self._frame = 0
        self._is_paused = False
        self._has_failed = False
        self._disk.submit(self._append, self._collect(), "xb")

    def heard(self, codes: bytes, codec: Codec) -> None:
        """The far end's frame of this step."""
        if not self._is_paused:
            self._writer.audio(_FAR_END, self._position, codes, SpoolCodec(PAYLOAD_TYPES[codec]))

    def lost(self) -> None:
        """The far end's frame of this step was lost."""
        if not self._is_paused:
            self._writer.lost(_FAR_END, self._position, FRAME_SAMPLES)

    def said(self, codes: bytes, codec: Codec) -> None:
        """Our frame of this step."""
        if not self._is_paused:
            self._writer.audio(_NEAR_END, self._position, codes, SpoolCodec(PAYLOAD_TYPES[codec]))

    def pause(self) -> None:
        """Leaves out what comes from here on."""
        if not self._is_paused:
            self._is_paused = True
            self._writer.paused(self._position)

    def resume(self) -> None:
        """Takes frames again."""
        if self._is_paused:
            self._is_paused = False
            self._writer.resumed(self._position)

    def step(self) -> None:
        """The step is over."""
        self._frame += 1
        if self._frame % _APPEND_FRAMES == 0:
            self._disk.submit(self._append, self._collect(), "ab")

    def end(self) -> None:
        """Ends the recording in order."""
        self._writer.end(self._position)
        self._disk.submit(self._append, self._collect(), "ab")

    @property
    def _position(self) -> int:
        return self._frame * FRAME_SAMPLES

    def _collect(self) -> bytes:
        batch = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return batch

    def _append(self, batch: bytes, mode: str) -> None:
        if self._has_failed:
            return
        try:
            with self._path.open(mode) as stream:
                stream.write(batch)
        except OSError as error:
            self._has_failed = True
            self._on_failure(f"{self._path}: {error.strerror}")
