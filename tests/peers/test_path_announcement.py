"""What the network says before the answer, whole: SIPp plays it in a 183, the library knows it, the call ends early."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from dialer.calls.listening import RECOGNISED
from dialer.model.verdict_sample import VerdictPhase
from dialer.progress.announcements import matches_in
from dialer.simulator.demo_house import ANNOUNCEMENTS
from dialer.simulator.voices import VOICES_DIR
from tests.support.path_carrier import Carrier, line_of_pcm, voice
from tests.support.path_house import PathHouse, open_path_house, seen
from tests.support.path_script import CANCELLED, CROSSING, INVITE, TRYING, respond, scenario, speak
from tests.support.sip_peers import wait_until

pytestmark = pytest.mark.peer("sipp")

PROGRESS = respond(183, "Session Progress", sdp=True)
MATCH_LIMIT_S = 1.5
"""From the first word of an announcement that nothing else in the library begins like."""
MARGIN_S = 1.0
"""What signalling, a packet's way and a busy machine may add."""


@dataclass(frozen=True)
class Played:
    """What is played and known, what becomes of the call, and how the carrier takes our CANCEL."""

    name: str
    known: tuple[str, ...]
    disposition: str
    taken: str


ALONE = Played("announcement_empty_number", ("announcement_empty_number",), "bad_number", CANCELLED)
AMONG_ITS_LIKE = Played("announcement_powered_off", tuple(ANNOUNCEMENTS), "powered_off", CANCELLED)
CROSSED = Played("announcement_busy", ("announcement_busy",), "busy", CROSSING)


@pytest.fixture
def pcm(played: Played) -> bytes:
    """What is played; read before the loop runs."""
    return voice(played.name)


@pytest.fixture
def files(played: Played) -> dict[str, bytes]:
    """What is known; read before the loop runs."""
    return {name: (VOICES_DIR / f"{name}.flac").read_bytes() for name in played.known}


async def fill(house: PathHouse, files: dict[str, bytes]) -> None:
    """Adds them as a supervisor does, and waits until calls listen with them."""
    for name, content in files.items():
        title, meaning = ANNOUNCEMENTS[name]
        await house.api.upload("/v1/announcements", {"title": title, "meaning": meaning.value}, content, "audio/flac")
    await wait_until(lambda: len(house.app.announcements.library.entries) == len(files), "the library is read")


@pytest.mark.parametrize("played", [ALONE, AMONG_ITS_LIKE, CROSSED], ids=["alone", "among its like", "crossed"])
async def test_a_recognised_announcement_ends_the_call(
    tmp_path: Path, played: Played, pcm: bytes, files: dict[str, bytes]
) -> None:
    script = scenario(played.name, INVITE, TRYING, PROGRESS, speak("line.al"), played.taken)
    async with (
        Carrier.playing("network", script, tmp_path / "network", {"line.al": line_of_pcm(pcm)}) as carrier,
        open_path_house(tmp_path, [carrier.trunk()]) as house,
    ):
        await fill(house, files)
        campaign_id = await house.campaign("network", {"mode": "reminder"})
        await house.start(campaign_id)
        attempt = await house.settled(campaign_id)
        await carrier.finished()
        assert carrier.complaints() == ""

        meaning = ANNOUNCEMENTS[played.name][1].value
        told = (attempt["disposition"], attempt["verdict"], attempt["verdict_confidence"], attempt["hangup_side"])
        assert told == (played.disposition, meaning, RECOGNISED, "us")
        assert attempt["answered_at"] is None
        (offline, *_) = matches_in(house.app.announcements.library, pcm)
        if len(files) == 1:
            assert offline.matched_ms <= offline.starts_ms + MATCH_LIMIT_S * 1000
        cancelled_s = carrier.first_received_at("CANCEL") - carrier.first_received_at("INVITE")
        assert offline.matched_ms / 1000 <= cancelled_s + 0.05  # the clock of SIPp's log against that of its packets
        assert cancelled_s <= offline.matched_ms / 1000 + MARGIN_S

        async def kept() -> dict[str, object] | None:
            return next(iter((await house.api.get(f"/v1/verdicts?campaign_id={campaign_id}"))["items"]), None)

        sample = await seen(kept, "the verdict is kept")
        assert (sample["phase"], sample["label"], sample["subclass"]) == (VerdictPhase.EARLY, "announcement", meaning)
