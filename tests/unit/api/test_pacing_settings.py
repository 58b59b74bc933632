"""Settings of pacing that make no sense: refused with the reason on the way in, said of what is stored already."""

import math
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from dialer.api.campaign_models import SettingsIn
from dialer.api.problems import FieldError, invalid
from dialer.campaigns.loop.running import pacer_config
from dialer.model.attempt import CallPath
from dialer.model.campaign import CampaignMode, CampaignSettings
from dialer.model.pacing_bounds import PACING_BOUNDS, odd_settings, sensible
from dialer.storage.values import decode_settings, encode_settings

ODD = [
    ("abandon_target", 0.0, "the law allows 3 %"),
    ("abandon_target", -0.01, "the law allows 3 %"),
    ("abandon_target", 0.2, "the law allows 3 %"),
    ("abandon_target", math.nan, "the law allows 3 %"),
    ("ring_timeout_s", 14.9, "four rings"),
    ("ring_timeout_s", 121.0, "nobody comes"),
    ("ring_timeout_s", math.inf, "nobody comes"),
    ("max_lines_per_agent", 0.9, "collectors would wait"),
    ("max_lines_per_agent", 10.1, "find one free"),
    ("power_ratio", 0.4, "collectors would mostly wait"),
    ("power_ratio", -math.inf, "collectors would mostly wait"),
    ("max_reminder_channels", 0, "nothing is dialed"),
    ("lost_person_cost_s", -1.0, "a person lost"),
]


def refused(settings: dict[str, float]) -> FieldError:
    with pytest.raises(ValidationError) as caught:
        SettingsIn.model_validate(settings)
    (error,) = invalid(caught.value, "body").errors
    return error


@pytest.mark.parametrize(("name", "value", "reason"), ODD)
def test_what_makes_no_sense_is_refused_with_the_reason_and_what_to_write(name: str, value: float, reason: str) -> None:
    error = refused({name: value})
    bound = PACING_BOUNDS[name]
    assert error.field == f"body.{name}"
    assert reason in error.reason
    assert f"from {bound.least:g} to {bound.most:g}" in error.fix


@pytest.mark.parametrize("name", PACING_BOUNDS)
def test_the_ends_of_each_bound_are_taken_and_shown(name: str) -> None:
    bound = PACING_BOUNDS[name]
    for end in (bound.least, bound.most):
        assert getattr(SettingsIn.model_validate({name: end}), name) == end
    shown = SettingsIn.model_json_schema()["properties"][name]
    assert (shown["minimum"], shown["maximum"]) == (bound.least, bound.most)


@pytest.mark.parametrize(("name", "value", "reason"), ODD)
def test_what_is_stored_already_is_named_and_paced_by_the_nearest(name: str, value: float, reason: str) -> None:
    odd: dict[str, Any] = {name: value}
    stored = CampaignSettings(**odd)
    (said,) = odd_settings(stored)
    assert said.startswith(f"{name} must be from ")
    assert reason in said
    assert odd_settings(sensible(stored)) == ()
    pacer_config(stored)


def test_settings_in_bounds_stay_as_they_are() -> None:
    assert sensible(CampaignSettings()) == CampaignSettings()
    assert odd_settings(CampaignSettings()) == ()


def test_power_keeps_its_ratio_and_goes_by_the_predictive_path() -> None:
    settings = SettingsIn.model_validate({"mode": "power", "power_ratio": 2.5}).to_settings()
    config = pacer_config(settings)
    assert (config.mode, config.ratio) == ("power", 2.5)
    assert settings.mode.path is CallPath.PREDICTIVE
    assert {mode.path for mode in CampaignMode} <= set(CallPath)


def test_campaigns_stored_before_there_was_a_ratio_still_load() -> None:
    old = msgspec.json.decode(encode_settings(CampaignSettings()))
    del old["power_ratio"]
    assert decode_settings(msgspec.json.encode(old)) == CampaignSettings()
