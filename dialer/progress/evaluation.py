"""What a detector is worth, from clips of which is known what they hold. Pure.

The error that costs most has a figure of its own: people called machines, who are hung up on. Fax, silence or a tone
lose a person just as well, so there is a figure of all of them. The *easy* people are those without heavy noise, a
television or a company's greeting, by the subclass of their clip.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dialer.model.proportion import Interval, wilson
from dialer.progress.verdict import Label, Verdict

ANSWERED, EARLY = "answered", "early"
HARD_SUBCLASSES = frozenset({"noisy", "tv", "business"})
BEEP_TOLERANCE_MS = 60
"""A beep found further from where it is was another sound."""
NOT_LOST = frozenset({Label.HUMAN, Label.UNKNOWN})
"""Heard as one of these a person reaches a collector; heard as anything else, nobody."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording and what it holds. Instants in ms from its start, None where it has no such thing."""

    file: str
    label: Label
    subclass: str
    phase: str
    """`answered` or `early`."""
    first_speech_ms: int | None = None
    greeting_end_ms: int | None = None
    beep_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FoundBeep:
    """The first beep that the beep detector told of: when it began, and when it was told (ms)."""

    beep_ms: int
    found_at_ms: int


@dataclass(frozen=True, slots=True)
class Result:
    """A clip and what was heard in it; `beep` only of machines."""

    clip: Clip
    verdict: Verdict
    beep: FoundBeep | None = None

    @property
    def right(self) -> bool:
        """Whether it was heard as what it is."""
        return self.verdict.label is self.clip.label


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    hits: int
    n: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; None of none."""
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> Interval:
        """Where the share of all such clips lies, with 95 % confidence."""
        return wilson(self.hits, self.n)


Condition = Callable[[Result], bool]


@dataclass(frozen=True, slots=True)
class Measure:
    """A share worth reporting: of the results that `among` picks, those that `hit` picks."""

    name: str
    among: Condition
    hit: Condition

    def of(self, results: Iterable[Result]) -> Share:
        """The share in these results."""
        chosen = [result for result in results if self.among(result)]
        return Share(sum(map(self.hit, chosen)), len(chosen))


@dataclass(frozen=True, slots=True)
class Delay:
    """A time to the verdict, of clips heard as what they are."""

    name: str
    label: Label
    since: Callable[[Clip], int | None]

    def of(self, results: Iterable[Result]) -> tuple[int, ...]:
        """In ms, a value a clip. Negative: the verdict came before."""
        return tuple(
            result.verdict.decided_ms - since_ms
            for result in results
            if result.clip.label is self.label and result.right and (since_ms := self.since(result.clip)) is not None
        )


@dataclass(frozen=True, slots=True)
class BeepScore:
    """What became of the beeps on machines."""

    found: Share
    delays_ms: tuple[int, ...]
    """From the start of each beep that was found to when it was told."""
    false: Share
    """Of all machines, those where something else was taken for the beep."""


def is_easy_person(result: Result) -> bool:
    """A person without heavy noise, a television or a company's greeting."""
    return _is(Label.HUMAN)(result) and result.clip.subclass not in HARD_SUBCLASSES


def _is(label: Label) -> Condition:
    return lambda result: result.clip.label is label


def _heard(label: Label) -> Condition:
    return lambda result: result.verdict.label is label


def _right(result: Result) -> bool:
    return result.right


def _hung_up_on(result: Result) -> bool:
    return result.verdict.label not in NOT_LOST


PEOPLE_LOST = Measure("people called machine", _is(Label.HUMAN), _heard(Label.MACHINE))
MACHINE_RECALL = Measure("machines heard", _is(Label.MACHINE), _right)
HUMAN_RECALL = Measure("people heard", _is(Label.HUMAN), _right)
MEASURES = (
    PEOPLE_LOST,
    Measure("easy people called machine", is_easy_person, _heard(Label.MACHINE)),
    Measure("people hung up on, whatever they were called", _is(Label.HUMAN), _hung_up_on),
    HUMAN_RECALL,
    MACHINE_RECALL,
    Measure("all else after the answer", lambda r: r.clip.phase == ANSWERED and not _spoken(r), _right),
    Measure("before the answer", lambda r: r.clip.phase == EARLY, _right),
)
DELAYS = (
    Delay("person, from the first speech", Label.HUMAN, lambda clip: clip.first_speech_ms),
    Delay("person, from the greeting's end", Label.HUMAN, lambda clip: clip.greeting_end_ms),
    Delay("machine, from the first speech", Label.MACHINE, lambda clip: clip.first_speech_ms),
)


def _spoken(result: Result) -> bool:
    return result.clip.label in (Label.HUMAN, Label.MACHINE)


def confusion(results: Iterable[Result]) -> Counter[tuple[Label, Label]]:
    """How many clips of what (first) were heard as what (second)."""
    return Counter((result.clip.label, result.verdict.label) for result in results)


def recalls(results: Iterable[Result]) -> dict[tuple[Label, str], Share]:
    """Those heard as what they are, per label (under an empty subclass) and per label and subclass; sorted by name."""
    hits: Counter[tuple[Label, str]] = Counter()
    totals: Counter[tuple[Label, str]] = Counter()
    for result in results:
        for key in {(result.clip.label, ""), (result.clip.label, result.clip.subclass)}:
            totals[key] += 1
            hits[key] += result.right
    return {key: Share(hits[key], totals[key]) for key in sorted(totals)}


def beep_score(results: Iterable[Result]) -> BeepScore:
    """Over the clips that are machines."""
    machines = [result for result in results if _is(Label.MACHINE)(result)]
    delays_ms = tuple(
        result.beep.found_at_ms - result.clip.beep_ms
        for result in machines
        if result.beep is not None and result.clip.beep_ms is not None and _same_beep(result.beep, result.clip.beep_ms)
    )
    n_told = sum(result.beep is not None for result in machines)
    n_beeps = sum(result.clip.beep_ms is not None for result in machines)
    return BeepScore(Share(len(delays_ms), n_beeps), delays_ms, Share(n_told - len(delays_ms), len(machines)))


def _same_beep(found: FoundBeep, beep_ms: int) -> bool:
    return abs(found.beep_ms - beep_ms) <= BEEP_TOLERANCE_MS


@dataclass(frozen=True, slots=True)
class Duel:
    """One measure of two detectors on the same clips."""

    measure: Measure
    first: Share
    second: Share
    only_first: int
    """Clips where the first alone has what is measured."""
    only_second: int


def duel(measure: Measure, first: Sequence[Result], second: Sequence[Result]) -> Duel:
    """Both must be results of the same clips in the same order; ValueError otherwise."""
    pairs = [(one, other) for one, other in zip(first, second, strict=True) if measure.among(one)]
    if any(one.clip != other.clip for one, other in pairs):
        raise ValueError("the results are of different clips")
    hits = Counter((measure.hit(one), measure.hit(other)) for one, other in pairs)
    return Duel(measure, measure.of(first), measure.of(second), hits[True, False], hits[False, True])
