"""The table of the network's tones."""

import pytest

from dialer.progress.tone_plans import plan_names, tone_of, tones_of
from dialer.progress.verdict import Label


def test_every_plan_rings_and_is_busy() -> None:
    for plan in plan_names():
        labels = {tone.label for tone in tones_of((plan,))}
        assert labels >= {Label.RINGBACK, Label.BUSY}, plan


def test_every_tone_can_be_played() -> None:
    for tone in tones_of():
        assert 300 <= min(tone.frequencies_hz) <= max(tone.frequencies_hz) <= 3400, tone
        assert min(min(pulse) for pulse in tone.pulses) > 0, tone
        assert tone.modulated_hz == 0 or len(tone.frequencies_hz) == 1, tone


@pytest.mark.parametrize(
    ("plan", "label", "frequencies_hz", "pulses"),
    [
        ("cn", Label.RINGBACK, (450.0,), ((1000, 4000),)),
        ("cn", Label.BUSY, (450.0,), ((350, 350),)),
        ("cn", Label.CONGESTION, (450.0,), ((700, 700),)),
        ("us", Label.RINGBACK, (440.0, 480.0), ((2000, 4000),)),
        ("us", Label.BUSY, (480.0, 620.0), ((500, 500),)),
        ("uk", Label.RINGBACK, (400.0, 450.0), ((400, 200), (400, 2000))),
        ("uk", Label.CONGESTION, (400.0,), ((400, 350), (225, 525))),
        ("eu", Label.BUSY, (425.0,), ((500, 500),)),
    ],
)
def test_what_the_table_of_e180_says(
    plan: str, label: Label, frequencies_hz: tuple[float, ...], pulses: tuple[tuple[int, int], ...]
) -> None:
    tone = tone_of(plan, label)
    assert (tone.frequencies_hz, tone.pulses) == (frequencies_hz, pulses)


def test_plans_are_chosen_in_the_order_of_the_table() -> None:
    assert {tone.plan for tone in tones_of(("us", "cn"))} == {"cn", "us"}
    assert tones_of(("us", "cn"))[0].plan == "cn"
    assert len(tones_of()) == sum(len(tones_of((plan,))) for plan in plan_names())


def test_a_plan_or_signal_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="no tone plan atlantis; there are cn"):
        tones_of(("cn", "atlantis"))
    with pytest.raises(ValueError, match="the tone plan jp has no congestion"):
        tone_of("jp", Label.CONGESTION)


def test_steady_tones_have_one_line() -> None:
    assert tone_of("cn", Label.RINGBACK).steady
    assert not tone_of("us", Label.RINGBACK).steady, "two frequencies"
    assert not tone_of("in", Label.RINGBACK).steady, "modulated"
