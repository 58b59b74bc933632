"""The main way, whole: a person at a SIPp carrier greets, a collector's baresip is bridged, both are recorded."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dialer.model.outcome import EventType
from dialer.prompts.signals import silence
from tests.support.path_audio import Samples, channels, find, samples_of, share_of_tone
from tests.support.path_carrier import Carrier, line_of_pcm, voice
from tests.support.path_house import PathHouse, Seat, open_path_house
from tests.support.path_phone import COLLECTOR_HZ, SpeakingPhone
from tests.support.path_script import INVITE, OUR_BYE, RINGING, TRYING, answer, scenario, speak

pytestmark = [pytest.mark.peer("sipp"), pytest.mark.peer("baresip"), pytest.mark.slow]

ABANDON_LIMIT_S = 2.0
"""From the end of a greeting to a collector: 47 CFR 64.1200(a)(7)."""
REPLY_AFTER_MS = 2500
"""Time enough for the verdict and the bridge, so that the collector hears the reply from its first sound."""
TALK_S = 7.0
LIKE = 0.9
PROMISE = {"code": "promise", "values": {"amount": "300.00"}}


@dataclass(frozen=True)
class Person:
    """What the person says: a greeting, and something more when spoken to. PCM."""

    greeting: bytes
    reply: bytes

    @property
    def line(self) -> bytes:
        """All of it, as a carrier's line carries it."""
        return line_of_pcm(self.greeting + silence(REPLY_AFTER_MS) + self.reply)


@pytest.fixture
def person() -> Person:
    """Read before the loop runs."""
    return Person(voice("human_zh_wei_nihao"), voice("human_zh_qing_shuo"))


def delay_s(attempt: Mapping[str, Any], since: str, until: str) -> float:
    """Between two stored instants."""
    return (datetime.fromisoformat(attempt[until]) - datetime.fromisoformat(attempt[since])).total_seconds()


async def talk(house: PathHouse, seat: Seat, carrier: Carrier) -> Mapping[str, Any]:
    """One call from the launch to its wrap-up; the attempt."""
    campaign_id = await house.campaign(carrier.name, {"mode": "progressive"})
    await seat.log_in(campaign_id)
    await house.start(campaign_id)
    await seat.reaches("talking")
    await asyncio.sleep(TALK_S)
    await seat.act("hang-up")
    await seat.reaches("wrapup")
    attempt = await house.settled(campaign_id)
    await seat.act("identity", {"attempt_id": attempt["attempt_id"], "result": "confirmed"})
    await seat.act("wrap-up", {"attempt_id": attempt["attempt_id"], **PROMISE})
    assert await seat.state() == "ready"
    await carrier.finished()
    return attempt


async def check_recording(house: PathHouse, attempt: Mapping[str, Any], person: Person) -> None:
    """Both sides are in the file that the case system is told of, each in its channel and at its time."""
    info, flac = await house.recording(attempt)
    told = await house.told(EventType.RECORDING_READY, attempt["attempt_id"])
    assert hashlib.sha256(flac).hexdigest() == info["sha256"] == told["sha256"]
    assert told["recording_id"] == attempt["recording_id"]
    assert not info["truncated"]
    them, us = await asyncio.to_thread(channels, flac)
    between = await asyncio.to_thread(lambda: place_of(person.reply, them) - place_of(person.greeting, them))
    assert between == pytest.approx(len(person.greeting) / 16000 + REPLY_AFTER_MS / 1000, abs=0.06)
    bridged_at = round(8000 * delay_s(attempt, "answered_at", "connected_at"))
    assert share_of_tone(us[: bridged_at - 800], COLLECTOR_HZ) < 0.05
    assert share_of_tone(us[bridged_at + 4000 : bridged_at + 28000], COLLECTOR_HZ) > 0.95


def place_of(pcm: bytes, audio: Samples) -> float:
    """Where this begins, in seconds; AssertionError when it is not there."""
    found = find(samples_of(pcm), audio)
    assert found.likeness > LIKE, found
    return found.at_s


async def check_outcomes(house: PathHouse, seat: Seat, attempt: Mapping[str, Any]) -> None:
    """What the case system has heard, once each and with a good signature."""
    settled = await house.told(EventType.ATTEMPT_SETTLED, attempt["attempt_id"])
    assert (settled["disposition"], settled["agent_id"]) == ("connected", seat.agent_id)
    wrap_up = await house.told(EventType.WRAP_UP, attempt["attempt_id"])
    assert (wrap_up["code"], wrap_up["values"]) == ("promise", {"amount": "300.00"})
    assert house.case_system.forged == 0


async def test_a_person_is_bridged_recorded_and_told(tmp_path: Path, person: Person) -> None:
    script = scenario("person", INVITE, TRYING, RINGING, answer(), speak("line.al"), OUR_BYE)
    async with (
        Carrier.playing("person", script, tmp_path / "person", {"line.al": person.line}) as carrier,
        open_path_house(tmp_path, [carrier.trunk()]) as house,
    ):
        seat = await house.seat("desk1")
        async with SpeakingPhone.of_collector(tmp_path / "desk1", seat.phone, house.sip) as phone:
            await house.registered(seat, phone.destination.port)
            attempt = await talk(house, seat, carrier)
            await seat.act("log-out")
        assert (attempt["disposition"], attempt["hangup_side"], attempt["verdict"]) == (
            "connected",
            "collector",
            "human",
        )
        await check_recording(house, attempt, person)
        await check_outcomes(house, seat, attempt)
        heard = samples_of(await asyncio.to_thread(phone.heard))
        place_of(person.reply, heard)
        wait_s = delay_s(attempt, "greeting_end_at", "connected_at")
        print(f"\nend of the greeting to the bridge: {wait_s * 1000:.0f} ms")
        assert 0 < wait_s <= ABANDON_LIMIT_S
        assert carrier.complaints() == ""
