"""CPU time and memory of finalising: from the spool to a verified, sealed object, in call-minutes for a CPU second.

The call is speech of this project's test clips, the two sides in turn, over line noise on both channels all the time,
as A-law in records of 200 ms with 1 % of the packets lost: what a busy line gives. Everything that finalising does is
counted: reading, G.711, FLAC, sealing, waveform, shares of talk, reading back, both hashes, the store and its check.
"""

import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.row import BenchRow
from dialer.media.g711 import decode, encode
from dialer.media.interface import Codec
from recording.flac import COMPRESSION
from recording.keys import KEY_BYTES, KeyRing
from recording.objects import StoreSettings
from recording.spool import RATE_HZ, SpoolWriter
from recording.vault import Ingest
from recording.worker import VaultSettings
from recording.worker_process import ONE_THREAD

RUNS = 5
SHORT_MINUTES = 2
LONG_MINUTES = 30
BUDGET_MS = 20.0
"""A fiftieth of a CPU second for a minute: one core keeps up with 3000 calls at once."""
CLIPS = Path(__file__).parents[1] / "tests" / "data" / "speech" / "audio"
NOISE_AMPLITUDE = 20.0
"""-64 dBFS."""
BATCH = RATE_HZ // 5
PACKET = RATE_HZ // 50


def run() -> list[BenchRow]:
    """The rows of this module."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "store").mkdir()
        settings = VaultSettings(KeyRing(bytes(KEY_BYTES)), StoreSettings(str(folder / "store")), folder / "sealing")
        with _worker(settings) as worker:
            write = spool_writer()
            _finalise(worker, folder, write, "warm", SHORT_MINUTES)
            costs_ms = [_finalise(worker, folder, write, f"short{n}", SHORT_MINUTES) for n in range(RUNS)]
            before_mb = _peak_mb(worker)
            long_ms = _finalise(worker, folder, write, "long", LONG_MINUTES)
            growth_mb = _peak_mb(worker) - before_mb
    per_minute_ms = statistics.median(costs_ms)
    rates = f"{1000 / per_minute_ms:.0f} call-minutes a CPU second, {1000 / long_ms:.0f} for {LONG_MINUTES} min in one"
    flac = f"FLAC there and back alone {_flac_alone_ms():.0f} ms"
    return [
        BenchRow("recording finalised, a minute of call", per_minute_ms, "ms", BUDGET_MS, flac, rates),
        BenchRow(f"more memory for {LONG_MINUTES} min than for {SHORT_MINUTES}", growth_mb, "MB", 5.0),
    ]


@contextmanager
def _worker(settings: VaultSettings) -> Iterator[Popen[str]]:
    """The process that a service has for this."""
    environment = os.environ | ONE_THREAD
    with Popen(
        [sys.executable, "-m", "recording.worker"], stdin=PIPE, stdout=PIPE, text=True, env=environment
    ) as worker:
        _tell(worker, settings.to_line())
        yield worker


def _finalise(worker: Popen[str], folder: Path, write: Callable[[Path, int], None], name: str, minutes: int) -> float:
    """The worker's CPU milliseconds for a minute of call."""
    spool = folder / f"{name}.spool"
    write(spool, minutes)
    before_s = _cpu_s(worker)
    _tell(worker, json.dumps(Ingest(name, (spool,)).to_json()) + "\n")
    answer = json.loads(worker.stdout.readline()) if worker.stdout else {}
    if "recording" not in answer:
        raise RuntimeError(f"the worker failed: {answer}")
    spool.unlink()
    return (_cpu_s(worker) - before_s) * 1000 / minutes


def _tell(worker: Popen[str], line: str) -> None:
    if worker.stdin is not None:
        worker.stdin.write(line)
        worker.stdin.flush()


def _cpu_s(worker: Popen[str]) -> float:
    """User and system time of a process, in steps of a clock tick (10 ms)."""
    fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(worker: Popen[str]) -> float:
    lines = Path(f"/proc/{worker.pid}/status").read_text().splitlines()
    (peak,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024


def _flac_alone_ms() -> float:
    """What no way around libsndfile is known for: a minute encoded, and decoded again."""
    sides = [decode(encode(_side(turn, 60 * RATE_HZ), Codec.PCMA), Codec.PCMA) for turn in (0, 1)]
    samples = np.stack(sides, axis=1)
    costs_ms: list[float] = []
    for _ in range(RUNS):
        begun = time.process_time()
        file = io.BytesIO()
        soundfile.write(file, samples, RATE_HZ, "PCM_16", format="FLAC", compression_level=COMPRESSION)
        file.seek(0)
        soundfile.read(file, dtype="int16")
        costs_ms.append((time.process_time() - begun) * 1000)
    return statistics.median(costs_ms)


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
