"""Who answers in a rehearsal: for every number and every try, a behaviour drawn from a mixture. Pure and seeded.

The same seed, number and try always give the same person, however many calls run beside it, so that a rehearsal can be
repeated. What a behaviour sounds like and says in SIP is the carrier's part (`dialer.simulator.carrier`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b


class Behaviour(str, Enum):
    """What a dialed number does."""

    HUMAN = "human"
    MACHINE = "machine"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    POWERED_OFF = "powered_off"
    BAD_NUMBER = "bad_number"
    CONGESTION = "congestion"


DEFAULT_SHARES: Mapping[Behaviour, float] = {
    Behaviour.HUMAN: 0.46,
    Behaviour.MACHINE: 0.12,
    Behaviour.NO_ANSWER: 0.20,
    Behaviour.BUSY: 0.08,
    Behaviour.POWERED_OFF: 0.07,
    Behaviour.BAD_NUMBER: 0.05,
    Behaviour.CONGESTION: 0.02,
}
"""Shares of a mixed collection list in the daytime; illustrative, not measured on a real list."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """How a population behaves. Shares sum to 1; times are uniform between their two bounds, in seconds."""

    shares: Mapping[Behaviour, float] = field(default_factory=lambda: dict(DEFAULT_SHARES))
    ring_s: tuple[float, float] = (1.0, 5.0)
    talk_s: tuple[float, float] = (5.0, 14.0)
    patience_s: tuple[float, float] = (3.0, 8.0)

    def __post_init__(self) -> None:
        total = sum(self.shares.values())
        if abs(total - 1) > 1e-6 or min(self.shares.values()) < 0:
            raise ValueError(f"shares must be at least 0 and sum to 1; they sum to {total:.4f}")


@dataclass(frozen=True, slots=True)
class Person:
    """One answer to one call.

    `ring_s` until the behaviour shows; `talk_s` until this person hangs up a conversation; `patience_s` until this
    person hangs up when nobody speaks; `voice` in [0, 1) picks one of the voices at hand; `keys` is pressed in a menu.
    """

    behaviour: Behaviour
    ring_s: float
    talk_s: float
    patience_s: float
    voice: float
    keys: str = ""


MENU_KEYS = ("", "", "", "2", "1", "9")
"""What people press when an automated reminder offers keys: most press nothing."""


def person_for(number: str, call_count: int, mixture: Mixture, seed: int) -> Person:
    """Who takes this call: `call_count` is how often `number` was called before in this rehearsal."""
    draw = _Draws(f"{seed}|{number}|{call_count}")
    return Person(
        behaviour=_pick(mixture.shares, draw.next()),
        ring_s=_between(mixture.ring_s, draw.next()),
        talk_s=_between(mixture.talk_s, draw.next()),
        patience_s=_between(mixture.patience_s, draw.next()),
        voice=draw.next(),
        keys=MENU_KEYS[int(draw.next() * len(MENU_KEYS))],
    )


class _Draws:
    """Uniform numbers in [0, 1) from a text: a hash instead of a generator, so that no order of calls matters."""

    def __init__(self, text: str) -> None:
        self._digest = blake2b(text.encode(), digest_size=64).digest()
        self._used = 0

    def next(self) -> float:
        chunk = self._digest[self._used : self._used + 8]
        self._used += 8
        return int.from_bytes(chunk, "big") / 2**64


def _pick(shares: Mapping[Behaviour, float], draw: float) -> Behaviour:
    total = 0.0
    for behaviour, share in shares.items():
        total += share
        if draw < total:
            return behaviour
    return behaviour


def _between(bounds: tuple[float, float], draw: float) -> float:
    low, high = bounds
    return low + (high - low) * draw
