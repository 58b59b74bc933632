"""Runs all tests, as three pytest processes side by side: `run_tests.py [PYTEST ARGUMENTS]`; with arguments it is one.

Integration tests and those with peers mostly wait: for timers, peers, databases, flushes to disk. The others fill that
time. Each process has databases, folders and ports of its own. What the others print follows when the first one is
done; the exit code is 0 only when all are. Whoever gives the run up (Ctrl-C, SIGTERM) lets all end what they started.
"""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

TESTS = Path("tests")
FIRST, WAITING = "integration", "peers"
MOVED = tuple(TESTS / FIRST / f"test_{name}.py" for name in ("demo", "fault_service", "kill_service", "storage_kill"))
"""Run beside the peers: minutes of waiting for services that are started and killed. They make the two even."""
PYTEST = (sys.executable, "-m", "pytest")
STOP_LIMIT_S = 30.0
"""For a process to end its own peers when the run is given up."""
INTERRUPTED = 130

Process = subprocess.Popen[bytes]


def main(arguments: list[str]) -> int:
    """The exit code."""
    if arguments:
        os.execv(PYTEST[0], (*PYTEST, *arguments))
    with ExitStack() as stack:
        beside = []
        for name, paths in groups().items():
            printed = stack.enter_context(tempfile.TemporaryFile())
            command = (*PYTEST, "--color=no", *map(str, paths))
            beside.append((name, printed, subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT)))
        first = subprocess.Popen((*PYTEST, str(TESTS / FIRST), *(f"--ignore={path}" for path in MOVED)))
        code = _all([first, *(process for _, _, process in beside)])
        for name, printed, _ in beside:
            print(f"\n== beside it: {name}", flush=True)
            printed.seek(0)
            sys.stdout.buffer.write(printed.read())
            sys.stdout.flush()
    return code


def groups() -> dict[str, list[Path]]:
    """What runs beside the first process, by name; without what is not there."""
    waiting = [path for path in (TESTS / WAITING, *MOVED) if path.exists()]
    others = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")} - {FIRST, WAITING}
    found = {WAITING: waiting, ", ".join(sorted(others)): [TESTS / name for name in sorted(others)]}
    return {name: paths for name, paths in found.items() if paths}


def _all(processes: list[Process]) -> int:
    def give_up(*_: object) -> None:
        for process in processes:
            process.send_signal(signal.SIGINT)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, give_up)
    try:
        return max(abs(process.wait()) for process in processes)
    except KeyboardInterrupt:  # from a terminal, all have it as well
        for process in processes:
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
