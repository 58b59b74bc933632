"""The demo as a person starts it: it ends well when all went well, and says what is wrong when it cannot begin."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dialer.simulator.demo_house import free_port

RUN_LIMIT_S = 240


def run_demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dialer.cli.main", "demo", "--folder", str(folder / "demo"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False, cwd=folder)


@pytest.mark.slow
@pytest.mark.timeout(RUN_LIMIT_S + 30)
def test_the_demo_dials_talks_records_and_tells(tmp_path: Path) -> None:
    result = run_demo(tmp_path, "--exit-when-done", "--contacts", "30", "--port", str(free_port(18080)))
    shown = result.stdout + result.stderr
    assert result.returncode == 0, shown
    assert "all calls settled, recorded and told exactly once" in shown
    assert re.search(r"first bridged call: \d+ s", shown)
    assert re.search(r"connected \d+", shown)
    assert list((tmp_path / "demo" / "data" / "recordings").rglob("*.flac.sealed"))
    assert not list((tmp_path / "demo" / "data" / "spool").glob("*.spool"))


@pytest.mark.timeout(90)
def test_a_port_in_use_is_named_and_nothing_is_left_running(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run_demo(tmp_path, "--exit-when-done", "--port", str(port))
    assert result.returncode != 0
    assert f"127.0.0.1:{port}" in result.stderr
    assert "http.port" in result.stderr
    assert "Traceback" not in result.stderr
