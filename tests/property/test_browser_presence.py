"""Whatever happens to a browser: its phone is given up when it was away for the grace, and never while it is there."""

from hypothesis import given
from hypothesis import strategies as st

from dialer.agents.browser_presence import NO_AUDIO, NO_PAGE, Presence

GRACE_S = 20.0
EVENTS = st.tuples(
    st.sampled_from(("page", "no page", "audio", "no audio", "call over")), st.floats(0.0, 60.0), st.booleans()
)


@given(st.lists(EVENTS, max_size=30))
def test_given_up_after_the_grace_and_not_before(events: list[tuple[str, float, bool]]) -> None:
    now, away_since = 0.0, 0.0
    has_page, is_heard = True, False
    presence = Presence(GRACE_S, now)
    for event, later_s, in_call in events:
        was_there, was_heard = has_page and is_heard, is_heard
        now += later_s
        match event:
            case "page" | "no page":
                has_page = event == "page"
                presence.page(has_page, now)
            case "audio" | "no audio":
                is_heard = event == "audio"
                presence.audio(is_heard, now, in_call=in_call)
                if in_call and was_heard and not is_heard:  # what kept the call without a page is lost now
                    away_since = now
            case _:
                presence.call_over(now)
                away_since = now if is_heard else away_since
        if was_there:
            away_since = now
        due_at = presence.due_at(in_call)
        if (has_page and is_heard) or (in_call and is_heard):
            assert due_at is None
        else:
            assert due_at == away_since + GRACE_S
            assert presence.cause() == (NO_PAGE if is_heard else NO_AUDIO)
        assert presence.is_heard is is_heard
        assert presence.is_here is (has_page and is_heard)
