"""The guard of the test suite itself: a blocking call of ours inside the event loop is caught."""

from pathlib import Path

import pytest
from blockbuster import BlockingError

from dialer.config import load_config

EXAMPLE = Path(__file__).parents[3] / "examples" / "dialer.toml"


async def test_a_blocking_read_in_the_loop_is_caught() -> None:
    with pytest.raises(BlockingError):
        load_config(EXAMPLE)


@pytest.mark.allow_blocking
async def test_the_guard_can_be_lifted_for_a_test_that_says_so() -> None:
    assert load_config(EXAMPLE).node.name == "node1"
