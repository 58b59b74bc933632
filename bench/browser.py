"""CPU time of a browser's leg: per leg-second (50 packets each way, DTLS-SRTP) and per connection (answer, handshake).

The browsers are a program beside the engine (`native/examples/browser_load.rs`), each hears its own echo; the engine's
threads alone are counted.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

from bench.row import BenchRow

ROOT = Path(__file__).resolve().parent.parent
LEGS = 60
DURATION_S = 5
RUNS = 3
TIMEOUT_S = 1800.0
"""The first run builds the program."""


def _measure() -> dict[str, float]:
    cargo = ["cargo", "run", "--release", "--locked", "--quiet", "--example", "browser_load"]
    manifest = ["--manifest-path", str(ROOT / "native" / "Cargo.toml")]
    command = [sys.executable, str(ROOT / "scripts" / "rust.py"), *cargo, *manifest, "--", str(LEGS), str(DURATION_S)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT_S)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def run() -> list[BenchRow]:
    """Two rows."""
    results = [_measure() for _ in range(RUNS)]
    lost = sum(result["said"] - result["heard"] for result in results)
    note = f"{LEGS} legs, 1 worker; echo; not heard within the run {lost:.0f} of {sum(r['said'] for r in results):.0f}"
    leg_second = statistics.median(result["leg_second_ms"] for result in results)
    connection = statistics.median(result["connection_ms"] for result in results)
    return [
        BenchRow("media: browser leg", round(leg_second, 3), "ms CPU per leg-second", 2.0, "aiortc 33–90 ms", note),
        BenchRow("media: browser connected", round(connection, 3), "ms CPU", None, "", "answer, ICE and DTLS 1.2"),
    ]
