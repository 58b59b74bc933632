"""The network's tones, country by country: which frequencies in which rhythm mean ringing, busy, congestion.

The numbers are data, `tone_plans.toml`, with their sources. What they mean for a listener:

Frequency tells little: nearly every tone of a single frequency lies between 400 and 450 Hz. Rhythm tells more, but
countries contradict each other, so the same sound can be busy in one and congestion in another:

- 425 Hz, 250 / 250 ms: congestion by E.180 and in most of Europe, busy in Sweden, Brazil and Mexico;
- 425 Hz, 200 / 200 ms: congestion in Italy, Austria and more, busy in Spain;
- 425 Hz, 375 / 375 ms: busy in Australia, congestion in Ireland (425 Hz); at 400 Hz it is busy in the United Kingdom;
- 450 Hz, 500 / 500 ms: busy in Turkey, congestion in Romania.

Who knows where a call goes names the plans; then nothing is ambiguous but what a country itself does not tell apart.
Who does not gets the answer of the first plan in the order of the table.
"""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from dialer.progress.verdict import Label

_SIGNALS = (Label.RINGBACK, Label.BUSY, Label.CONGESTION, Label.SIT)


@dataclass(frozen=True, slots=True)
class NetworkTone:
    """One signal of one plan. `pulses` are (ms of tone, ms of pause after it), repeated for ever.

    Several frequencies sound together; with `modulated_hz` the one frequency's amplitude goes up and down so often.
    """

    plan: str
    label: Label
    frequencies_hz: tuple[float, ...]
    pulses: tuple[tuple[int, int], ...]
    modulated_hz: float = 0.0

    @property
    def steady(self) -> bool:
        """Whether it is a single line that stays where it is."""
        return len(self.frequencies_hz) == 1 and self.modulated_hz == 0.0


def plan_names() -> tuple[str, ...]:
    """The plans there are, in the order of the table."""
    return tuple(_table())


def tones_of(plans: Collection[str] = ()) -> tuple[NetworkTone, ...]:
    """The tones of these plans, of all if none is named, in the order of the table. ValueError for an unknown one."""
    unknown = sorted(set(plans) - set(_table()))
    if unknown:
        raise ValueError(f"there is no tone plan {', '.join(unknown)}; there are {', '.join(_table())}")
    return tuple(tone for name, tones in _table().items() if not plans or name in plans for tone in tones)


def tone_of(plan: str, label: Label) -> NetworkTone:
    """The signal of a plan, the first if it has several. Raises ValueError when there is none."""
    for tone in tones_of((plan,)):
        if tone.label is label:
            return tone
    raise ValueError(f"the tone plan {plan} has no {label.value}")


@cache
def _table() -> dict[str, tuple[NetworkTone, ...]]:
    content = tomllib.loads(resources.files(__package__).joinpath("tone_plans.toml").read_text(encoding="utf-8"))
    return {name: tuple(_tones(name, plan)) for name, plan in content.items()}


def _tones(name: str, plan: dict[str, Any]) -> list[NetworkTone]:
    return [_tone(name, label, entry) for label in _SIGNALS for entry in plan.get(label.value, ())]


def _tone(plan: str, label: Label, entry: dict[str, Any]) -> NetworkTone:
    lengths_ms = [int(length) for length in entry["ms"]]
    pulses = tuple(zip(lengths_ms[::2], lengths_ms[1::2], strict=True))
    frequencies_hz = tuple(float(hz) for hz in entry["hz"])
    return NetworkTone(plan, label, frequencies_hz, pulses, float(entry.get("am_hz", 0.0)))
