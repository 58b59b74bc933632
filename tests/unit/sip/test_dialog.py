"""Dialogs: what they are made of, where their requests go, which requests are in order."""

from dialer.sip.dialog import Dialog, Order
from dialer.sip.message import Request, make_response, parse_message

INVITE = (
    b"INVITE sip:2@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa\r\n"
    b"Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\nFrom: <sip:1@h>;tag=f\r\nTo: <sip:2@h>\r\nCall-ID: c\r\n"
    b"CSeq: 5 INVITE\r\nContact: <sip:1@10.0.0.1:5070>\r\n\r\n"
)
VIA = "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx"


def invite() -> Request:
    message = parse_message(INVITE)
    assert isinstance(message, Request)
    return message


def caller_side(record_route: str = "", contact: str = "<sip:2@10.0.0.9;x=1>") -> Dialog:
    response = make_response(invite(), 180, to_tag="t")
    response.headers.add("Contact", contact)
    if record_route:
        response.headers.add("Record-Route", record_route)
    return Dialog.from_response(invite(), response)


def test_the_caller_reverses_the_record_route() -> None:
    dialog = caller_side("<sip:p1;lr>, <sip:p2;lr>")
    bye = dialog.request("BYE", 6, VIA)
    assert str(bye.uri) == "sip:2@10.0.0.9;x=1"
    assert [str(route.uri) for route in bye.routes] == ["sip:p2;lr", "sip:p1;lr"]
    assert (bye.from_.tag, bye.to.tag, bye.call_id, str(bye.cseq)) == ("f", "t", "c", "6 BYE")
    assert dialog.next_hop.host == "p2"


def test_the_callee_keeps_its_order() -> None:
    dialog = Dialog.from_invite(invite(), "mine")
    bye = dialog.request("BYE", 1, VIA)
    assert [str(route.uri) for route in bye.routes] == ["sip:p1;lr", "sip:p2;lr"]
    assert (bye.from_.tag, bye.to.tag) == ("mine", "f")
    assert str(bye.uri) == "sip:1@10.0.0.1:5070"


def test_a_strict_router_gets_the_request_line() -> None:
    """RFC 3261 §12.2.1.1: without `lr` the first route is the Request-URI, the target goes last."""
    bye = caller_side("<sip:strict>").request("BYE", 6, VIA)
    assert str(bye.uri) == "sip:strict"
    assert [str(route.uri) for route in bye.routes] == ["sip:2@10.0.0.9;x=1"]


def test_without_a_contact_the_invites_uri_is_the_target() -> None:
    response = make_response(invite(), 180, to_tag="t")
    assert str(Dialog.from_response(invite(), response).remote_target) == "sip:2@10.0.0.2"


def test_the_answer_replaces_route_set_and_target() -> None:
    dialog = caller_side("<sip:early;lr>")
    answer = make_response(invite(), 200, to_tag="t")
    answer.headers.add("Contact", "<sip:new@10.0.0.8>")
    dialog.confirm(answer)
    assert dialog.confirmed
    assert dialog.routes == ()
    assert dialog.next_hop.user == "new"


def test_requests_must_come_in_order() -> None:
    dialog = Dialog.from_invite(invite(), "mine")
    request = invite()
    assert dialog.receive(request) is Order.OUT_OF_ORDER  # 5 was the INVITE itself
    request.headers.set("CSeq", "9 INVITE")
    assert dialog.receive(request) is Order.NEXT
    request.headers.set("CSeq", "8 INVITE")
    assert dialog.receive(request) is Order.OUT_OF_ORDER
