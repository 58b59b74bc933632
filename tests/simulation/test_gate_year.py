"""Simulated years at the gate: whatever happens, no call leaves that an independent reader of the rules objects to."""

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.gate_year import Tally, Year
from tests.support.storage import open_storage

WORKING_DAYS = 40
"""Of each year: enough for every rule to be met, few enough for a test."""
EXAMPLES = 5
FEW_DAYS, FEW_YEARS = 15, 12
KINDS = (
    "calling_window",
    "forbidden_hours",
    "cap",
    "cool_off",
    "one_call",
    "case_open",
    "do_not_call",
    "third_party",
    "consent",
    "convenience",
    "caller_id",
    "agency",
    "abandonment",
)
_run_numbers = count()


async def live_through(directory: Path, seed: int, n_days: int, blind_to: str = "") -> Tally:
    """In a database of its own; a seed may come twice."""
    async with open_storage(f"sqlite:///{directory}/year-{seed}-{next(_run_numbers)}.db") as storage:
        return await Year(storage, seed, blind_to).run(n_days)


@pytest.fixture
def directory() -> Iterator[Path]:
    """In memory where the machine has such a place: nothing here needs to survive, and a year is many transactions."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.mark.timeout(900)
@pytest.mark.asyncio
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
async def test_no_year_sees_a_forbidden_call(directory: Path, seed: int) -> None:
    tally = await live_through(directory, seed, WORKING_DAYS)
    assert tally.violations == []
    assert tally.refused > 0


@pytest.mark.timeout(300)
@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_the_clerk_would_notice(directory: Path, kind: str) -> None:
    """A gate that does not know a kind of rule is found out: the silence above means something."""
    for seed in range(FEW_YEARS):
        tally = await live_through(directory, seed, FEW_DAYS, blind_to=kind)
        if any(kind.replace("_", "-") in violation.partition(" ")[0] for violation in tally.violations):
            return
    pytest.fail(f"{FEW_YEARS} years without {kind} passed unnoticed")
