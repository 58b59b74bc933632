"""G.711 in Python, by numpy tables: for prompts, tests and the loopback twin (ITU-T G.711).

The native engine has its own tables; a test compares all codes of both.
"""

import numpy as np
from numpy.typing import NDArray

from dialer.media.interface import Codec

PAYLOAD_TYPES = {Codec.PCMU: 0, Codec.PCMA: 8}
"""Static RTP payload types (RFC 3551 §6); also the codec numbers of the spool."""
SILENCE = {Codec.PCMU: 0xFF, Codec.PCMA: 0xD5}

_ULAW_BIAS = 0x84
_ULAW_CLIP = 32635

Samples = NDArray[np.int16]
Codes = NDArray[np.uint8]


def _ulaw_to_linear() -> Samples:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + _ULAW_BIAS) << ((code & 0x70) >> 4)
    return np.where(code & 0x80, _ULAW_BIAS - magnitude, magnitude - _ULAW_BIAS).astype(np.int16)


def _alaw_to_linear() -> Samples:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    mantissa, segment = (code & 0x0F) << 4, (code & 0x70) >> 4
    magnitude = np.where(segment == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _linear_to_ulaw() -> Codes:
    sample = np.arange(-32768, 32768, dtype=np.int32)
    magnitude = np.minimum(np.abs(sample), _ULAW_CLIP) + _ULAW_BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    code = np.where(sample < 0, 0x80, 0) | (segment << 4) | ((magnitude >> (segment + 3)) & 0x0F)
    codes: Codes = (~code & 0xFF).astype(np.uint8)
    return codes


def _linear_to_alaw() -> Codes:
    sample = np.arange(-32768, 32768, dtype=np.int32)
    magnitude = np.where(sample >= 0, sample, -sample - 1)
    segment = np.floor(np.log2(np.maximum(magnitude, 256))).astype(np.int32) - 7
    code = np.where(magnitude < 256, magnitude >> 4, (segment << 4) | ((magnitude >> (segment + 3)) & 0x0F))
    codes: Codes = ((code | np.where(sample >= 0, 0x80, 0)) ^ 0x55).astype(np.uint8)
    return codes


_TO_LINEAR = {Codec.PCMU: _ulaw_to_linear(), Codec.PCMA: _alaw_to_linear()}
_FROM_LINEAR = {Codec.PCMU: _linear_to_ulaw(), Codec.PCMA: _linear_to_alaw()}


def samples_of(pcm: bytes) -> Samples:
    """PCM as it crosses the media face, as `int16[n]`."""
    return np.frombuffer(pcm, dtype="<i2")


def decode(codes: bytes, codec: Codec) -> Samples:
    """G.711 codes to `int16[n]`, 8 kHz, mono."""
    return _TO_LINEAR[codec][np.frombuffer(codes, dtype=np.uint8)]


def encode(samples: Samples, codec: Codec) -> bytes:
    """`int16[n]`, 8 kHz, mono, to G.711 codes."""
    return bytes(_FROM_LINEAR[codec][samples.astype(np.int32) + 32768].tobytes())


def transcode(codes: bytes, source: Codec, target: Codec) -> bytes:
    """Codes of one law as the other's."""
    return codes if source is target else encode(decode(codes, source), target)
