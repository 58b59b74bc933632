"""Builds the Rust media engine into the running interpreter's environment (`make setup`, with the venv's Python)."""

import subprocess
import sys
from pathlib import Path

from rust import ROOT, rust_environment


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
