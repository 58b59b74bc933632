"""Who is heard and who meets silence; calls from phones; overload; shutdown. No sockets."""

import pytest

from dialer.errors import LocalProtocolError, TransportError
from dialer.sip.calls import IncomingCall, destination_of
from dialer.sip.events import Answered, Destination, Ended, Failed, InviteRequest, Provisional, Transport
from dialer.sip.message import MessageError, Request, Response, parse_message
from dialer.sip.uri import SipUri
from tests.support.sip_lab import SDP, A, B, Lab

STRANGER = Destination(Transport.UDP, "198.51.100.66", 5060)
ANSWER = SDP.replace("4000", "6000")


def raw(method: str, extra: str = "", to_tag: str = "", uri: str = "sip:100@10.0.0.2", body: str = "") -> bytes:
    tag = f";tag={to_tag}" if to_tag else ""
    return (
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 10.9.9.9:5062;branch=z9hG4bK{method}{to_tag};rport\r\n"
        f"From: <sip:a@h>;tag=x\r\nTo: <sip:b@h>{tag}\r\nCall-ID: c9\r\nCSeq: 3 {method}\r\n{extra}\r\n{body}"
    ).encode()


def answers(lab: Lab, data: bytes, source: Destination) -> list[str]:
    """What b says to a message."""
    before = len(lab.log)
    lab.b.receive(parse_message(data), source, lab.now)
    return [str(entry) for entry in lab.log[before:]]


@pytest.mark.parametrize("method", ["OPTIONS", "INVITE", "BYE", "CANCEL", "ACK", "REGISTER", "SUBSCRIBE", "MESSAGE"])
@pytest.mark.parametrize("to_tag", ["", "guess"])
def test_strangers_meet_silence(method: str, to_tag: str) -> None:
    assert answers(Lab(), raw(method, to_tag=to_tag), STRANGER) == []


@pytest.mark.parametrize(
    ("method", "to_tag", "extra", "expected"),
    [
        ("OPTIONS", "", "", ["200"]),
        ("SUBSCRIBE", "", "", ["405"]),
        ("BYE", "gone", "", ["481"]),
        ("CANCEL", "", "", ["481"]),
        ("ACK", "gone", "", []),
        ("INVITE", "", "", ["100", "401"][1:]),
        ("INVITE", "", "Require: 100rel\r\n", ["420"]),
    ],
)
def test_a_registered_phone_is_heard(method: str, to_tag: str, extra: str, expected: list[str]) -> None:
    assert answers(Lab(), raw(method, extra, to_tag), A) == expected


def test_trunks_cannot_call_in() -> None:
    lab = Lab()
    lab.a.receive(parse_message(raw("INVITE")), B, 0.0)
    assert lab.sent(A) == ["480"]


def test_responses_go_to_where_the_request_came_from() -> None:
    lab = Lab()
    answers(lab, raw("OPTIONS"), Destination(Transport.UDP, A.host, A.port))
    via = lab.log[-1].message.via
    assert (via.received, via.rport) == ("10.0.0.1", 5060)


def test_repeats_are_answered_again_without_asking_anyone() -> None:
    lab = Lab()
    assert answers(lab, raw("OPTIONS"), A) == ["200"]
    assert answers(lab, raw("OPTIONS"), A) == ["200"]
    assert len(lab.b.layer) == 1


def test_broken_messages_are_answered_to_peers_only() -> None:
    lab = Lab()
    with pytest.raises(MessageError) as caught:
        parse_message(raw("OPTIONS", "Content-Length: 9999\r\n"))
    lab.b.receive_broken(caught.value, STRANGER)
    assert lab.log == []
    lab.b.receive_broken(caught.value, A)
    assert lab.sent(B) == ["400"]


def call_b(lab: Lab) -> IncomingCall:
    """a calls b; b's owner has it before it."""
    lab.invite()
    lab.run(lab.now + 0.2)
    return lab.incoming[-1]


def test_a_phone_calls_and_is_answered() -> None:
    lab = Lab()
    incoming = call_b(lab)
    assert (incoming.user, incoming.sdp) == ("a", SDP)
    assert str(incoming.target) == "sip:13800001234@10.0.0.2"
    incoming.ringing()
    call = incoming.answer(ANSWER, lab.events_of_b.append)
    lab.run(1.0)
    assert lab.events == [Provisional(180, "Ringing", ""), Answered(ANSWER)]
    call.hang_up("shift over")
    lab.run(100.0)
    assert isinstance(lab.events[-1], Ended)
    assert lab.events[-1].by_remote
    assert lab.events[-1].cause.q850 == 16
    assert lab.events_of_b == [Ended(by_remote=False)]
    assert lab.is_quiet


def test_a_phone_gives_up_before_the_answer() -> None:
    lab = Lab()
    call = lab.invite()
    lab.run(0.2)
    call.cancel()
    lab.run(1.0)
    assert [event.cause.sip_status for event in lab.events if isinstance(event, Failed)] == [487]
    assert [event.cause.sip_status for event in lab.events_of_b if isinstance(event, Failed)] == [487]
    with pytest.raises(LocalProtocolError):
        lab.incoming[0].answer(ANSWER, lab.events_of_b.append)
    lab.run(100.0)
    assert lab.is_quiet


def test_a_call_nobody_takes_is_refused_in_the_end() -> None:
    lab = Lab()
    call_b(lab)
    lab.run(28.5)  # the caller's patience ends first
    assert [event.cause.sip_status for event in lab.events if isinstance(event, Failed)] == [487]


def test_rejecting() -> None:
    lab = Lab()
    incoming = call_b(lab)
    with pytest.raises(LocalProtocolError):
        incoming.reject(200)
    incoming.reject(486)
    lab.run(1.0)
    assert isinstance(lab.events[-1], Failed)
    assert lab.events[-1].cause.sip_status == 486


def test_a_wrong_password_places_no_call() -> None:
    lab = Lab()
    lab.invite(password="wrong")
    lab.run(100.0)
    assert lab.incoming == []
    assert isinstance(lab.events[-1], Failed)
    assert lab.events[-1].cause.sip_status == 403
    assert lab.is_quiet


def test_the_callees_bye_waits_for_the_ack() -> None:
    """RFC 3261 §15: hanging up right after answering must not send BYE before the 200 was acknowledged."""
    lab = Lab()
    incoming = call_b(lab)
    incoming.answer(ANSWER, lab.events_of_b.append).hang_up()
    assert lab.sent(B)[-1] == "200"
    lab.run(1.0)
    assert lab.sent(B)[-1] == "BYE"
    assert [type(event) for event in lab.events] == [Answered, Ended]


def test_an_answer_without_ack_is_repeated_and_then_ended() -> None:
    lab = Lab(lambda message, source: [] if str(getattr(message, "method", "")) == "ACK" and source == A else [0.01])
    lab.invite(username="a")
    lab.run(1.0)
    if lab.incoming:
        lab.incoming[0].answer(ANSWER, lab.events_of_b.append)
    lab.run(60.0)
    assert lab.sent(B).count("200") >= 10
    assert lab.sent(B)[-1] == "BYE"
    assert lab.events_of_b == [Ended(by_remote=False)]


def test_a_failing_owner_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab()

    def broken(call: IncomingCall) -> None:
        raise RuntimeError("owner's bug")

    lab.b.on_incoming(broken)
    lab.invite()
    lab.run(1.0)
    assert isinstance(lab.events[-1], Failed)
    assert lab.events[-1].cause.sip_status == 500
    assert "owner's bug" in caplog.text


def test_a_failing_sink_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab()

    def broken(event: object) -> None:
        raise RuntimeError("sink's bug")

    incoming = call_b(lab)
    call = incoming.answer(ANSWER, broken)
    call.hang_up()
    lab.run(60.0)
    assert "sink's bug" in caplog.text
    assert lab.is_quiet


def test_too_many_transactions() -> None:
    lab = Lab()
    lab.a.layer._max_transactions = 1
    lab.invite()
    with pytest.raises(TransportError):
        lab.invite()
    assert len(lab.a.calls) == 1
    lab.b.layer._max_transactions = 0
    assert answers(lab, raw("OPTIONS"), A) == ["503"]
    assert len(lab.b.layer) == 0


def test_a_transport_that_is_not_open() -> None:
    lab = Lab()
    order = InviteRequest(
        target=SipUri.build("1", B.host),
        destination=Destination(Transport.TCP, B.host, 5060),
        from_uri=SipUri.build("a", A.host),
        sdp=SDP,
    )
    with pytest.raises(TransportError, match="tcp"):
        lab.a.invite(order, lab.events.append, 0.0)


def test_a_lost_connection_ends_what_hangs_on_it() -> None:
    lab = Lab(transport=Transport.TCP)
    lab.invite()
    lab.a.transport_failed(lab.address_b, 0.1)
    assert isinstance(lab.events[-1], Failed)
    assert lab.events[-1].no_response


def test_nothing_is_repeated_over_tcp() -> None:
    lab = Lab(lambda message, source: [], transport=Transport.TCP)
    lab.invite()
    lab.run(10.0)
    assert lab.sent(lab.address_a) == ["INVITE"]


@pytest.mark.parametrize(("deaf", "expected"), [(False, 200), (True, None)])
def test_requests_of_ours_outside_calls(deaf: bool, expected: int | None) -> None:
    lab = Lab(lambda message, source: [] if deaf else [0.01])
    results: list[Response | None] = []
    lab.a.send_request("OPTIONS", SipUri.build("", B.host), B, {"Subject": "x"}, results.append, 0.0)
    lab.run(60.0)
    assert [response.status if response is not None else None for response in results] == [expected]
    assert lab.is_quiet


def test_calls_of_trunks_are_taken_when_somebody_wants_them() -> None:
    lab = Lab()
    taken: list[IncomingCall] = []
    lab.a.on_trunk_call(taken.append)
    lab.a.receive(parse_message(raw("INVITE")), B, 0.0)
    taken[0].ringing(SDP)
    taken[0].reject(486, "Q.850;cause=17")
    assert lab.sent(A) == ["100", "183", "486"]
    assert lab.log[-1].message.headers.get("Reason") == "Q.850;cause=17"


def test_a_stray_answer_is_dropped() -> None:
    lab = Lab()
    stray = b"SIP/2.0 200 OK\r\n" + raw("INVITE").split(b"\r\n", 1)[1]
    message = parse_message(stray)
    assert isinstance(message, Response)
    lab.a.receive(message, STRANGER, 0.0)
    assert lab.log == []


def test_in_dialog_requests_are_heard_from_any_address() -> None:
    """A carrier's media gateway may send the BYE from another address; it knows Call-ID and tags."""
    lab = Lab()
    incoming = call_b(lab)
    incoming.answer(ANSWER, lab.events_of_b.append).hang_up()
    lab.run(0.25)
    bye = next(entry.message for entry in lab.log if str(entry) == "BYE")
    assert isinstance(bye, Request)
    lab.a.receive(parse_message(bye.to_bytes()), STRANGER, lab.now)
    assert isinstance(lab.events[-1], Ended)


def test_a_merged_request_is_refused() -> None:
    """RFC 3261 §8.2.2.2: one INVITE that arrives by two ways has two branches, but one Call-ID, From tag and CSeq."""
    lab = Lab()
    call_b(lab)
    invite = next(entry.message for entry in reversed(lab.log) if str(entry) == "INVITE")
    twin = parse_message(invite.to_bytes())
    twin.headers.set("Via", "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKotherway;rport")
    assert answers(lab, twin.to_bytes(), A) == ["482"]


def test_the_way_back_is_recorded_in_the_answer() -> None:
    lab = Lab()
    lab.a.on_trunk_call(lambda call: call.ringing())
    lab.a.receive(parse_message(raw("INVITE", "Record-Route: <sip:p1;lr>\r\n")), B, 0.0)
    assert lab.log[-1].message.headers.get_all("Record-Route") == ["<sip:p1;lr>"]


def test_a_caller_whose_connection_breaks_is_gone() -> None:
    lab = Lab(transport=Transport.TCP)
    call_b(lab)
    lab.b.transport_failed(lab.address_a, lab.now)
    assert isinstance(lab.events_of_b[-1], Failed)
    assert lab.b.calls == ()
    assert lab.registrar.user_at(lab.address_a) is None


def test_a_peer_that_rings_for_ever_and_ignores_cancel_is_forgotten() -> None:
    def deaf_to_cancel(message: object, source: Destination) -> list[float]:
        return [] if isinstance(message, Request) and message.method == "CANCEL" else [0.01]

    lab = Lab(deaf_to_cancel)
    incoming = call_b(lab)
    incoming.ringing()
    lab.run(150.0)
    assert [type(event) for event in lab.events] == [Provisional, Failed]
    assert lab.a.calls == ()
    assert len(lab.a.layer) == 0


def test_the_reason_of_a_hang_up_travels_with_the_cancel() -> None:
    lab = Lab()
    call = lab.invite()
    lab.run(0.2)
    call.hang_up("paid\r\nmeanwhile")
    cancel = next(entry.message for entry in lab.log if str(entry) == "CANCEL")
    assert cancel.headers.get("Reason") == 'Q.850;cause=16;text="paid  meanwhile"'


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:x@10.0.0.9", Destination(Transport.UDP, "10.0.0.9", 5060)),
        ("sip:x@10.0.0.9:5070;transport=TCP", Destination(Transport.TCP, "10.0.0.9", 5070)),
        ("sip:x@[2001:db8::1]", Destination(Transport.UDP, "2001:db8::1", 5060)),
        ("sip:x@gateway.example", B),  # names are not resolved within a call
    ],
)
def test_where_requests_of_a_call_go(uri: str, expected: Destination) -> None:
    assert destination_of(SipUri.parse(uri), B) == expected


def test_an_invite_leaves_as_a_call_or_not_at_all() -> None:
    lab = Lab()
    with pytest.raises(LocalProtocolError, match="place it as one"):
        lab.a.send_request("Invite", SipUri.build("100", B.host), B, {}, lambda response: None, 0.0)
    assert lab.sent(B) == []
