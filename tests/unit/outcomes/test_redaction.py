"""Numbers in free text are masked; what is no number stays."""

import pytest

from dialer.redaction import mask_numbers


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call 13800001234 now", "call 138****1234 now"),
        ("+8613800001234", "138****1234"),
        ("sip:8613800001234@host", "sip:861****1234@host"),
        ("打13800001234吧", "打138****1234吧"),
        ("138-0000-1234", "138****1234"),
        ("010 6555 1234", "010****1234"),
        ("due 2026-11-22, 1200.50 and 12345678", "due 2026-11-22, 1200.50 and 12345678"),
        ("a84b4c76e66710000", "a84b4c76e66710000"),  # a Call-ID
        ("123456789.50", "123456789.50"),  # an amount
        ("id 01a83800001234b", "id 01a83800001234b"),
    ],
)
def test_mask_numbers(text: str, masked: str) -> None:
    assert mask_numbers(text) == masked
