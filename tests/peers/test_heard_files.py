"""SIPp plays files, before the answer and after it: the verdicts of live calls are those of the same audio offline."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from dialer.calls.signals import ListenTarget
from dialer.config import MediaConfig
from dialer.media.engine import MediaEngine
from dialer.progress.verdict import Verdict
from dialer.sip.endpoint import SipEndpoint
from tests.support.heard_calls import Heard, hear_clips
from tests.support.heard_clips import Clip, shipped_clips, verdict_of
from tests.support.rtp_hop import Weather

pytestmark = pytest.mark.peer("sipp")

ROUGH = Weather(loss=0.03, jitter_ms=40.0)


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    """Read before any loop runs."""
    return shipped_clips()


@pytest_asyncio.fixture
async def media(tmp_path: Path) -> AsyncIterator[MediaEngine]:
    """The real engine."""
    async with MediaEngine(MediaConfig(port_min=24_000, port_max=24_399, workers=1), tmp_path) as engine:
        yield engine


def live_verdict(clip: Clip, heard: Heard) -> Verdict | None:
    """What the call made of the clip."""
    return heard.early if clip.early else heard.greeting


def live_frames(clip: Clip, heard: Heard) -> list[bytes]:
    """What the detector of the clip was fed."""
    return heard.frames(ListenTarget.EARLY_MEDIA if clip.early else ListenTarget.GREETING)


@pytest.mark.parametrize("weather", [Weather(), ROUGH], ids=["fine", "rough"])
async def test_live_verdicts_are_the_offline_ones(
    endpoint: SipEndpoint, media: MediaEngine, clips: list[Clip], tmp_path: Path, weather: Weather
) -> None:
    """All fields for the frames that the tap gave; the label as of the file itself."""
    calls = await hear_clips(endpoint, media, clips, tmp_path, weather)
    live = {clip.name: live_verdict(clip, calls[clip.name]) for clip in clips}
    again = {clip.name: verdict_of(live_frames(clip, calls[clip.name]), clip.early) for clip in clips}
    assert live == again
    labels = {name: verdict.label.value if verdict else "" for name, verdict in live.items()}
    assert labels == {clip.name: clip.label for clip in clips}
    assert all(heard.has_no_hole() for heard in calls.values())
    assert (sum(heard.n_lost for heard in calls.values()) > 0) is (weather.loss > 0)
