"""A campaign's settings explained: what each does, its range, default and choices, and what it rests on.

Ranges, defaults and choices are read from the very model that takes the settings: what a form made of this lets
through, the API takes.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from pydantic import BaseModel, JsonValue

from dialer.api.campaign_models import SettingsIn
from dialer.api.collecting_models import CollectingIn
from dialer.api.routing import Call, Nothing, Routes
from dialer.api.setting_words import CHOICES, SETTINGS, Group
from dialer.model.campaign import AmdMode, CampaignMode, MachineAction
from dialer.words.bilingual import Bilingual

routes = Routes("settings")

PART = "collecting"
_ENUMS: Mapping[str, type[Enum]] = {"mode": CampaignMode, "amd": AmdMode, "machine_action": MachineAction}


class Choice(BaseModel):
    """One value of a setting that is chosen."""

    value: str
    words: Bilingual


class SettingOut(BaseModel):
    """One setting. `name` has a dot before the fields of a part; `unit` "s": seconds, "share": 0 to 1, "": neither.

    `type`: text, number, integer, boolean, choice, or whole (an object or a list, as the API's schema says).
    `modes`: where it has an effect. `why`: the law or practice behind it.
    """

    name: str
    group: Group
    type: str
    unit: str
    title: Bilingual
    means: Bilingual
    why: Bilingual
    minimum: float | None
    maximum: float | None
    default: JsonValue
    choices: list[Choice]
    modes: tuple[CampaignMode, ...]


class SettingList(BaseModel):
    """Every setting of a campaign."""

    items: list[SettingOut]


@routes.add("GET", "/v1/settings/campaign", "settings.campaign")
async def campaign_settings(call: Call[Nothing, Nothing, Nothing]) -> SettingList:
    """Explains every setting of a campaign."""
    return SettingList(items=list(_settings()))


def _settings() -> Iterator[SettingOut]:
    defaults = SettingsIn().model_dump(mode="json")
    for name, schema in _fields():
        words = SETTINGS.get(name)
        if words is None:
            continue
        default = defaults[PART][name.removeprefix(f"{PART}.")] if name.startswith(f"{PART}.") else defaults[name]
        yield SettingOut(
            name=name,
            group=words.group,
            type=_type(name, schema),
            unit="s" if name.endswith("_s") else "share" if name == "abandon_target" else "",
            title=words.title,
            means=words.means,
            why=words.why,
            minimum=schema.get("minimum"),
            maximum=schema.get("maximum"),
            default=default,
            choices=[Choice(value=each.value, words=CHOICES[each]) for each in _ENUMS.get(name, ())],
            modes=words.modes,
        )


def _fields() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The names of the settings with their schemas."""
    for name, schema in SettingsIn.model_json_schema()["properties"].items():
        if name != PART:
            yield name, schema
    for name, schema in CollectingIn.model_json_schema()["properties"].items():
        yield f"{PART}.{name}", schema


def _type(name: str, schema: Mapping[str, Any]) -> str:
    if name in _ENUMS:
        return "choice"
    plain = {"string": "text", "number": "number", "integer": "integer", "boolean": "boolean"}
    return plain.get(str(schema.get("type")), "whole")
