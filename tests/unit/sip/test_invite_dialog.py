"""An answered call: what the peer asks for inside the dialog, and how it ends."""

import pytest

from dialer.sip.events import MediaChanged
from dialer.sip.session_words import RequestFailed
from dialer.sip.transaction import Failure
from tests.support.placed_call import ANSWER, HOLD, Caller, established, kinds


def test_hold_is_answered_and_told() -> None:
    caller = established(answer_offer="our answer")
    assert caller.peer("INVITE", sdp=HOLD, headers={"Contact": "<sip:new@10.0.0.7>"}) == ["200"]
    assert caller.last_response.body == b"our answer"
    assert caller.events[-1] == MediaChanged(HOLD)
    assert caller.wait(5.5) == ["200"]  # repeated until its ACK
    assert caller.peer("ACK", cseq=caller.n_cseq) == []
    assert caller.wait(60.0) == []
    caller.hang_up()
    assert str(caller.last_request.uri) == "sip:new@10.0.0.7"


def test_a_refresh_without_change_tells_nobody() -> None:
    caller = established(answer_offer="our answer")
    before = list(caller.events)
    assert caller.peer("UPDATE", sdp=ANSWER, headers={"Session-Expires": "90;refresher=uac"}) == ["200"]
    assert caller.peer("UPDATE") == ["200"]
    assert caller.events == before


def test_a_reinvite_without_offer_gets_ours() -> None:
    caller = established(answer_offer="our offer")
    assert caller.peer("INVITE") == ["200"]
    assert caller.last_response.body == b"our offer"
    caller.peer("ACK", sdp=HOLD, cseq=caller.n_cseq)
    assert caller.events[-1] == MediaChanged(HOLD)


@pytest.mark.parametrize(
    ("method", "extra", "status"),
    [
        ("OPTIONS", {}, "200"),
        ("INFO", {}, "200"),
        ("NOTIFY", {}, "405"),
        ("REFER", {}, "405"),
        ("PRACK", {"RAck": "1 1 INVITE"}, "481"),
        ("UPDATE", {"Require": "siprec"}, "420"),
    ],
)
def test_other_requests_in_the_dialog(method: str, extra: dict[str, str], status: str) -> None:
    caller = established()
    assert caller.peer(method, headers=extra) == [status]


@pytest.mark.parametrize(
    ("sdp", "headers", "answer", "status"),
    [
        (HOLD, {}, None, "488"),  # the owner refuses, or there is none who could answer
        ("x", {"Content-Type": "text/plain"}, "ours", "415"),
    ],
)
def test_offers_that_are_refused(sdp: str, headers: dict[str, str], answer: str | None, status: str) -> None:
    caller = established(answer_offer=answer) if answer is not None else established()
    assert caller.peer("INVITE", sdp=sdp, headers=headers) == [status]


def test_glare() -> None:
    caller = Caller(answer_offer="ours")
    caller.receive(183)
    assert caller.peer("UPDATE", sdp=HOLD) == ["491"]  # our offer is not answered yet
    caller.receive(200)
    assert caller.peer("INVITE", sdp=HOLD) == ["200"]
    assert caller.peer("INVITE", sdp=HOLD) == ["491"]  # the one before has no ACK yet


def test_requests_out_of_order_and_of_strangers() -> None:
    caller = established()
    assert caller.peer("OPTIONS", cseq=50) == ["200"]
    assert caller.peer("OPTIONS", cseq=50) == ["500"]
    assert caller.peer("BYE", tag="stranger") == ["481"]
    assert not caller.session.finished


def test_a_reinvite_without_ack_ends_the_call() -> None:
    caller = established(answer_offer="ours")
    caller.peer("INVITE", sdp=HOLD, now=5.0)
    found = [words for at in range(6, 60) for words in caller.wait(float(at))]
    assert found[-1] == "BYE"
    assert set(found[:-1]) == {"200"}
    assert kinds(caller)[-1] == "Ended"


def test_a_hang_up_during_a_reinvite_does_not_wait_for_its_ack() -> None:
    caller = established(answer_offer="ours")
    caller.peer("INVITE", sdp=HOLD)
    assert caller.hang_up() == ["BYE"]


def test_bye_without_answer_ends_all_the_same() -> None:
    caller = established()
    caller.hang_up()
    caller.take(caller.session.handle_input(RequestFailed(caller.last_request, Failure.TIMEOUT), 40.0))
    assert caller.session.finished
