"""Which recordings a plan draws, and why each. Pure, and the same for everyone who draws again.

Every recording has a lot for a plan and a period: a hash over the plan's seed, the period and the recording's id. The
seed is fixed before the first of the calls is made and no id is known before its call, so nobody can choose who is
drawn; and since a lot depends on nothing else, a recording that comes in late may take one place and brings nobody
else in.

Places are given in turns: in the first turn each collector's first recording, in the second each one's second, as far
as the plan's numbers go. Within a turn, and among one collector's recordings, those with more reasons come first, then
the smaller lot. So nobody is listened to twice while somebody with something to listen to is passed over.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

DIGEST_BYTES = 16


class ReasonKind(str, Enum):
    """Why something was drawn or given out."""

    RANDOM = "random"
    LONG = "long"
    SHORT = "short"
    SILENCE = "silence"
    OVERTALK = "overtalk"
    OUTCOME = "outcome"
    DISPOSITION = "disposition"
    CASE = "case"
    """The case took this status after the call."""
    BROKEN_PROMISE = "broken_promise"
    WORD = "word"
    """Of a transcript."""
    UNNAMED = "unnamed"
    """An announcement that nobody named yet."""
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, with what was found: `734 s`, `complaint`, `2026-12-01`."""

    kind: ReasonKind
    detail: str = ""


RANDOM = Reason(ReasonKind.RANDOM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Risks:
    """What makes a recording worth listening to; any one of these does. None and empty: not looked at.

    Shares are of the recording's length, 0 to 1. A promise is a wrap-up with one of `promise_codes` whose date field
    `promise_field` says until when; it is broken when so many days after that day the case was not paid. `words` are
    looked for in the transcript, where there is one, whatever their case.
    """

    longer_than_s: float | None = None
    shorter_than_s: float | None = None
    silence_above: float | None = None
    overtalk_above: float | None = None
    outcomes: frozenset[str] = frozenset()
    dispositions: frozenset[str] = frozenset()
    case_statuses: frozenset[str] = frozenset()
    promise_codes: frozenset[str] = frozenset()
    promise_field: str = ""
    promise_grace_days: int = 1
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How many recordings of which calls: `per_collector` at most of each, `quota` at most of all.

    Without `risks` every recording of the period is worth the same; with them only those that show one.
    """

    per_collector: int
    quota: int | None = None
    min_duration_s: float = 0.0
    campaign_ids: frozenset[int] = frozenset()
    """Empty: of every campaign."""
    risks: Risks | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A recording of a collector's call as a plan sees it.

    `of_period`: the call began in the period; of an earlier one only what became of its case since then counts.
    `case_statuses` and `broken_promise` (the promised day) came about in the period, after the call.
    """

    item: str
    collector: int
    duration_s: float
    campaign: int = 0
    of_period: bool = True
    silence_share: float = 0.0
    overtalk_share: float = 0.0
    outcome: str = ""
    disposition: str = ""
    case_statuses: tuple[str, ...] = ()
    broken_promise: str = ""
    transcript: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A recording that was drawn."""

    candidate: Candidate
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What came of a draw. `pool` is how many could have been drawn, `digest` the SHA-256 of their ids."""

    pool: int
    digest: bytes
    chosen: tuple[Chosen, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    turn: int
    n_reasons: int
    lot: bytes
    chosen: Chosen

    @property
    def order(self) -> tuple[int, int, bytes]:
        return self.turn, -self.n_reasons, self.lot


def draw(rules: Rules, candidates: Iterable[Candidate], seed: str, period: str) -> Drawing:
    """Chance's choice of the candidates of a period, in the order of their places.

    Raises:
        ValueError: a candidate is there twice.
    """
    fit = [one for one in candidates if one.duration_s >= rules.min_duration_s]
    worth = [Chosen(one, reasons) for one in fit if (reasons := reasons_for(rules.risks, one))]
    of_collectors: defaultdict[int, list[Chosen]] = defaultdict(list)
    for one in worth:
        of_collectors[one.candidate.collector].append(one)
    key = f"{seed}:{period}"
    places = sorted((place for of_one in of_collectors.values() for place in _places(of_one, key)), key=_by_order)
    within = [place.chosen for place in places if place.turn < rules.per_collector]
    return Drawing(len(worth), _digest([one.candidate.item for one in worth]), tuple(within[: rules.quota]))


def _by_order(place: _Place) -> tuple[int, int, bytes]:
    return place.order


def _places(of_one: Sequence[Chosen], key: str) -> Iterator[_Place]:
    ranked = sorted((-len(one.reasons), lot(key, one.candidate.item), n) for n, one in enumerate(of_one))
    for turn, (_, drawn, n) in enumerate(ranked):
        yield _Place(turn, len(of_one[n].reasons), drawn, of_one[n])


def lot(key: str, item: str) -> bytes:
    """What decides who comes first: it depends on nothing but the key and the item itself."""
    return hashlib.blake2b(f"{key}:{item}".encode(), digest_size=DIGEST_BYTES).digest()


def _digest(items: list[str]) -> bytes:
    if len(set(items)) != len(items):
        raise ValueError("a recording is among the candidates twice")
    return hashlib.sha256("\n".join(sorted(items)).encode()).digest()


def reasons_for(risks: Risks | None, candidate: Candidate) -> tuple[Reason, ...]:
    """Why a candidate is worth listening to; () if it is not."""
    if risks is None:
        return (RANDOM,) if candidate.of_period else ()
    of_call = _reasons_of_call(risks, candidate) if candidate.of_period else ()
    return (*of_call, *_reasons_since(risks, candidate))


def _reasons_of_call(risks: Risks, candidate: Candidate) -> Iterator[Reason]:
    """What the call itself shows."""
    length = f"{candidate.duration_s:.0f} s"
    if risks.longer_than_s is not None and candidate.duration_s > risks.longer_than_s:
        yield Reason(ReasonKind.LONG, length)
    if risks.shorter_than_s is not None and candidate.duration_s < risks.shorter_than_s:
        yield Reason(ReasonKind.SHORT, length)
    if risks.silence_above is not None and candidate.silence_share > risks.silence_above:
        yield Reason(ReasonKind.SILENCE, f"{candidate.silence_share:.0%}")
    if risks.overtalk_above is not None and candidate.overtalk_share > risks.overtalk_above:
        yield Reason(ReasonKind.OVERTALK, f"{candidate.overtalk_share:.0%}")
    if candidate.outcome in risks.outcomes:
        yield Reason(ReasonKind.OUTCOME, candidate.outcome)
    if candidate.disposition in risks.dispositions:
        yield Reason(ReasonKind.DISPOSITION, candidate.disposition)
    said = candidate.transcript.casefold()
    yield from (Reason(ReasonKind.WORD, word) for word in risks.words if word.casefold() in said)


def _reasons_since(risks: Risks, candidate: Candidate) -> Iterator[Reason]:
    """What became of it."""
    statuses = sorted(set(candidate.case_statuses) & risks.case_statuses)
    yield from (Reason(ReasonKind.CASE, status) for status in statuses)
    if risks.promise_codes and candidate.broken_promise:
        yield Reason(ReasonKind.BROKEN_PROMISE, candidate.broken_promise)
