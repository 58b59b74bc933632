"""Status, Q.850 and Reason to dispositions, row by row of the mapping."""

import pytest

from dialer.model.attempt import Disposition, NetworkCause
from dialer.sip.cause import disposition, network_cause
from dialer.sip.message import parse_message

D = Disposition
BLOCKED = ('SIP;cause=603;text="Network Blocked"',)


@pytest.mark.parametrize(
    ("status", "q850", "rang", "expected"),
    [
        (404, None, False, D.BAD_NUMBER),
        (410, None, False, D.BAD_NUMBER),
        (484, None, False, D.BAD_NUMBER),
        (604, None, False, D.BAD_NUMBER),
        (480, 1, False, D.BAD_NUMBER),  # the network that knew the line outranks the trunk's status
        (503, 3, False, D.BAD_NUMBER),
        (480, 22, False, D.BAD_NUMBER),
        (486, None, True, D.BUSY),
        (600, None, False, D.BUSY),
        (503, 17, False, D.BUSY),
        (480, None, False, D.NO_ANSWER),
        (408, None, True, D.NO_ANSWER),
        (487, None, True, D.NO_ANSWER),  # our ring timeout
        (480, 20, False, D.POWERED_OFF),
        (603, None, True, D.REJECTED),
        (403, None, False, D.REJECTED),
        (480, 21, True, D.REJECTED),
        (607, None, False, D.UNWANTED),
        (608, 21, False, D.NETWORK_BLOCKED),  # plain words outrank Q.850 21
        (500, None, False, D.TRUNK_CONGESTION),
        (503, None, False, D.TRUNK_CONGESTION),
        (504, 38, False, D.TRUNK_CONGESTION),
        (503, None, True, D.NO_ANSWER),  # it rang: an attempt, whatever the trunk says
        (480, 34, True, D.NO_ANSWER),
        (401, None, False, D.TRUNK_CONFIG),
        (488, None, False, D.TRUNK_CONFIG),
        (501, 79, False, D.TRUNK_CONFIG),
        (488, None, True, D.NO_ANSWER),
        (200, None, True, D.SHORT_ANSWER),
        (480, 16, False, D.NO_ANSWER),  # "normal clearing" tells nothing; the status decides
        (302, None, False, D.TRUNK_CONFIG),
        (483, None, False, D.TRUNK_CONFIG),  # taken as 400
        (483, None, True, D.NO_ANSWER),  # it rang, so it was an attempt
        (580, None, False, D.TRUNK_CONGESTION),  # taken as 500
        (699, None, False, D.BUSY),  # taken as 600
        (None, None, False, D.UNKNOWN),
    ],
)
def test_disposition(status: int | None, q850: int | None, rang: bool, expected: Disposition) -> None:
    assert disposition(NetworkCause(status, q850=q850), rang=rang) is expected


@pytest.mark.parametrize(
    "cause", [NetworkCause(603, "Network Blocked"), NetworkCause(603, "Decline", BLOCKED, 21)], ids=["phrase", "reason"]
)
def test_a_603_that_says_blocked(cause: NetworkCause) -> None:
    assert disposition(cause, rang=False) is D.NETWORK_BLOCKED


def test_no_response_is_the_trunks_fault() -> None:
    assert disposition(NetworkCause(408, "No response"), rang=False, no_response=True) is D.TRUNK_CONGESTION


HEAD = b"Via: SIP/2.0/UDP h;branch=z9hG4bKa\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: c\r\n"


def test_the_raw_evidence_is_kept() -> None:
    response = parse_message(
        b"SIP/2.0 486 \xb1\xbb\xbd\xd0\r\n" + HEAD + b"CSeq: 1 INVITE\r\nReason: SIP;cause=486, Q.850;cause=17\r\n\r\n"
    )
    cause = network_cause(response)
    assert (cause.sip_status, cause.q850) == (486, 17)
    assert cause.reasons == ("SIP;cause=486, Q.850;cause=17",)
    cause.sip_phrase.encode()  # fit for a database


def test_a_bye_has_reasons_but_no_status() -> None:
    bye = parse_message(b"BYE sip:a@h SIP/2.0\r\n" + HEAD + b"CSeq: 2 BYE\r\nReason: Q.850;cause=16\r\n\r\n")
    assert network_cause(bye) == NetworkCause(None, "", ("Q.850;cause=16",), 16)
