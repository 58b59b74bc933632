"""Two user agents over a network that loses, repeats and reorders: whatever happens, both end consistent and quiet."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.sip.calls import IncomingCall
from dialer.sip.events import Answered, Ended, Failed
from dialer.sip.session_words import State
from tests.support.sip_lab import Lab, lossy, perfect

SDP_B = "v=0\r\no=- 2 2 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n"
instants = st.floats(min_value=0.0, max_value=12.0)


def waiting(lab: Lab) -> list[IncomingCall]:
    """The calls b has neither answered nor refused."""
    return [incoming for incoming in lab.incoming if incoming._call.session.state is State.INCOMING]


def play(lab: Lab, answer_at: float | None, cancel_at: float | None, hang_up_at: float, b_hangs_up: bool) -> None:
    """a calls; b rings and answers or refuses; a cancels perhaps; somebody hangs up."""
    call = lab.invite()

    def decide() -> None:
        for incoming in waiting(lab):
            if answer_at is None:
                incoming.reject(486)
            else:
                incoming.answer(SDP_B, lab.events_of_b.append)

    def ring() -> None:
        for incoming in waiting(lab):
            incoming.ringing()

    def hang_up() -> None:
        for live in (lab.b if b_hangs_up else lab.a).calls:
            live.hang_up()

    for i in range(60):  # b's owner acts on whatever has arrived by then
        lab.at(0.5 + i, ring)
        lab.at((answer_at or 5.0) + 0.6 + i, decide)
    if cancel_at is not None:
        lab.at(cancel_at, call.cancel)
    lab.at(30.0 + hang_up_at, hang_up)
    lab.run(400.0)


def check(lab: Lab) -> None:
    ends = [event for event in lab.events if isinstance(event, Failed | Ended)]
    assert len(ends) == 1, lab.events
    assert lab.events[-1] is ends[0]
    answered = [event for event in lab.events if isinstance(event, Answered)]
    assert len(answered) == isinstance(ends[0], Ended)
    ends_of_b = [event for event in lab.events_of_b if isinstance(event, Failed | Ended)]
    assert len(ends_of_b) <= len(lab.incoming)
    assert lab.is_quiet, (lab.a.calls, lab.b.calls, len(lab.a.layer), len(lab.b.layer))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    loss=st.floats(0.0, 0.3),
    duplicate=st.floats(0.0, 0.5),
    spread_s=st.floats(0.0, 1.5),
    answer_at=st.none() | instants,
    cancel_at=st.none() | instants,
    hang_up_at=instants,
    b_hangs_up=st.booleans(),
)
def test_both_sides_end_consistent_on_a_bad_network(
    seed: int,
    loss: float,
    duplicate: float,
    spread_s: float,
    answer_at: float | None,
    cancel_at: float | None,
    hang_up_at: float,
    b_hangs_up: bool,
) -> None:
    lab = Lab(lossy(seed, loss, duplicate, spread_s))
    play(lab, answer_at, cancel_at, hang_up_at, b_hangs_up)
    check(lab)


@settings(max_examples=100, deadline=None)
@given(answer_at=instants, offset_s=st.floats(-0.05, 0.05))
def test_a_cancel_that_crosses_the_answer_leaves_nobody_talking(answer_at: float, offset_s: float) -> None:
    lab = Lab(perfect)
    play(lab, answer_at, max(0.0, answer_at + 0.6 + offset_s), 0.0, b_hangs_up=False)
    check(lab)
    assert all(not isinstance(event, Ended) or not event.by_remote for event in lab.events)
