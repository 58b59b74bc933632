"""What a detector is worth: shares, delays, beeps, and two detectors on the same clips."""

import pytest

from dialer.model.proportion import wilson
from dialer.progress.evaluation import (
    BEEP_TOLERANCE_MS,
    DELAYS,
    MEASURES,
    Clip,
    FoundBeep,
    Result,
    Share,
    beep_score,
    confusion,
    duel,
    recalls,
)
from dialer.progress.verdict import Label, Verdict

HUMAN, MACHINE, UNKNOWN, FAX = Label.HUMAN, Label.MACHINE, Label.UNKNOWN, Label.FAX


def result(label: Label, heard: Label, subclass: str = "normal", *, decided_ms: int = 1000, n: int = 0) -> Result:
    phase = "early" if label in (Label.BUSY, Label.MUSIC) else "answered"
    clip = Clip(f"{label.value}-{subclass}-{n}.wav", label, subclass, phase, 200, 800)
    return Result(clip, Verdict(heard, 0.9, decided_ms))


RESULTS = [
    result(HUMAN, HUMAN),
    result(HUMAN, UNKNOWN, "short"),
    result(HUMAN, MACHINE, "tv"),
    result(HUMAN, Label.SILENCE, "late"),
    result(MACHINE, MACHINE, decided_ms=2500),
    result(MACHINE, HUMAN, "short"),
    result(FAX, FAX),
    result(Label.BUSY, Label.BUSY),
    result(Label.MUSIC, Label.ANNOUNCEMENT),
]


@pytest.mark.parametrize(
    ("name", "hits", "n"),
    [
        ("people called machine", 1, 4),
        ("easy people called machine", 0, 3),  # the one lost sat before a television
        ("people hung up on, whatever they were called", 2, 4),  # silence is hung up on, unknown reaches a collector
        ("people heard", 1, 4),
        ("machines heard", 1, 2),
        ("all else after the answer", 1, 1),
        ("before the answer", 1, 2),
    ],
)
def test_measures(name: str, hits: int, n: int) -> None:
    (measure,) = (measure for measure in MEASURES if measure.name == name)
    share = measure.of(RESULTS)
    assert share == Share(hits, n)
    assert share.interval == wilson(hits, n)


def test_a_share_of_none_is_no_share() -> None:
    assert Share(0, 0).share is None
    assert Share(1, 4).share == 0.25


def test_delays_are_of_clips_heard_as_what_they_are() -> None:
    delays = {delay.name: delay.of(RESULTS) for delay in DELAYS}
    assert delays == {
        "person, from the first speech": (800,),
        "person, from the greeting's end": (200,),
        "machine, from the first speech": (2300,),
    }
    untold = Result(Clip("a.wav", HUMAN, "", "answered"), Verdict(HUMAN, 0.9, 1000))
    assert all(delay.of([untold]) == () for delay in DELAYS)


def test_confusion_and_recalls() -> None:
    assert confusion(RESULTS)[HUMAN, UNKNOWN] == 1
    assert confusion(RESULTS).total() == len(RESULTS)
    shares = recalls(RESULTS)
    assert shares[HUMAN, ""] == Share(1, 4)
    assert shares[HUMAN, "tv"] == Share(0, 1)
    assert list(shares) == sorted(shares)


def test_a_label_without_subclasses_counts_once() -> None:
    assert recalls([result(HUMAN, HUMAN, "")]) == {(HUMAN, ""): Share(1, 1)}


def test_beeps_found_missed_and_false() -> None:
    def machine(beep_ms: int | None, told: tuple[int, int] | None) -> Result:
        clip = Clip("m.wav", MACHINE, "", "answered", beep_ms=beep_ms)
        return Result(clip, Verdict(MACHINE, 0.9, 1000), None if told is None else FoundBeep(*told))

    score = beep_score(
        [
            machine(5000, (5000 + BEEP_TOLERANCE_MS, 5120)),
            machine(5000, (5000 - BEEP_TOLERANCE_MS, 5080)),
            machine(5000, (3000, 3100)),  # another sound: a false beep, and the true one is missed
            machine(5000, None),
            machine(None, None),
            machine(None, (900, 1000)),
            result(HUMAN, HUMAN),
        ]
    )
    assert score.found == Share(2, 4)
    assert score.delays_ms == (120, 80)
    assert score.false == Share(2, 6)


def test_two_detectors_differ_where_only_one_hits() -> None:
    others = [Result(one.clip, Verdict(MACHINE, 0.9, 2000)) for one in RESULTS]
    lost, machines = MEASURES[0], MEASURES[4]
    on_people, on_machines = duel(lost, RESULTS, others), duel(machines, RESULTS, others)
    assert (on_people.first, on_people.second) == (Share(1, 4), Share(4, 4))
    assert (on_people.only_first, on_people.only_second) == (0, 3)
    assert (on_machines.only_first, on_machines.only_second) == (0, 1)


def test_only_the_same_clips_can_be_compared() -> None:
    with pytest.raises(ValueError, match="different clips"):
        duel(MEASURES[0], [result(HUMAN, HUMAN, n=1)], [result(HUMAN, HUMAN, n=2)])
