"""Phones that register, move, expire, guess passwords."""

import itertools

import pytest

from dialer.sip.digest import DigestClient, DigestServer
from dialer.sip.events import Destination, Transport
from dialer.sip.message import Request, Response, parse_message
from dialer.sip.registrar import (
    FAILURE_WINDOW_S,
    GRACE_S,
    MAX_FAILURES,
    Authenticator,
    Registrar,
    RegistrationChanged,
    Silence,
    secrets_from_passwords,
)

NAT = Destination(Transport.UDP, "203.0.113.5", 40001)
ELSEWHERE = Destination(Transport.UDP, "203.0.113.9", 40009)
PASSWORDS = {"anna": "right", "ben": "other"}


class Phone:
    """A phone and the registrar it talks to, on a clock of our own."""

    def __init__(self) -> None:
        self.changes: list[RegistrationChanged] = []
        tokens = itertools.count(1)
        self._token = lambda: f"t{next(tokens)}"
        server = DigestServer("dialer", b"0123456789abcdef")
        authenticator = Authenticator(server, secrets_from_passwords("dialer", PASSWORDS.get), self._token)
        self.registrar = Registrar(authenticator, self.changes.append)
        self.cseq = 0
        self.now = 100.0

    def send(
        self,
        *,
        user: str = "anna",
        password: str | None = "right",
        contact: str = "<sip:anna@192.168.1.7:5060>",
        extra: str = "Expires: 300\r\n",
        source: Destination = NAT,
        username: str = "",
        signed_uri: str = "sip:dialer",
    ) -> Response | Silence:
        """Registers; with a password the challenge is answered."""
        first = self.registrar.handle(self.request(user, contact, extra), source, self.now)
        if password is None or isinstance(first, Silence) or first.status != 401:
            return first
        client = DigestClient(username or user, password, self._token)
        credentials = client.answer(first.www_authenticate, "REGISTER", signed_uri)
        authorization = f"Authorization: {credentials}\r\n"
        return self.registrar.handle(self.request(user, contact, extra + authorization), source, self.now)

    def request(self, user: str, contact: str, extra: str) -> Request:
        self.cseq += 1
        contact_line = f"Contact: {contact}\r\n" if contact else ""
        text = (
            f"REGISTER sip:dialer SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.7;branch=z9hG4bK{self.cseq};rport\r\n"
            f"From: <sip:{user}@dialer>;tag=p\r\nTo: <sip:{user}@dialer>\r\nCall-ID: reg-{user}\r\n"
            f"CSeq: {self.cseq} REGISTER\r\n{contact_line}{extra}\r\n"
        )
        message = parse_message(text.encode())
        assert isinstance(message, Request)
        return message

    def status(self, **kwargs: str | Destination | None) -> int:
        """The final status; 0 for silence."""
        response = self.send(**kwargs)  # type: ignore[arg-type]
        return response.status if isinstance(response, Response) else 0


def test_a_phone_behind_nat_is_reached_where_it_called_from() -> None:
    phone = Phone()
    assert phone.status() == 200
    binding = phone.registrar.binding("anna")
    assert binding is not None
    assert binding.destination == NAT
    assert str(binding.target) == "sip:anna@192.168.1.7:5060"
    assert phone.registrar.user_at(NAT) == "anna"
    assert phone.changes == [RegistrationChanged("anna", binding)]


def test_both_algorithms_are_offered_strongest_first() -> None:
    response = Phone().send(password=None)
    assert isinstance(response, Response)
    assert [challenge.algorithm for challenge in response.www_authenticate] == ["SHA-256", "MD5"]


@pytest.mark.parametrize(
    ("kwargs", "status"),
    [
        ({"user": "nobody"}, 0),  # strangers hear nothing
        ({"password": "wrong"}, 403),
        ({"signed_uri": "sip:elsewhere"}, 403),
        ({"signed_uri": "no uri"}, 400),
        ({"username": "ben", "password": "other"}, 403),  # ben cannot register for anna
        ({"extra": "Expires: 20\r\n"}, 423),
        ({"contact": "*", "extra": "Expires: 300\r\n"}, 400),
        ({"extra": "Require: path\r\n"}, 420),
        ({"contact": ""}, 200),  # asks what is registered
        ({"extra": "Authorization: Digest =\r\n", "password": None}, 400),
    ],
)
def test_what_is_refused(kwargs: dict[str, str | None], status: int) -> None:
    phone = Phone()
    assert phone.status(**kwargs) == status
    assert phone.registrar.binding("anna") is None
    assert phone.changes == []


def test_the_answer_says_how_long() -> None:
    phone = Phone()
    for extra, seconds in (("Expires: 90\r\n", 90), ("", 120), ("Expires: 99999\r\n", 120)):
        response = phone.send(extra=extra)
        assert isinstance(response, Response)
        assert response.contacts[0].param("expires") == str(seconds)
    response = phone.send(contact="<sip:anna@192.168.1.7>;expires=120", extra="Expires: 300\r\n")
    assert isinstance(response, Response)
    assert response.contacts[0].param("expires") == "120"


def test_a_refresh_tells_nobody_but_a_move_does() -> None:
    phone = Phone()
    phone.send()
    phone.send()
    assert len(phone.changes) == 1
    phone.send(source=ELSEWHERE)
    assert [change.binding.destination for change in phone.changes if change.binding] == [NAT, ELSEWHERE]
    assert phone.registrar.user_at(NAT) is None


@pytest.mark.parametrize("kwargs", [{"extra": "Expires: 0\r\n"}, {"contact": "*", "extra": "Expires: 0\r\n"}])
def test_unregistering(kwargs: dict[str, str]) -> None:
    phone = Phone()
    phone.send()
    assert phone.status(**kwargs) == 200
    assert phone.changes[-1] == RegistrationChanged("anna", None)
    assert phone.registrar.user_at(NAT) is None


def test_bindings_expire() -> None:
    phone = Phone()
    phone.send()
    assert phone.registrar.next_deadline == 100.0 + 120 + GRACE_S
    phone.registrar.handle_timeout(220.0)
    assert phone.registrar.binding("anna") is not None
    phone.registrar.handle_timeout(100.0 + 120 + GRACE_S)
    assert phone.changes[-1] == RegistrationChanged("anna", None)
    assert phone.registrar.next_deadline is None


def test_a_lost_connection_takes_the_phone_away() -> None:
    phone = Phone()
    phone.send()
    phone.registrar.lost(ELSEWHERE)
    assert len(phone.changes) == 1
    phone.registrar.lost(NAT)
    assert phone.changes[-1] == RegistrationChanged("anna", None)


def test_a_late_register_changes_nothing() -> None:
    phone = Phone()
    phone.send()
    phone.cseq = 0
    assert phone.status(source=ELSEWHERE) == 500
    assert phone.registrar.user_at(NAT) == "anna"


def test_guessing_is_answered_with_silence_for_a_while() -> None:
    phone = Phone()
    assert [phone.status(password="guess") for _ in range(MAX_FAILURES + 1)] == [403] * MAX_FAILURES + [0]
    assert phone.status() == 0
    assert phone.status(source=ELSEWHERE) == 200  # others are not punished
    phone.now += FAILURE_WINDOW_S + 1
    assert phone.status() == 200


def test_a_replayed_or_old_answer_gets_a_new_challenge() -> None:
    phone = Phone()
    challenge = phone.send(password=None)
    assert isinstance(challenge, Response)
    client = DigestClient("anna", "right", phone._token)
    line = f"Authorization: {client.answer(challenge.www_authenticate, 'REGISTER', 'sip:dialer')}\r\n"
    assert phone.status(password=None, extra=line) == 200
    again = phone.send(password=None, extra=line)
    assert isinstance(again, Response)
    assert (again.status, again.www_authenticate[0].stale) == (401, True)


def test_two_accounts_behind_one_address() -> None:
    phone = Phone()
    phone.send()
    phone.send(user="ben", password="other", contact="<sip:ben@192.168.1.7>")
    assert phone.registrar.user_at(NAT) == "ben"
    phone.send(source=ELSEWHERE)  # anna moves away
    assert phone.registrar.user_at(NAT) == "ben"
    assert phone.registrar.user_at(ELSEWHERE) == "anna"


def test_a_phone_may_sign_its_request_with_a_port() -> None:
    assert Phone().status(signed_uri="sip:DIALER:5060;transport=udp") == 200
