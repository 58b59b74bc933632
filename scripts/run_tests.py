"""Runs all tests, as two pytest processes side by side: `run_tests.py [PYTEST ARGUMENTS]`; with arguments it is one.

The integration tests mostly wait: for timers, peers, databases, flushes to disk. The others fill that time. Each
process has databases, folders and ports of its own. What the second one prints follows when the first one is done; the
exit code is 0 only when both are.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path("tests")
FIRST = TESTS / "integration"
MOVED = FIRST / "test_kill_service.py"
"""Runs in the second one: minutes of waiting for a service that is killed and started. It makes the two even."""
PYTEST = (sys.executable, "-m", "pytest")
STOP_LIMIT_S = 30.0
"""For the second process to end its own peers when the run is given up."""


def main(arguments: list[str]) -> int:
    """The exit code."""
    if arguments:
        return subprocess.run((*PYTEST, *arguments), check=False).returncode
    others = sorted({path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")} - {FIRST.name})
    paths = [*(TESTS / name for name in others), *([MOVED] if MOVED.exists() else [])]
    with tempfile.TemporaryFile() as printed:
        beside = subprocess.Popen((*PYTEST, "--color=no", *map(str, paths)), stdout=printed, stderr=subprocess.STDOUT)
        try:
            code = subprocess.run((*PYTEST, str(FIRST), f"--ignore={MOVED}"), check=False).returncode
            beside_code = beside.wait()
        finally:
            _stop(beside)
            printed.seek(0)
            print(f"\n== beside it: {', '.join(others)}", flush=True)
            sys.stdout.buffer.write(printed.read())
            sys.stdout.flush()
    return code or beside_code


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
