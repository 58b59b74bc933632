"""Listening in, put to both engines: everybody says a tone of their own, and who hears whose is measured."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dialer.errors import MediaError
from dialer.media import g711
from dialer.media.interface import MAX_LISTENERS, RATE_HZ, Codec, Leg, ListenMode
from recording.spool import RecordKind, SpoolRecord
from tests.support.media_worlds import ENGINES, Person, World, finished, open_world

MONITOR, WHISPER, BARGE = ListenMode
AGENT, CALLED, LISTENER, NEXT_CALLED, PLAY = 450, 750, 1250, 1650, 2050
"""Hz: what each of them says. No sum or multiple of two is another one's."""
TONES = (AGENT, CALLED, LISTENER, NEXT_CALLED, PLAY)
LEVEL = 5000
HEARD_LEVEL = LEVEL / 4
"""Less may be left of a clear tone where the machine was busy."""
NOTHING = LEVEL / 8
"""So little of a tone was not there: where packets are missing, other tones leave a trace at every frequency."""
WINDOW_S = 0.1
LONG_S = 30.0


@pytest.fixture(params=ENGINES)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """The test is put to both engines."""
    async with open_world(request.param, tmp_path / "spool") as opened:
        yield opened


def sine(hz: int, seconds: float = LONG_S) -> bytes:
    """A tone, PCM."""
    samples = LEVEL * np.sin(2 * np.pi * hz / RATE_HZ * np.arange(int(seconds * RATE_HZ)))
    return bytes(samples.astype("<i2").tobytes())


def amplitude(pcm: bytes, hz: int) -> float:
    """How much of a tone is in it (Goertzel's sum, all at once)."""
    samples = g711.samples_of(pcm).astype(np.float64)
    turns = np.exp(-2j * np.pi * hz / RATE_HZ * np.arange(samples.size))
    return float(2 * np.abs(np.dot(samples * np.hanning(samples.size), turns)) / max(samples.size, 1) * 2)


def tones_in(pcm: bytes, least: float = HEARD_LEVEL) -> set[int]:
    """Whose tones are in it."""
    return {hz for hz in TONES if amplitude(pcm, hz) > least}


def loudest(pcm: bytes, hz: int) -> float:
    """The most of a tone in any window."""
    size = 2 * int(WINDOW_S * RATE_HZ)
    return max((amplitude(pcm[start : start + size], hz) for start in range(0, len(pcm) - size, size)), default=0.0)


@dataclass
class Party:
    """A person with a leg."""

    person: Person
    leg: Leg

    def hears(self) -> set[int]:
        """Whose tones came just now."""
        return tones_in(self.person.heard_audio()[-2 * int(WINDOW_S * RATE_HZ) :])

    def heard(self, hz: int) -> float:
        """The most that ever came of a tone."""
        return loudest(self.person.heard_audio(), hz)


def party(world: World, hz: int, codec: Codec = Codec.PCMA) -> Party:
    """Somebody who says a tone."""
    person = world.person(codec)
    leg, _ = world.call(person, codec)
    person.say(sine(hz))
    return Party(person, leg)


def talk(world: World) -> tuple[Party, Party, Party]:
    """An agent in talk with a called person, and a listener who does not listen yet."""
    agent, called, listener = party(world, AGENT), party(world, CALLED), party(world, LISTENER)
    world.media.bridge(called.leg, agent.leg)
    return agent, called, listener


LAWS = [
    (Codec.PCMA, Codec.PCMA, Codec.PCMA),
    (Codec.PCMU, Codec.PCMA, Codec.PCMU),
    (Codec.PCMA, Codec.PCMU, Codec.PCMU),
]


@pytest.mark.parametrize("laws", LAWS)
async def test_who_hears_whom_in_each_mode(world: World, laws: tuple[Codec, Codec, Codec]) -> None:
    agent, called, listener = (
        party(world, hz, codec) for hz, codec in zip((AGENT, CALLED, LISTENER), laws, strict=True)
    )
    world.media.bridge(called.leg, agent.leg)

    async def until_heard(of_agent: set[int], of_called: set[int], of_listener: set[int]) -> None:
        wanted = (of_agent, of_called, of_listener)
        await world.until(lambda: (agent.hears(), called.hears(), listener.hears()) == wanted)

    await until_heard({CALLED}, {AGENT}, set())
    world.media.listen_in(listener.leg, agent.leg, MONITOR)
    await until_heard({CALLED}, {AGENT}, {AGENT, CALLED})
    assert agent.heard(LISTENER) < NOTHING
    world.media.listen_in(listener.leg, agent.leg, WHISPER)
    await until_heard({CALLED, LISTENER}, {AGENT}, {AGENT, CALLED})
    assert called.heard(LISTENER) < NOTHING
    world.media.listen_in(listener.leg, agent.leg, BARGE)
    await until_heard({CALLED, LISTENER}, {AGENT, LISTENER}, {AGENT, CALLED})
    world.media.listen_in(listener.leg, agent.leg, MONITOR)
    await until_heard({CALLED}, {AGENT}, {AGENT, CALLED})
    world.media.stop_listening(listener.leg)
    world.media.stop_listening(listener.leg)
    await until_heard({CALLED}, {AGENT}, set())
    assert listener.heard(LISTENER) < NOTHING, "nobody hears an echo of the own voice"


async def test_it_lasts_over_calls_and_between_them(world: World) -> None:
    agent, called, listener = talk(world)
    following = party(world, NEXT_CALLED)
    world.media.listen_in(listener.leg, agent.leg, BARGE)
    await world.until(lambda: listener.hears() == {AGENT, CALLED})
    world.media.unbridge(called.leg)
    await world.until(lambda: (agent.hears(), listener.hears(), called.hears()) == ({LISTENER}, {AGENT}, set()))
    agent.leg.play(sine(PLAY, 1.0), loop=True)
    await world.until(lambda: listener.hears() == {AGENT, PLAY})
    agent.leg.stop_play()
    await world.until(lambda: listener.hears() == {AGENT})
    world.media.bridge(following.leg, agent.leg)
    await world.until(lambda: (listener.hears(), following.hears()) == ({AGENT, NEXT_CALLED}, {AGENT, LISTENER}))
    assert called.hears() == set()


async def test_what_the_called_person_is_played_is_heard_and_nobody_speaks_over_it(world: World) -> None:
    agent, called, listener = talk(world)
    world.media.listen_in(listener.leg, agent.leg, BARGE)
    await world.until(lambda: called.hears() == {AGENT, LISTENER})
    called.leg.play(sine(PLAY, 1.0), loop=True)
    await world.until(lambda: (called.hears(), listener.hears()) == ({PLAY}, {AGENT, CALLED, PLAY}))
    assert agent.heard(PLAY) < NOTHING
    called.leg.stop_play()
    await world.until(lambda: called.hears() == {AGENT, LISTENER})


@pytest.mark.parametrize("mode", ListenMode)
async def test_only_who_barges_in_is_recorded(world: World, tmp_path: Path, mode: ListenMode) -> None:
    agent, called, listener = talk(world)
    called.leg.start_recording("call")
    world.media.listen_in(listener.leg, agent.leg, mode)
    wanted = {CALLED} if mode is MONITOR else {CALLED, LISTENER}
    await world.until(lambda: agent.hears() == wanted and AGENT in listener.hears())
    await world.run(0.4)
    called.leg.stop_recording()
    records = await finished(world, tmp_path / "spool" / "call.spool")
    assert tones_in(channel(records, 0)) == {CALLED}
    assert loudest(channel(records, 0), LISTENER) < NOTHING
    said = channel(records, 1)
    assert AGENT in tones_in(said[-8000:])
    assert (loudest(said, LISTENER) > HEARD_LEVEL) is (mode is BARGE)
    assert mode is BARGE or loudest(said, LISTENER) < NOTHING


def channel(records: list[SpoolRecord], number: int) -> bytes:
    """The audio of one direction; PCMA was spoken."""
    audio = [record.payload for record in records if record.kind is RecordKind.AUDIO and record.channel == number]
    return g711.decode(b"".join(audio), Codec.PCMA).tobytes()


async def test_several_listen_and_hear_each_other_but_not_themselves(world: World) -> None:
    agent, called, first = talk(world)
    second = party(world, NEXT_CALLED)
    world.media.listen_in(first.leg, agent.leg, BARGE)
    world.media.listen_in(second.leg, agent.leg, WHISPER)
    await world.until(lambda: agent.hears() == {CALLED, LISTENER, NEXT_CALLED})
    await world.until(lambda: first.hears() == {AGENT, CALLED, NEXT_CALLED})
    await world.until(lambda: second.hears() == {AGENT, CALLED, LISTENER})
    await world.until(lambda: called.hears() == {AGENT, LISTENER})
    first.leg.close()
    await world.until(lambda: (called.hears(), second.hears()) == ({AGENT}, {AGENT, CALLED}))


async def test_a_guest_is_heard_though_the_partner_says_nothing(world: World) -> None:
    agent, listener = party(world, AGENT), party(world, LISTENER)
    quiet = world.person()
    leg, _ = world.call(quiet)
    world.media.bridge(leg, agent.leg)
    world.media.listen_in(listener.leg, agent.leg, WHISPER)
    await world.until(lambda: agent.hears() == {LISTENER})


async def test_it_goes_on_through_loss(world: World) -> None:
    agent, called, listener = party(world, AGENT), world.person(), party(world, LISTENER)
    leg, _ = world.call(called)
    for _ in range(100):
        called.say(sine(CALLED, 0.08))  # a whole number of turns: the tone goes on after the gap
        called.lose(1)
    world.media.bridge(leg, agent.leg)
    world.media.listen_in(listener.leg, agent.leg, WHISPER)
    await world.until(lambda: listener.hears() == {AGENT, CALLED})
    await world.until(lambda: agent.hears() == {CALLED, LISTENER})


async def test_the_end_of_a_leg_or_another_bridge_ends_it(world: World) -> None:
    agent, called, listener = talk(world)
    world.media.listen_in(listener.leg, agent.leg, BARGE)
    await world.until(lambda: listener.hears() == {AGENT, CALLED})
    world.media.bridge(listener.leg, called.leg)
    await world.until(lambda: (listener.hears(), called.hears()) == ({CALLED}, {LISTENER}))
    world.media.listen_in(listener.leg, agent.leg, MONITOR)
    await world.until(lambda: (listener.hears(), called.hears()) == ({AGENT}, set()))
    agent.leg.close()
    await world.until(lambda: listener.hears() == set())


async def test_listening_that_makes_no_sense_is_refused(world: World) -> None:
    legs = [world.media.open_leg(sink=lambda _: None) for _ in range(MAX_LISTENERS + 3)]
    agent, other, *listeners = legs
    for leg in listeners[:-1]:
        world.media.listen_in(leg, agent, MONITOR)
    world.media.listen_in(listeners[0], agent, BARGE)
    for listener, heard, words in (
        (listeners[-1], agent, "as many"),
        (agent, agent, "itself"),
        (agent, other, "cannot be listened to"),
        (other, listeners[0], "cannot be listened to"),
    ):
        with pytest.raises(MediaError, match=words):
            world.media.listen_in(listener, heard, MONITOR)
    listeners[0].close()
    world.media.listen_in(listeners[-1], agent, MONITOR)
    for listener, heard in ((listeners[0], agent), (other, listeners[0])):
        with pytest.raises(MediaError, match="closed"):
            world.media.listen_in(listener, heard, MONITOR)
