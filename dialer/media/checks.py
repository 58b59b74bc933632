"""What both engines refuse before anything happens, in the same words."""

import ipaddress
import re

from dialer.errors import MediaError
from dialer.media.interface import MAX_TAP_BLOCK_MS

NO_REMOTE = "the far end of a browser's leg is named by its offer: call accept"
_RECORDING_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_DIGITS = re.compile(r"[0-9*#A-Da-d]+")
_MAX_PAYLOAD_TYPE = 127
_TAP_BLOCK_STEP_MS = 10


def check_remote(host: str, port: int, dtmf_payload_type: int | None) -> None:
    """Raises MediaError unless RTP can be sent there."""
    try:
        ipaddress.ip_address(host)
    except ValueError as error:
        raise MediaError(f"the far end {host!r} is not an IP address; resolve names before") from error
    if not 0 < port <= 0xFFFF:
        raise MediaError(f"the far end's port {port} is not 1 to 65535")
    if dtmf_payload_type is not None and not 0 <= dtmf_payload_type <= _MAX_PAYLOAD_TYPE:
        raise MediaError(f"the DTMF payload type {dtmf_payload_type} is not 0 to {_MAX_PAYLOAD_TYPE}")


def check_pcm(pcm: bytes) -> None:
    """Raises MediaError unless it is at least one whole sample of 16 bit."""
    if not pcm or len(pcm) % 2:
        raise MediaError(f"{len(pcm)} bytes are no 16-bit audio; give int16, little-endian, mono, 8 kHz")


def check_tap_block(block_ms: int) -> None:
    """Raises MediaError unless blocks of this length are made."""
    if block_ms % _TAP_BLOCK_STEP_MS or not 0 < block_ms <= MAX_TAP_BLOCK_MS:
        raise MediaError(f"tap blocks of {block_ms} ms; take a multiple of 10 up to {MAX_TAP_BLOCK_MS}")


def check_digits(digits: str, dtmf_payload_type: int | None) -> None:
    """Raises MediaError unless the far end can be sent these keys."""
    if not _DIGITS.fullmatch(digits):
        raise MediaError("DTMF digits are 0-9, *, # and A-D")
    if dtmf_payload_type is None:
        raise MediaError("the far end takes no telephone events (none in its SDP, or it was not named yet)")


def check_recording_id(recording_id: str) -> None:
    """Raises MediaError unless the id is a plain file name: it names the spool file."""
    if not _RECORDING_ID.fullmatch(recording_id):
        raise MediaError(f"{recording_id!r} is no recording id; take letters, digits, dot, dash and underscore")
