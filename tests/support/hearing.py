"""What the detector of answers makes of audio made in a test; each time with both meters, which must agree."""

from dialer.media.meter import NativeMeter
from dialer.progress.amd import AmdConfig, AmdDetector
from dialer.progress.frames import FRAME_BYTES, FrameMeter, Meter
from dialer.progress.verdict import Verdict


def frames_of(pcm: bytes) -> list[bytes]:
    """Its whole frames of 20 ms."""
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]


def hear(pcm: bytes, config: AmdConfig | None = None) -> Verdict:
    """The verdict on a whole call, whose end counts as the end of the audio."""
    config = config or AmdConfig()
    native, python = (
        _heard(pcm, config, meter) for meter in (NativeMeter(config.vad_mode), FrameMeter(config.vad_mode))
    )
    assert native == python
    return native


def _heard(pcm: bytes, config: AmdConfig, meter: Meter) -> Verdict:
    detector = AmdDetector(config, meter=meter)
    verdict = next(filter(None, map(detector.feed, frames_of(pcm))), None) or detector.flush()
    assert verdict is not None
    return verdict
