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
SAID_S = 0.7
"""After its last word an announcement is certain: a pause."""
MARGIN_S = 3.0
"""What signalling, a packet's way and a busy machine may add."""


@dataclass(frozen=True)
class Played:
    """What is played and known, what becomes of the call, and how the carrier takes our CANCEL.

    `told_s`: when it must be certain, from its first word on; 0: once all of it was said.
    """

    name: str
    known: tuple[str, ...]
    disposition: str
    taken: str
    told_s: float = 0.0


ALONE = Played("announcement_empty_number", ("announcement_empty_number",), "bad_number", CANCELLED)
AMONG_ITS_LIKE = Played("announcement_powered_off", tuple(ANNOUNCEMENTS), "powered_off", CANCELLED, told_s=2.9)
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
    """Adds them as a supervisor does, says of several that they are all, and waits until calls listen with them."""
    ids = []
    for name, content in files.items():
        title, meaning = ANNOUNCEMENTS[name]
        what = {"title": title, "meaning": meaning.value}
        ids.append((await house.api.upload("/v1/announcements", what, content, "audio/flac"))["announcement_id"])
    if len(ids) > 1:
        await house.api.post("/v1/announcements/complete", {"carrier": "network", "announcement_ids": ids})

    def is_read() -> bool:
        entries = house.app.announcements.library.entries
        return len(entries) == len(ids) and all(entry.in_complete_set is (len(ids) > 1) for entry in entries)

    await wait_until(is_read, "the library is read")


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
        library = house.app.announcements.library
        offline = next(match for match in matches_in(library, pcm) if match.certain)
        limit_s = played.told_s or library.entries[0].fingerprint.length_ms / 1000 + SAID_S
        assert offline.matched_ms - offline.starts_ms <= limit_s * 1000
        cancelled_s = carrier.first_received_at("CANCEL") - carrier.first_received_at("INVITE")
        assert offline.matched_ms / 1000 <= cancelled_s + 0.05  # the clock of SIPp's log against that of its packets
        assert cancelled_s <= offline.matched_ms / 1000 + MARGIN_S

        async def kept() -> dict[str, object] | None:
            return next(iter((await house.api.get(f"/v1/verdicts?campaign_id={campaign_id}"))["items"]), None)

        sample = await seen(kept, "the verdict is kept")
        assert (sample["phase"], sample["label"], sample["subclass"]) == (VerdictPhase.EARLY, "announcement", meaning)
