"""What becomes of each call of a simulated day, and how long everything lasts. Pure and seeded.

A fate depends on the seed, the person, the try and the time of the call, not on the order of calls: the same people
meet every mode of pacing, so that modes are compared on the same day.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from dialer.simulator.people import Behaviour
from dialer.simulator.scenario import Change, Duration, Part, Scenario, Segment

ENDS_AFTER_S: Mapping[Behaviour, float] = {
    Behaviour.BUSY: 3.0,
    Behaviour.POWERED_OFF: 6.0,
    Behaviour.BAD_NUMBER: 5.0,
    Behaviour.CONGESTION: 0.5,
}
"""When a call that nobody can take ends; announcements take their time."""
MACHINE_TALK_S = 8.0
"""So long a collector hears a machine out before hanging up."""
MACHINE_WRAP_S = 3.0
_WANDER_STEP_S = 60.0
_MOST_ANSWERED = 0.97


@dataclass(frozen=True, slots=True)
class Fate:
    """One call. `ring_s` passes until the behaviour shows.

    For what is answered: `greeting_s` the first words, `decided_s` from the answer to the verdict, `heard_as` what the
    verdict takes it for. For people: `patience_s` on a silent line after the greeting, `talk_s` with a collector,
    `promises` whether that settles it.
    """

    behaviour: Behaviour
    ring_s: float
    greeting_s: float = 0.0
    decided_s: float = 0.0
    heard_as: Behaviour = Behaviour.HUMAN
    patience_s: float = 0.0
    talk_s: float = 0.0
    promises: bool = False


class Fates:
    """The fates of one seed's day."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        self._seed = seed
        self._shares = tuple(accumulate(segment.share for segment in scenario.segments))
        self._wander = tuple(_walk(scenario, random.Random(f"{seed}|wander")))  # noqa: S311 - a simulation

    def segment_of(self, person: int) -> Segment:
        """Which kind of people this person is of; the same in every try."""
        if len(self._shares) == 1:
            return self.scenario.segments[0]
        draw = random.Random(f"{self._seed}|{person}").random() * self._shares[-1]  # noqa: S311
        return next(s for s, until in zip(self.scenario.segments, self._shares, strict=True) if draw < until)

    def of_call(self, person: int, n_try: int, at_s: float) -> Fate:
        """The fate of a person's `n_try`-th call, `at_s` seconds after the day began."""
        segment = self.segment_of(person)
        chance = random.Random(f"{self._seed}|{person}|{n_try}")  # noqa: S311
        behaviour = _behaviour(segment, self._answered(segment, at_s), chance)
        ring_s = draw(segment.ring, chance)
        if behaviour not in (Behaviour.HUMAN, Behaviour.MACHINE):
            return Fate(behaviour, ring_s)
        return self._answered_fate(segment, behaviour, ring_s, chance, at_s)

    def of_workforce(self, name: str) -> random.Random:
        """A source of chance for one collector or another thing with a name."""
        return random.Random(f"{self._seed}|{name}")  # noqa: S311

    def _answered_fate(
        self, segment: Segment, behaviour: Behaviour, ring_s: float, chance: random.Random, at_s: float
    ) -> Fate:
        detection = self.scenario.detection
        wrong = detection.people_called_machines if behaviour is Behaviour.HUMAN else detection.machines_called_people
        heard_as = behaviour
        if chance.random() < wrong:
            heard_as = Behaviour.MACHINE if behaviour is Behaviour.HUMAN else Behaviour.HUMAN
        greeting_s = draw(segment.greeting, chance)
        after_s = greeting_s + draw(detection.person_s, chance)
        machine_s = max(draw(detection.machine_s, chance), greeting_s)
        talk_s = draw(segment.talk, chance) * self._factor("talk", at_s)
        return Fate(
            behaviour,
            ring_s,
            greeting_s,
            after_s if heard_as is Behaviour.HUMAN else machine_s,
            heard_as,
            patience_s=draw(segment.patience, chance),
            talk_s=talk_s,
            promises=chance.random() < segment.promises,
        )

    def _answered(self, segment: Segment, at_s: float) -> float:
        hour = int((self.scenario.begins.hour * 3600 + self.scenario.begins.minute * 60 + at_s) // 3600) % 24
        wander = self._wander[min(int(at_s / _WANDER_STEP_S), len(self._wander) - 1)]
        share = segment.answered * segment.by_hour.get(hour, 1.0) * self._factor("answered", at_s) * wander
        return min(share, _MOST_ANSWERED)

    def _factor(self, of: str, at_s: float) -> float:
        return math.prod(
            _changed(change, getattr(change, of), self._since(change, at_s)) for change in self.scenario.changes
        )

    def _since(self, change: Change, at_s: float) -> float:
        return at_s - self.scenario.seconds_at(change.at)


def draw(duration: Duration, chance: random.Random) -> float:
    """A duration in seconds."""
    part = _one_of(duration.parts, chance)
    if part.alpha is None:
        seconds = part.mean_s * math.exp(part.sigma * chance.gauss(0.0, 1.0) - part.sigma**2 / 2)
    else:
        seconds = part.mean_s * (part.alpha - 1) * (chance.paretovariate(part.alpha) - 1)
    return min(max(seconds, duration.least_s), duration.most_s)


def _one_of(parts: Sequence[Part], chance: random.Random) -> Part:
    if len(parts) == 1:
        return parts[0]
    return chance.choices(parts, [part.share for part in parts])[0]


def _behaviour(segment: Segment, answered: float, chance: random.Random) -> Behaviour:
    """Where more is answered there is less of everything else, in proportion."""
    draws = chance.random(), chance.random()
    if draws[0] < answered:
        return Behaviour.MACHINE if draws[1] < segment.machine else Behaviour.HUMAN
    others = (
        (Behaviour.BUSY, segment.busy),
        (Behaviour.POWERED_OFF, segment.powered_off),
        (Behaviour.BAD_NUMBER, segment.bad_number),
        (Behaviour.CONGESTION, segment.congestion),
    )
    position = draws[1] * max(1.0 - segment.answered, sum(share for _, share in others))
    for behaviour, share in others:
        position -= share
        if position < 0:
            return behaviour
    return Behaviour.NO_ANSWER


def _changed(change: Change, factor: float, since_s: float) -> float:
    if since_s < 0:
        return 1.0
    reached = 1.0 if change.over_min <= 0 else min(since_s / (change.over_min * 60), 1.0)
    return 1.0 + (factor - 1.0) * reached


def _walk(scenario: Scenario, chance: random.Random) -> list[float]:
    """exp(x) for each minute of the day, x an Ornstein-Uhlenbeck process with the mean of exp(x) at 1."""
    wander = scenario.wander
    keeps = math.exp(-_WANDER_STEP_S / 60 / wander.minutes)
    x, factors = wander.sigma * chance.gauss(0.0, 1.0), []
    for _ in range(int(scenario.length_s / _WANDER_STEP_S) + 2):
        factors.append(math.exp(x - wander.sigma**2 / 2))
        x = keeps * x + math.sqrt(1 - keeps**2) * wander.sigma * chance.gauss(0.0, 1.0)
    return factors
