"""SIPp plays files, before the answer and after it: the verdicts of live calls are those of the same audio offline.

SIPp is the peer in signalling and audio alike (its `rtp_stream`); its packets pass a hop that loses and delays them.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from dialer.calls.signals import ListenTarget
from dialer.config import MediaConfig
from dialer.media import g711
from dialer.media.engine import MediaEngine
from dialer.media.interface import FRAME_MS, Codec
from dialer.progress.verdict import Verdict
from dialer.prompts.signals import silence, tone
from dialer.sip.endpoint import SipEndpoint
from tests.support.heard_calls import EARLY_LINE, FINE, LINE, Heard, Play, hear, hear_clips
from tests.support.heard_clips import Clip, clip_of, greeting_verdict, shipped_clips, verdict_of
from tests.support.path_script import INVITE, OUR_BYE, TRYING, answer, scenario, speak, wait
from tests.support.rtp_hop import Weather

pytestmark = pytest.mark.peer("sipp")

ROUGH = Weather(loss=0.03, jitter_ms=40.0)
MAY_SHIFT_MS = 60
"""How far words may move in time where only the far end's clock and the packets' arrival say when they were said."""
REPEATS = 3
"""One stall of the machine disturbs all calls that are up: what it disturbed is played again."""
RINGBACK = tone((450.0,), 1000) + silence(1000)
"""ITU-T E.180, China; the pause is cut short."""


@dataclass(frozen=True)
class Studio:
    """Our end of the calls, what is played, and what the detectors make of it offline."""

    endpoint: SipEndpoint
    media: MediaEngine
    folder: Path
    clips: Sequence[Clip]
    offline: Mapping[str, Verdict | None]

    async def hear(self, play: Play) -> Heard:
        """One call in fine weather."""
        return await hear(self.endpoint, self.media, play, self.folder)

    async def hear_clips(self, clips: Sequence[Clip], weather: Weather = FINE) -> dict[str, Heard]:
        """A call for each clip; the answers must be the same offline.

        That is all fields for the frames that the tap gave, from which nothing is missing, and the label of the file.
        """
        seeds = {clip.name: seed for seed, clip in enumerate(clips)}
        calls = await hear_clips(self.endpoint, self.media, clips, self.folder, weather, seeds=seeds)
        for again in range(REPEATS):
            disturbed = [clip for clip in clips if calls[clip.name].was_disturbed]
            if len(disturbed) <= len(clips) / 2:
                break
            folder = self.folder / f"again-{again}"
            folder.mkdir()
            calls |= await hear_clips(self.endpoint, self.media, disturbed, folder, weather, seeds=seeds)
        live = {clip.name: calls[clip.name].verdict(clip) for clip in clips}
        offline = {clip.name: verdict_of(calls[clip.name].frames(target_of(clip)), clip.early) for clip in clips}
        assert live == offline
        assert all(heard.has_no_hole for heard in calls.values())
        for clip in calm(clips, calls):
            assert label_of(live[clip.name]) == label_of(self.offline[clip.name]), clip.name
        return calls


@pytest.fixture(scope="module")
def files() -> tuple[Sequence[Clip], Mapping[str, Verdict | None]]:
    """Read and heard before any loop runs."""
    clips = shipped_clips()
    return clips, {clip.name: verdict_of(clip.frames(), clip.early) for clip in clips}


@pytest_asyncio.fixture
async def studio(
    endpoint: SipEndpoint, tmp_path: Path, files: tuple[Sequence[Clip], Mapping[str, Verdict | None]]
) -> AsyncIterator[Studio]:
    """With the real engine."""
    async with MediaEngine(MediaConfig(port_min=24_000, port_max=24_399, workers=1), tmp_path) as media:
        yield Studio(endpoint, media, tmp_path, *files)


def target_of(clip: Clip) -> ListenTarget:
    """Which detector hears the clip."""
    return ListenTarget.EARLY_MEDIA if clip.early else ListenTarget.GREETING


def label_of(verdict: Verdict | None) -> str:
    """Its label's name; empty without a verdict."""
    return verdict.label.value if verdict else ""


def calm(clips: Sequence[Clip], calls: Mapping[str, Heard]) -> list[Clip]:
    """Where nothing but the weather disturbed the packets: on any machine, most calls."""
    found = [clip for clip in clips if not calls[clip.name].was_disturbed]
    assert len(found) >= len(calls) / 2
    return found


async def test_a_fine_network_gives_the_files_own_frames(studio: Studio) -> None:
    """To the sample, from the first packet on; so all of the verdict is that of the file, its times as well."""
    calls = await studio.hear_clips(studio.clips)
    for clip in calm(studio.clips, calls):
        frames = calls[clip.name].frames(target_of(clip))
        assert frames == clip.frames()[: len(frames)], clip.name
        assert calls[clip.name].verdict(clip) == studio.offline[clip.name], clip.name


async def test_loss_and_jitter_change_no_answer(studio: Studio) -> None:
    calls = await studio.hear_clips(studio.clips, ROUGH)
    assert all(heard.n_lost > 0 for heard in calls.values() if len(heard.arrivals) > 200)


async def test_a_line_that_sends_no_pauses_sounds_the_same(studio: Studio) -> None:
    """Comfort noise (RFC 3389) instead of packets is silence to the detectors, in its place and of its length."""
    spoken = [clip for clip in studio.clips if clip.label in ("human", "machine")]
    calls = await studio.hear_clips(spoken, Weather(sends_pauses=False))
    for clip in calm(spoken, calls):
        live, of_file = calls[clip.name].verdict(clip), studio.offline[clip.name]
        assert live is not None
        assert of_file is not None
        assert abs(live.decided_ms - of_file.decided_ms) <= MAY_SHIFT_MS, clip.name


async def test_the_audio_kept_with_a_verdict_is_what_was_heard(studio: Studio) -> None:
    clip = studio.clips[0]
    calls = await studio.hear_clips([clip])
    kept, frames = calls[clip.name].greeting, calls[clip.name].frames(ListenTarget.GREETING)
    assert kept is not None
    assert kept.verdict == greeting_verdict(frames)
    n_decided = kept.verdict.decided_ms // FRAME_MS
    assert kept.pcm == b"".join(frames[kept.audio_from_ms // FRAME_MS : n_decided])


async def test_nothing_is_missed_or_heard_twice_when_the_call_is_answered(studio: Studio) -> None:
    """Ringing in a 183, the answer, and the greeting in one stream: one detector ends where the next begins."""
    greeting = studio.clips[0]
    ringing = clip_of("ringing", "ringback", True, RINGBACK)
    line = ringing.codes + greeting.line
    script = scenario("answered", INVITE, TRYING, EARLY_LINE, wait(len(RINGBACK) // 16), answer(), OUR_BYE)
    heard = await studio.hear(Play("answered", script, line))
    blocks = heard.all_blocks()
    assert heard.has_no_hole
    assert set(heard.blocks) == {ListenTarget.EARLY_MEDIA, ListenTarget.GREETING}
    assert heard.early is not None
    assert heard.greeting is not None
    assert (heard.early.label.value, heard.greeting.verdict.label.value) == ("ringback", "human")
    if not heard.was_disturbed:
        frames = [block.pcm for block in blocks]
        sent = clip_of("sent", "", True, g711.decode(line, Codec.PCMA).tobytes()).frames()
        assert frames == sent[: len(frames)]


async def test_a_word_faster_than_the_answer_is_heard(studio: Studio) -> None:
    """Audio takes a shorter way than signalling: packets before the 200 wait for it."""
    clip = studio.clips[0]
    script = scenario("eager", INVITE, TRYING, speak(LINE), wait(60), answer(), OUR_BYE)
    heard = await studio.hear(Play("eager", script, clip.line))
    frames = heard.frames(ListenTarget.GREETING)
    if not heard.was_disturbed:
        assert frames == clip.frames()[: len(frames)]
    assert heard.greeting is not None
    assert heard.greeting.verdict == greeting_verdict(frames)
