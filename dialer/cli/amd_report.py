"""The tables of `dialer amd evaluate`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dialer.cli.output import print_table, say
from dialer.progress.evaluation import (
    ANSWERED,
    DELAYS,
    EARLY,
    HARD_SUBCLASSES,
    HUMAN_RECALL,
    MACHINE_RECALL,
    MEASURES,
    PEOPLE_LOST,
    Result,
    Share,
    beep_score,
    confusion,
    duel,
    recalls,
)
from dialer.progress.inference import Percentile, mcnemar, percentile

_SEED = 1
"""Of the bootstrap: the same results print the same intervals."""
_PERCENTS = (50, 90)
_BEEP_DELAY = "beep, from its start to the word of it"


def print_report(results: Sequence[Result]) -> None:
    """Confusion per phase, recalls, the measures that count, delays, beeps."""
    for phase in (ANSWERED, EARLY):
        chosen = [result for result in results if result.clip.phase == phase]
        if chosen:
            _print_confusion(chosen, phase)
    _print_recalls(results)
    _print_errors(results)
    rows = [(measure.name, *_cells(measure.of(results))) for measure in MEASURES]
    print_table("What counts", ("", "clips", "share", "95 % interval"), rows)
    say(f"easy people: those not labelled {', '.join(sorted(HARD_SUBCLASSES))}")
    _print_delays(results)
    _print_beeps(results)


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """The same for programs: shares and delays (ms), with their 95 % intervals."""
    delays = {delay.name: delay.of(results) for delay in DELAYS} | {_BEEP_DELAY: beep_score(results).delays_ms}
    measures = {measure.name: measure.of(results) for measure in MEASURES}
    return {
        "shares": {
            name: {"hits": share.hits, "of": share.n, "low": share.interval.low, "high": share.interval.high}
            for name, share in measures.items()
        },
        "delays_ms": {
            name: {
                f"p{one.percent:g}": {"value": one.value, "low": one.interval.low, "high": one.interval.high}
                for one in _percentiles(delays_ms)
            }
            for name, delays_ms in delays.items()
        },
    }


def print_comparison(results: Sequence[Result], others: Sequence[Result], name: str) -> None:
    """Both side by side on the clips that both have heard, and every clip that they hear differently."""
    known = {other.clip: other for other in others}
    pairs = [(result, known[result.clip]) for result in results if result.clip in known]
    here, there = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if len(pairs) < len(results):
        say(f"{name} lacks {len(results) - len(pairs)} of {len(results)} clips; compared are the other {len(pairs)}")
    duels = [duel(measure, here, there) for measure in MEASURES]
    rows = [
        (
            one.measure.name,
            _percent(one.first),
            _percent(one.second),
            one.only_first,
            one.only_second,
            f"{mcnemar(one.only_first, one.only_second):.3f}",
        )
        for one in duels
    ]
    columns = ("", "here", name, "clips here only", "clips there only", "p (McNemar, exact)")
    print_table("Compared", columns, rows)
    medians = [(delay.name, _median(delay.of(here)), _median(delay.of(there))) for delay in DELAYS]
    print_table("Median delay", ("", "here", name), medians)
    differing = [
        (one.clip.file, one.clip.label.value, one.clip.subclass, _told(one), _told(other))
        for one, other in pairs
        if one.verdict.label is not other.verdict.label
    ]
    print_table("Heard differently", ("file", "is", "subclass", "here", name), differing)


def print_curve(points: Iterable[tuple[float, Sequence[Result]]]) -> None:
    """What is traded for what: a row a cost of losing a person (seconds of a collector's time)."""
    rows = [
        (
            f"{cost_s:g} s",
            *(_percent(measure.of(results)) for measure in (PEOPLE_LOST, HUMAN_RECALL, MACHINE_RECALL)),
            *(_median(delay.of(results)) for delay in DELAYS),
        )
        for cost_s, results in points
    ]
    columns = (
        "a lost person costs",
        PEOPLE_LOST.name,
        HUMAN_RECALL.name,
        MACHINE_RECALL.name,
        *(f"{delay.name}, median" for delay in DELAYS),
    )
    print_table("The trade", columns, rows)


def _print_confusion(results: Sequence[Result], phase: str) -> None:
    counts = confusion(results)
    labels = sorted({label for label, _ in counts})
    heard = sorted({told for _, told in counts} | set(labels))
    rows = [(label.value, *(counts[label, told] or "" for told in heard)) for label in labels]
    print_table(f"{phase}: {len(results)} clips, in rows what they are", ("", *(told.value for told in heard)), rows)


def _print_recalls(results: Sequence[Result]) -> None:
    rows = [
        (label.value, subclass, *_cells(share)) for (label, subclass), share in recalls(results).items() if subclass
    ]
    print_table("By subclass", ("label", "subclass", "heard as it is", "recall", "95 % interval"), rows)


def _print_errors(results: Sequence[Result]) -> None:
    wrong = Counter(
        (result.clip.label.value, result.clip.subclass, result.verdict.label.value, result.verdict.subclass)
        for result in results
        if not result.right
    )
    rows = [(*key, n_clips) for key, n_clips in sorted(wrong.items())]
    print_table("Heard otherwise", ("label", "subclass", "heard as", "because of", "clips"), rows)


def _print_delays(results: Sequence[Result]) -> None:
    rows = [(delay.name, *_delay_cells(delay.of(results))) for delay in DELAYS]
    rows.append((_BEEP_DELAY, *_delay_cells(beep_score(results).delays_ms)))
    columns = (
        "time to the verdict",
        "clips",
        *(f"{percent} % of them within (95 %)" for percent in _PERCENTS),
        "longest",
    )
    print_table("Delays of clips heard as what they are", columns, rows)


def _print_beeps(results: Sequence[Result]) -> None:
    score = beep_score(results)
    rows = [("found", *_cells(score.found)), ("machines with a false one", *_cells(score.false))]
    print_table("Beeps of machines, heard from the start", ("", "clips", "share", "95 % interval"), rows)


def _delay_cells(delays_ms: Sequence[int]) -> tuple[str, ...]:
    if not delays_ms:
        return "0", *("" for _ in _PERCENTS), ""
    found = _percentiles(delays_ms)
    shown = (f"{one.value:.0f} ms ({one.interval.low:.0f} to {one.interval.high:.0f})" for one in found)
    return str(len(delays_ms)), *shown, f"{max(delays_ms)} ms"


def _percentiles(delays_ms: Sequence[int]) -> list[Percentile]:
    chance = np.random.default_rng(_SEED)
    return [one for percent in _PERCENTS if (one := percentile(delays_ms, percent, chance)) is not None]


def _cells(share: Share) -> tuple[str, str, str]:
    if not share.n:
        return "0", "", ""
    interval = share.interval
    return f"{share.hits} of {share.n}", _percent(share), f"{interval.low:.1%} to {interval.high:.1%}"


def _percent(share: Share) -> str:
    return "" if share.share is None else f"{share.share:.1%}"


def _median(delays_ms: Sequence[int]) -> str:
    return f"{np.median(delays_ms):.0f} ms" if delays_ms else ""


def _told(result: Result) -> str:
    return f"{result.verdict.label.value} at {result.verdict.decided_ms} ms"
