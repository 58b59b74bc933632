"""What carriers do, through the whole node: the gate, the INVITE, the end that is stored, and what comes next.

All behaviours run at once: one SIPp, one trunk group and one campaign of automated calls each, over one node.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dialer.config import TrunkConfig
from dialer.model.outcome import EventType
from dialer.prompts.audio import read_audio
from dialer.prompts.store import SHIPPED_DIR
from dialer.simulator.voices import VOICES_DIR
from dialer.sip.events import Destination
from tests.support.path_audio import channels, find, samples_of
from tests.support.path_carrier import Carrier, LosesInvites, line_of
from tests.support.path_house import Attempt, PathHouse, open_path_house
from tests.support.path_script import (
    CANCELLED,
    CROSSING,
    INVITE,
    OUR_BYE,
    RINGING,
    TRYING,
    answer,
    challenge,
    hang_up,
    reject,
    respond,
    scenario,
    speak,
    wait,
)
from tests.support.sip_peers import Relay

pytestmark = pytest.mark.peer("sipp")

Hop = Callable[[Destination], AbstractAsyncContextManager[Destination]]
LINE = "line.al"
TRUNK_ACCOUNT = {"username": "trunk", "password": "s3cret"}
SHORT_TALK = answer() + wait(300) + hang_up()
ANNOUNCED = TRYING + respond(183, "Session Progress", sdp=True) + speak(LINE) + wait(7000)
LEAVE_MESSAGE = {"machine_action": "leave_message", "machine_prompt": "machine_message"}
ANNOUNCEMENT = VOICES_DIR / "announcement_powered_off.flac"
GREETING = VOICES_DIR / "machine_en_personal.flac"
BEEP_ENDS_S = 7.9
"""In that greeting."""
MESSAGE = SHIPPED_DIR / "zh-CN" / "machine_message.flac"
LIKE = 0.9
"""Correlation of a recording with what was played: the codec costs little."""


@dataclass(frozen=True)
class Behaviour:
    """A carrier and what the node is to make of it: the last attempt's facts, where the entry stands then."""

    name: str
    script: str
    disposition: str
    entry: str
    sip_status: int | None = None
    side: str = "network"
    voice: str = ""
    backup: str = ""
    hop: Hop | None = None
    n_attempts: int = 1
    settings: Mapping[str, object] = field(default_factory=dict)
    trunk: Mapping[str, object] = field(default_factory=dict)


BEHAVIOURS = (
    Behaviour("busy", TRYING + reject(486, "Busy Here"), "busy", "waiting", 486),
    Behaviour("unavailable", TRYING + RINGING + reject(480, "Temporarily Unavailable"), "no_answer", "waiting", 480),
    Behaviour("bad-number", TRYING + reject(404, "Not Found"), "bad_number", "waiting", 404),
    Behaviour("no-answer", TRYING + RINGING + CANCELLED, "no_answer", "waiting", 487, "us"),
    Behaviour(
        "full-with-backup",
        reject(503, "Service Unavailable"),
        "short_answer",
        "waiting",
        side="person",
        backup=RINGING + SHORT_TALK,
    ),
    Behaviour(
        "full-alone",
        reject(503, "Service Unavailable", "Retry-After: 1\n"),
        "trunk_congestion",
        "exhausted",
        503,
        n_attempts=2,
        settings={"retries": {"trunk_congestion": {"delay_s": 1, "max_attempts": 2}}},
    ),
    Behaviour(  # the announcement is recorded; only the cause tells what it said
        "powered-off",
        ANNOUNCED + reject(480, "Temporarily Unavailable", "Reason: Q.850;cause=20\n"),
        "powered_off",
        "waiting",
        480,
        voice="announcement_powered_off",
    ),
    Behaviour(
        "powered-off-without-cause",
        ANNOUNCED + reject(480, "Temporarily Unavailable"),
        "no_answer",
        "waiting",
        480,
        voice="announcement_powered_off",
    ),
    Behaviour(
        "challenge-401",
        challenge(401, "Unauthorized", "WWW-Authenticate", "Authorization") + RINGING + SHORT_TALK,
        "short_answer",
        "waiting",
        side="person",
        trunk=TRUNK_ACCOUNT,
    ),
    Behaviour(
        "challenge-407",
        challenge(407, "Proxy Authentication Required", "Proxy-Authenticate", "Proxy-Authorization") + SHORT_TALK,
        "short_answer",
        "waiting",
        side="person",
        trunk=TRUNK_ACCOUNT,
    ),
    Behaviour(
        "lost-invites",
        TRYING + RINGING + SHORT_TALK,
        "short_answer",
        "waiting",
        side="person",
        hop=lambda peer: LosesInvites.before(peer, lambda to_peer, number: 1),
    ),
    Behaviour(
        "everything-thrice",
        TRYING + RINGING + SHORT_TALK,
        "short_answer",
        "waiting",
        side="person",
        hop=lambda peer: Relay.before(peer, lambda to_peer, number: 1 if to_peer else 3),
    ),
    Behaviour("crossing", TRYING + RINGING + CROSSING, "no_answer", "waiting", 200, "us"),
    Behaviour("dead-air", TRYING + RINGING + answer() + OUR_BYE, "silence", "waiting", side="us"),
    Behaviour(
        "machine",
        TRYING + RINGING + answer() + speak(LINE) + OUR_BYE,
        "machine",
        "waiting",
        side="us",
        voice="machine_zh_personal",
    ),
    Behaviour(
        "machine-message",
        TRYING + RINGING + answer() + speak(LINE) + OUR_BYE,
        "message_left",
        "waiting",
        side="us",
        voice="machine_en_personal",
        settings=LEAVE_MESSAGE,
    ),
)


class Stage:
    """All carriers playing, one node in front of them, every campaign begun."""

    def __init__(self, house: PathHouse, carriers: Mapping[str, Carrier]) -> None:
        self.house = house
        self.carriers = carriers
        self.ends: dict[str, Attempt] = {}
        self.attempts: dict[str, Sequence[Attempt]] = {}

    async def play(self, behaviour: Behaviour) -> None:
        """Runs one campaign to the end of its last attempt, and the carriers to the end of their scenarios."""
        name = behaviour.name
        campaign_id = await self.house.campaign(name, {"mode": "reminder", **behaviour.settings})
        await self.house.start(campaign_id)
        end = await self.house.settled(campaign_id, behaviour.n_attempts)
        self.ends[name] = {**end, "entries": await self.house.entries(campaign_id)}
        await self.carriers[name].finished(behaviour.n_attempts)
        if behaviour.backup:
            await self.carriers[f"{name}-backup"].finished()
        self.attempts[name] = await self.house.attempts(campaign_id)

    async def check_stories(self) -> None:
        """What one value per behaviour does not say."""
        carriers, ends = self.carriers, self.ends
        assert ends["full-with-backup"]["trunk"] == "full-with-backup-backup"
        assert carriers["crossing"].count_received("BYE") == 1  # no phantom call
        assert carriers["everything-thrice"].count_received("ACK") >= 3  # every repeated 200 gets its own
        assert carriers["dead-air"].count_received("BYE") == 1
        for name in ("busy", "bad-number", "no-answer", "full-alone"):
            assert ends[name]["recording_id"] == "", name
        assert await self.counted_before("full-alone") == 0  # the first attempt's slot was given back
        assert await self.is_recorded("powered-off", ANNOUNCEMENT, channel=0) < 2.0
        greeting_at = await self.is_recorded("machine-message", GREETING, channel=0)
        message_at = await self.is_recorded("machine-message", MESSAGE, channel=1)
        assert message_at >= greeting_at + BEEP_ENDS_S
        for name, end in ends.items():
            told = await self.house.told(EventType.ATTEMPT_SETTLED, end["attempt_id"])
            assert told["disposition"] == end["disposition"], name

    async def is_recorded(self, name: str, path: Path, channel: int) -> float:
        """Where, in seconds, the behaviour's recording holds a clip; AssertionError when it does not."""
        info, flac = await self.house.recording(self.ends[name])
        assert hashlib.sha256(flac).hexdigest() == info["sha256"]
        found = await asyncio.to_thread(lambda: find(samples_of(read_audio(path)), channels(flac)[channel]))
        assert found.likeness > LIKE, (name, found)
        return found.at_s

    async def counted_before(self, name: str) -> int:
        """How many attempts of the day the gate counted when it allowed the last one."""
        detail = await self.house.api.get(f"/v1/attempts/{self.ends[name]['attempt_id']}")
        (cap,) = [rule for rule in detail["decision"]["rules"] if rule["rule"] == "cn.unreached"]
        return int(cap["used"])


async def raise_carriers(
    stack: AsyncExitStack, behaviour: Behaviour, folder: Path
) -> tuple[dict[str, Carrier], list[TrunkConfig]]:
    """The behaviour's SIPp, its trunk, and the one that stands in for it."""
    name = behaviour.name
    audio = {LINE: await asyncio.to_thread(line_of, behaviour.voice)} if behaviour.voice else {}
    script = scenario(name, INVITE, behaviour.script)
    carrier = await stack.enter_async_context(Carrier.playing(name, script, folder / name, audio))
    trunks = [carrier.trunk(**behaviour.trunk)]
    if behaviour.hop is not None:
        hop = await stack.enter_async_context(behaviour.hop(carrier.destination))
        own = carrier.trunk(name=f"{name}-itself", group="never dialed")
        trunks = [carrier.trunk(port=hop.port), own]
    if not behaviour.backup:
        return {name: carrier}, trunks
    second = f"{name}-backup"
    script = scenario(second, INVITE, behaviour.backup)
    backup = await stack.enter_async_context(Carrier.playing(second, script, folder / second, audio))
    return {name: carrier, second: backup}, [*trunks, backup.trunk(group=name, priority=1)]


def facts(end: Attempt) -> tuple[object, ...]:
    """What is expected of an end, as one value."""
    return end["disposition"], end["sip_status"], end["hangup_side"], end["entries"]


@pytest.mark.slow
async def test_every_end_is_told_apart(tmp_path: Path) -> None:
    carriers: dict[str, Carrier] = {}
    trunks: list[TrunkConfig] = []
    async with AsyncExitStack() as stack:
        for behaviour in BEHAVIOURS:
            raised, to_them = await raise_carriers(stack, behaviour, tmp_path)
            carriers |= raised
            trunks += to_them
        house = await stack.enter_async_context(open_path_house(tmp_path, trunks))
        stage = Stage(house, carriers)
        async with asyncio.TaskGroup() as tasks:
            for behaviour in BEHAVIOURS:
                tasks.create_task(stage.play(behaviour))
        expected = {b.name: (b.disposition, b.sip_status, b.side, {b.entry: 1}) for b in BEHAVIOURS}
        assert {name: facts(end) for name, end in stage.ends.items()} == expected
        assert {b.name: len(stage.attempts[b.name]) for b in BEHAVIOURS} == {b.name: b.n_attempts for b in BEHAVIOURS}
        assert {name: carrier.complaints() for name, carrier in carriers.items() if carrier.complaints()} == {}
        await stage.check_stories()
