"""What the audit log says of listenings: never less than was handed out, and not a line for every range."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.evidence import listening
from dialer.evidence.listening import GROUP_S, Listenings

KEY = ("qa", "r-1", "wav")
STEP = 100


def _told(known: Listenings, begin: int, end: int, now: float, key: tuple[str, ...] = KEY) -> tuple[int, int] | None:
    """What is written down for this range, which then is in the log."""
    span = known.untold(key, begin, end, STEP, now)
    if span is not None:
        known.told(key, span, now)
    return span


def test_a_range_is_told_in_whole_steps_and_once() -> None:
    known = Listenings()
    assert _told(known, 150, 160, 0.0) == (100, 200)
    assert _told(known, 100, 200, GROUP_S) is None
    assert _told(known, 150, 201, 1.0) == (100, 300)
    assert _told(known, 0, 10, 2.0) == (0, 100)
    assert _told(known, 0, 300, 3.0) is None, "what was told in pieces is told"
    assert _told(known, 150, 160, GROUP_S + 0.1) == (100, 200), "an entry speaks for some minutes only"


def test_listeners_recordings_and_forms_are_told_apart() -> None:
    known = Listenings()
    assert _told(known, 0, 1, 0.0) is not None
    assert _told(known, 0, 1, 0.0, ("qa", "r-1", "flac")) is not None


def test_what_was_not_written_down_is_asked_for_again() -> None:
    known = Listenings()
    assert known.untold(KEY, 0, 1, STEP, 0.0) == known.untold(KEY, 0, 1, STEP, 0.0) == (0, 100)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "MAX_KNOWN", 2)
    known = Listenings()
    for key in ("a", "b", "c"):
        _told(known, 0, 1, 0.0, (key,))
    assert _told(known, 0, 1, 0.0, ("a",)) is not None, "the oldest is forgotten, and told again"
    assert _told(known, 0, 1, 0.0, ("c",)) is None


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 300), st.floats(0, 200)), max_size=20))
def test_every_byte_that_left_is_told(ranges: list[tuple[int, int, float]]) -> None:
    known = Listenings()
    told: list[tuple[float, int, int]] = []
    now = 0.0
    for begin, length, pause in ranges:
        now += pause
        span = _told(known, begin, begin + length, now)
        if span is not None:
            told.append((now, *span))
        recent = {byte for at, first, last in told if now - at <= GROUP_S for byte in range(first, last)}
        assert recent.issuperset(range(begin, begin + length))
