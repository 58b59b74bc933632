"""`make test` runs three processes: no failure is lost, all are shown, all clean up when they are stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "run_tests.py"
PASSES, FAILS = "def test_it() -> None: ...", "def test_it() -> None: raise ValueError"
LASTS = """
import time, pathlib, pytest

@pytest.fixture
def peer():
    pathlib.Path("{name}-begun").touch()
    yield
    time.sleep(0.6)
    pathlib.Path("{name}-ended").touch()

def test_it(peer) -> None:
    time.sleep(50)
"""
FILES = {"first": "integration/test_first.py", "second": "peers/test_second.py", "third": "unit/test_third.py"}


def write(folder: Path, *texts: str) -> None:
    for name, text in zip(FILES.values(), texts, strict=True):
        path = folder / "tests" / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("texts", [(PASSES, PASSES, PASSES), (PASSES, FAILS, PASSES), (PASSES, PASSES, FAILS)])
def test_all_count_and_all_are_shown(tmp_path: Path, texts: tuple[str, ...]) -> None:
    write(tmp_path, *texts)
    command = [sys.executable, str(SCRIPT)]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (found.returncode == 0) is (FAILS not in texts)
    assert "== beside it: peers" in found.stdout
    assert "== beside it: unit" in found.stdout
    assert (found.stdout.count("1 passed"), found.stdout.count("1 failed")) == (texts.count(PASSES), texts.count(FAILS))


@pytest.mark.parametrize("by_terminal", [True, False], ids=["ctrl-c", "sigterm"])
def test_who_is_stopped_ends_what_was_started(tmp_path: Path, by_terminal: bool) -> None:
    write(tmp_path, *(LASTS.format(name=name) for name in FILES))
    command = [sys.executable, str(SCRIPT)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, start_new_session=True) as run:
        end_at = time.monotonic() + 60
        while not all((tmp_path / f"{name}-begun").exists() for name in FILES) and time.monotonic() < end_at:
            time.sleep(0.05)
        if by_terminal:
            os.killpg(run.pid, signal.SIGINT)  # as a terminal tells everybody
        else:
            run.terminate()
        printed, _ = run.communicate(timeout=60)
    assert run.returncode not in (0, -signal.SIGTERM)
    assert sorted(path.name for path in tmp_path.glob("*-ended")) == ["first-ended", "second-ended", "third-ended"]
    assert b"== beside it: unit" in printed
