"""A placed call: every crossing of answer, refusal, CANCEL and silence, as the session sees it."""

import pytest

from dialer.model.attempt import NetworkCause
from dialer.sip.events import Answered, Ended, Failed, Provisional
from dialer.sip.invite import OutgoingInvite
from dialer.sip.session_words import Event, RequestFailed, State
from dialer.sip.transaction import Failure
from tests.support.placed_call import ANSWER, HOLD, Caller, established, kinds


def test_ring_answer_hang_up() -> None:
    caller = Caller()
    assert caller.receive(100, tag="") == []
    assert caller.receive(183, sdp=ANSWER) == []
    assert caller.receive(200, sdp=ANSWER) == ["ACK"]
    assert str(caller.last_request.uri) == "sip:b@10.0.0.9"
    assert caller.last_request.cseq.number == 1
    assert caller.hang_up("done") == ["BYE"]
    assert caller.last_request.cseq.number == 2
    assert caller.last_request.headers.get("Reason") == 'Q.850;cause=16;text="done"'
    assert caller.answer(caller.last_request, 200) == []
    assert caller.session.finished
    assert caller.events == [
        Provisional(183, "Session Progress", ANSWER),
        Answered(ANSWER),
        Ended(by_remote=False),
    ]


@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        ([(486, "b")], Failed(NetworkCause(486, "Busy Here"), rang=False)),
        ([(180, "b"), (486, "b")], Failed(NetworkCause(486, "Busy Here"), rang=True)),
        ([(183, "b"), (480, "b")], Failed(NetworkCause(480, "Temporarily Unavailable"), rang=True)),
        ([(100, ""), (503, "b")], Failed(NetworkCause(503, "Service Unavailable"), rang=False)),
        ([(302, "b")], Failed(NetworkCause(302, "Moved Temporarily"), rang=False)),  # redirects are not followed
        ([(401, "b")], Failed(NetworkCause(401, "Unauthorized"), rang=False)),  # no account to answer with
    ],
)
def test_refusals(responses: list[tuple[int, str]], expected: Failed) -> None:
    caller = Caller()
    for status, tag in responses:
        assert caller.receive(status, tag) == []
    assert caller.events[-1] == expected
    assert caller.session.finished


def test_the_evidence_of_a_refusal_is_kept() -> None:
    caller = Caller()
    caller.receive(503, headers={"Retry-After": "17", "Reason": 'Q.850;cause=34;text="no circuit"'})
    assert caller.events == [
        Failed(NetworkCause(503, "Service Unavailable", ('Q.850;cause=34;text="no circuit"',), 34), retry_after_s=17)
    ]


@pytest.mark.parametrize(
    ("steps", "sent", "events"),
    [
        # CANCEL leaves only after a provisional
        (["hang up"], ["stop"], []),
        (["hang up", "100"], ["stop", "CANCEL"], []),
        (["100", "hang up"], ["CANCEL"], []),
        (["100", "hang up", "hang up"], ["CANCEL"], []),
        (["100", "hang up", "487"], ["CANCEL"], ["Failed"]),
        (["hang up", "100", "180", "487"], ["stop", "CANCEL"], ["Failed"]),
        # the answer crosses it
        (["180", "hang up", "200"], ["CANCEL", "ACK", "BYE"], ["Provisional", "Failed"]),
        (["hang up", "200"], ["stop", "ACK", "BYE"], ["Failed"]),
        (["180", "hang up", "200", "200"], ["CANCEL", "ACK", "BYE", "ACK"], ["Provisional", "Failed"]),
        # a refusal crosses it
        (["180", "hang up", "486"], ["CANCEL"], ["Provisional", "Failed"]),
        # a repeated 200, before and after the end
        (["200", "200"], ["ACK", "ACK"], ["Answered"]),
        (["200", "hang up", "200"], ["ACK", "BYE", "ACK"], ["Answered", "Ended"]),
        # a second fork answers
        (["200", "200 c"], ["ACK", "ACK", "BYE"], ["Answered"]),
        (["200", "200 c", "200 c", "200"], ["ACK", "ACK", "BYE", "ACK", "ACK"], ["Answered"]),
        (["180", "180 c", "200 c"], ["ACK"], ["Provisional", "Provisional", "Answered"]),
        # the owner cancels a call whose answer was just reported
        (["200", "hang up"], ["ACK", "BYE"], ["Answered", "Ended"]),
        # nothing comes
        (["silence"], ["stop"], ["Failed"]),
        (["silence", "180"], ["stop", "CANCEL"], ["Failed"]),
        (["silence", "180", "180"], ["stop", "CANCEL"], ["Failed"]),
        (["silence", "200"], ["stop", "ACK", "BYE"], ["Failed"]),
        (["silence", "486"], ["stop"], ["Failed"]),
        (["silence", "for ever"], ["stop", "drop"], ["Failed"]),
        (["hang up", "silence"], ["stop", "stop"], ["Failed"]),
        # it rings too long
        (["180", "rings on"], ["CANCEL"], ["Provisional"]),
        (["180", "rings on", "487"], ["CANCEL"], ["Provisional", "Failed"]),
        (["100", "rings on", "200"], ["CANCEL", "ACK", "BYE"], ["Failed"]),
        # the peer ignores the CANCEL
        (["180", "hang up", "for ever"], ["CANCEL", "stop"], ["Provisional", "Failed"]),
        (["180", "hang up", "for ever", "200"], ["CANCEL", "stop", "ACK", "BYE"], ["Provisional", "Failed"]),
        # the peer hangs up
        (["200", "BYE"], ["ACK", "200"], ["Answered", "Ended"]),
        (["200", "BYE", "BYE"], ["ACK", "200", "481"], ["Answered", "Ended"]),
        (["200", "hang up", "BYE"], ["ACK", "BYE", "200"], ["Answered", "Ended"]),
        # its BYE overtakes the 200, which was lost
        (["180", "BYE"], ["200", "stop", "CANCEL"], ["Provisional", "Failed"]),
        (["180", "BYE", "200"], ["200", "stop", "CANCEL", "ACK", "BYE"], ["Provisional", "Failed"]),
        # the transport gives up
        (["timeout"], [], ["Failed"]),
        (["lost"], [], ["Failed"]),
        (["hang up", "timeout"], ["stop"], ["Failed"]),
        (["silence", "timeout"], ["stop"], ["Failed"]),
        (["180", "timeout"], [], ["Provisional"]),
    ],
)
def test_crossings(steps: list[str], sent: list[str], events: list[str]) -> None:
    caller = Caller()
    found: list[str] = []
    for step in steps:
        match step.split():
            case ["hang", "up"]:
                found += caller.hang_up()
            case ["silence"]:
                found += caller.wait(3.0)
            case ["rings", "on"]:
                found += caller.wait(28.0)
            case ["for", "ever"]:
                found += caller.wait(40.0)
            case ["BYE"]:
                found += caller.peer("BYE")
            case ["timeout"]:
                found += fail(caller, Failure.TIMEOUT)
            case ["lost"]:
                found += fail(caller, Failure.TRANSPORT)
            case [status, *tag]:
                found += caller.receive(int(status), tag[0] if tag else "" if status == "100" else "b")
    assert found == sent
    assert kinds(caller) == events


def fail(caller: Caller, failure: Failure) -> list[str]:
    return caller.take(caller.session.handle_input(RequestFailed(caller.session.invite, failure), 32.0))


def test_an_invite_nobody_heard_of() -> None:
    caller = Caller()
    caller.wait(3.0)
    assert caller.events == [Failed(NetworkCause(408, "No response"), rang=False, no_response=True)]


def test_an_unreachable_peer() -> None:
    caller = Caller()
    fail(caller, Failure.TRANSPORT)
    assert caller.events == [Failed(NetworkCause(503, "Transport error"), rang=False, no_response=True)]


def test_the_route_set_and_target_come_from_the_answer() -> None:
    caller = Caller()
    caller.receive(180, headers={"Record-Route": "<sip:early;lr>"})
    caller.receive(200, headers={"Record-Route": "<sip:p1;lr>, <sip:p2;lr>"})
    ack = caller.last_request
    assert [str(route.uri) for route in ack.routes] == ["sip:p2;lr", "sip:p1;lr"]


CHALLENGE = {"WWW-Authenticate": 'Digest realm="r", nonce="n1", qop="auth", algorithm=SHA-256'}
AGAIN = {"WWW-Authenticate": 'Digest realm="r", nonce="n2", qop="auth", algorithm=SHA-256'}
STALE = {"WWW-Authenticate": 'Digest realm="r", nonce="n3", qop="auth", algorithm=SHA-256, stale=true'}
PROXY = {"Proxy-Authenticate": 'Digest realm="proxy", nonce="p1", qop="auth"'}


def test_a_challenge_is_answered_once() -> None:
    caller = Caller(username="u")
    assert caller.receive(401, headers=CHALLENGE) == ["INVITE"]
    retry = caller.last_request
    assert retry.cseq.number == 2
    assert 'username="u"' in (retry.headers.get("Authorization") or "")
    assert caller.receive(401, headers=AGAIN) == []
    assert kinds(caller) == ["Failed"]


def test_stale_nonces_and_proxies_get_another_try() -> None:
    caller = Caller(username="u")
    assert caller.receive(407, headers=PROXY) == ["INVITE"]
    assert "Proxy-Authorization" in caller.last_request.headers
    assert caller.receive(401, headers=CHALLENGE) == ["INVITE"]
    assert caller.receive(401, headers=STALE) == ["INVITE"]
    assert caller.receive(200) == ["ACK"]
    assert "Authorization" in caller.last_request.headers
    assert caller.last_request.cseq.number == 4


def test_both_challenges_of_a_chain_are_answered_in_one_request() -> None:
    caller = Caller(username="u")
    caller.receive(407, headers=PROXY)
    caller.receive(401, headers=CHALLENGE)
    assert {"Authorization", "Proxy-Authorization"} <= {name for name, _ in caller.last_request.headers}


def test_a_challenge_after_a_cancel_ends_the_call() -> None:
    caller = Caller(username="u")
    caller.hang_up()
    assert caller.receive(401, headers=CHALLENGE) == []
    assert kinds(caller) == ["Failed"]


def test_a_challenged_bye_is_sent_again() -> None:
    caller = established(username="u")
    caller.hang_up()
    bye = caller.last_request
    assert caller.answer(bye, 401, headers=CHALLENGE) == ["BYE"]
    assert caller.last_request.cseq.number == bye.cseq.number + 1
    assert caller.answer(caller.last_request, 401, headers=AGAIN) == []
    assert caller.session.finished


def test_a_challenge_without_an_account_ends_the_bye() -> None:
    caller = established()
    caller.hang_up()
    assert caller.answer(caller.last_request, 407, headers=PROXY) == []
    assert caller.session.finished


RELIABLE = {"Require": "100rel"}


def test_reliable_provisionals_are_acknowledged_in_order_and_once() -> None:
    caller = Caller()
    assert caller.receive(183, headers=RELIABLE | {"RSeq": "10"}, sdp=ANSWER) == ["PRACK"]
    assert caller.last_request.headers.get("RAck") == "10 1 INVITE"
    assert caller.last_request.cseq.number == 2
    assert caller.receive(183, headers=RELIABLE | {"RSeq": "10"}) == []  # a repeat: the PRACK repeats itself
    assert caller.receive(180, headers=RELIABLE | {"RSeq": "12"}) == []  # a gap waits
    assert caller.receive(180, headers=RELIABLE | {"RSeq": "11"}) == ["PRACK"]
    assert caller.receive(180, "c", headers=RELIABLE | {"RSeq": "1"}) == ["PRACK"]  # another fork counts for itself
    assert caller.receive(200) == ["ACK"]
    assert caller.last_request.cseq.number == 1


def test_a_challenged_prack_keeps_what_it_acknowledges() -> None:
    caller = Caller(username="u")
    caller.receive(183, headers=RELIABLE | {"RSeq": "10"})
    assert caller.answer(caller.last_request, 407, headers=PROXY) == ["PRACK"]
    assert caller.last_request.headers.get("RAck") == "10 1 INVITE"
    assert "Proxy-Authorization" in caller.last_request.headers


def test_the_answer_may_have_come_early() -> None:
    caller = Caller()
    caller.receive(183, headers=RELIABLE | {"RSeq": "1"}, sdp=ANSWER)
    caller.receive(183, "c", sdp=HOLD)
    caller.receive(200)
    assert caller.events[-1] == Answered(ANSWER)


def test_reliable_provisionals_are_acknowledged_even_while_cancelling() -> None:
    caller = Caller()
    caller.receive(100, "")
    caller.hang_up()
    assert caller.receive(183, headers=RELIABLE | {"RSeq": "1"}) == ["PRACK"]


@pytest.mark.parametrize(("state", "event"), list(OutgoingInvite.TABLE), ids=str)
def test_the_table_leaves_ended_calls_alone(state: State, event: Event) -> None:
    """An ended call only acknowledges; nothing brings it back."""
    action, new_state = OutgoingInvite.TABLE[(state, event)]
    if state is State.ENDED:
        assert new_state is State.ENDED
    if state is State.ABANDONED:
        assert "report" not in action.value  # the owner was told already
