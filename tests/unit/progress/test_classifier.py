"""The networks that judge greetings: they ship, they load, they answer in probabilities."""

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dialer.progress.classifier import HORIZONS_MS, WIDEST, model_from_json, shipped_model
from dialer.progress.features import NAMES

LARGEST_BYTES = 200_000
vectors = arrays(np.float64, len(NAMES), elements=st.floats(-1e6, 1e6))


def shipped_content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(shipped_model().to_json()))
    return content


def test_the_networks_ship_and_are_small() -> None:
    data = files("dialer.progress").joinpath("data", "greeting_model.json").read_bytes()
    assert len(data) <= LARGEST_BYTES
    model = shipped_model()
    assert model.layers[0][0].shape[1] == model.mean.size == model.scale.size == len(NAMES)
    assert model.layers[-1][0].shape[2] == 1 + len(HORIZONS_MS)
    assert (model.scale > 0).all()


def test_written_and_read_again_they_judge_alike() -> None:
    model, again = shipped_model(), model_from_json(shipped_content())
    rows = np.random.default_rng(1).normal(model.mean, model.scale, (50, len(NAMES)))
    assert np.array_equal(again.log_odds(rows), model.log_odds(rows))


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("features", [*NAMES[1:], NAMES[0]]),
        ("features", NAMES[:-1]),
        ("horizons_ms", [*HORIZONS_MS, 2000]),
        ("longest_pause_ms", 1000),
    ],
)
def test_networks_made_for_something_else_are_refused(key: str, other: object) -> None:
    with pytest.raises(ValueError, match="train it anew"):
        model_from_json(shipped_content() | {key: other})


@settings(max_examples=200, deadline=None)
@given(vectors)
def test_a_judgement_is_made_of_probabilities(features: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    judgement = shipped_model().judge(features)
    assert len(judgement.revealed) == len(HORIZONS_MS)
    assert all(0 <= chance <= 1 for chance in (judgement.machine, *judgement.revealed))


@settings(max_examples=50, deadline=None)
@given(vectors, st.floats(1, 1e3))
def test_beyond_the_widest_nothing_counts(
    direction: np.ndarray[tuple[int], np.dtype[np.float64]], further: float
) -> None:
    model = shipped_model()
    far = model.mean + 1.001 * WIDEST * model.scale * np.sign(direction)
    further_still = model.mean + (1.001 + further) * WIDEST * model.scale * np.sign(direction)
    assert np.array_equal(model.log_odds(far), model.log_odds(further_still))
    assert np.abs(model.standardised(further_still)).max() <= WIDEST


def test_many_rows_are_judged_as_each_alone() -> None:
    model = shipped_model()
    rows = np.random.default_rng(2).normal(model.mean, model.scale, (20, len(NAMES)))
    alone = np.concatenate([model.log_odds(row) for row in rows])
    np.testing.assert_allclose(model.log_odds(rows), alone, rtol=1e-12, atol=1e-12)


def test_the_networks_vote_by_the_mean_of_their_log_odds() -> None:
    model = shipped_model()
    each = [
        replace(model, layers=tuple((weights[n : n + 1], bias[n : n + 1]) for weights, bias in model.layers))
        for n in range(len(model.layers[0][0]))
    ]
    mean = np.mean([one.log_odds(model.mean) for one in each], axis=0)
    np.testing.assert_allclose(model.log_odds(model.mean), mean)
