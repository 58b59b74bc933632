"""Builds the Rust media engine into the running interpreter's environment; brings Rust where it is missing.

Run by `make setup` with the venv's Python. Where no `cargo` is on the PATH, the `puccinialin` package downloads a
toolchain into the user's cache (needs the open network); without one the message says what to install.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOWNLOAD_TIMEOUT_S = 900


def rust_environment() -> dict[str, str]:
    """The environment to run maturin in, with a cargo on its PATH."""
    environment = dict(os.environ)
    if shutil.which("cargo"):
        return environment
    print("no cargo on the PATH: downloading a Rust toolchain into the user's cache", flush=True)
    command = [sys.executable, "-m", "puccinialin"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        sys.exit("!! the Rust download did not end in time; install Rust (https://rustup.rs) and run make again")
    if result.returncode:
        sys.exit(
            f"!! Rust is missing and could not be downloaded:\n{result.stderr.strip()[-800:]}\n"
            "   Install it by your distribution's packages or https://rustup.rs, then run make again."
        )
    for line in result.stdout.splitlines():
        name, separator, value = line.removeprefix("export ").partition("=")
        if separator and name.isidentifier():
            environment[name] = value.strip('"')
    return environment


def main() -> None:
    """Builds and installs the wheel; the exit code is maturin's."""
    if Path(sys.prefix) == Path(sys.base_prefix):
        sys.exit("!! run by `make setup`: this builds into a virtual environment, not into the system's Python")
    environment = rust_environment() | {"VIRTUAL_ENV": sys.prefix}
    maturin = str(Path(sys.executable).with_name("maturin"))
    command = [maturin, "develop", "--release", "--locked", "--manifest-path", str(ROOT / "native" / "Cargo.toml")]
    sys.exit(subprocess.run(command, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
