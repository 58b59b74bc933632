"""CPU time and memory of finalising: spool to verified FLAC, in seconds of CPU for a minute of call."""

import resource
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.row import BenchRow
from dialer.progress.frames import FRAME_MS
from recording.spool import SpoolWriter
from recording.store import RecordingStore

RUNS = 3
SHORT_MINUTES = 2
LONG_MINUTES = 30
BUDGET_MS = 100.0
"""A tenth of a CPU second for a minute: one core keeps up with 600 calls at once."""
_PACKET = 160
_BYTES_PER_MB = 1 << 20


def run() -> list[BenchRow]:
    """The rows of this module."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        per_minute_ms = statistics.median(_finalise(directory, f"short{n}", SHORT_MINUTES) for n in range(RUNS))
        before_mb = _peak_mb()
        _finalise(directory, "long", LONG_MINUTES)
        growth_mb = _peak_mb() - before_mb
    rate = f"{1000 / per_minute_ms:.0f} call-minutes a CPU second"
    return [
        BenchRow("recording finalised, a minute of call", per_minute_ms, "ms", BUDGET_MS, "FLAC alone 37 ms", rate),
        BenchRow(f"more memory for {LONG_MINUTES} min than for {SHORT_MINUTES}", growth_mb, "MB", 5.0),
    ]


def _finalise(directory: Path, name: str, minutes: int) -> float:
    """CPU milliseconds for a minute of a call in which both sides speak in turn, with 1 % loss."""
    spool = directory / f"{name}.spool"
    _write(spool, minutes)
    started = time.process_time()
    RecordingStore(directory / "store").ingest(spool)
    return (time.process_time() - started) * 1000 / minutes


def _write(path: Path, minutes: int) -> None:
    codes = np.random.default_rng(1).integers(0, 256, 50 * _PACKET, dtype=np.uint8).tobytes()
    n_packets = minutes * 60_000 // FRAME_MS
    with SpoolWriter.create(path, datetime.now(UTC)) as writer:
        for index in range(n_packets):
            position, at = index * _PACKET, index % 50 * _PACKET
            for channel in (0, 1):
                if channel == 0 and index % 100 == 7:
                    writer.lost(channel, position, _PACKET)
                elif (index // 150 + channel) % 2 or index % 3:
                    writer.audio(channel, position, codes[at : at + _PACKET])
        writer.end(n_packets * _PACKET)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _BYTES_PER_MB
