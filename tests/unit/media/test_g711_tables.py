"""The numpy tables of G.711."""

import numpy as np
import pytest

from dialer.media import g711
from dialer.media.interface import Codec


@pytest.mark.parametrize(
    ("codec", "code", "linear"),
    [
        # ITU-T G.711 tables 1a to 2b: the ends of the scale and the smallest steps.
        (Codec.PCMU, 0x80, 32124),
        (Codec.PCMU, 0x00, -32124),
        (Codec.PCMU, 0xFF, 0),
        (Codec.PCMA, 0xAA, 32256),
        (Codec.PCMA, 0x2A, -32256),
        (Codec.PCMA, 0xD5, 8),
        (Codec.PCMA, 0x55, -8),
    ],
)
def test_known_values(codec: Codec, code: int, linear: int) -> None:
    assert g711.decode(bytes([code]), codec).tolist() == [linear]


@pytest.mark.parametrize("codec", list(Codec))
def test_every_code_survives_linear(codec: Codec) -> None:
    codes = bytes(range(256))
    again = g711.encode(g711.decode(codes, codec), codec)
    different = [code for code, back in zip(codes, again, strict=True) if code != back]
    assert different == ([0x7F] if codec is Codec.PCMU else [])  # µ-law's negative zero becomes the positive


@pytest.mark.parametrize("codec", list(Codec))
def test_silence_is_silent(codec: Codec) -> None:
    assert abs(int(g711.decode(bytes([g711.SILENCE[codec]]), codec)[0])) <= 8


def test_transcoding_within_a_law_changes_nothing() -> None:
    codes = bytes(range(256))
    assert g711.transcode(codes, Codec.PCMA, Codec.PCMA) == codes


def test_samples_are_little_endian() -> None:
    assert g711.samples_of(b"\x01\x00\xff\x7f\x00\x80").tolist() == [1, 32767, -32768]
    assert g711.samples_of(np.array([5, -5], dtype="<i2").tobytes()).tolist() == [5, -5]
