"""Hearing an hour's recording: what a listener costs, in CPU and in memory, and how soon the first byte is there."""

import io
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.row import BenchRow
from recording.decoding import AudioReader, Side
from recording.playback import Content, FlacContent, SpedContent, WavContent
from recording.sealing import SealedFile, SealedReader, SealWriter

MINUTES = int(os.environ.get("BENCH_PLAYED_MINUTES", "60"))
RATE_HZ = 8000
KEY = bytes(32)
OPUS_MINUTES = 2


def run() -> list[BenchRow]:
    """The rows of this module."""
    with TemporaryDirectory(prefix="bench-playing-") as directory:
        path = Path(directory) / "sealed"
        _seal(path)
        with path.open("rb") as stream:
            return [*_heard(stream.fileno(), path.stat().st_size), _opus()]


def _speech(minutes: int) -> NDArray[np.int16]:
    """Sound that comes and goes, with noise on the line: about as hard to pack as speech."""
    at = np.arange(minutes * 60 * RATE_HZ) / RATE_HZ
    voice = 6000 * np.sin(2 * np.pi * 150 * at) * np.maximum(0, np.sin(2 * np.pi * 0.2 * at))
    noise = np.random.default_rng(1).normal(0, 60, (len(at), 2))
    said: NDArray[np.int16] = (noise + np.stack((voice, np.roll(voice, RATE_HZ * 5)), axis=1)).astype(np.int16)
    return said


def _seal(path: Path) -> None:
    flac = io.BytesIO()
    soundfile.write(flac, _speech(MINUTES), RATE_HZ, "PCM_16", format="FLAC")
    with path.open("xb") as stream:
        writer = SealWriter(stream, KEY, "bench")
        writer.write(flac.getvalue())
        writer.finish()


def _heard(descriptor: int, sealed_bytes: int) -> list[BenchRow]:
    def reader() -> SealedReader:
        return SealedReader(lambda offset, n: os.pread(descriptor, n, offset), sealed_bytes, KEY, "bench")

    def audio() -> AudioReader:
        return AudioReader(SealedFile(reader()))

    rows = [
        _played("FLAC", FlacContent(reader())),
        _played("WAV", WavContent(audio(), Side.BOTH)),
        _played("WAV, one side", WavContent(audio(), Side.FAR)),
        _played("WAV at speed 1.5", SpedContent(audio(), Side.BOTH, 1.5)),
    ]
    return [*rows, _jump(audio)]


def _played(form: str, content: Content) -> BenchRow:
    """CPU of all of it, a minute of call at a time; by how much the process was larger meanwhile."""
    before = largest = _resident_bytes()
    started = time.process_time()
    for _ in content.pieces(0, content.size):
        largest = max(largest, _resident_bytes())
    spent_ms = (time.process_time() - started) * 1000 / MINUTES
    note = f"{content.size / 1e6:.0f} MB for {MINUTES} minutes; memory grew by {(largest - before) / 1e6:.1f} MB"
    return BenchRow(f"a minute heard as {form}", spent_ms, "ms CPU", note=note)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def _jump(audio: Callable[[], AudioReader]) -> BenchRow:
    """From opening a sealed recording to a piece from its middle, as when a listener jumps."""
    took_ms = []
    for n in range(1, 8):
        started = time.perf_counter()
        content = WavContent(audio(), Side.BOTH)
        next(content.pieces(content.size * n // 8, content.size))
        took_ms.append((time.perf_counter() - started) * 1000)
    return BenchRow(
        f"a jump into {MINUTES} minutes", statistics.median(took_ms), "ms", note=f"{max(took_ms):.0f} ms at most"
    )


def _opus() -> BenchRow:
    """CPU of the encoding process, its start included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = (sys.executable, "-m", "recording.encoding", "2")
    subprocess.run(command, input=_speech(OPUS_MINUTES).tobytes(), stdout=subprocess.DEVNULL, check=True, timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return BenchRow(
        "a minute exported as Opus", spent_s * 1000 / OPUS_MINUTES, "ms CPU", note="a process at low priority"
    )
