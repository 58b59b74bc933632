"""What both media engines promise of taps: steady blocks, nothing missed at the beginning, losses concealed."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from dialer.media import g711
from dialer.media.concealment import Concealer
from dialer.media.interface import FRAME_SAMPLES, RATE_HZ, AudioBlock, Codec, LegEvent
from tests.support.media_worlds import ENGINES, World, loud, of_type, open_world, tone


@pytest.fixture(params=ENGINES)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """The test is put to both engines."""
    async with open_world(request.param, tmp_path / "spool") as opened:
        yield opened


def tapped(events: list[LegEvent]) -> bytes:
    """All that the tap gave."""
    return b"".join(block.pcm for block in of_type(events, AudioBlock))


@pytest.mark.parametrize("block_ms", [20, 30])
async def test_a_tap_is_steady_and_holds_what_was_said(world: World, block_ms: int) -> None:
    person = world.person(Codec.PCMU)
    leg, events = world.call(person, Codec.PCMU)
    leg.start_tap(block_ms)
    person.say(tone(0.3))
    await world.run(0.6)
    blocks = of_type(events, AudioBlock)
    n_samples = block_ms * RATE_HZ // 1000
    assert {len(block.pcm) for block in blocks} == {2 * n_samples}
    assert [block.position for block in blocks] == [index * n_samples for index in range(len(blocks))]
    assert loud(tapped(events)) == int(0.3 * RATE_HZ)
    leg.stop_tap()
    await world.run(0.1)
    count = len(events)
    await world.run(0.1)
    assert len(events) == count


async def test_a_tap_asked_for_late_begins_with_the_first_packet(world: World) -> None:
    """Media may be faster than the signalling that makes somebody listen; only the first tap looks back."""
    person = world.person()
    leg, events = world.call(person)
    person.say(tone(0.04))
    await world.until(lambda: leg.stats().packets_received == 2)
    leg.start_tap()
    person.say(tone(0.04))
    await world.run(0.3)
    blocks = of_type(events, AudioBlock)
    assert loud(tapped(events)) == int(0.08 * RATE_HZ)
    assert loud(blocks[0].pcm) == FRAME_SAMPLES
    assert [block.position for block in blocks] == [index * FRAME_SAMPLES for index in range(len(blocks))]
    leg.stop_tap()
    leg.start_tap()
    await world.run(0.3)
    assert loud(tapped(events)) == int(0.08 * RATE_HZ)


async def test_a_tap_conceals_what_was_lost(world: World) -> None:
    """Both engines alike, to the sample: the pitch goes on, fades, and what follows is in its place."""
    samples = np.rint(6000 * np.sin(np.arange(1600) ** 1.2 / 30)).astype(np.int16)
    lost = slice(4 * FRAME_SAMPLES, 6 * FRAME_SAMPLES)
    person = world.person()
    leg, events = world.call(person)
    leg.start_tap()
    person.say(samples[: lost.start].tobytes())
    person.lose(2)
    person.say(samples[lost.stop :].tobytes())
    await world.run(0.6)
    heard = g711.decode(g711.encode(samples, Codec.PCMA), Codec.PCMA)
    concealer = Concealer()
    concealer.heard(heard[: lost.start])
    heard[lost] = concealer.fill(2 * FRAME_SAMPLES)
    samples = g711.samples_of(tapped(events))
    begin = int(np.flatnonzero(samples)[0])
    assert begin % FRAME_SAMPLES == 0
    assert samples[begin : begin + len(heard)].tolist() == heard.tolist()
    assert not samples[begin + len(heard) :].any()


@pytest.mark.parametrize(("wait_s", "begins_with_silence"), [(0.2, False), (1.2, True)])
async def test_silence_before_the_first_packet_is_told_only_when_it_lasts(
    world: World, wait_s: float, begins_with_silence: bool
) -> None:
    """A detector would take it for the noise of the line."""
    person = world.person()
    leg, events = world.call(person)
    leg.start_tap()
    await world.run(wait_s)
    person.say(tone(0.1))
    await world.run(0.3)
    blocks = of_type(events, AudioBlock)
    assert loud(blocks[0].pcm) == (0 if begins_with_silence else FRAME_SAMPLES)
    assert loud(tapped(events)) == int(0.1 * RATE_HZ)
    assert [block.position for block in blocks] == [index * FRAME_SAMPLES for index in range(len(blocks))]
