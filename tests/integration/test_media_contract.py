"""What both media engines promise: the native one checked over loopback sockets, the twin on its virtual clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from dialer.errors import MediaError
from dialer.media import g711
from dialer.media.interface import (
    FRAME_SAMPLES,
    RATE_HZ,
    AudioBlock,
    Codec,
    DtmfReceived,
    FirstPacket,
    Leg,
    PlayFinished,
    RecordingFailed,
    RtpTimeout,
)
from recording.spool import RecordKind, SpoolCodec
from tests.support.media_worlds import ENGINES, RTP_TIMEOUT_S, World, finished, loud, of_type, open_world, tone

BRIDGED_S = 0.1
"""A bridge takes effect within a wake-up, or two on a busy machine."""


@pytest.fixture(params=ENGINES)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """The test is put to both engines."""
    async with open_world(request.param, tmp_path / "spool") as opened:
        yield opened


async def test_silence_is_sent_from_set_remote_on(world: World) -> None:
    """Some networks send early media only after they heard us."""
    person = world.person()
    world.call(person)
    await world.until(lambda: len(person.heard_audio()) >= 4 * FRAME_SAMPLES)
    assert np.abs(g711.samples_of(person.heard_audio())).max() <= 8


async def test_the_first_packet_is_told_once_with_its_source(world: World) -> None:
    person = world.person()
    leg, events = world.call(person)
    person.say(tone(0.1))
    await world.until(lambda: leg.stats().packets_received == 5)
    (first,) = of_type(events, FirstPacket)
    assert isinstance(first, FirstPacket)
    assert (first.leg_id, first.host, first.port) == (leg.leg_id, person.host, person.port)


async def test_an_intruder_is_ignored(world: World) -> None:
    person, intruder = world.person(), world.person()
    leg, events = world.call(person)
    leg.start_tap()
    intruder.connect(leg.local_host, leg.local_port)
    person.say(tone(0.04))
    await world.until(lambda: bool(of_type(events, FirstPacket)))
    intruder.say(tone(0.2, level=4000))
    intruder.press("9")
    person.say(tone(0.2))
    await world.run(0.6)
    pcm = b"".join(event.pcm for event in events if isinstance(event, AudioBlock))
    assert loud(pcm, 4000) == 0
    assert loud(pcm) == int(0.24 * RATE_HZ)
    assert not of_type(events, DtmfReceived)


async def test_the_named_far_end_takes_the_line_from_whoever_was_first(world: World) -> None:
    person, stranger = world.person(), world.person()
    leg, events = world.call(person)
    stranger.connect(leg.local_host, leg.local_port)
    stranger.say(tone(0.1))
    await world.until(lambda: leg.stats().packets_received == 5)
    person.say(tone(0.1))
    await world.until(lambda: leg.stats().packets_received == 10)
    stranger.say(tone(0.1))
    leg.play(tone(0.2))
    await world.until(lambda: loud(person.heard_audio()) == int(0.2 * RATE_HZ))
    assert leg.stats().packets_received == 10
    assert loud(stranger.heard_audio()) == 0
    (first,) = of_type(events, FirstPacket)
    assert first.port == stranger.port


async def test_a_play_is_heard_whole_and_its_end_is_told(world: World) -> None:
    person = world.person()
    leg, events = world.call(person)
    play_id = leg.play(tone(0.11))  # not a whole number of frames
    await world.until(lambda: bool(of_type(events, PlayFinished)))
    await world.until(lambda: loud(person.heard_audio()) == int(0.11 * RATE_HZ))
    (end,) = of_type(events, PlayFinished)
    assert isinstance(end, PlayFinished)
    assert (end.play_id, end.completed) == (play_id, True)


async def test_a_loop_goes_on_until_it_is_stopped(world: World) -> None:
    person = world.person()
    leg, events = world.call(person)
    first = leg.play(tone(0.03), loop=True)
    await world.until(lambda: loud(person.heard_audio()) > int(0.2 * RATE_HZ))
    second = leg.play(tone(5.0))
    leg.stop_play()
    await world.until(lambda: len(of_type(events, PlayFinished)) == 2)
    ends = [(event.play_id, event.completed) for event in events if isinstance(event, PlayFinished)]
    assert ends == [(first, False), (second, False)]


@pytest.mark.parametrize("codec", [Codec.PCMA, Codec.PCMU])
async def test_a_bridge_carries_audio_and_keys_both_ways(world: World, codec: Codec) -> None:
    person, collector = world.person(), world.person(codec)
    trunk, _ = world.call(person)
    agent, agent_events = world.call(collector, codec)
    world.media.bridge(trunk, agent)
    await world.run(BRIDGED_S)
    person.say(tone(0.2))
    person.press("7")
    collector.say(tone(0.2, level=-8000))
    collector.press("#")
    await world.until(lambda: (person.heard_keys(), collector.heard_keys()) == ("#", "7"))
    assert loud(collector.heard_audio()) == int(0.2 * RATE_HZ)
    assert loud(person.heard_audio(), level=-8000) == 0
    assert int(np.count_nonzero(g711.samples_of(person.heard_audio()) < -7000)) == int(0.2 * RATE_HZ)
    assert [event.digit for event in agent_events if isinstance(event, DtmfReceived)] == ["#"]


async def test_a_play_wins_over_the_bridge_and_gives_it_back(world: World) -> None:
    person, collector = world.person(), world.person()
    trunk, events = world.call(person)
    agent, _ = world.call(collector)
    world.media.bridge(trunk, agent)
    trunk.play(tone(0.1))
    collector.say(tone(0.8, level=2000))
    await world.until(lambda: bool(of_type(events, PlayFinished)))
    await world.until(lambda: loud(person.heard_audio(), 2000) > 0.3 * RATE_HZ)
    assert loud(person.heard_audio()) == int(0.1 * RATE_HZ)


async def test_unbridged_legs_stay_up_and_hear_nothing_of_each_other(world: World) -> None:
    person, collector = world.person(), world.person()
    trunk, _ = world.call(person)
    agent, _ = world.call(collector)
    world.media.bridge(trunk, agent)
    world.media.unbridge(agent)
    person.say(tone(0.2))
    await world.until(lambda: trunk.stats().packets_received == 10)
    assert loud(collector.heard_audio()) == 0
    assert len(collector.heard_audio()) > 0


async def test_a_new_bridge_replaces_the_old_one(world: World) -> None:
    first, second, collector = world.person(), world.person(), world.person()
    (one, _), (two, _), (agent, _) = world.call(first), world.call(second), world.call(collector)
    world.media.bridge(one, agent)
    world.media.bridge(two, agent)
    await world.run(BRIDGED_S)
    first.say(tone(0.1, level=3000))
    second.say(tone(0.1))
    await world.until(lambda: loud(collector.heard_audio()) == int(0.1 * RATE_HZ))
    assert loud(collector.heard_audio(), 3000) == 0


async def test_keys_are_heard_once_and_sent(world: World) -> None:
    person = world.person()
    leg, events = world.call(person)
    for digit in "1*":
        person.press(digit)
        await world.run(0.1)
    leg.send_dtmf("0d")
    await world.until(lambda: person.heard_keys() == "0D")
    assert [event.digit for event in events if isinstance(event, DtmfReceived)] == ["1", "*"]


async def test_a_timeout_is_told_once_and_again_after_packets(world: World) -> None:
    person = world.person()
    _, events = world.call(person)
    await world.run(3 * RTP_TIMEOUT_S)
    assert len(of_type(events, RtpTimeout)) == 1
    person.say(tone(0.04))
    await world.until(lambda: len(of_type(events, RtpTimeout)) == 2)


async def test_a_play_or_a_hold_excuses_quiet(world: World) -> None:
    held, listening = world.person(), world.person()
    leg, held_events = world.call(held)
    leg.set_remote(held.host, held.port, codec=Codec.PCMA, dtmf_payload_type=None, receiving=False)
    other, events = world.call(listening)
    other.play(tone(30.0))
    await world.run(2 * RTP_TIMEOUT_S)
    assert not of_type(held_events, RtpTimeout)
    assert not of_type(events, RtpTimeout)


async def test_a_recording_holds_both_directions(world: World, tmp_path: Path) -> None:
    person = world.person()
    leg, _ = world.call(person)
    leg.start_recording("call-1")
    leg.play(tone(0.2, level=4000))
    person.say(tone(0.2))
    await world.run(0.5)
    leg.stop_recording()
    records = await finished(world, tmp_path / "spool" / "call-1.spool")
    for channel, level in ((0, 8000), (1, 4000)):
        audio = [record for record in records if record.kind is RecordKind.AUDIO and record.channel == channel]
        assert {record.codec for record in audio} == {SpoolCodec.PCMA}
        pcm = b"".join(g711.decode(record.payload, Codec.PCMA).tobytes() for record in audio)
        assert loud(pcm, level) == int(0.2 * RATE_HZ)
    assert records[-1].kind is RecordKind.END
    assert records[-1].position >= max(record.end for record in records[:-1])


async def test_nothing_of_a_pause_is_recorded(world: World, tmp_path: Path) -> None:
    person = world.person()
    leg, _ = world.call(person)
    leg.pause_recording()  # nothing is recorded yet: there is nothing to pause
    leg.start_recording("paused")
    leg.resume_recording()
    person.say(tone(0.5))
    await world.run(0.54)
    for _ in range(2):
        leg.pause_recording()
    leg.play(tone(0.2, level=4000))
    person.say(tone(0.3, level=4000))
    await world.run(0.3)
    for _ in range(2):
        leg.resume_recording()
    person.say(tone(0.6))
    await world.run(0.64)
    leg.pause_recording()
    person.say(tone(0.2, level=4000))
    await world.run(0.1)
    leg.close()
    records = await finished(world, tmp_path / "spool" / "paused.spool")
    marks = [record for record in records if record.kind not in (RecordKind.AUDIO, RecordKind.LOST)]
    kinds = RecordKind.PAUSED, RecordKind.RESUMED, RecordKind.PAUSED, RecordKind.END
    assert tuple(mark.kind for mark in marks) == kinds
    begins, ends, begins_again, end = (mark.position for mark in marks)
    assert ends - begins == pytest.approx(0.3 * RATE_HZ, abs=0.2 * RATE_HZ)
    audio = [record for record in records if record.kind is RecordKind.AUDIO]
    assert all(record.end <= begins or ends <= record.position for record in audio)
    assert all(record.end <= begins_again <= end for record in audio)
    heard = b"".join(g711.decode(record.payload, Codec.PCMA).tobytes() for record in audio)
    # A machine with much else to do sends some of it only when the pause has begun.
    assert 1.1 * RATE_HZ >= loud(heard) > 0.8 * RATE_HZ, "what came late from the pause is left out"
    assert loud(heard, 4000) == 0


async def test_a_recording_that_cannot_be_written_is_told_and_audio_goes_on(world: World, tmp_path: Path) -> None:
    person = world.person()
    leg, events = world.call(person)
    await asyncio.to_thread((tmp_path / "spool" / "taken.spool").touch)
    leg.start_recording("taken")
    await world.until(lambda: bool(of_type(events, RecordingFailed)))
    (failure,) = of_type(events, RecordingFailed)
    assert isinstance(failure, RecordingFailed)
    assert failure.recording_id == "taken"
    assert "taken.spool" in failure.reason
    heard = len(person.heard_audio())
    await world.until(lambda: len(person.heard_audio()) > heard)


async def test_what_makes_no_sense_is_refused(world: World) -> None:
    person = world.person()
    leg, _ = world.call(person)
    fresh = world.media.open_leg(sink=lambda _: None)
    refused: list[Callable[[], object]] = [
        lambda: leg.set_remote("example.org", 5000, codec=Codec.PCMA, dtmf_payload_type=None),
        lambda: leg.set_remote("127.0.0.1", 0, codec=Codec.PCMA, dtmf_payload_type=None),
        lambda: leg.set_remote("127.0.0.1", 5000, codec=Codec.PCMA, dtmf_payload_type=128),
        lambda: leg.play(b""),
        lambda: leg.play(b"odd"),
        lambda: leg.start_tap(25),
        lambda: leg.send_dtmf("12x"),
        lambda: fresh.send_dtmf("1"),
        lambda: leg.start_recording("../elsewhere"),
        lambda: world.media.bridge(leg, leg),
    ]
    for attempt in refused:
        with pytest.raises(MediaError):
            attempt()
    leg.start_recording("once")
    with pytest.raises(MediaError, match="already"):
        leg.start_recording("twice")


async def test_a_closed_leg_refuses_and_its_port_comes_back(world: World) -> None:
    person = world.person()
    leg, events = world.call(person)
    leg.close()
    leg.close()
    leg.stop_play()
    with pytest.raises(MediaError, match="closed"):
        leg.play(tone(0.1))
    with pytest.raises(MediaError, match="closed"):
        world.media.bridge(leg, world.media.open_leg(sink=events.append))


async def test_ports_run_out_with_a_clear_word(world: World) -> None:
    legs: list[Leg] = []

    def take_all() -> None:
        for _ in range(600):
            legs.append(world.media.open_leg(sink=lambda _: None))

    with pytest.raises(MediaError, match="no free pair of RTP ports between 27001 and 27999"):
        take_all()
    assert 0 < len(legs) <= 499
    assert all(leg.local_port % 2 == 0 for leg in legs)
    legs.pop().close()
    await world.run(0.1)
    world.media.open_leg(sink=lambda _: None)
