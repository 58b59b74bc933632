"""Which attempt a recording belongs to is told by its name alone."""

import pytest

from dialer.evidence.recording_keeper import attempt_id_of
from recording.errors import ForeignSpoolError


def test_the_name_ends_in_the_attempts_number() -> None:
    assert attempt_id_of("node1-42") == 42
    assert attempt_id_of("42") == 42


@pytest.mark.parametrize("name", ["", "holiday", "node1-", "node1-4x", "node1-４２", "node1-" + "9" * 19])
def test_a_foreign_name_is_refused_for_good(name: str) -> None:
    with pytest.raises(ForeignSpoolError, match="no call belongs to it"):
        attempt_id_of(name)
