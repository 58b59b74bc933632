"""What of SIP messages is shown: no number, no credential, whatever the peer writes where."""

from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.clock import RehearsalClock
from dialer.sip import ladder_book
from dialer.sip.events import Destination, Transport
from dialer.sip.ladder import Seen, lines_of
from dialer.sip.ladder_book import LadderBook

TRUNK = Destination(Transport.UDP, "192.0.2.1", 5060)
PHONE = Destination(Transport.UDP, "192.0.2.9", 5060)
NUMBER = "13800001234"
INVITE = (
    f"INVITE sip:+86{NUMBER}@192.0.2.1:15060 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1\r\n"
    f'f: "Zhang San {NUMBER}" <sip:4000012345678@house.example>;tag=1\r\n'
    f"To: <tel:+86{NUMBER}>\r\n"
    "Call-ID: one\r\nCSeq: 1 INVITE\r\n"
    'Proxy-Authorization: Digest username="secret-user", response="abcdef"\r\n'
    f"X-Number: {NUMBER}\r\n"
    "Content-Type: application/sdp\r\n\r\n"
    "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"
    "m=audio 20000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"
).encode()


def response(status: str, call_id: str = "one", more: str = "") -> bytes:
    return f"SIP/2.0 {status}\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\n{more}\r\n".encode()


def book() -> LadderBook:
    return LadderBook(RehearsalClock(datetime(2026, 11, 23, tzinfo=UTC)), lambda peer: peer == TRUNK)


def test_a_message_is_shown_without_what_is_nobodys_business() -> None:
    (line,) = lines_of([Seen(5.0, True, INVITE)])
    assert line.start_line == "INVITE sip:138****1234@192.0.2.1:15060 SIP/2.0"
    assert line.headers == (
        ("From", "sip:400****5678@house.example"),
        ("To", "tel:138****1234"),
        ("CSeq", "1 INVITE"),
    )
    assert line.audio == "PCMA, TELEPHONE-EVENT sendonly 192.0.2.7:20000"
    assert (line.method, line.status, line.after_ms, line.again) == ("INVITE", None, 0, False)


@pytest.mark.parametrize("written", ["138 0000 1234", "138-0000-1234", "+8613800001234", "95588", "0755 2345 6789"])
def test_a_number_in_a_phrase_is_masked(written: str) -> None:
    (line,) = lines_of(
        [Seen(0.0, False, response(f"404 No such number {written}", more=f"Reason: x;text={written}\r\n"))]
    )
    assert written not in line.start_line
    assert all(written not in value for _, value in line.headers)


@pytest.mark.parametrize(
    "uri",
    ["tel:(415)555-0100", "tel:+1.415.555.0100", "sip:%34%31%35555%30100@192.0.2.1", "sip:+1(415)5550100:pw@host"],
)
def test_a_number_in_an_address_is_masked_however_it_is_written(uri: str) -> None:
    (line,) = lines_of([Seen(0.0, False, response("200 OK", more=f"P-Asserted-Identity: <{uri}>\r\n"))])
    shown = dict(line.headers)["P-Asserted-Identity"]
    assert "415555" not in "".join(filter(str.isdigit, unquote(shown.partition("@")[0])))
    assert "****" in shown


@given(st.binary(max_size=300))
def test_nothing_that_arrives_breaks_a_ladder(data: bytes) -> None:
    lines_of([Seen(0.0, False, data), Seen(0.1, True, b"SIP/2.0 200 OK\r\n" + data)])


def test_only_calls_over_trunks_are_kept_and_repeats_are_told() -> None:
    kept = book()
    kept.passed(True, INVITE, PHONE, 1.0)
    kept.passed(False, b"OPTIONS sip:x SIP/2.0\r\nCall-ID: two\r\nCSeq: 1 OPTIONS\r\n\r\n", TRUNK, 1.0)
    kept.name("one", 7, "main")
    assert kept.of_trunk("main", 10) == ()
    kept.passed(True, INVITE, TRUNK, 1.0)
    kept.passed(True, INVITE, TRUNK, 1.5)
    kept.name("one", 7, "main")
    kept.passed(False, response("100 Trying"), TRUNK, 1.6)
    kept.passed(False, response("180 Ringing"), TRUNK, 2.0)
    kept.passed(False, response("183 Session Progress"), TRUNK, 2.5)
    kept.passed(False, response("200 OK"), TRUNK, 8.0)
    kept.passed(False, b"BYE sip:x SIP/2.0\r\nCall-ID: one\r\nCSeq: 9 BYE\r\n\r\n", TRUNK, 60.0)
    kept.passed(True, b"SIP/2.0 481 Gone\r\ni: one\r\nCSeq: 9 BYE\r\n\r\n", TRUNK, 60.0)
    (ladder,) = kept.of_attempt(7)
    assert [line.again for line in ladder.lines] == [False, True, *[False] * 6]
    assert (ladder.trunk, ladder.status, ladder.lines[-1].after_ms) == ("main", 200, 59_000)
    answers = kept.answers("main")
    assert (answers.n_calls, answers.statuses, answers.answered_share) == (1, {200: 1}, 1.0)
    assert answers.delay_median_s == 1.0


def test_a_challenge_is_not_the_end() -> None:
    kept = book()
    kept.passed(True, INVITE, TRUNK, 1.0)
    kept.name("one", 7, "main")
    kept.passed(False, response("407 Proxy Authentication Required"), TRUNK, 1.1)
    assert kept.answers("main").statuses == {0: 1}
    kept.passed(False, response("486 Busy Here"), TRUNK, 5.0)
    assert kept.answers("main").statuses == {486: 1}
    assert kept.of_trunk("main", 10, failed_only=True) == ()


def test_failed_calls_outlive_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder_book, "MAX_CALLS", 2)
    monkeypatch.setattr(ladder_book, "MAX_FAILED", 1)
    kept = book()
    for n, status in enumerate(("503 Busy", "404 Not Found", "200 OK", "200 OK", "200 OK")):
        kept.passed(True, INVITE.replace(b"Call-ID: one", b"Call-ID: %d" % n), TRUNK, float(n))
        kept.name(str(n), n, "main")
        kept.passed(False, response(status, str(n)), TRUNK, n + 0.1)
    assert sorted(each.attempt_id or 0 for each in kept.of_trunk("main", 10)) == [1, 3, 4]


def test_a_peer_that_repeats_itself_is_cut_off() -> None:
    kept = book()
    kept.passed(True, INVITE, TRUNK, 1.0)
    kept.name("one", 7, "main")
    for n in range(1000):
        kept.passed(False, response("183 Progress"), TRUNK, 2.0 + n)
    (ladder,) = kept.of_attempt(7)
    assert len(ladder.lines) == ladder_book.MAX_MESSAGES
