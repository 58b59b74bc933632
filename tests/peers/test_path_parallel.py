"""Detection beside the talk, whole: a SIPp carrier's machine is bridged like a person, beeps, and is taken back."""

from datetime import datetime
from pathlib import Path

import pytest

from dialer.prompts.signals import tone
from tests.support.path_carrier import Carrier, line_of_pcm, voice
from tests.support.path_house import open_path_house
from tests.support.path_phone import SpeakingPhone
from tests.support.path_script import INVITE, OUR_BYE, RINGING, TRYING, answer, scenario, speak

pytestmark = [pytest.mark.peer("sipp"), pytest.mark.peer("baresip"), pytest.mark.slow]

BEEP = tone((1000.0,), 800)


@pytest.fixture
def line() -> bytes:
    """A greeting like a person's, and the beep that tells; read before the loop runs."""
    return line_of_pcm(voice("human_zh_qing_shuo") + BEEP)


async def test_a_machine_is_taken_back_from_its_collector(tmp_path: Path, line: bytes) -> None:
    script = scenario("machine", INVITE, TRYING, RINGING, answer(), speak("line.al"), OUR_BYE)
    async with (
        Carrier.playing("machine", script, tmp_path / "machine", {"line.al": line}) as carrier,
        open_path_house(tmp_path, [carrier.trunk()]) as house,
    ):
        seat = await house.seat("desk1")
        async with SpeakingPhone.of_collector(tmp_path / "desk1", seat.phone, house.sip) as phone:
            await house.registered(seat, phone.destination.port)
            campaign_id = await house.campaign("machine", {"mode": "progressive", "amd": "parallel"})
            await seat.log_in(campaign_id)
            await house.start(campaign_id)
            attempt = await house.settled(campaign_id)
            await seat.reaches("ready")  # at once: there was nobody to wrap up
            await carrier.finished()
        told = (attempt["disposition"], attempt["hangup_side"], attempt["verdict"])
        assert told == ("machine", "us", "machine")
        assert datetime.fromisoformat(attempt["connected_at"]) < datetime.fromisoformat(attempt["ended_at"])
        assert carrier.complaints() == ""
