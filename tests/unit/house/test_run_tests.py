"""`make test` runs two processes; neither's failure is lost, and both are shown."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "run_tests.py"
PASSES, FAILS = "def test_it() -> None: ...", "def test_it() -> None: raise ValueError"


@pytest.mark.parametrize(("first", "second"), [(PASSES, PASSES), (PASSES, FAILS)])
def test_both_count_and_both_are_shown(tmp_path: Path, first: str, second: str) -> None:
    for name, text in (("integration/test_first.py", first), ("unit/test_second.py", second)):
        path = tmp_path / "tests" / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    command = [sys.executable, str(SCRIPT)]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (found.returncode == 0) is (FAILS not in (first, second))
    assert "== beside it: unit" in found.stdout
    assert (found.stdout.count("1 passed"), found.stdout.count("1 failed")) == (
        [first, second].count(PASSES),
        [first, second].count(FAILS),
    )
