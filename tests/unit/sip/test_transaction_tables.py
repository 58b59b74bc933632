"""The four transaction machines over the whole product of states and events, written out from the RFC's figures."""

import pytest

from dialer.errors import LocalProtocolError
from dialer.sip.message import Message, Request, Response, make_response, parse_message
from dialer.sip.transaction import (
    Event,
    Input,
    InviteClient,
    InviteServer,
    NonInviteClient,
    NonInviteServer,
    Output,
    Received,
    Send,
    State,
    Transaction,
    TransportFailed,
)

INVITE = (
    b"INVITE sip:13800001234@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKa;rport\r\n"
    b"Max-Forwards: 70\r\nFrom: <sip:021@10.0.0.1>;tag=f\r\nTo: <sip:13800001234@10.0.0.2>\r\nCall-ID: c1\r\n"
    b"CSeq: 1 INVITE\r\nContact: <sip:d@10.0.0.1>\r\nContent-Length: 0\r\n\r\n"
)

# machine, then per state what each event does: "outputs -> new state"; events not named are absorbed without effect
EXPECTED: dict[type[Transaction], dict[State, dict[Event, tuple[str, State]]]] = {
    InviteClient: {
        State.CALLING: {
            Event.TIMER_A: ("transmit", State.CALLING),
            Event.TIMER_B: ("failed timeout", State.TERMINATED),
            Event.ABANDON: ("", State.CALLING),
            Event.TRANSPORT_ERROR: ("failed transport", State.TERMINATED),
            Event.RECEIVE_1XX: ("deliver", State.PROCEEDING),
            Event.RECEIVE_2XX: ("deliver", State.ACCEPTED),
            Event.RECEIVE_300_699: ("transmit deliver", State.COMPLETED),
        },
        State.PROCEEDING: {
            Event.RECEIVE_1XX: ("deliver", State.PROCEEDING),
            Event.RECEIVE_2XX: ("deliver", State.ACCEPTED),
            Event.RECEIVE_300_699: ("transmit deliver", State.COMPLETED),
        },
        State.COMPLETED: {
            Event.RECEIVE_300_699: ("transmit", State.COMPLETED),
            Event.TRANSPORT_ERROR: ("failed transport", State.TERMINATED),
            Event.TIMER_D: ("", State.TERMINATED),
        },
        State.ACCEPTED: {
            Event.RECEIVE_2XX: ("deliver", State.ACCEPTED),
            Event.TIMER_M: ("", State.TERMINATED),
        },
        State.TERMINATED: {},
    },
    NonInviteClient: {
        State.TRYING: {
            Event.TIMER_E: ("transmit", State.TRYING),
            Event.TIMER_F: ("failed timeout", State.TERMINATED),
            Event.TRANSPORT_ERROR: ("failed transport", State.TERMINATED),
            Event.RECEIVE_1XX: ("deliver", State.PROCEEDING),
            Event.RECEIVE_2XX: ("deliver", State.COMPLETED),
            Event.RECEIVE_300_699: ("deliver", State.COMPLETED),
        },
        State.PROCEEDING: {
            Event.TIMER_E: ("transmit", State.PROCEEDING),
            Event.TIMER_F: ("failed timeout", State.TERMINATED),
            Event.TRANSPORT_ERROR: ("failed transport", State.TERMINATED),
            Event.RECEIVE_1XX: ("deliver", State.PROCEEDING),
            Event.RECEIVE_2XX: ("deliver", State.COMPLETED),
            Event.RECEIVE_300_699: ("deliver", State.COMPLETED),
        },
        State.COMPLETED: {Event.TIMER_K: ("", State.TERMINATED)},
        State.TERMINATED: {},
    },
    InviteServer: {
        State.PROCEEDING: {
            Event.RECEIVE_REQUEST: ("transmit", State.PROCEEDING),
            Event.SEND_1XX: ("transmit", State.PROCEEDING),
            Event.SEND_2XX: ("transmit", State.ACCEPTED),
            Event.SEND_300_699: ("transmit", State.COMPLETED),
            Event.TRANSPORT_ERROR: ("failed transport", State.TERMINATED),
        },
        State.COMPLETED: {
            Event.RECEIVE_REQUEST: ("transmit", State.COMPLETED),
            Event.RECEIVE_ACK: ("", State.CONFIRMED),
            Event.TIMER_G: ("transmit", State.COMPLETED),
            Event.TIMER_H: ("failed timeout", State.TERMINATED),
            Event.TRANSPORT_ERROR: ("failed transport", State.TERMINATED),
        },
        State.CONFIRMED: {Event.TIMER_I: ("", State.TERMINATED)},
        State.ACCEPTED: {
            Event.RECEIVE_ACK: ("deliver", State.ACCEPTED),
            Event.SEND_2XX: ("transmit", State.ACCEPTED),
            Event.TRANSPORT_ERROR: ("failed transport", State.ACCEPTED),
            Event.TIMER_L: ("", State.TERMINATED),
        },
        State.TERMINATED: {},
    },
    NonInviteServer: {
        State.TRYING: {
            Event.SEND_1XX: ("transmit", State.PROCEEDING),
            Event.SEND_2XX: ("transmit", State.COMPLETED),
            Event.SEND_300_699: ("transmit", State.COMPLETED),
        },
        State.PROCEEDING: {
            Event.RECEIVE_REQUEST: ("transmit", State.PROCEEDING),
            Event.SEND_1XX: ("transmit", State.PROCEEDING),
            Event.SEND_2XX: ("transmit", State.COMPLETED),
            Event.SEND_300_699: ("transmit", State.COMPLETED),
            Event.TRANSPORT_ERROR: ("failed transport", State.TERMINATED),
        },
        State.COMPLETED: {
            Event.RECEIVE_REQUEST: ("transmit", State.COMPLETED),
            Event.SEND_1XX: ("", State.COMPLETED),  # §17.2.2: a second final answer is discarded
            Event.SEND_2XX: ("", State.COMPLETED),
            Event.SEND_300_699: ("", State.COMPLETED),
            Event.TRANSPORT_ERROR: ("failed transport", State.TERMINATED),
            Event.TIMER_J: ("", State.TERMINATED),
        },
        State.TERMINATED: {},
    },
}
USER_EVENTS = {Event.SEND_1XX, Event.SEND_2XX, Event.SEND_300_699}
STATUS = {
    Event.RECEIVE_1XX: 180,
    Event.RECEIVE_2XX: 200,
    Event.RECEIVE_300_699: 486,
    Event.SEND_1XX: 180,
    Event.SEND_2XX: 200,
    Event.SEND_300_699: 486,
}


def request(method: str = "INVITE") -> Request:
    message = parse_message(
        INVITE.replace(b"1 INVITE", b"1 " + method.encode()).replace(b"INVITE s", method.encode() + b" s")
    )
    assert isinstance(message, Request)
    return message


def response(status: int, method: str = "INVITE") -> Response:
    return make_response(request(method), status, to_tag="t")


def machine_in(kind: type[Transaction], state: State) -> Transaction:
    """A machine brought to a state by what leads there in life."""
    method = "INVITE" if kind in (InviteClient, InviteServer) else "OPTIONS"
    machine = kind(request(method), reliable=False)
    steps: dict[State, list[Input]] = {
        State.CALLING: [],
        State.TRYING: [],
        State.PROCEEDING: [Received(response(180, method))],
        State.COMPLETED: [Received(response(486, method))],
        State.ACCEPTED: [Received(response(200, method))],
        State.TERMINATED: [TransportFailed()],
    }
    if isinstance(machine, InviteClient | NonInviteClient):
        machine.start(0.0)
    else:
        steps = {
            State.TRYING: [],
            State.PROCEEDING: [Send(response(180, method))],
            State.COMPLETED: [Send(response(486, method))],
            State.ACCEPTED: [Send(response(200, method))],
            State.CONFIRMED: [Send(response(486, method)), Received(request("ACK"))],
            State.TERMINATED: [Send(response(486, method)), TransportFailed()],
        }
    for step in steps[state]:
        machine.handle_input(step, 0.0)
    assert machine.state is state
    return machine


def message_for(kind: type[Transaction], event: Event) -> Message | None:
    method = "INVITE" if kind in (InviteClient, InviteServer) else "OPTIONS"
    if event in STATUS:
        return response(STATUS[event], method)
    if event is Event.RECEIVE_ACK:
        return request("ACK")
    return request(method) if event is Event.RECEIVE_REQUEST else None


def words(outputs: list[Output]) -> str:
    names = {"Transmit": "transmit", "Deliver": "deliver", "Failed": "failed"}
    found = []
    for output in outputs:
        name = type(output).__name__
        if name in names:
            failure = getattr(output, "failure", None)
            found.append(f"{names[name]} {failure.value}" if failure is not None else names[name])
    return " ".join(found)


CASES = [(kind, state, event) for kind, states in EXPECTED.items() for state in states for event in Event]


@pytest.mark.parametrize(("kind", "state", "event"), CASES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_every_event_in_every_state(kind: type[Transaction], state: State, event: Event) -> None:
    machine = machine_in(kind, state)
    message = message_for(kind, event)
    expected = EXPECTED[kind][state].get(event)
    if expected is None and event in USER_EVENTS:
        with pytest.raises(LocalProtocolError):
            machine._step(event, message, 1.0)
        assert machine.state is state
        return
    outputs = machine._step(event, message, 1.0)
    assert (words(outputs), machine.state) == (expected or ("", state))
    terminated = [output for output in outputs if type(output).__name__ == "Terminated"]
    assert len(terminated) == (machine.state is State.TERMINATED and state is not State.TERMINATED)


@pytest.mark.parametrize("kind", EXPECTED, ids=lambda kind: kind.__name__)
def test_terminated_machines_wait_for_nothing(kind: type[Transaction]) -> None:
    assert machine_in(kind, State.TERMINATED).next_deadline is None
