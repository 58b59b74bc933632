"""When a browser's phone is given up."""

import pytest

from dialer.agents.browser_presence import NO_AUDIO, NO_PAGE, Presence

GRACE_S = 20.0


def connected(now: float = 1.0) -> Presence:
    presence = Presence(GRACE_S, 0.0)
    presence.audio(True, now)
    return presence


def test_a_phone_that_never_connects_is_given_up_after_the_grace() -> None:
    presence = Presence(GRACE_S, 5.0)
    assert presence.due_at(in_call=False) == 5.0 + GRACE_S
    assert presence.cause() == NO_AUDIO


def test_a_phone_that_is_there_is_kept() -> None:
    assert connected().due_at(in_call=False) is None


def test_a_reload_within_the_grace_loses_nothing() -> None:
    presence = connected()
    presence.page(False, 10.0)
    presence.audio(False, 11.0)
    assert presence.due_at(in_call=True) == 10.0 + GRACE_S
    presence.page(True, 12.0)
    assert presence.due_at(in_call=True) == 10.0 + GRACE_S, "it is not heard yet"
    presence.audio(True, 13.0)
    assert presence.due_at(in_call=True) is None


@pytest.mark.parametrize("in_call", [True, False])
def test_lost_audio_ends_the_phone_even_in_a_call(in_call: bool) -> None:
    presence = connected()
    presence.audio(False, 30.0)
    assert (presence.due_at(in_call), presence.cause()) == (30.0 + GRACE_S, NO_AUDIO)


def test_without_its_page_a_call_goes_on_and_the_grace_begins_after_it() -> None:
    presence = connected()
    presence.page(False, 100.0)
    assert presence.due_at(in_call=True) is None
    presence.call_over(500.0)
    assert (presence.due_at(in_call=False), presence.cause()) == (500.0 + GRACE_S, NO_PAGE)


def test_a_gap_in_a_call_that_goes_on_without_its_page_has_its_own_grace() -> None:
    presence = connected()
    presence.page(False, 100.0)
    presence.audio(False, 400.0, in_call=True)
    assert presence.due_at(in_call=True) == 400.0 + GRACE_S
    presence.audio(True, 410.0, in_call=True)
    assert presence.due_at(in_call=True) is None


def test_audio_that_comes_and_goes_without_page_and_call_gains_no_time() -> None:
    presence = connected()
    presence.page(False, 100.0)
    presence.audio(False, 110.0)
    assert presence.due_at(in_call=False) == 100.0 + GRACE_S


def test_the_end_of_a_call_gives_lost_audio_no_more_time() -> None:
    presence = connected()
    presence.audio(False, 100.0)
    presence.call_over(115.0)
    assert presence.due_at(in_call=False) == 100.0 + GRACE_S


def test_the_end_of_a_call_is_nothing_to_a_phone_that_is_there() -> None:
    presence = connected()
    presence.call_over(50.0)
    assert presence.due_at(in_call=False) is None
