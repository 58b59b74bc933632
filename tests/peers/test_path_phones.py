"""Collectors' telephones through the whole node: rung once a shift, coming, going and vanishing under a call.

All stories run at once over one node; its carriers are SIPps.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from dialer.model.agent import AgentState, AgentStateChange
from dialer.prompts.audio import read_audio
from dialer.prompts.store import SHIPPED_DIR
from tests.support.path_audio import channels, find, samples_of
from tests.support.path_carrier import Carrier, line_of
from tests.support.path_house import PathHouse, Seat, open_path_house, seen
from tests.support.path_phone import SpeakingPhone
from tests.support.path_ports import free_ports
from tests.support.path_script import INVITE, OUR_BYE, RINGING, TRYING, answer, hang_up, scenario, speak, wait
from tests.support.sip_peers import HOST, running

pytestmark = [pytest.mark.peer("sipp"), pytest.mark.peer("baresip"), pytest.mark.slow]

PYVOIP = Path(__file__).with_name("pyvoip_phone.py")
PROMPTS = SHIPPED_DIR / "zh-CN"
LIKE = 0.9
WHOLE_SHIFT_S = "600"
RTP_TIMEOUT_S = 3.0
RINGS_MS = 1500
RINGS_LONG_MS = 8000
"""Time enough for somebody to go while it rings."""
TALKS_MS = 5000
SETTINGS = {"mode": "progressive", "trunk_group": "people", "wrap_up_limit_s": 120}


class Shift:
    """One story: its node, its folder, and the calls of its collectors."""

    def __init__(self, house: PathHouse, folder: Path) -> None:
        self.house = house
        self.folder = folder

    @asynccontextmanager
    async def baresip(self, seat: Seat, name: str = "") -> AsyncIterator[SpeakingPhone]:
        """The seat's phone, registered; a second one of the same account needs a name."""
        folder = self.folder / (name or seat.phone.user)
        async with SpeakingPhone.of_collector(folder, seat.phone, self.house.sip) as phone:
            await self.house.registered(seat, phone.destination.port)
            yield phone

    @asynccontextmanager
    async def pyvoip(self, seat: Seat) -> AsyncIterator[Path]:
        """Another make of phone; gives the log of what it did."""
        folder = self.folder / seat.phone.user
        await asyncio.to_thread(folder.mkdir)
        port = free_ports()
        ports = [str(port), str(self.house.sip.port)]
        account = [seat.phone.user, seat.phone.password]
        async with running(sys.executable, str(PYVOIP), HOST, *ports, *account, WHOLE_SHIFT_S, cwd=folder):
            await self.house.registered(seat, port)
            yield folder / "output.log"

    async def begin(self, name: str, n_contacts: int) -> int:
        """A campaign under way."""
        campaign_id = await self.house.campaign(name, SETTINGS, n_contacts)
        await self.house.start(campaign_id)
        return campaign_id

    async def talk(self, seat: Seat) -> None:
        """One talk, ended by the collector over the API, and wrapped up."""
        await seat.reaches("talking")
        await seat.act("hang-up")
        await seat.reaches("wrapup")
        desk = await seat.api.get(f"/v1/agents/{seat.agent_id}")
        body = {"attempt_id": desk["case"]["attempt_id"], "code": "promise", "values": {"amount": "1.00"}}
        await seat.act("identity", {"attempt_id": desk["case"]["attempt_id"], "result": "confirmed"})
        await seat.act("wrap-up", body)

    async def last_change(self, seat: Seat, new: AgentState) -> AgentStateChange:
        """Waits until the newest stored change of the collector's state leads there."""

        async def look() -> AgentStateChange | None:
            change = await self.house.app.storage.agents.state(seat.agent_id)
            return change if change is not None and change.new is new else None

        return await seen(look, f"{seat.phone.user} is stored as {new.value}")


async def two_calls_on_one_leg(shift: Shift) -> None:
    """Rung once at log-in; hung up between calls, the collector is gone, and comes back."""
    seat = await shift.house.seat("lasting")
    async with shift.baresip(seat) as phone:
        campaign_id = await shift.begin("lasting", 2)
        await seat.log_in(campaign_id)
        await shift.talk(seat)
        await shift.talk(seat)
        assert phone.n_invited() == 1
        await phone.command("hangup")
        gone = await shift.last_change(seat, AgentState.OFFLINE)
        assert (gone.old, gone.cause) == (AgentState.READY, "the phone hung up")
        await seat.log_in(campaign_id)
        assert phone.n_invited() == 2
        assert await seat.act("log-out") is None


async def another_make(shift: Shift) -> None:
    """The same with pyVoIP: its digest has no qop, its RTP a mind of its own."""
    seat = await shift.house.seat("another")
    async with shift.pyvoip(seat) as log:
        campaign_id = await shift.begin("another", 2)
        await seat.log_in(campaign_id)
        await shift.talk(seat)
        await shift.talk(seat)
        assert await seat.act("log-out") is None
        said = await asyncio.to_thread(log.read_text)
    assert said.count("answered") == 1


async def taken_over(shift: Shift) -> None:
    """A collector hangs up the phone in the middle of a talk: the person is held and given to the next."""
    first, second = await shift.house.seat("first"), await shift.house.seat("second")
    async with shift.baresip(first) as phone, shift.baresip(second):
        campaign_id = await shift.house.campaign("taken over", SETTINGS)
        await first.log_in(campaign_id)
        await second.log_in(campaign_id)
        await shift.house.start(campaign_id)
        await first.reaches("talking")
        await phone.command("hangup")
        gone = await shift.last_change(first, AgentState.OFFLINE)
        assert (gone.old, gone.cause) == (AgentState.TALKING, "the phone hung up")
        await shift.talk(second)
        attempt = await shift.house.settled(campaign_id)
    assert (attempt["disposition"], attempt["hangup_side"]) == ("connected", "collector")
    assert attempt["agent_id"] == second.agent_id


async def vanishes(shift: Shift) -> None:
    """Its power fails in the middle of a talk; nobody else is there. It comes back and goes on."""
    seat = await shift.house.seat("vanishing")
    async with shift.baresip(seat) as phone:
        campaign_id = await shift.begin("vanishing", 2)
        await seat.log_in(campaign_id)
        await seat.reaches("talking")
        phone.kill()
        gone = await shift.last_change(seat, AgentState.OFFLINE)
        assert (gone.old, gone.cause) == (AgentState.TALKING, "no audio from the phone")
    attempt = await shift.house.settled(campaign_id)
    assert (attempt["disposition"], attempt["hangup_side"]) == ("connected", "us")
    _, flac = await shift.house.recording(attempt)
    assert await asyncio.to_thread(says, flac, "please_hold") < await asyncio.to_thread(says, flac, "goodbye")
    async with shift.baresip(seat, "vanishing-again"):
        await seat.log_in(campaign_id)
        await shift.talk(seat)


async def calls_in(shift: Shift) -> None:
    """The phone dials the shift line itself: it is not rung, and takes calls all the same."""
    seat = await shift.house.seat("calling")
    async with shift.baresip(seat) as phone:
        await phone.command("dial", f"sip:shift@{HOST}:{shift.house.sip.port}")
        await seat.reaches("aux")
        campaign_id = await shift.begin("calling", 1)
        await seat.log_in(campaign_id)
        await shift.talk(seat)
        assert phone.n_invited() == 0


async def person_leaves(shift: Shift) -> None:
    """The called person hangs up in the middle of the talk."""
    seat = await shift.house.seat("left")
    async with shift.baresip(seat):
        campaign_id = await shift.house.campaign("left", {**SETTINGS, "trunk_group": "leavers"})
        await seat.log_in(campaign_id)
        await shift.house.start(campaign_id)
        await seat.reaches("talking")
        await seat.reaches("wrapup")
        attempt = await shift.house.settled(campaign_id)
    assert (attempt["disposition"], attempt["hangup_side"]) == ("connected", "person")
    assert attempt["agent_id"] == seat.agent_id


async def line_goes_dead(shift: Shift) -> None:
    """The carrier's RTP ends in the middle of the talk, without a BYE: we hang up."""
    seat = await shift.house.seat("stranded")
    async with shift.baresip(seat):
        campaign_id = await shift.house.campaign("stranded", {**SETTINGS, "trunk_group": "fading"})
        await seat.log_in(campaign_id)
        await shift.house.start(campaign_id)
        await seat.reaches("talking")
        attempt = await shift.house.settled(campaign_id)
        assert await seat.state() == "wrapup"
    assert (attempt["disposition"], attempt["hangup_side"]) == ("connected", "network")


async def nobody_is_free(shift: Shift) -> None:
    """The only collector takes a break while it rings: abandoned after two seconds, with a word, and counted."""
    seat = await shift.house.seat("pausing")
    async with shift.baresip(seat):
        campaign_id = await shift.house.campaign("pausing", SETTINGS | {"trunk_group": "patient"})
        await seat.log_in(campaign_id)
        await shift.house.start(campaign_id)
        await shift.house.reaches(campaign_id, "alerting")
        await seat.act("break", {"code": "lunch"})
        attempt = await shift.house.settled(campaign_id)
    assert (attempt["disposition"], attempt["agent_id"]) == ("abandoned", None)
    _, flac = await shift.house.recording(attempt)
    await asyncio.to_thread(says, flac, "safe_harbour")

    async def counted() -> bool | None:
        status = await shift.house.api.get(f"/v1/campaigns/{campaign_id}/status")
        return (status["live"], status["abandoned"]) == (1, 1) or None

    await seen(counted, "one live person, one abandoned")


def says(flac: bytes, prompt: str) -> float:
    """When the person heard a prompt, seconds into the recording. Blocks."""
    found = find(samples_of(read_audio(PROMPTS / f"{prompt}.flac")), channels(flac)[1])
    assert found.likeness > LIKE, (prompt, found)
    return found.at_s


STORIES = (
    two_calls_on_one_leg,
    another_make,
    taken_over,
    vanishes,
    calls_in,
    person_leaves,
    line_goes_dead,
    nobody_is_free,
)
GREETS = (INVITE, TRYING, RINGING, wait(RINGS_MS), answer(), speak("line.al"))
CARRIERS = {
    "people": (8, (*GREETS, OUR_BYE)),
    "leavers": (1, (*GREETS, wait(TALKS_MS), hang_up())),
    "patient": (1, (INVITE, TRYING, RINGING, wait(RINGS_LONG_MS), answer(), speak("line.al"), OUR_BYE)),
    "fading": (1, (*GREETS, OUR_BYE)),
}
"""By trunk group: how many calls of these stories go there, and what becomes of them."""


@asynccontextmanager
async def open_carriers(folder: Path) -> AsyncIterator[Mapping[str, Carrier]]:
    """All of them; the fading one's line ends after a while."""
    line = await asyncio.to_thread(line_of, "human_zh_wei")
    async with AsyncExitStack() as stack:
        carriers = {}
        for name, (_, steps) in CARRIERS.items():
            audio = {"line.al": line[: TALKS_MS * 8] if name == "fading" else line}
            playing = Carrier.playing(name, scenario(name, *steps), folder / name, audio)
            carriers[name] = await stack.enter_async_context(playing)
        yield carriers


async def test_phones_come_and_go(tmp_path: Path) -> None:
    async with open_carriers(tmp_path) as carriers:
        trunks = [carrier.trunk() for carrier in carriers.values()]
        async with open_path_house(tmp_path, trunks, rtp_timeout_s=RTP_TIMEOUT_S) as house:
            shift = Shift(house, tmp_path)
            async with asyncio.TaskGroup() as tasks:
                for story in STORIES:
                    tasks.create_task(story(shift), name=story.__name__)
            for name, carrier in carriers.items():
                await carrier.finished(CARRIERS[name][0])
                assert carrier.complaints() == "", name
