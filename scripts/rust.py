"""Runs a command with a Rust toolchain on its PATH; brings one where it is missing.

`python scripts/rust.py cargo test …`. Where no `cargo` is on the PATH, the `puccinialin` package downloads a toolchain
into the user's cache (needs the open network); where it is then, is remembered in `.cache/rust.json`.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REMEMBERED = ROOT / ".cache" / "rust.json"
DOWNLOAD_TIMEOUT_S = 900


def rust_environment() -> dict[str, str]:
    """The environment with a cargo on its PATH; ends the program with a clear word when there is none to be had."""
    environment = dict(os.environ)
    if shutil.which("cargo"):
        return environment
    if not REMEMBERED.exists():
        _download()
    environment |= json.loads(REMEMBERED.read_text(encoding="utf-8"))["env"]
    if not shutil.which("cargo", path=environment.get("PATH")):
        REMEMBERED.unlink()
        sys.exit("!! the downloaded Rust toolchain is gone; run make again")
    return environment


def _download() -> None:
    print("no cargo on the PATH: downloading a Rust toolchain into the user's cache", flush=True)
    REMEMBERED.parent.mkdir(exist_ok=True)
    fresh = REMEMBERED.with_suffix(".new")
    command = [sys.executable, "-m", "puccinialin", "--info-json", str(fresh)]
    advice = "install Rust by your distribution's packages or https://rustup.rs, then run make again"
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        sys.exit(f"!! the Rust download did not end in {DOWNLOAD_TIMEOUT_S} s; {advice}")
    if result.returncode or not fresh.exists():
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        sys.exit(f"!! Rust is missing and could not be downloaded ({reason});\n   {advice}")
    fresh.rename(REMEMBERED)


if __name__ == "__main__":
    sys.exit(subprocess.run(sys.argv[1:], env=rust_environment(), check=False).returncode)
