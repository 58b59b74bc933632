"""CPU time and memory of finalising: from the spool to a verified, sealed object, in call-minutes for a CPU second.

The call is speech of this project's test clips, the two sides in turn, over line noise on both channels all the time,
as A-law in records of 200 ms with 1 % of the packets lost: what a busy line gives. Everything that finalising does is
counted: reading, G.711, FLAC, sealing, waveform, shares of talk, reading back, both hashes, the store and its check.
"""

import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.row import BenchRow
from dialer.media.g711 import encode
from dialer.media.interface import Codec
from recording.keys import KEY_BYTES, KeyRing
from recording.objects import StoreSettings
from recording.spool import RATE_HZ, SpoolWriter
from recording.vault import Ingest, Vault
from recording.worker import VaultSettings

RUNS = 5
SHORT_MINUTES = 2
LONG_MINUTES = 30
BUDGET_MS = 25.0
"""A fortieth of a CPU second for a minute: one core keeps up with 2400 calls at once."""
CLIPS = Path(__file__).parents[1] / "tests" / "data" / "speech" / "audio"
NOISE_AMPLITUDE = 20.0
"""-64 dBFS."""
BATCH = RATE_HZ // 5
PACKET = RATE_HZ // 50
_BYTES_PER_MB = 1 << 20


def run() -> list[BenchRow]:
    """The rows of this module."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "store").mkdir()
        settings = VaultSettings(KeyRing(bytes(KEY_BYTES)), StoreSettings(str(folder / "store")), folder / "sealing")
        vault, write = settings.open(), spool_writer()
        per_minute_ms = statistics.median(_finalise(vault, folder, write, f"s{n}", SHORT_MINUTES) for n in range(RUNS))
        before_mb = _peak_mb()
        long_ms = _finalise(vault, folder, write, "long", LONG_MINUTES)
        growth_mb = _peak_mb() - before_mb
    rates = (
        f"{1000 / per_minute_ms:.0f} call-minutes a CPU second, {1000 / long_ms:.0f} for a call of {LONG_MINUTES} min"
    )
    return [
        BenchRow("recording finalised, a minute of call", per_minute_ms, "ms", BUDGET_MS, note=rates),
        BenchRow(f"more memory for {LONG_MINUTES} min than for {SHORT_MINUTES}", growth_mb, "MB", 5.0),
    ]


def _finalise(vault: Vault, folder: Path, write: Callable[[Path, int], None], name: str, minutes: int) -> float:
    """CPU milliseconds for a minute of call."""
    spool = folder / f"{name}.spool"
    write(spool, minutes)
    started = time.process_time()
    vault.ingest(Ingest(name, (spool,)))
    spent = time.process_time() - started
    spool.unlink()
    return spent * 1000 / minutes


def spool_writer() -> Callable[[Path, int], None]:
    """Writes spools of so many minutes; a minute of material is made once."""
    codes = [encode(_side(turn, 60 * RATE_HZ), Codec.PCMA) for turn in (0, 1)]

    def write(path: Path, minutes: int) -> None:
        chance = np.random.default_rng(2)
        with SpoolWriter.create(path, datetime(2026, 11, 22, tzinfo=UTC)) as writer:
            for begin in range(0, minutes * 60 * RATE_HZ, BATCH):
                for channel in (0, 1):
                    _write_batch(writer, channel, begin, codes[channel], chance)
            writer.end(minutes * 60 * RATE_HZ)

    return write


def _write_batch(writer: SpoolWriter, channel: int, begin: int, codes: bytes, chance: np.random.Generator) -> None:
    """What 200 ms of a channel are in a spool: one record, or several around packets that were lost."""
    at = begin % len(codes)
    lost = np.flatnonzero(chance.random(BATCH // PACKET) < 0.01) * PACKET if channel == 0 else ()
    done = 0
    for gap in (*lost, BATCH):
        if gap > done:
            writer.audio(channel, begin + done, codes[at + done : at + gap])
        if gap < BATCH:
            writer.lost(channel, begin + int(gap), PACKET)
        done = int(gap) + PACKET


def _side(turn: int, n_samples: int) -> NDArray[np.int16]:
    """One side of a minute: every second clip is its own."""
    samples = np.random.default_rng(turn).normal(0, NOISE_AMPLITUDE, n_samples).astype(np.int16)
    at = 0
    for index, path in enumerate(sorted(CLIPS.glob("human*.wav"))):
        clip = soundfile.read(path, dtype="int16")[0][: n_samples - at]
        if index % 2 == turn:
            samples[at : at + len(clip)] = clip
        at += len(clip)
    return samples


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _BYTES_PER_MB
