"""ID tokens: whatever stands in one, it is believed or refused, and only one that says all it must is believed."""

import base64
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from dialer.api.oidc_tokens import Expected, OidcRefusedError, names_no_key, read_id_token
from tests.support.storage import MONDAY

KEY = ECKey.generate_key("P-256", {"kid": "first"})
KEYS = KeySet([KEY])
EXPECTED = Expected("https://id.example", "dialer", "the nonce")
NOW = int(MONDAY.timestamp())
GOOD: dict[str, Any] = {
    "iss": "https://id.example",
    "aud": "dialer",
    "nonce": "the nonce",
    "sub": "s-1",
    "iat": NOW,
    "exp": NOW + 300,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def signed(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "ES256", "kid": "first"}, claims, KEY)


@given(st.dictionaries(st.sampled_from([*GOOD, "azp"]), JSON, min_size=1, max_size=3))
def test_a_token_with_anything_else_in_it_is_refused_or_says_the_same(changes: dict[str, Any]) -> None:
    try:
        claims = read_id_token(signed(GOOD | changes), KEYS, EXPECTED, MONDAY)
    except OidcRefusedError:
        return
    assert (claims["iss"], claims["nonce"]) == (EXPECTED.issuer, EXPECTED.nonce)
    assert claims["aud"] == "dialer" or "dialer" in list(claims["aud"])  # type: ignore[call-overload]


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_text_that_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(OidcRefusedError):
        read_id_token(text, KEYS, EXPECTED, MONDAY)
    assert not names_no_key(text, KEYS)


@given(st.data())
def test_a_token_with_one_character_changed_is_refused(data: st.DataObject) -> None:
    token = signed(GOOD)
    at = data.draw(st.integers(0, len(token) - 2))  # the last one has bits that mean nothing
    changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
    with pytest.raises(OidcRefusedError):
        read_id_token(changed, KEYS, EXPECTED, MONDAY)


@pytest.mark.parametrize(
    ("minutes", "is_believed"),
    [(-2, False), (-0.9, True), (0, True), (5.9, True), (6.1, False)],  # made to last five; a minute is forgiven
)
def test_a_token_is_believed_in_its_time(minutes: float, is_believed: bool) -> None:
    now = MONDAY + timedelta(minutes=minutes)
    if is_believed:
        assert read_id_token(signed(GOOD), KEYS, EXPECTED, now)["sub"] == "s-1"
    else:
        with pytest.raises(OidcRefusedError):
            read_id_token(signed(GOOD), KEYS, EXPECTED, now)


@pytest.mark.parametrize(
    ("algorithm", "signature"),
    [("none", b""), ("HS256", b"any"), ("ES256", b""), ("RS256", b"any"), ("", b"any")],
)
def test_what_the_providers_key_did_not_sign_is_refused(algorithm: str, signature: bytes) -> None:
    parts = (msgspec.json.encode({"alg": algorithm, "kid": "first"}), msgspec.json.encode(GOOD), signature)
    forged = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts).decode()
    with pytest.raises(OidcRefusedError):
        read_id_token(forged, KEYS, EXPECTED, MONDAY)
