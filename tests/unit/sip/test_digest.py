"""Digest: the published vectors, the choice among challenges, nonces, counts and replays."""

import hashlib
from itertools import count

import pytest

from dialer.sip.challenge import Challenge, Credentials
from dialer.sip.digest import (
    MAX_TRACKED_NONCES,
    NONCE_LIFETIME_S,
    AuthVerdict,
    DigestClient,
    DigestServer,
    choose_challenge,
    secret_hash,
)

KEY = b"0123456789abcdef"
URI = "sip:dialer.example"


def challenge(**params: str) -> Challenge:
    return Challenge("Digest", {"realm": "r", "nonce": "n"} | params)


# RFC 7616 §3.9.1 (MD5 and SHA-256), RFC 2617 §3.5
RFC_7616 = {
    "realm": "http-auth@example.org",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    "qop": "auth, auth-int",
}


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_published_vectors(algorithm: str, response: str) -> None:
    client = DigestClient("Mufasa", "Circle of Life", lambda: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    credentials = client.answer([challenge(**RFC_7616, algorithm=algorithm)], "GET", "/dir/index.html")
    assert credentials is not None
    assert credentials.get("response") == response
    assert (credentials.get("qop"), credentials.get("nc")) == ("auth", "00000001")
    assert credentials.get("opaque") == RFC_7616["opaque"]


def test_without_qop_as_in_rfc_2069() -> None:
    credentials = DigestClient("bob", "zanzibar", lambda: "c").answer([challenge()], "INVITE", "sip:bob@biloxi.com")

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    assert credentials is not None
    assert credentials.get("response") == md5(f"{md5('bob:r:zanzibar')}:n:{md5('INVITE:sip:bob@biloxi.com')}")
    assert not credentials.params.keys() & {"qop", "nc", "cnonce", "algorithm", "opaque"}


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([{"algorithm": "MD5"}, {"algorithm": "SHA-256"}], "SHA-256"),
        ([{"algorithm": "SHA-512-256"}, {"algorithm": "sha-256-sess"}], "SHA-512-256"),
        ([{"algorithm": "SHA-256", "qop": "token"}, {}], "MD5"),
        ([{"algorithm": "MD4"}, {"algorithm": "MD5-sess"}], "MD5-sess"),
        ([{"algorithm": "MD4"}], None),
        ([{"nonce": ""}], None),
        ([], None),
    ],
)
def test_strongest_usable_challenge(offered: list[dict[str, str]], chosen: str | None) -> None:
    best = choose_challenge([challenge(**params) for params in offered])
    assert (best.algorithm if best else None) == chosen


def test_other_schemes_are_passed_over() -> None:
    assert (
        choose_challenge([Challenge("Basic", {"realm": "r", "nonce": "n"}), Challenge("Digest", {"nonce": "n"})])
        is None
    )
    assert DigestClient("u", "p", lambda: "c").answer([], "INVITE", URI) is None


def make_pair(algorithms: tuple[str, ...] = ("SHA-256", "MD5")) -> tuple[DigestClient, DigestServer]:
    tokens = count()
    return DigestClient("u", "secret", lambda: f"c{next(tokens)}"), DigestServer("desk", KEY, algorithms)


def secret(algorithm: str) -> str:
    return secret_hash(algorithm, "u", "desk", "secret")


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256"])
def test_both_sides_agree(algorithm: str) -> None:
    client, server = make_pair((algorithm,))
    offered = server.challenges(100.0, "salt")
    for number in (1, 2):
        credentials = client.answer(offered, "REGISTER", URI)
        assert credentials is not None
        assert credentials.get("nc") == f"{number:08x}"
        assert server.verify(credentials, "REGISTER", secret, 101.0) is AuthVerdict.ACCEPTED


@pytest.mark.parametrize("algorithm", ["MD5-sess", "SHA-256-sess"])
@pytest.mark.parametrize("qop", ["auth-int", ""])
def test_session_keys_and_bodies_change_the_response(algorithm: str, qop: str) -> None:
    def respond(body: bytes, name: str = algorithm) -> str:
        params = {"qop": qop} if qop else {}
        credentials = DigestClient("u", "p", lambda: "c").answer(
            [challenge(algorithm=name, **params)], "INVITE", URI, body
        )
        assert credentials is not None
        assert credentials.get("cnonce") == ("c" if qop or name == algorithm else "")
        return credentials.get("response")

    assert (respond(b"a\xff") != respond(b"b")) is bool(qop)
    assert respond(b"") != respond(b"", algorithm.removesuffix("-sess"))


def test_replay_and_stale() -> None:
    client, server = make_pair()
    first = client.answer(server.challenges(0.0, "s"), "REGISTER", URI)
    assert first is not None
    assert server.verify(first, "REGISTER", secret, 1.0) is AuthVerdict.ACCEPTED
    assert server.verify(first, "REGISTER", secret, 2.0) is AuthVerdict.REPLAYED
    assert server.verify(first, "REGISTER", secret, NONCE_LIFETIME_S + 1) is AuthVerdict.STALE
    assert server.verify(first, "REGISTER", secret, -1.0) is AuthVerdict.STALE
    assert DigestServer("desk", b"another key of 16").verify(first, "REGISTER", secret, 2.0) is AuthVerdict.STALE
    again = server.challenges(NONCE_LIFETIME_S + 1, "t", stale=True)
    assert [one.stale for one in again] == [True, True]


@pytest.mark.parametrize(
    "change",
    [
        {"response": "0" * 64},
        {"response": "\udcff"},
        {"realm": "other"},
        {"uri": "sip:elsewhere"},
        {"algorithm": "SHA-512-256"},
        {"qop": "auth-int"},
        {"qop": ""},
        {"cnonce": ""},
        {"nc": "1"},
        {"nc": "0000000g"},
    ],
)
def test_wrong_credentials(change: dict[str, str]) -> None:
    client, server = make_pair()
    credentials = client.answer(server.challenges(0.0, "s"), "REGISTER", URI)
    assert credentials is not None
    wrong = Credentials("Digest", credentials.params | change)
    assert server.verify(wrong, "REGISTER", secret, 1.0) is AuthVerdict.REFUSED
    assert server.verify(Credentials("Basic", credentials.params), "REGISTER", secret, 1.0) is AuthVerdict.REFUSED
    assert server.verify(credentials, "INVITE", secret, 1.0) is AuthVerdict.REFUSED
    assert server.verify(credentials, "REGISTER", lambda _: None, 1.0) is AuthVerdict.REFUSED
    assert server.verify(credentials, "REGISTER", secret, 1.0) is AuthVerdict.ACCEPTED


@pytest.mark.parametrize("nonce", ["", "x", "1.s", "zz.s.00"])
def test_foreign_nonce_is_stale_even_when_the_password_is_right(nonce: str) -> None:
    _, server = make_pair(("MD5",))
    asked = Challenge("Digest", {"realm": "desk", "nonce": nonce or "-", "qop": "auth"})
    credentials = DigestClient("u", "secret", lambda: "c").answer([asked], "REGISTER", URI)
    assert credentials is not None
    assert server.verify(credentials, "REGISTER", secret, 1.0) is AuthVerdict.STALE


def test_phone_without_qop_may_use_a_nonce_once() -> None:
    _, server = make_pair(("MD5",))
    nonce = server.challenges(0.0, "s")[0].nonce
    asked = Challenge("Digest", {"realm": "desk", "nonce": nonce})
    credentials = DigestClient("u", "secret", lambda: "c").answer([asked], "REGISTER", URI)
    assert credentials is not None
    assert server.verify(credentials, "REGISTER", secret, 1.0) is AuthVerdict.ACCEPTED
    assert server.verify(credentials, "REGISTER", secret, 1.0) is AuthVerdict.REPLAYED


def test_forgotten_nonces_become_stale_not_replayable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.sip.digest.MAX_TRACKED_NONCES", 2)
    assert MAX_TRACKED_NONCES > 2
    client, server = make_pair(("MD5",))
    used = []
    for second in range(4):
        credentials = client.answer(server.challenges(float(second), "s"), "REGISTER", URI)
        assert credentials is not None
        assert server.verify(credentials, "REGISTER", secret, 4.0) is AuthVerdict.ACCEPTED
        used.append(credentials)
    verdicts = [server.verify(credentials, "REGISTER", secret, 4.0) for credentials in used]
    assert verdicts == [AuthVerdict.STALE, AuthVerdict.STALE, AuthVerdict.REPLAYED, AuthVerdict.REPLAYED]


def test_old_counts_are_dropped() -> None:
    client, server = make_pair(("MD5",))
    for start in (0.0, NONCE_LIFETIME_S + 10):
        credentials = client.answer(server.challenges(start, "s"), "REGISTER", URI)
        assert credentials is not None
        assert server.verify(credentials, "REGISTER", secret, start + 1) is AuthVerdict.ACCEPTED
    assert len(server._counts) == 1


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        DigestServer("r", b"short")
    with pytest.raises(ValueError, match="MD4"):
        DigestServer("r", KEY, ("MD4",))
