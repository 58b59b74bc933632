"""`dialer simulate` from file to picture; and workers that end with their command, however that ends."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dialer.cli import main as cli
from dialer.errors import InputError
from dialer.model.account import Role
from dialer.model.campaign import CampaignSettings
from dialer.simulator.scenario_file import read_scenario
from tests.support.house import open_house
from tests.support.storage import MONDAY

SCENARIO = """
name = "six minutes"
begins = 2026-11-23T10:00:00+08:00
ends = "10:06"
[workforce]
shifts = [{ collectors = 3 }]
[call_list]
contacts = 200
"""
WORKERS = """
import sys, time
from dialer.cli.work import in_processes
list(in_processes(time.sleep, [60.0, 60.0], 2, chunk=1))
"""
ENDS_WITHIN_S = 20.0


@pytest.mark.allow_blocking
def test_a_short_day_from_file_to_picture(tmp_path: Path) -> None:
    day, saved, picture = tmp_path / "day.toml", tmp_path / "saved.toml", tmp_path / "day.png"
    day.write_text(SCENARIO, encoding="utf-8")
    arguments = ["simulate", str(day), "--jobs", "1", "--json", "--plot", str(picture), "--save", str(saved)]
    done = CliRunner().invoke(cli.app, [*arguments, "--mode", "progressive", "--mode", "ratio 3"])
    assert done.exit_code == 0, done.output
    ours, fixed = (json.loads(line) for line in done.stdout.splitlines())
    assert (ours["mode"], fixed["mode"]) == ("progressive", "ratio 3")
    assert 0 < ours["live"] <= ours["answered"] < ours["placed"] < fixed["placed"]
    assert 0 < ours["utilisation"] < ours["occupancy"] < 1
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert read_scenario(saved) == read_scenario(day)


async def test_a_campaign_that_never_dialed_cannot_be_simulated(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.storage.campaigns.create("new", [], CampaignSettings(), MONDAY)
        url, token = str(house.api.make_url("/")).rstrip("/"), house.tokens[Role.SUPERVISOR]
        asked = ["simulate", "--campaign", "new", "--url", url, "--token", token]
        told = await asyncio.to_thread(CliRunner().invoke, cli.app, asked)
    assert isinstance(told.exception, InputError)
    assert str(told.exception).startswith("no call of 'new' is on record of the last weeks")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_command(how: signal.Signals) -> None:
    command = subprocess.Popen([sys.executable, "-c", WORKERS], stderr=subprocess.DEVNULL)
    try:
        workers = _await_workers(command.pid)
        command.send_signal(how)
        command.wait(ENDS_WITHIN_S)
    finally:
        command.kill()
    until = time.monotonic() + ENDS_WITHIN_S
    while any(map(_runs, workers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(_runs, workers))


def _await_workers(pid: int) -> list[int]:
    """The two at work; a third child tracks what processes share."""
    until = time.monotonic() + ENDS_WITHIN_S
    while time.monotonic() < until:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        workers = [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
        if len(workers) == 2:
            time.sleep(1.0)  # they have begun to sleep, or at least to watch their parent
            return workers
        time.sleep(0.05)
    raise AssertionError("no workers came up")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (ProcessLookupError, FileNotFoundError):
        return False
