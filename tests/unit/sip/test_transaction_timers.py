"""When the transaction machines repeat, and when they give up: RFC 3261 §17 stepped on a clock of our own."""

import pytest

from dialer.sip.message import Request, Response, make_response, parse_message
from dialer.sip.transaction import (
    Abandon,
    ClientTransaction,
    Failed,
    Failure,
    InviteClient,
    InviteServer,
    NonInviteClient,
    NonInviteServer,
    Output,
    Received,
    Send,
    State,
    Terminated,
    Transaction,
    Transmit,
    make_ack,
    make_cancel,
)

RAW = (
    "{method} sip:1@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKa\r\nRoute: <sip:p1;lr>\r\n"
    "Route: <sip:p2;lr>\r\nFrom: <sip:021@10.0.0.1>;tag=f\r\nTo: <sip:1@10.0.0.2>\r\nCall-ID: c1\r\n"
    "CSeq: 7 {method}\r\n\r\n"
)


def request(method: str) -> Request:
    message = parse_message(RAW.format(method=method).encode())
    assert isinstance(message, Request)
    return message


def answer(transaction: Transaction, status: int) -> Response:
    return make_response(transaction.request, status, to_tag="t")


def run(transaction: Transaction, until: float) -> tuple[list[float], list[tuple[float, Output]]]:
    """Lets the clock run; the instants of transmissions, and everything else with its instant."""
    sent: list[float] = []
    others: list[tuple[float, Output]] = []
    while transaction.next_deadline is not None and transaction.next_deadline <= until:
        now = transaction.next_deadline
        for output in transaction.handle_timeout(now):
            if isinstance(output, Transmit):
                sent.append(now)
            else:
                others.append((now, output))
    return sent, others


def started(kind: type[ClientTransaction], method: str, *, reliable: bool = False) -> ClientTransaction:
    transaction = kind(request(method), reliable=reliable)
    assert isinstance(transaction.start(0.0)[0], Transmit)
    return transaction


def test_invite_is_repeated_with_doubling_waits_until_timer_b() -> None:
    sent, others = run(started(InviteClient, "INVITE"), 100.0)
    assert sent == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert others[0] == (32.0, Failed(Failure.TIMEOUT))


def test_other_requests_are_repeated_at_most_every_four_seconds() -> None:
    sent, others = run(started(NonInviteClient, "OPTIONS"), 100.0)
    assert sent == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert others[0] == (32.0, Failed(Failure.TIMEOUT))


def test_a_provisional_slows_other_requests_down_and_ends_repeats_of_an_invite() -> None:
    options = started(NonInviteClient, "OPTIONS")
    options.handle_input(Received(answer(options, 100)), 0.1)
    assert run(options, 20.0)[0] == [0.5, 4.5, 8.5, 12.5, 16.5]
    invite = started(InviteClient, "INVITE")
    invite.handle_input(Received(answer(invite, 100)), 0.1)
    assert invite.next_deadline is None


@pytest.mark.parametrize(("kind", "method"), [(InviteClient, "INVITE"), (NonInviteClient, "OPTIONS")])
def test_nothing_is_repeated_over_tcp(kind: type[ClientTransaction], method: str) -> None:
    sent, others = run(started(kind, method, reliable=True), 100.0)
    assert sent == []
    assert others[0] == (32.0, Failed(Failure.TIMEOUT))


@pytest.mark.parametrize(
    ("kind", "method", "status", "linger_s", "reliable_linger_s"),
    [
        (InviteClient, "INVITE", 486, 32.0, 0.0),  # Timer D
        (InviteClient, "INVITE", 200, 32.0, 32.0),  # Timer M
        (NonInviteClient, "OPTIONS", 200, 5.0, 0.0),  # Timer K
    ],
)
@pytest.mark.parametrize("reliable", [False, True])
def test_client_transactions_linger(
    kind: type[ClientTransaction], method: str, status: int, linger_s: float, reliable_linger_s: float, reliable: bool
) -> None:
    transaction = started(kind, method, reliable=reliable)
    transaction.handle_input(Received(answer(transaction, status)), 10.0)
    assert transaction.next_deadline == 10.0 + (reliable_linger_s if reliable else linger_s)
    run(transaction, 100.0)
    assert transaction.state is State.TERMINATED


def test_a_refusal_is_repeated_until_its_ack_and_then_absorbs_acks() -> None:
    server = InviteServer(request("INVITE"), reliable=False)
    server.handle_input(Send(answer(server, 486)), 0.0)
    assert run(server, 12.0)[0] == [0.5, 1.5, 3.5, 7.5, 11.5]
    server.handle_input(Received(request("ACK")), 12.0)
    assert server.next_deadline == 17.0  # Timer I
    assert server.handle_input(Received(request("ACK")), 13.0) == []
    run(server, 17.0)
    assert server.state is State.TERMINATED


def test_a_refusal_without_ack_is_given_up() -> None:
    server = InviteServer(request("INVITE"), reliable=True)
    server.handle_input(Send(answer(server, 486)), 0.0)
    assert run(server, 100.0) == ([], [(32.0, Failed(Failure.TIMEOUT)), (32.0, Terminated())])


def test_an_accepted_invite_absorbs_its_repeats() -> None:
    server = InviteServer(request("INVITE"), reliable=False)
    server.handle_input(Send(answer(server, 200)), 0.0)
    assert server.handle_input(Received(request("INVITE")), 0.5) == []
    assert server.next_deadline == 32.0  # Timer L


def test_a_repeated_request_gets_the_last_answer() -> None:
    server = NonInviteServer(request("BYE"), reliable=False)
    assert server.handle_input(Received(request("BYE")), 0.1) == []  # nothing was answered yet
    first = server.handle_input(Send(answer(server, 200)), 0.2)
    assert server.handle_input(Received(request("BYE")), 0.5) == first
    assert server.next_deadline == 32.2  # Timer J


def test_an_abandoned_invite_is_not_repeated_but_still_heard() -> None:
    transaction = started(InviteClient, "INVITE")
    run(transaction, 2.0)
    assert transaction.handle_input(Abandon(), 3.0) == []
    assert transaction.next_deadline == 32.0
    delivered = transaction.handle_input(Received(answer(transaction, 200)), 20.0)
    assert [type(output).__name__ for output in delivered] == ["Deliver"]


def test_the_ack_of_a_refusal_is_that_of_the_hop() -> None:
    invite = request("INVITE")
    ack = make_ack(invite, make_response(invite, 486, to_tag="t9"))
    assert (ack.method, str(ack.uri), ack.to.tag) == ("ACK", "sip:1@10.0.0.2", "t9")
    assert ack.via.branch == "z9hG4bKa"
    assert str(ack.cseq) == "7 ACK"
    assert [str(route.uri) for route in ack.routes] == ["sip:p1;lr", "sip:p2;lr"]
    parse_message(ack.to_bytes())


def test_a_cancel_looks_like_its_invite() -> None:
    cancel = make_cancel(request("INVITE"))
    assert (cancel.via.branch, str(cancel.cseq), cancel.to.tag) == ("z9hG4bKa", "7 CANCEL", "")
    assert len(cancel.vias) == 1
    assert len(cancel.routes) == 2
