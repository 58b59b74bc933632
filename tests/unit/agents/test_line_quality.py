"""Figures of a line between two looks."""

from dataclasses import replace

import pytest

from dialer.agents.line_quality import quality_between
from dialer.media.interface import LegStats

BEFORE = LegStats(1000, 990, 10, 0, 0, 3.0, 4.3, round_trip_ms=20.0, remote_loss=0.1, remote_jitter_ms=2.0)


def test_loss_is_that_of_the_time_between() -> None:
    quality = quality_between(BEFORE, replace(BEFORE, packets_received=1065, packets_lost=35))
    assert quality.loss == 0.25
    assert quality.mos < 1.5
    assert (quality.round_trip_ms, quality.remote_loss, quality.remote_jitter_ms) == (20.0, 0.1, 2.0)


def test_a_bad_minute_is_over_when_it_is_over() -> None:
    """The leg's own figure is of all its time; a line that is clean now is good now."""
    leg_s_own = replace(BEFORE, packets_lost=900, mos=1.0)
    assert quality_between(leg_s_own, replace(leg_s_own, packets_received=2000)).mos == pytest.approx(4.38, abs=0.05)


def test_nothing_due_is_no_loss_of_nothing() -> None:
    assert quality_between(BEFORE, BEFORE).loss is None


def test_a_leg_that_began_to_count_anew_loses_nothing_below_zero() -> None:
    anew = LegStats(10, 10, 0, 0, 0, 1.0, 4.4)
    assert quality_between(BEFORE, anew).loss is None
