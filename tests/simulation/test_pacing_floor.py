"""The pacer on a simulated floor: abandonment below target in every run, and more talk time than one to one."""

from dataclasses import replace

import pytest

from bench._floor import Result, Simulation, World
from dialer.campaigns.pacing import Pacer, PacerConfig, PacingMode

SMALL = World(agents=8, hours=2.5)
MIDDLE = World(agents=20, hours=1.2)
WORLDS = {
    "small": SMALL,
    "middle": MIDDLE,
    "swinging answer rate": replace(MIDDLE, answer_swing=0.15),
    "answer rate doubles": replace(MIDDLE, answer_share=0.2, answer_step=0.3),
    "breaks": replace(MIDDLE, break_every_s=1800.0),
    "large": World(agents=60, hours=0.8),
}


def run(world: World, mode: PacingMode, seed: int) -> Result:
    return Simulation(world, Pacer(PacerConfig(mode=mode)), seed).run()


@pytest.mark.parametrize("name", WORLDS)
def test_abandonment_stays_below_its_target_and_talk_above_one_to_one(name: str) -> None:
    world = WORLDS[name]
    result = run(world, PacingMode.PREDICTIVE, seed=11)
    baseline = run(world, PacingMode.PROGRESSIVE, seed=11)
    assert result.live >= 200, "the run is too short to say anything"
    assert result.worst_share <= world.limits.abandon_target
    assert result.talking > baseline.talking + 0.02


def test_one_to_one_abandons_nobody() -> None:
    result = run(MIDDLE, PacingMode.PROGRESSIVE, seed=5)
    assert result.live >= 200
    assert result.abandoned == 0


def test_a_fixed_ratio_is_held_by_the_budget() -> None:
    world = replace(MIDDLE, hours=1.5)
    result = Simulation(world, Pacer(PacerConfig(mode=PacingMode.POWER, ratio=3.0)), 3).run()
    assert result.live >= 200
    assert result.abandoned > 0
    assert result.abandoned_share < 0.06


def test_a_run_repeats_from_its_seed() -> None:
    world = replace(MIDDLE, hours=0.4)
    assert run(world, PacingMode.PREDICTIVE, 4) == run(world, PacingMode.PREDICTIVE, 4)
