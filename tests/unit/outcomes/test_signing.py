"""Standard Webhooks: the published example, rotation, and what a receiver must refuse."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from dialer.errors import ConfigError
from dialer.outcomes.signing import secret_key, sign, verify

NOW = datetime(2026, 11, 23, tzinfo=UTC)
OLD, NEW = b"old-secret-of-enough-length", b"new-secret-of-enough-length"


def test_known_signature() -> None:
    """The example of the Standard Webhooks libraries."""
    key = secret_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', [key])
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_rotation_signs_with_every_secret() -> None:
    headers = sign("e-1", NOW, b"body", [NEW, OLD])
    assert len(headers["webhook-signature"].split()) == 2
    assert verify(headers, b"body", [OLD], NOW)
    assert verify(headers, b"body", [NEW], NOW)
    assert not verify(headers, b"body", [b"other"], NOW)


@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({}, b"changed"),
        ({"webhook-id": "e-2"}, b"body"),
        ({"webhook-timestamp": "1"}, b"body"),
        ({"webhook-timestamp": "²"}, b"body"),  # a digit to Python, not to the protocol
        ({"webhook-timestamp": ""}, b"body"),
        ({"webhook-signature": ""}, b"body"),
        ({"webhook-signature": "v1,AAAA"}, b"body"),
        ({"webhook-signature": "ü"}, b"body"),
    ],
)
def test_changed_messages_are_refused(change: dict[str, str], body: bytes) -> None:
    assert not verify(sign("e-1", NOW, b"body", [NEW]) | change, body, [NEW], NOW)


def test_old_messages_are_refused() -> None:
    headers = sign("e-1", NOW, b"body", [NEW])
    assert verify(headers, b"body", [NEW], NOW + timedelta(seconds=299))
    assert not verify(headers, b"body", [NEW], NOW + timedelta(seconds=301))


def test_secrets_are_base64_behind_their_prefix_and_plain_without() -> None:
    assert secret_key("whsec_" + base64.b64encode(NEW).decode()) == NEW
    assert secret_key("plain") == b"plain"
    with pytest.raises(ConfigError, match="base64"):
        secret_key("whsec_not base64")
