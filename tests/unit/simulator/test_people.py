"""Simulated people are reproducible and follow their mixture."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from dialer.simulator.people import DEFAULT_SHARES, Behaviour, Mixture, person_for
from dialer.simulator.sample import COLUMNS, write_sample_list


def test_the_same_call_meets_the_same_person_and_another_try_may_not() -> None:
    mixture = Mixture()
    assert person_for("+8613900000001", 0, mixture, 7) == person_for("+8613900000001", 0, mixture, 7)
    tries = {person_for("+8613900000001", count, mixture, 7) for count in range(10)}
    assert len(tries) == 10


def test_behaviours_come_in_their_shares() -> None:
    n = 20_000
    counts = Counter(person_for(str(number), 0, Mixture(), 1).behaviour for number in range(n))
    for behaviour, share in DEFAULT_SHARES.items():
        assert abs(counts[behaviour] / n - share) < 0.012, behaviour


def test_times_stay_inside_their_bounds() -> None:
    mixture = Mixture(ring_s=(1.0, 2.0), talk_s=(3.0, 4.0), patience_s=(5.0, 6.0))
    for number in range(500):
        person = person_for(str(number), 0, mixture, 3)
        assert 1 <= person.ring_s < 2
        assert 3 <= person.talk_s < 4
        assert 5 <= person.patience_s < 6
        assert 0 <= person.voice < 1


@pytest.mark.parametrize("shares", [{Behaviour.HUMAN: 0.5}, {Behaviour.HUMAN: 1.5, Behaviour.BUSY: -0.5}])
def test_shares_that_make_no_mixture_are_refused(shares: dict[Behaviour, float]) -> None:
    with pytest.raises(ValueError, match="sum to"):
        Mixture(shares=shares)


def test_the_sample_list_repeats_no_number_and_is_reproducible(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        write_sample_list(tmp_path / name, 200, 13900000000, date(2026, 11, 23), seed=5)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == COLUMNS
    digits = ["".join(filter(str.isdigit, cell))[-11:] for row in rows[1:] for cell in row[3:5] if cell]
    assert len(rows) == 201
    assert len(digits) == len(set(digits)) > 230
