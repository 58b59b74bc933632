"""What every test gets: a loop that fails on blocking calls, and peers that are either there or loudly missing."""

import os
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import HealthCheck, settings

# A busy machine may stop any example for a second; and a run is judged by the change, not by new chance.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", settings.get_profile("explore"), derandomize=True)
settings.load_profile("steady")

PEERS = tomllib.loads((Path(__file__).parent / "peers.toml").read_text(encoding="utf-8"))["peer"]


@pytest.fixture(autouse=True)
def _no_blocking_calls(request: pytest.FixtureRequest) -> Iterator[BlockBuster | None]:
    """A blocking call made by our packages inside a running event loop fails the test."""
    if request.node.get_closest_marker("allow_blocking"):
        yield None
        return
    with blockbuster_ctx(scanned_modules=["dialer", "recording", "schedules"]) as blocker:
        yield blocker


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test whose peer is missing; fails it where REQUIRE_PEERS=1 says that peers were installed."""
    for marker in item.iter_markers("peer"):
        (name,) = marker.args
        program = PEERS[name]["program"]
        if shutil.which(program) is None:
            message = f"peer {name} is missing ({program} is not on the PATH; Debian package {PEERS[name]['debian']})"
            if os.environ.get("REQUIRE_PEERS") == "1":
                pytest.fail(message)
            pytest.skip(f"MISSING PEER: {message}")
