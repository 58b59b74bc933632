"""Runs all tests, as two pytest processes side by side: `run_tests.py [PYTEST ARGUMENTS]`; with arguments it is one.

The integration tests mostly wait: for timers, peers, databases, flushes to disk. The others fill that time. Each
process has databases, folders and ports of its own. What the second one prints follows when the first one is done; the
exit code is 0 only when both are. Whoever gives the run up (Ctrl-C, SIGTERM) lets both end the peers they started.
"""

import os
import signal
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
"""For a process to end its own peers when the run is given up."""
INTERRUPTED = 130

Process = subprocess.Popen[bytes]


def main(arguments: list[str]) -> int:
    """The exit code."""
    if arguments:
        os.execv(PYTEST[0], (*PYTEST, *arguments))
    others = sorted({path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")} - {FIRST.name})
    paths = [*(TESTS / name for name in others), *([MOVED] if MOVED.exists() else [])]
    with tempfile.TemporaryFile() as printed:
        beside = subprocess.Popen((*PYTEST, "--color=no", *map(str, paths)), stdout=printed, stderr=subprocess.STDOUT)
        first = subprocess.Popen((*PYTEST, str(FIRST), f"--ignore={MOVED}"))
        code = _both(first, beside)
        printed.seek(0)
        print(f"\n== beside it: {', '.join(others)}", flush=True)
        sys.stdout.buffer.write(printed.read())
        sys.stdout.flush()
    return code


def _both(first: Process, beside: Process) -> int:
    def give_up(*_: object) -> None:
        for process in (first, beside):
            process.send_signal(signal.SIGINT)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, give_up)
    try:
        code, beside_code = first.wait(), beside.wait()
        return code or beside_code
    except KeyboardInterrupt:  # from a terminal, both have it as well
        for process in (first, beside):
            _let_end(process)
        return INTERRUPTED


def _let_end(process: Process) -> None:
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
