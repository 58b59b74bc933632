"""Timing and level of a greeting, from frames made by hand."""

import numpy as np
import pytest

from dialer.progress.features import NAMES, GreetingFeatures
from dialer.progress.frames import Frame
from dialer.progress.speech import SpeechTracker

QUIET = (-70.0, False)
LOUD = (-20.0, True)
SOFTER = (-28.0, True)
TELEVISION = (-31.0, True)
Sound = tuple[float, bool]


class Follower:
    """Tracker and features, fed as the detector feeds them."""

    def __init__(self) -> None:
        self.speech = SpeechTracker()
        self.features = GreetingFeatures()
        self._index = 0
        self.hear(30, QUIET)

    def hear(self, n_frames: int, sound: Sound) -> "Follower":
        for _ in range(n_frames):
            frame = Frame(self._index, *sound)
            self.features.feed(frame, self.speech, active=self.speech.feed(frame))
            self._index += 1
        return self

    def values(self) -> dict[str, float]:
        return dict(zip(NAMES, self.features.vector(self.speech).tolist(), strict=True))


def test_one_word_and_its_pause() -> None:
    values = Follower().hear(20, LOUD).hear(25, QUIET).values()
    assert values["span"] == values["speech"] == pytest.approx(0.4)
    assert values["gaps"] == pytest.approx(0)
    assert values["pause"] == pytest.approx(0.5)
    assert values["parts"] == 1
    assert values["first_part"] == values["longest_part"] == values["last_part"] == pytest.approx(0.4)
    assert values["first_gap"] == values["longest_gap"] == 0


def test_parts_and_the_breaks_between_them() -> None:
    follower = Follower().hear(10, LOUD).hear(8, QUIET).hear(20, LOUD).hear(15, QUIET).hear(5, LOUD)
    values = follower.values()
    assert values["parts"] == 3
    assert values["first_part"] == pytest.approx(0.2)
    assert values["longest_part"] == pytest.approx(0.4)
    assert values["last_part"] == pytest.approx(0.1)
    assert values["first_gap"] == pytest.approx(0.16)
    assert values["longest_gap"] == pytest.approx(0.3)
    assert values["span"] == pytest.approx(1.16)
    assert values["gaps"] == pytest.approx(0.46)
    assert follower.features.last_part_ms == 100


def test_the_stop_of_a_word_parts_nothing() -> None:
    values = Follower().hear(10, LOUD).hear(6, QUIET).hear(10, LOUD).values()
    assert values["parts"] == 1
    assert values["first_gap"] == values["longest_gap"] == 0
    assert values["last_part"] == pytest.approx(0.52)


@pytest.mark.parametrize("n_syllables", [1, 2, 5])
def test_each_bump_of_the_level_is_a_syllable(n_syllables: int) -> None:
    follower = Follower()
    for _ in range(n_syllables):
        follower.hear(6, LOUD).hear(4, SOFTER)
    values = follower.values()
    assert values["syllables"] == n_syllables
    assert values["syllable_rate"] == pytest.approx(n_syllables / values["speech"])


def test_a_level_that_hardly_moves_is_one_syllable() -> None:
    assert Follower().hear(10, LOUD).hear(10, (-22.0, True)).hear(10, LOUD).values()["syllables"] == 1


def test_levels_are_told_against_the_loudest() -> None:
    values = Follower().hear(15, LOUD).hear(15, SOFTER).values()
    assert values["level_range"] == pytest.approx(8)
    assert values["level_end"] == pytest.approx(-4), "the last 0.3 s against the mean"
    assert values["opening"] == pytest.approx(0)
    assert values["above_noise"] == pytest.approx(50)
    assert -8.0 <= values["level_now"] < -7.5


def test_a_television_does_not_end_the_pause_of_the_person() -> None:
    follower = Follower().hear(20, LOUD).hear(50, TELEVISION)
    assert follower.values()["pause"] == 0, "a voice all the same"
    assert 0.8 < follower.features.loud_pause_s <= 1.0
    assert follower.values()["loud_pause"] == follower.features.loud_pause_s


def test_vowels_are_counted_among_the_frames_of_speech() -> None:
    """A word whose second half is breath."""
    speech, features = SpeechTracker(), GreetingFeatures()
    for index in range(50):
        level_dbfs = -20.0 if 30 <= index < 50 else -70.0
        frame = Frame(index, level_dbfs, voiced=index >= 30, periodicity=0.9 if index < 40 else 0.2)
        features.feed(frame, speech, active=speech.feed(frame))
    assert features.periodic_share == pytest.approx(0.5)
    assert features.above_noise_db(speech) == pytest.approx(50)


def test_pause_and_span_bend_where_what_they_say_changes() -> None:
    follower = Follower().hear(50, LOUD).hear(40, QUIET)
    values = follower.values()
    assert [values[f"pause_to_{at}"] for at in (300, 600, 1000)] == pytest.approx([0.3, 0.6, 0.8])
    assert [values[f"span_to_{at}"] for at in (900, 2100, 3200)] == pytest.approx([0.9, 1.0, 1.0])
    assert values["pause_decay"] == pytest.approx(np.exp(-0.8 / 0.25))


def test_the_noise_after_is_told_against_the_noise_before() -> None:
    values = Follower().hear(20, LOUD).hear(90, (-50.0, False)).values()
    assert values["noise_change"] == pytest.approx(20)


def test_a_click_is_forgotten_and_the_greeting_begins_anew() -> None:
    clicked = Follower().hear(3, (-10.0, True)).hear(12, QUIET)
    assert clicked.speech.start_ms is None
    assert clicked.features.last_part_ms == 0
    values = clicked.hear(20, LOUD).hear(5, QUIET).values()
    assert values == pytest.approx(Follower().hear(20, LOUD).hear(5, QUIET).values())


def test_before_any_speech_there_is_nothing() -> None:
    follower = Follower()
    assert follower.features.last_part_ms == 0
    assert follower.values()["span"] == follower.values()["parts"] == 0
